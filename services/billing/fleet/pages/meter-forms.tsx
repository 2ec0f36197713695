// The forms about meters: what one is, what is set for many, and where they hang.

import { FormToken, Layout } from '../../kit/layout.tsx'
import type { PageContext } from '../../kit/context.ts'
import { Form, RadioField, SelectField, TextField } from '../../kit/fields.tsx'
import { type FormState, hasErrors } from '../../kit/form.ts'
import { registerText, unitText } from '../../kit/format.ts'
import { type Column, Headline, Table } from '../../kit/parts.tsx'
import type { UnixMs } from '../../../../shared/units.ts'
import type { MeterListRow, MeterRegister, MeterView } from '../core/meters.ts'
import { MeterState, Newest } from './meter-parts.tsx'

export const EDIT_LABELS = {
  make: 'Make',
  medium: 'Measures',
  digits: 'Digits of its register',
  multiplier: 'Multiplier',
  billing: 'Billed by',
  billedBy: 'Registers to bill by',
  why: 'Why',
} as const

/** What `billing` may be. */
export const BILLING_CHOICES = [
  [
    'auto',
    'Automatic',
    'the total (1.8.0); if the meter has none, the sum of its tariff registers',
  ],
  ['total', 'The total', '1.8.0 alone'],
  ['tariffs', 'Tariff 1 + tariff 2', '1.8.1 + 1.8.2'],
  ['list', 'These registers', 'named below'],
] as const

const MEDIUM_CHOICES = [
  ['electricity', 'Electricity'],
  ['water', 'Water'],
  ['heat', 'Heat'],
  ['gas', 'Gas'],
] as const

const DIGITS_HELP =
  'Counted in the smallest step that it sends: a register that shows 123456.7 kWh and sends Wh ' +
  'has 9. It then starts again at zero. Leave it blank if it never does.'

interface EditProps {
  readonly context: PageContext
  readonly id: number
  readonly number: string
  readonly version: number
  readonly form: FormState
}

export function MeterEditPage({ context, id, number, version, form }: EditProps) {
  const path = `/meters/${id}`
  return (
    <Layout context={context} title={`Edit meter ${number}`} width="narrow">
      <Headline
        title={`Edit meter ${number}`}
        lead="It counts for bills that are made from now on; issued bills stay as they are."
      />
      <section class="card">
        <Form
          context={context}
          form={form}
          action={`${path}/edit`}
          labels={EDIT_LABELS}
          version={version}
          submit="Save"
          cancel={path}
        >
          <TextField form={form} name="make" label={EDIT_LABELS.make} maxLength={80} />
          <SelectField
            form={form}
            name="medium"
            label={EDIT_LABELS.medium}
            options={MEDIUM_CHOICES}
            required
          />
          <TextField
            form={form}
            name="digits"
            label={EDIT_LABELS.digits}
            inputMode="numeric"
            help={DIGITS_HELP}
          />
          <TextField
            form={form}
            name="multiplier"
            label={EDIT_LABELS.multiplier}
            inputMode="numeric"
            help="Ratio of its transformers; 1 for a meter that is connected directly."
            required
          />
          <RadioField
            form={form}
            name="billing"
            label={EDIT_LABELS.billing}
            options={BILLING_CHOICES}
            required
          />
          <TextField
            form={form}
            name="billedBy"
            label={EDIT_LABELS.billedBy}
            help="OBIS codes whose sum is billed, such as 1.8.1 + 1.8.2 + 1.8.3; only for “These registers”."
          />
          <TextField form={form} name="why" label={EDIT_LABELS.why} maxLength={200} required />
        </Form>
      </section>
    </Layout>
  )
}

export const SET_LABELS = {
  make: 'Make',
  digits: 'Digits of the register',
  multiplier: 'Multiplier',
  why: 'Why',
} as const

interface SetProps {
  readonly context: PageContext
  readonly meters: readonly MeterListRow[]
  readonly form: FormState
}

export function MetersSetPage({ context, meters, form }: SetProps) {
  const title = meters.length === 1 ? 'Set one meter' : `Set ${meters.length} meters`
  return (
    <Layout context={context} title={title} width="narrow">
      <Headline title={title} lead={meters.map(({ number }) => number).join(', ')} />
      <section class="card">
        <Form
          context={context}
          form={form}
          action="/meters/set"
          labels={SET_LABELS}
          submit="Set"
          cancel="/meters"
        >
          {meters.map(({ id }) => (
            <input key={id} type="hidden" name="id" value={id} />
          ))}
          <p>A field that is left blank changes nothing.</p>
          <TextField form={form} name="make" label={SET_LABELS.make} maxLength={80} />
          <TextField
            form={form}
            name="digits"
            label={SET_LABELS.digits}
            inputMode="numeric"
            help={DIGITS_HELP}
          />
          <TextField
            form={form}
            name="multiplier"
            label={SET_LABELS.multiplier}
            inputMode="numeric"
          />
          <TextField form={form} name="why" label={SET_LABELS.why} maxLength={200} required />
        </Form>
      </section>
    </Layout>
  )
}

interface AssignProps {
  readonly context: PageContext
  readonly view: MeterView
  readonly registers: readonly MeterRegister[]
  readonly zone: string
  readonly form: FormState
  readonly now: UnixMs
}

