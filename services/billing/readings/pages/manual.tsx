// The operators' pages of readings by hand: those that wait, entering one, and deciding on one.

import type { UnixMs } from '../../../../shared/units.ts'
import { instantText } from '../../civil/calendar.ts'
import { quantityText, registerText } from '../../kit/format.ts'
import type { PageContext } from '../../kit/context.ts'
import {
  CheckField,
  Form,
  RadioField,
  SelectField,
  TextArea,
  TextField,
} from '../../kit/fields.tsx'
import type { FormState } from '../../kit/form.ts'
import { Layout } from '../../kit/layout.tsx'
import type { ListQuery, ListSpec, Page } from '../../kit/list.ts'
import { List, type ListColumn } from '../../kit/list-view.tsx'
import { Ago, Badge, Facts, FaultBadge, Headline, Section } from '../../kit/parts.tsx'
import type { Around, Finding } from '../core/manual.ts'
import { isRefusal } from '../core/manual.ts'
import type { ManualMeterView, ManualRow, ManualState } from '../core/manual-views.ts'
import { REGISTER_UNITS } from '../core/typed-register.ts'
import { findingText, KIND_TEXTS, shownText } from './manual-text.ts'

export const MANUAL_LIST: ListSpec = {
  path: '/readings/manual',
  sorts: { entered: 'timestamptz', read: 'timestamptz' },
  sort: '-entered',
  filters: {
    state: [
      ['waiting', 'Waiting'],
      ['approved', 'Approved'],
      ['refused', 'Refused'],
    ],
  },
  preset: { state: 'waiting' },
}

const TONES = { waiting: 'warn', approved: 'good', refused: 'quiet' } as const

export const StateBadge = ({ state }: { readonly state: ManualState }) => (
  <Badge tone={TONES[state]}>{state}</Badge>
)

const State = ({ state }: { readonly state: ManualState }) =>
  state === 'waiting' ? <FaultBadge code="BIL-33" /> : <StateBadge state={state} />

const valueText = ({ value, exponent, unit }: ManualRow): string =>
  quantityText(value, exponent, unit)

interface ListPageProps {
  readonly context: PageContext
  readonly query: ListQuery
  readonly page: Page<ManualRow>
  readonly total: { readonly count: number; readonly most: number }
  /** What a decision just did; null: none was made. */
  readonly done: string | null
  readonly now: UnixMs
}

export function ManualListPage({ context, query, page, total, done, now }: ListPageProps) {
  return (
    <Layout context={context} title="Manual readings">
      <Headline
        title="Manual readings"
        lead="Registers that a technician or a customer read. They count once somebody approved them."
      >
        <a class="button" href="/readings/manual/new">
          Enter a reading
        </a>
      </Headline>
      {done !== null && (
        <p class="notice" role="status">
          {done}
        </p>
      )}
      <List
        context={context}
        spec={MANUAL_LIST}
        query={query}
        page={page}
        caption="Manual readings"
        columns={columnsAt(now)}
        empty="Nothing waits for a decision."
        search="Meter number"
        filterLabels={{ state: 'State' }}
        total={total}
        bulk={{
          action: '/readings/manual/decide',
          idOf: ({ id }) => id,
          nameOf: (row) => `${row.meter}, ${valueText(row)}`,
          buttons: [
            ['approve', 'Approve'],
            ['refuse', 'Refuse'],
          ],
        }}
        csv
      />
    </Layout>
  )
}

