// What is done with one account: its end, its terms, its number; and with its meters.

import { addDays, dateText } from '../../civil/calendar.ts'
import type { PageContext } from '../../kit/context.ts'
import { CheckField, DateField, TextField } from '../../kit/fields.tsx'
import type { FormState } from '../../kit/form.ts'
import { registerText } from '../../kit/format.ts'
import type {
  ContractDetail,
  InstallationLine,
  ServicePointDetail,
  TariffChoice,
} from '../core/details.ts'
import { type RegisterField, registerFields } from '../core/register-fields.ts'
import { FormPage, MissingField, TariffField } from './forms.tsx'

interface AccountForm {
  readonly context: PageContext
  readonly form: FormState
  readonly account: ContractDetail
  readonly version: number
}

/** One field for each register, named `PREFIX_OBIS`. */
function Registers(props: {
  readonly form: FormState
  readonly prefix: string
  readonly title: string
  readonly fields: readonly RegisterField[]
}) {
  const { form, prefix, title, fields } = props
  return (
    <fieldset class="field">
      <legend>{title}</legend>
      {fields.map(({ obis, unit }) => (
        <TextField
          key={obis}
          form={form}
          name={`${prefix}_${obis}`}
          label={registerText(obis)}
          inputMode="decimal"
          unit={unit}
        />
      ))}
    </fieldset>
  )
}

const registerLabels = (
  prefix: string,
  what: string,
  fields: readonly RegisterField[],
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    fields.map(({ obis }) => [`${prefix}_${obis}`, `${what}: ${registerText(obis)}`]),
  )

export const EDIT_LABELS = { number: 'Contract number', billedFrom: 'Billed from' } as const

export const EditAccountPage = ({ context, form, account, version }: AccountForm) => (
  <FormPage
    context={context}
    form={form}
    title={`Edit account ${account.number}`}
    lead={
      <>
        The customer and the service point have forms of their own:{' '}
        <a href={`/customers/${account.customer.id}/edit`}>{account.customer.name}</a>,{' '}
        <a href={`/service-points/${account.point.id}/edit`}>{account.point.code}</a>.
      </>
    }
    action={`/accounts/${account.id}/edit`}
    submit="Save"
    cancel={`/accounts/${account.id}`}
    labels={EDIT_LABELS}
    version={version}
  >
    <TextField form={form} name="number" label="Contract number" required />
    <DateField
      form={form}
      name="billedFrom"
      label="Billed from"
      help="The first day that is billed here; fixed once there is a bill."
      required
    />
  </FormPage>
)

export const MOVE_OUT_LABELS = {
  lastDay: 'Last day of supply',
  next: 'Who comes next',
} as const

/** The meters whose registers are read at a move-out. */
export const metersNow = (point: ServicePointDetail): readonly InstallationLine[] =>
  point.installations.filter(({ to }) => to === null)

export const MoveOutPage = ({ context, form, account, version }: AccountForm) => (
  <FormPage
    context={context}
    form={form}
    title={`Move out of ${account.point.code}`}
    lead={`${account.customer.name}, ${account.point.address}. Supplied since ${dateText(account.from)}.`}
    action={`/accounts/${account.id}/move-out`}
    submit="End the account"
    cancel={`/accounts/${account.id}`}
    labels={{
      ...MOVE_OUT_LABELS,
      ...Object.assign(
        {},
        ...metersNow(account.point).map((line) =>
          registerLabels(`closing_${line.id}`, line.meter, registerFields(line)),
        ),
      ),
    }}
    version={version}
  >
    <DateField
      form={form}
      name="lastDay"
      label="Last day of supply"
      help="The meter is read at the end of it. The next customer may begin on the day after."
      required
    />
    {metersNow(account.point).map((line) => (
      <Registers
        key={line.id}
        form={form}
        prefix={`closing_${line.id}`}
        title={`Closing registers of meter ${line.meter}, if somebody read them`}
        fields={registerFields(line)}
      />
    ))}
    <TextField
      form={form}
      name="next"
      label="Who comes next"
      help="Number or name of a customer that is known: an account begins on the day after, at the same tariff. Blank: vacant."
    />
  </FormPage>
)

export const TERMS_LABELS = {
  from: 'From',
  tariff: 'Tariff',
  missing: 'When a reading is missing',
} as const

/** The first day from which terms may still change. */
export const firstFreeDay = ({ billedUntil, from }: ContractDetail): string => billedUntil ?? from

