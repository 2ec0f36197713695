// The words and fields of the two pages, mail and SMS.

import type { VNode } from 'preact'
import { RadioField, SelectField, TextField } from '../../kit/fields.tsx'
import type { FormState } from '../../kit/form.ts'

export interface ServiceWords {
  readonly path: string
  readonly title: string
  readonly lead: string
  /** As in "the test ... was accepted". */
  readonly message: string
  readonly peer: string
  readonly secret: string
  /** Where a test is sent. */
  readonly to: {
    readonly label: string
    readonly placeholder: string
    readonly type: 'email' | 'tel'
  }
  readonly labels: Readonly<Record<string, string>>
  /** The fields before the secret. */
  readonly fields: (form: FormState) => VNode
  readonly from: (form: FormState) => VNode
}

const MAIL_LABELS = {
  host: 'Server',
  tls: 'Security',
  port: 'Port',
  login: 'User',
  secret: 'Password',
  from: 'Sender',
  to: 'Send the test to',
} as const

export const MAIL_WORDS: ServiceWords = {
  path: '/settings/mail',
  title: 'Mail',
  lead: 'The server that takes bills and passes them on (SMTP).',
  message: 'test mail',
  peer: 'server',
  secret: 'password',
  to: { label: MAIL_LABELS.to, placeholder: 'you@example.org', type: 'email' },
  labels: MAIL_LABELS,
  fields: (form) => (
    <>
      <TextField
        form={form}
        name="host"
        label={MAIL_LABELS.host}
        placeholder="smtp.example.org"
        required
      />
      <RadioField
        form={form}
        name="tls"
        label={MAIL_LABELS.tls}
        options={[
          ['starttls', 'STARTTLS', 'Usually port 587. Without TLS nothing is sent.'],
          ['implicit', 'TLS from the start', 'Usually port 465.'],
          ['none', 'None', 'Port 25, without a password: for a server on this machine or network.'],
        ]}
        required
      />
      <TextField
        form={form}
        name="port"
        label={MAIL_LABELS.port}
        inputMode="numeric"
        help="Left out: the usual one of the security chosen."
      />
      <TextField
        form={form}
        name="login"
        label={MAIL_LABELS.login}
        help="Left out: the server wants no login."
      />
    </>
  ),
  from: (form) => (
    <TextField
      form={form}
      name="from"
      label={MAIL_LABELS.from}
      type="email"
      placeholder="bills@example.org"
      help="The bare address that bills come from; the name before it is the utility's."
      required
    />
  ),
}

const SMS_LABELS = {
  kind: 'Gateway',
  base: 'Address',
  login: 'Account or user',
  secret: 'Token or password',
  from: 'Sender',
  to: 'Send the test to',
} as const

export const SMS_WORDS: ServiceWords = {
  path: '/settings/sms',
  title: 'SMS',
  lead: 'The gateway that takes texts about bills.',
  message: 'test SMS',
  peer: 'gateway',
  secret: 'token',
  to: { label: SMS_LABELS.to, placeholder: '+919900000001', type: 'tel' },
  labels: SMS_LABELS,
  fields: (form) => (
    <>
      <SelectField
        form={form}
        name="kind"
        label={SMS_LABELS.kind}
        options={[
          ['twilio', 'Twilio, or another with its format'],
          ['kannel', 'Kannel (sendsms)'],
        ]}
        required
      />
      <TextField
        form={form}
        name="base"
        label={SMS_LABELS.base}
        type="url"
        help="https://host or https://host:port. Plain http only to this machine, or without a login."
        required
      />
      <TextField form={form} name="login" label={SMS_LABELS.login} placeholder="AC0123..." />
    </>
  ),
  from: (form) => (
    <TextField
      form={form}
      name="from"
      label={SMS_LABELS.from}
      help="As phones show it: a number or a short name."
      required
    />
  ),
}
