// One change for many accounts: what is to change, and what would become of each.

import { capital, Headline, Section, Table, type Column } from '../../kit/parts.tsx'
import type { PageContext } from '../../kit/context.ts'
import { DateField, Form, TextField } from '../../kit/fields.tsx'
import type { FormState } from '../../kit/form.ts'
import { countText } from '../../kit/format.ts'
import { Layout } from '../../kit/layout.tsx'
import type { TariffChoice } from '../core/details.ts'
import { MissingField, TariffField } from './forms.tsx'

export const BULK_TITLES = {
  tariff: 'Set a tariff',
  missing: 'Set the rule for missing readings',
  end: 'End accounts',
} as const
type BulkKind = keyof typeof BULK_TITLES

export const isBulkKind = (text: string): text is BulkKind => Object.hasOwn(BULK_TITLES, text)

/** An account for which something stands in the way. */
export interface BulkRefusal {
  readonly id: number
  readonly number: string
  readonly text: string
}

interface BulkProps {
  readonly context: PageContext
  readonly kind: BulkKind
  readonly count: number
  /** What says which accounts, from step to step. */
  readonly fields: Readonly<Record<string, string | readonly string[]>>
  readonly tariffs: readonly TariffChoice[]
  readonly form: FormState
  /** Null: not tried yet. */
  readonly tried: readonly BulkRefusal[] | null
}

const LABELS = {
  from: 'From',
  lastDay: 'Last day of supply',
  tariff: 'Tariff',
  missing: 'When a reading is missing',
} as const

/** Refusals named one by one; the rest are counted. */
const REFUSALS_SHOWN = 50

const accounts = (count: number): string =>
  count === 1 ? '1 account' : `${countText(count)} accounts`

export function BulkPage(props: BulkProps) {
  const { context, kind, count, fields, tariffs, form, tried } = props
  const hidden = Object.entries({ ...fields, step: tried === null ? 'try' : 'do' }).flatMap(
    ([name, value]) => [value].flat().map((each) => [name, each] as const),
  )
  const open = tried === null ? 0 : count - tried.length
  return (
    <Layout context={context} title={BULK_TITLES[kind]} width="reading">
      <Headline title={BULK_TITLES[kind]} lead={`Of ${accounts(count)}.`} />
      {tried !== null && <Tried tried={tried} open={open} />}
      <section class="card">
        <Form
          context={context}
          form={form}
          action="/accounts/bulk"
          labels={LABELS}
          submit={tried === null ? 'See what would change' : `Change ${accounts(open)}`}
          cancel="/accounts"
        >
          {hidden.map(([name, value], index) => (
            <input key={index} type="hidden" name={name} value={value} />
          ))}
          {kind === 'end' ? (
            <DateField form={form} name="lastDay" label="Last day of supply" required />
          ) : (
            <DateField
              form={form}
              name="from"
              label="From"
              help="The first day it holds; what was billed stays."
              required
            />
          )}
          {kind === 'tariff' && <TariffField form={form} tariffs={tariffs} />}
          {kind === 'missing' && <MissingField form={form} />}
          <TextField form={form} name="why" label="Why" help="It stands in each history." />
        </Form>
      </section>
    </Layout>
  )
}

const columns: readonly Column<BulkRefusal>[] = [
  { title: 'Account', cell: ({ id, number }) => <a href={`/accounts/${id}`}>{number}</a> },
  { title: 'What stands in the way', cell: ({ text }) => capital(text) },
]

const Tried = (props: { readonly tried: readonly BulkRefusal[]; readonly open: number }) => (
  <Section
    title={`${accounts(props.open)} would change, ${countText(props.tried.length)} would not`}
    lead="Nothing is stored yet. Those that would not change stay as they are."
    flush
  >
    <Table
      caption="Accounts that would not change"
      columns={columns}
      rows={props.tried.slice(0, REFUSALS_SHOWN)}
      empty="Nothing stands in the way."
    />
  </Section>
)
