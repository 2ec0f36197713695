// The forms for customers, service points and contracts.

import type { ComponentChildren } from 'preact'
import type { PageContext } from '../../kit/context.ts'
import { DateField, Form, RadioField, SelectField, TextArea, TextField } from '../../kit/fields.tsx'
import type { FormState } from '../../kit/form.ts'
import { Layout } from '../../kit/layout.tsx'
import { Headline } from '../../kit/parts.tsx'
import type { TariffChoice } from '../core/details.ts'

/** Longest reason that fits a line of the record. */
const WHY_CHARS_MAX = 200

export const CUSTOMER_LABELS = {
  number: 'Number',
  name: 'Name',
  address: 'Address',
  email: 'E-mail',
  phone: 'Phone',
  language: 'Language',
} as const

export const SERVICE_POINT_LABELS = { code: 'Code', address: 'Address', zone: 'Time zone' } as const

export interface FormPageProps {
  readonly context: PageContext
  readonly form: FormState
  readonly title: string
  readonly lead?: ComponentChildren
  readonly action: string
  readonly submit: string
  readonly cancel: string
  readonly labels: Readonly<Record<string, string>>
  readonly version?: number
  readonly children: ComponentChildren
}

/** One form on a page of its own, with the reason as its last field. */
export function FormPage(props: FormPageProps) {
  const { context, form, title, lead, action, submit, cancel, version, children } = props
  const labels = { ...props.labels, why: 'Why' }
  return (
    <Layout context={context} title={title} width="reading">
      <Headline title={title} lead={lead} />
      <section class="card">
        <Form
          context={context}
          form={form}
          action={action}
          labels={labels}
          submit={submit}
          cancel={cancel}
          {...(version === undefined ? {} : { version })}
        >
          {children}
          <TextField
            form={form}
            name="why"
            label="Why"
            help="It stands in the history, beside your name."
            maxLength={WHY_CHARS_MAX}
          />
        </Form>
      </section>
    </Layout>
  )
}

export const CustomerFields = ({ form }: { readonly form: FormState }) => (
  <>
    <TextField form={form} name="name" label="Name" help="As it stands on the bill." required />
    <TextArea form={form} name="address" label="Address" help="Where bills go by post." required />
    <TextField form={form} name="email" label="E-mail" type="email" />
    <TextField
      form={form}
      name="phone"
      label="Phone"
      type="tel"
      help="With the country: +91 98 0000 0000. Bills are announced there by SMS."
    />
    <TextField form={form} name="language" label="Language" help="A tag such as en; blank is en." />
    <TextField form={form} name="number" label="Number" help="Left blank, the next one is given." />
  </>
)

export const ServicePointFields = ({ form }: { readonly form: FormState }) => (
  <>
    <TextArea
      form={form}
      name="address"
      label="Address"
      help="The place that is supplied, such as a flat."
      rows={2}
      required
    />
    <TextField
      form={form}
      name="zone"
      label="Time zone"
      help="Says where its days begin, such as Asia/Kolkata. It cannot change once billed."
      required
    />
    <TextField form={form} name="code" label="Code" help="Left blank, the next one is given." />
  </>
)

const MISSING = [
  ['wait', 'Wait for it', 'The bill is made once the reading is there.'],
  ['estimate', 'Estimate it', 'The bill is made, and says that the reading is estimated.'],
] as const

export const MissingField = ({ form }: { readonly form: FormState }) => (
  <RadioField
    form={form}
    name="missing"
    label="When a reading at the edge of a period is missing"
    options={MISSING}
    required
  />
)

export const TariffField = ({
  form,
  tariffs,
}: {
  readonly form: FormState
  readonly tariffs: readonly TariffChoice[]
}) => (
  <SelectField
    form={form}
    name="tariff"
    label="Tariff"
    help="Without one there is no bill."
    none="None agreed yet"
    options={tariffs.map(({ code, name }) => [code, `${code} ${name}`])}
  />
)

export const MOVE_IN_LABELS = {
  customer: 'Customer',
  name: 'Name',
  address: 'Address',
  email: 'E-mail',
  phone: 'Phone',
  language: 'Language',
  servicePoint: 'Service point',
  from: 'First day',
  billedFrom: 'Billed from',
  tariff: 'Tariff',
  missing: 'When a reading is missing',
  number: 'Contract number',
} as const

export interface MoveInProps {
  readonly context: PageContext
  readonly form: FormState
  readonly tariffs: readonly TariffChoice[]
}

export const MoveInPage = ({ context, form, tariffs }: MoveInProps) => (
  <FormPage
    context={context}
    form={form}
    title="New account"
    lead="A customer moves in: who, where, from which day on, and at which tariff."
    action="/accounts/new"
    submit="Open the account"
    cancel="/accounts"
    labels={MOVE_IN_LABELS}
  >
    <fieldset class="field">
      <legend>Who</legend>
      <TextField
        form={form}
        name="customer"
        label="Customer"
        help="Number or name of a customer that is known; blank for the new one below."
      />
      <details open={(form.values['name'] ?? '') !== '' || form.values['customer'] === ''}>
        <summary>A new customer</summary>
        <TextField form={form} name="name" label="Name" />
        <TextArea
          form={form}
          name="address"
          label="Address"
          help="Blank: that of the service point."
          rows={2}
        />
        <TextField form={form} name="email" label="E-mail" type="email" />
        <TextField
          form={form}
          name="phone"
          label="Phone"
          type="tel"
          help="With the country: +91."
        />
      </details>
    </fieldset>
    <TextField
      form={form}
      name="servicePoint"
      label="Service point"
      help={
        <>
          Its code, or a part of its address. <a href="/service-points/new">Enter a new one</a>
        </>
      }
      required
    />
    <DateField form={form} name="from" label="First day" required />
    <DateField
      form={form}
      name="billedFrom"
      label="Billed from"
      help="Blank: from the first day. Later where somebody else has billed the days before."
    />
    <TariffField form={form} tariffs={tariffs} />
    <MissingField form={form} />
    <TextField
      form={form}
      name="number"
      label="Contract number"
      help="Left blank, the next one is given."
    />
  </FormPage>
)
