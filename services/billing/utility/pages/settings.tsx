// The page of the utility's profile.

import type { ComponentChildren } from 'preact'
import { zoneNames } from '../../civil/zones.ts'
import type { PageContext } from '../../kit/context.ts'
import {
  DateField,
  FileField,
  Form,
  RadioField,
  SelectField,
  TextArea,
  TextField,
} from '../../kit/fields.tsx'
import { EMPTY_FORM, type FormState } from '../../kit/form.ts'
import { FormToken, Layout } from '../../kit/layout.tsx'
import { Headline, Section } from '../../kit/parts.tsx'
import type { UtilityEnvironment } from '../core/environment.ts'
import { LOGO_BYTES_MAX, LOGO_SIDE_MAX } from '../core/logo.ts'
import { currencyNames, type Logo, type ProfileField } from '../core/profile.ts'
import { Done, FixedField } from './parts.tsx'

export const PROFILE_LABELS: Readonly<Record<ProfileField, string>> = {
  name: 'Name',
  address: 'Address',
  contact: 'Whom customers ask',
  payment: 'Ways to pay',
  legal: 'Legal text',
  currency: 'Currency',
  zone: 'Time zone',
  billedFrom: 'First day that is billed',
  issuing: 'Issuing bills',
  publicUrl: 'Public address',
}

export interface SettingsProps {
  readonly context: PageContext
  readonly form: FormState
  readonly version: number
  readonly fixed: UtilityEnvironment['profile']
  readonly logo: Logo | null
  readonly logoForm: FormState
  readonly saved: boolean
}

export const logoPath = ({ hash }: Pick<Logo, 'hash'>): string => `/logo/${hash}`

export function SettingsPage(props: SettingsProps) {
  const { context, form, version, saved } = props
  return (
    <Layout context={context} title="Utility" width="reading">
      <Headline
        title="Utility"
        lead="What stands on every bill, and what holds where nothing else is said. A change holds from the next bill on; bills that are issued never change."
      >
        <a href="/start">Checklist</a>
      </Headline>
      {saved && <Done>Saved. It holds from now on, without a restart.</Done>}
      <section class="card">
        <Form
          context={context}
          form={form}
          action="/settings"
          labels={PROFILE_LABELS}
          version={version}
          submit="Save"
        >
          <OnBills {...props} />
          <Elsewhere {...props} />
        </Form>
      </section>
      <LogoSection {...props} />
    </Layout>
  )
}

/** The field itself, or what the environment says in its place. */
function Own(props: {
  readonly name: ProfileField
  readonly fixed: UtilityEnvironment['profile']
  readonly children: ComponentChildren
}) {
  const fixed = props.fixed[props.name]
  if (fixed === undefined) return <>{props.children}</>
  const { value, by } = fixed
  const text = Array.isArray(value) ? value.join(' / ') : String(value ?? '')
  return <FixedField label={PROFILE_LABELS[props.name]} value={text} by={by} />
}

function OnBills({ form, fixed }: SettingsProps) {
  const field = (name: ProfileField) => ({ form, name, label: PROFILE_LABELS[name] })
  return (
    <>
      <Own name="name" fixed={fixed}>
        <TextField
          {...field('name')}
          help="As it stands on bills. Without it no bill is issued (BIL-19)."
          autocomplete="organization"
          required
        />
      </Own>
      <Own name="address" fixed={fixed}>
        <TextArea {...field('address')} rows={3} />
      </Own>
      <Own name="contact" fixed={fixed}>
        <TextField {...field('contact')} help="Telephone or e-mail, in one sentence." />
      </Own>
      <Own name="payment" fixed={fixed}>
        <TextArea
          {...field('payment')}
          help="One way in each line. A bill has room for four lines of 60 characters."
          rows={3}
        />
      </Own>
      <Own name="legal" fixed={fixed}>
        <TextArea
          {...field('legal')}
          help="Registration, tax number, where to complain: printed at the end of every bill."
          rows={4}
        />
      </Own>
    </>
  )
}

const CURRENCIES = currencyNames().map(([code, name]) => [code, `${code}, ${name}`] as const)
const ZONES = zoneNames().map((name) => [name, name] as const)

/** With what is typed and does not exist, so that it is shown beside its error. */
const withTyped = (options: readonly (readonly [string, string])[], typed: string) =>
  typed === '' || options.some(([value]) => value === typed)
    ? options
    : [[typed, typed] as const, ...options]

function Elsewhere({ form, fixed }: SettingsProps) {
  const field = (name: ProfileField) => ({ form, name, label: PROFILE_LABELS[name] })
  const typed = (name: ProfileField): string => form.values[name] ?? ''
  return (
    <>
      <Own name="currency" fixed={fixed}>
        <SelectField
          {...field('currency')}
          help="Of new tariffs."
          options={withTyped(CURRENCIES, typed('currency'))}
          none="Not said"
        />
      </Own>
      <Own name="zone" fixed={fixed}>
        <SelectField
          {...field('zone')}
          help="Of new service points: its midnights end the months. Named after a large city of the country."
          options={withTyped(ZONES, typed('zone'))}
          none="Not said: UTC"
        />
      </Own>
      <Own name="billedFrom" fixed={fixed}>
        <DateField
          {...field('billedFrom')}
          help="Of new contracts, where they do not say otherwise: what was before, somebody else has billed."
        />
      </Own>
      <Own name="issuing" fixed={fixed}>
        <RadioField
          {...field('issuing')}
          options={[
            [
              'by hand',
              'By hand',
              'Bills that are ready wait on the board until somebody issues them.',
            ],
            ['automatic', 'By themselves', 'Each bill is issued as soon as it is ready.'],
          ]}
          required
        />
      </Own>
      <Own name="publicUrl" fixed={fixed}>
        <TextField
          {...field('publicUrl')}
          type="url"
          placeholder="https://bills.example.org"
          help="Where customers reach these pages, with https:// where a proxy in front has a certificate. Links in mail and SMS begin with it."
        />
      </Own>
    </>
  )
}

function LogoSection({ context, logo, logoForm }: SettingsProps) {
  return (
    <Section
      title="Logo"
      lead="On every bill from now on. Issued bills keep the one they have."
      id="logo"
    >
      {logo === null ? (
        <p class="soft">None yet.</p>
      ) : (
        <img
          class="logo"
          src={logoPath(logo)}
          width={logo.width}
          height={logo.height}
          alt="The logo as it stands on bills"
        />
      )}
      <Form
        context={context}
        form={logoForm}
        action="/settings/logo"
        labels={{ file: 'Picture' }}
        submit="Upload"
        upload
      >
        <FileField
          form={logoForm}
          name="file"
          label="Picture"
          help={`PNG or JPEG, at most ${LOGO_BYTES_MAX / 1_024} KiB and ${LOGO_SIDE_MAX} pixels each way.`}
          accept="image/png,image/jpeg"
          required
        />
      </Form>
      {logo !== null && (
        <form method="post" action="/settings/logo/remove">
          <FormToken context={context} />
          <button class="button-quiet" type="submit">
            Remove the logo
          </button>
        </form>
      )}
    </Section>
  )
}

/** Forms of one page are told apart. */
export const LOGO_FORM: FormState = { ...EMPTY_FORM, prefix: 'logo' }