export const openingName = (obis: string): string => `opening_${obis}`

export const assignLabels = (
  registers: readonly MeterRegister[],
): Readonly<Record<string, string>> => ({
  point: 'Service point',
  from: 'From',
  ...Object.fromEntries(
    registers.map(({ obis }) => [openingName(obis), `Opening register ${obis}`]),
  ),
})

export function MeterAssignPage(props: AssignProps) {
  const { context, view, registers, zone, form, now } = props
  const path = `/meters/${view.id}`
  const adopts =
    view.adopted || view.device === null
      ? ''
      : ` It also says that ${view.device.name} is the device that reads it.`
  return (
    <Layout context={context} title={`Assign meter ${view.number}`} width="narrow">
      <Headline
        title={`Assign meter ${view.number}`}
        lead={<Newest value={view.newest} now={now} />}
      />
      <section class="card">
        <p class="soft">One step: from then on bills are made from it.{adopts}</p>
        <Form
          context={context}
          form={form}
          action={`${path}/assign`}
          labels={assignLabels(registers)}
          submit="Assign"
          cancel={path}
        >
          <TextField
            form={form}
            name="point"
            label="Service point"
            help={
              <>
                Its code. <a href="/service-points">All service points</a>
              </>
            }
            required
          />
          <TextField
            form={form}
            name="from"
            label="From"
            help={`A date, with a time if you like, on the clocks of the service point (${zone} suggested): 2026-05-31 or 2026-05-31 10:30.`}
            required
          />
          {registers.map(({ obis, unit }) => (
            <TextField
              key={obis}
              form={form}
              name={openingName(obis)}
              label={`Opening register: ${registerText(obis)}`}
              help="As it was then. Blank: its own reading of that time is used."
              inputMode="decimal"
              unit={unitText(unit)}
            />
          ))}
        </Form>
      </section>
    </Layout>
  )
}

interface AssignManyProps {
  readonly context: PageContext
  readonly rows: readonly MeterListRow[]
  readonly form: FormState
  /** Address of the next page; null: this is the last. */
  readonly next: string | null
  readonly said: string
  readonly now: UnixMs
}

export const pointName = (id: number): string => `point_${id}`

export function AssignManyPage({ context, rows, form, next, said, now }: AssignManyProps) {
  const errors = Object.values(form.errors)
  return (
    <Layout context={context} title="Assign meters">
      <Headline
        title="Assign meters"
        lead="Meters that were seen and hang nowhere yet. Write a service point beside each that you know; the others stay."
      >
        <a href="/meters?state=unassigned">Back to the list</a>
      </Headline>
      {said !== '' && (
        <p class="notice" role="status">
          {said}
        </p>
      )}
      {hasErrors(form.errors) && (
        <div class="notice notice-bad" role="alert">
          <p class="strong">Nothing was saved yet: {errors.length} to correct below.</p>
        </div>
      )}
      <form class="page-part" method="post" action="/meters/assign">
        <FormToken context={context} />
        <section class="card card-flush">
          <Table
            caption="Meters that hang nowhere"
            columns={assignColumns(form, now)}
            rows={rows}
            empty="Every meter that was seen hangs somewhere."
          />
        </section>
        {rows.length > 0 && (
          <section class="card">
            <TextField
              form={form}
              name="from"
              label="From"
              help="Blank: for each from the beginning of this month or the one before if it was read then, else from its newest reading on. Or a date for all: 2026-05-31."
            />
            <div class="actions form-actions">
              <button type="submit">Assign</button>
              {next !== null && (
                <a class="button button-quiet" rel="next" href={next}>
                  Next page
                </a>
              )}
            </div>
          </section>
        )}
      </form>
    </Layout>
  )
}

const assignColumns = (form: FormState, now: UnixMs): readonly Column<MeterListRow>[] => [
  {
    title: 'Meter',
    cell: ({ id, number, make }) => (
      <>
        <a class="strong" href={`/meters/${id}`}>
          {number}
        </a>
        {make !== '' && <span class="sub">{make}</span>}
      </>
    ),
  },
  { title: 'State', cell: (row) => <MeterState row={row} /> },
  { title: 'Device', cell: ({ device }) => device?.name ?? 'none' },
  {
    title: 'Newest reading',
    cell: ({ newest }) => <Newest value={newest} now={now} />,
  },
  {
    title: 'Service point',
    cell: ({ id, number }) => <PointField id={id} number={number} form={form} />,
  },
]

function PointField({
  id,
  number,
  form,
}: {
  readonly id: number
  readonly number: string
  readonly form: FormState
}) {
  const name = pointName(id)
  const error = form.errors[name]
  return (
    <div class={error === undefined ? 'field' : 'field field-wrong'}>
      <input
        id={`f-${name}`}
        name={name}
        value={form.values[name] ?? ''}
        aria-label={`Service point of meter ${number}`}
        aria-invalid={error === undefined ? undefined : 'true'}
        aria-describedby={error === undefined ? undefined : `f-${name}-error`}
        maxLength={80}
        autocomplete="off"
      />
      {error !== undefined && (
        <p class="error" id={`f-${name}-error`}>
          {error}
        </p>
      )}
      <input type="hidden" name="id" value={id} />
    </div>
  )
}