const columnsAt = (now: UnixMs): readonly ListColumn<ManualRow>[] => [
  {
    title: 'Meter',
    cell: ({ id, meter }) => (
      <a class="strong" href={`/readings/manual/${id}`}>
        {meter}
      </a>
    ),
  },
  {
    title: 'Register',
    cell: ({ obis }) => (
      <>
        {registerText(obis)}
        <span class="sub">
          <code>{obis}</code>
        </span>
      </>
    ),
  },
  { title: 'Reading', numeric: true, cell: (row) => <span class="strong">{valueText(row)}</span> },
  { title: 'Read', sort: 'read', cell: ({ at, zone }) => instantText(at, zone) },
  {
    title: 'Entered',
    sort: 'entered',
    cell: ({ enteredAt, enteredBy, kind }) => (
      <>
        <Ago at={enteredAt} now={now} />
        <span class="sub">
          {enteredBy}, read {KIND_TEXTS[kind]}
        </span>
      </>
    ),
  },
  {
    title: 'State',
    cell: ({ state, decidedWhy }) => (
      <>
        <StateBadge state={state} />
        {decidedWhy !== null && <span class="sub">{decidedWhy}</span>}
      </>
    ),
  },
]

export const CHOOSE_LABELS = { number: 'Meter number' } as const

/** The first step: of which meter. A GET form, so that a link can skip it. */
export function ChooseMeterPage({
  context,
  form,
}: {
  readonly context: PageContext
  readonly form: FormState
}) {
  return (
    <Layout context={context} title="Enter a reading" width="narrow">
      <Headline title="Enter a reading" />
      <section class="card">
        <form class="fields" method="get" action="/readings/manual/new">
          <TextField
            form={form}
            name="number"
            label={CHOOSE_LABELS.number}
            required
            maxLength={32}
          />
          <div class="actions">
            <button type="submit">Continue</button>
            <a class="button button-quiet" href="/readings/manual">
              Cancel
            </a>
          </div>
        </form>
      </section>
    </Layout>
  )
}

export const ENTRY_LABELS = {
  register: 'Register',
  value: 'What it shows',
  unit: 'Unit',
  at: 'Read on',
  sure: 'Unusual',
  kind: 'Read by',
  photo: 'Photo',
  note: 'Note',
} as const

export interface EntryProps {
  readonly context: PageContext
  readonly meter: ManualMeterView
  readonly form: FormState
  /** Value and text of each register that can be chosen. */
  readonly registers: readonly (readonly [value: string, text: string])[]
  /** What is unusual and has to be confirmed; empty: nothing. */
  readonly warnings: readonly string[]
}

export function EnterReadingPage(props: EntryProps & { readonly place: string }) {
  const { context, meter, form } = props
  return (
    <Layout context={context} title="Enter a reading" width="reading">
      <Headline title="Enter a reading" lead={`Meter ${meter.number}, ${props.place}`} />
      <section class="card">
        <Form
          context={context}
          form={form}
          action="/readings/manual/new"
          labels={ENTRY_LABELS}
          submit="Save"
          cancel="/readings/manual"
        >
          <input type="hidden" name="meter" value={meter.id} />
          <EntryFields {...props} />
          <RadioField
            form={form}
            name="kind"
            label={ENTRY_LABELS.kind}
            required
            options={[
              ['technician', 'A technician'],
              ['customer', 'The customer, who told us'],
            ]}
          />
          <MoreFields form={form} />
          <CheckField
            form={form}
            name="approve"
            label="Approve it at once"
            help="It counts on bills then. Otherwise it waits on the list of manual readings."
          />
        </Form>
      </section>
    </Layout>
  )
}

/** Register, value, unit and time: the same for operators and customers. */
export function EntryFields({ form, registers, warnings }: EntryProps) {
  return (
    <>
      <SelectField
        form={form}
        name="register"
        label={ENTRY_LABELS.register}
        required
        options={registers}
      />
      <TextField
        form={form}
        name="value"
        label={ENTRY_LABELS.value}
        help="As the display shows it, with a decimal point: 012345.6"
        required
        inputMode="decimal"
        maxLength={26}
      />
      <SelectField
        form={form}
        name="unit"
        label={ENTRY_LABELS.unit}
        required
        options={REGISTER_UNITS.map((unit) => [unit, unit])}
      />
      <TextField
        form={form}
        name="at"
        type="datetime-local"
        label={ENTRY_LABELS.at}
        help="On the clocks where the meter hangs"
        required
      />
      {warnings.length > 0 && (
        <div class="notice notice-warn" role="alert">
          {warnings.map((warning) => (
            <p key={warning}>{warning}</p>
          ))}
          <CheckField form={form} name="sure" label="The display shows exactly this" />
        </div>
      )}
    </>
  )
}