export const TermsPage = ({
  context,
  form,
  account,
  version,
  tariffs,
}: AccountForm & { readonly tariffs: readonly TariffChoice[] }) => (
  <FormPage
    context={context}
    form={form}
    title={`Change the terms of ${account.number}`}
    lead={
      account.billedUntil === null
        ? `They hold from a day on; nothing is billed yet.`
        : `Billed up to ${dateText(addDays(account.billedUntil, -1))}: what was billed stays.`
    }
    action={`/accounts/${account.id}/terms`}
    submit="Change the terms"
    cancel={`/accounts/${account.id}`}
    labels={TERMS_LABELS}
    version={version}
  >
    <DateField form={form} name="from" label="From" help="The first day they hold." required />
    <TariffField form={form} tariffs={tariffs} />
    <MissingField form={form} />
  </FormPage>
)

interface MeterForm {
  readonly context: PageContext
  readonly form: FormState
  readonly point: ServicePointDetail
}

const AtField = ({ form, zone }: { readonly form: FormState; readonly zone: string }) => (
  <TextField
    form={form}
    name="at"
    label="Date and time"
    type="datetime-local"
    help={`On the clocks of ${zone}; a date alone is its 00:00.`}
    required
  />
)

const NewMeterFields = ({ form }: { readonly form: FormState }) => (
  <>
    <TextField
      form={form}
      name="meter"
      label="Number of the new meter"
      help="As it stands on it."
      required
    />
    <CheckField
      form={form}
      name="create"
      label="It is a meter that is not known here yet: enter it"
    />
  </>
)

export const INSTALL_LABELS = { meter: 'Meter', at: 'Date and time', main: 'Main meter' } as const

export const InstallPage = ({
  context,
  form,
  point,
  fields,
}: MeterForm & { readonly fields: readonly RegisterField[] }) => (
  <FormPage
    context={context}
    form={form}
    title={`Install a meter at ${point.code}`}
    lead={point.address}
    action={`/service-points/${point.id}/install`}
    submit="Install the meter"
    cancel={`/service-points/${point.id}`}
    labels={{ ...INSTALL_LABELS, ...registerLabels('opening', 'Opening register', fields) }}
  >
    <NewMeterFields form={form} />
    <AtField form={form} zone={point.zone} />
    <Registers
      form={form}
      prefix="opening"
      title="Opening registers, as they were read"
      fields={fields}
    />
    <TextField
      form={form}
      name="main"
      label="Main meter"
      help="Where this one measures a part of what another meter measures: that one's number."
    />
  </FormPage>
)

interface InstallationForm extends MeterForm {
  readonly line: InstallationLine
}

export const REMOVE_LABELS = { at: 'Date and time' } as const

export const RemovePage = ({ context, form, point, line }: InstallationForm) => (
  <FormPage
    context={context}
    form={form}
    title={`Remove meter ${line.meter}`}
    lead={`From ${point.code}, ${point.address}.`}
    action={`/installations/${line.id}/remove`}
    submit="Remove the meter"
    cancel={`/service-points/${point.id}`}
    labels={{
      ...REMOVE_LABELS,
      ...registerLabels('closing', 'Closing register', registerFields(line)),
    }}
  >
    <AtField form={form} zone={point.zone} />
    <Registers
      form={form}
      prefix="closing"
      title="Closing registers, as they were read"
      fields={registerFields(line)}
    />
  </FormPage>
)

export const EXCHANGE_LABELS = { at: 'Date and time', meter: 'Number of the new meter' } as const

export const ExchangePage = ({ context, form, point, line }: InstallationForm) => (
  <FormPage
    context={context}
    form={form}
    title={`Exchange meter ${line.meter}`}
    lead={`At ${point.code}, ${point.address}. The old one ends and the new one begins at one instant.`}
    action={`/installations/${line.id}/exchange`}
    submit="Exchange the meter"
    cancel={`/service-points/${point.id}`}
    labels={{
      ...EXCHANGE_LABELS,
      ...registerLabels('closing', 'Old meter', registerFields(line)),
      ...registerLabels('opening', 'New meter', registerFields(line)),
    }}
  >
    <AtField form={form} zone={point.zone} />
    <Registers
      form={form}
      prefix="closing"
      title={`Old meter ${line.meter}: closing registers`}
      fields={registerFields(line)}
    />
    <NewMeterFields form={form} />
    <Registers
      form={form}
      prefix="opening"
      title="New meter: opening registers"
      fields={registerFields(line)}
    />
  </FormPage>
)