export const MoreFields = ({ form }: { readonly form: FormState }) => (
  <>
    <TextField
      form={form}
      name="photo"
      label={ENTRY_LABELS.photo}
      help="Where it is kept: a link, a file name, a number"
      maxLength={200}
    />
    <TextArea form={form} name="note" label={ENTRY_LABELS.note} maxLength={500} />
  </>
)

interface ManualPageProps {
  readonly context: PageContext
  readonly row: ManualRow
  readonly around: Around
  readonly findings: readonly Finding[]
  readonly form: FormState
  readonly now: UnixMs
}

/** One of them, with what is beside it, and the decision. */
export function ManualPage({ context, row, around, findings, form, now }: ManualPageProps) {
  const { id, meter, obis, zone, kind, state, note } = row
  const beside = (shown: Around['before']) => (shown === null ? 'nothing' : shownText(shown, row))
  const contradicted = findings.some(isRefusal)
  return (
    <Layout context={context} title={`Reading of ${meter}`} width="reading">
      <Headline title={valueText(row)} lead={`Meter ${meter}, ${instantText(row.at, zone)}`}>
        <a href="/readings/manual">All manual readings</a>
      </Headline>
      <Section title="Reading">
        <Facts
          rows={[
            ['State', <State key="state" state={state} />],
            ['Register', `${registerText(obis)} (${obis})`],
            ['Read', KIND_TEXTS[kind]],
            ['Entered', <Entered key="entered" row={row} now={now} />],
            ['Photo', <Photo key="photo" photo={row.photo} />],
            ['Before it', beside(around.before)],
            ['After it', beside(around.after)],
            ...(row.decidedBy === null
              ? []
              : [['Decided', `${row.decidedBy}: ${row.decidedWhy ?? ''}`] as const]),
          ]}
        />
        {note !== '' && <p>{note}</p>}
        {findings.length > 0 && (
          <div class={contradicted ? 'notice notice-bad' : 'notice notice-warn'}>
            {contradicted && <p class="strong">BIL-32 It contradicts another reading.</p>}
            {findings.map((finding, index) => (
              <p key={index}>{findingText(finding, row)}</p>
            ))}
          </div>
        )}
      </Section>
      {state !== 'waiting' && form.errors['decision'] !== undefined && (
        <p class="notice notice-warn" role="alert">
          {form.errors['decision']}
        </p>
      )}
      {state === 'waiting' && (
        <Section title="Decide" lead="An approved reading counts on bills and stays for ever.">
          <Form
            context={context}
            form={form}
            action={`/readings/manual/${id}`}
            labels={{ decision: 'Decision', why: 'Why' }}
            submit="Save the decision"
          >
            <RadioField
              form={form}
              name="decision"
              label="Decision"
              required
              options={[
                ['approved', 'Approve'],
                ['refused', 'Refuse', 'Whoever read it sees the reason.'],
              ]}
            />
            <TextField form={form} name="why" label="Why" required maxLength={200} />
          </Form>
        </Section>
      )}
    </Layout>
  )
}

const Entered = ({ row, now }: { readonly row: ManualRow; readonly now: UnixMs }) => (
  <>
    <Ago at={row.enteredAt} now={now} /> by {row.enteredBy}
  </>
)

/** A link is followed on a click alone, and says nothing of where it came from (no-referrer). */
function Photo({ photo }: { readonly photo: string }) {
  if (photo === '') return <>none</>
  if (!/^https:\/\/[^\s"'<>]+$/.test(photo)) return <>{photo}</>
  return (
    <a href={photo} rel="noopener noreferrer nofollow">
      {photo}
    </a>
  )
}
