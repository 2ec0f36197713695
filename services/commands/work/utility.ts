// What the environment says of the utility: what stands on its bills, and how its mail and SMS
// leave. What it leaves open is entered on the page Settings.

import { assert } from '../../../shared/assert.ts'
import { FaultError } from '../../../shared/node/fault-error.ts'
import { Secret } from '../../../shared/secret.ts'
import { mailProblem } from '../../billing/utility/core/addresses.ts'
import type { FixedService, UtilityEnvironment } from '../../billing/utility/core/environment.ts'
import {
  isSmsSender,
  isThisMachine,
  MAIL_PORTS,
  type MailService,
  type SmsService,
} from '../../billing/utility/core/services.ts'
import { checkProfile, NEW_PROFILE, profileValues } from '../../billing/utility/core/profile.ts'
import type { Settings } from '../../settings.ts'
import { type ServiceUrl, serviceUrl } from '../../service-url.ts'
import { type Environment, variable, type VariableName } from '../../variables.ts'

/** What is set, with the variable's name; what is not set is left to the page. OPS-05. */
export function utilityFrom(
  env: Environment,
  { publicUrl, zone }: Pick<Settings, 'publicUrl' | 'zone'>,
): UtilityEnvironment {
  const text = (by: VariableName) => {
    const value = variable(env, by)
    return value === '' ? undefined : { value, by }
  }
  const payment = text('TICKLOCK_UTILITY_PAYMENT')
  const [name, address, contact] = [
    text('TICKLOCK_UTILITY'),
    text('TICKLOCK_UTILITY_ADDRESS'),
    text('TICKLOCK_UTILITY_CONTACT'),
  ]
  checkTexts({
    name: name?.value ?? '',
    address: address?.value ?? '',
    contact: contact?.value ?? '',
    payment: payment === undefined ? '' : ways(payment.value).join('\n'),
  })
  const [mail, sms] = [mailFrom(env), smsFrom(env)]
  const [sender, textSender] = [text('TICKLOCK_MAIL_FROM'), text('TICKLOCK_SMS_FROM')]
  return {
    profile: {
      ...(name === undefined ? {} : { name }),
      ...(address === undefined ? {} : { address }),
      ...(contact === undefined ? {} : { contact }),
      ...(payment === undefined ? {} : { payment: { ...payment, value: ways(payment.value) } }),
      ...(zone === null ? {} : { zone: { value: zone, by: 'TICKLOCK_ZONE' } }),
      ...(publicUrl === null ? {} : { publicUrl: { value: publicUrl, by: 'TICKLOCK_PUBLIC_URL' } }),
    },
    mail: mail === null ? null : { value: mail, by: 'TICKLOCK_SMTP_URL' },
    mailFrom: sender ?? null,
    sms: sms === null ? null : { value: sms, by: 'TICKLOCK_SMS_URL' },
    smsFrom: textSender ?? null,
  }
}

const VARIABLES = {
  name: 'TICKLOCK_UTILITY',
  address: 'TICKLOCK_UTILITY_ADDRESS',
  contact: 'TICKLOCK_UTILITY_CONTACT',
  payment: 'TICKLOCK_UTILITY_PAYMENT',
} as const

/** What stands on bills keeps the limits of the page: a bill that cannot be read back would be
 * lost. OPS-05. */
function checkTexts(texts: Readonly<Record<keyof typeof VARIABLES, string>>): void {
  const verdict = checkProfile({ ...profileValues(NEW_PROFILE), ...texts })
  if (verdict.ok) return
  for (const field of ['name', 'address', 'contact', 'payment'] as const) {
    const problem = verdict.errors[field]
    if (problem !== undefined) throw new FaultError('OPS-05', `${VARIABLES[field]}: ${problem}`)
  }
}

/** Several ways to pay are separated by a vertical bar. */
const ways = (text: string): readonly string[] => text.split('|').filter((line) => line !== '')

const MAIL = { smtp: 'none', 'smtp+starttls': 'starttls', smtps: 'implicit' } as const
const isMail = (scheme: string): scheme is keyof typeof MAIL => Object.hasOwn(MAIL, scheme)

const secretOf = ({ password }: ServiceUrl): Secret | null =>
  password === '' ? null : new Secret(new Uint8Array(Buffer.from(password)))

/** Mail by TICKLOCK_SMTP_URL (`smtps://user:password@host`, `smtp+starttls://...`,
 * `smtp://host`) and TICKLOCK_MAIL_FROM; null when not set. OPS-05. */
export function mailFrom(env: Environment): FixedService<MailService> | null {
  const text = variable(env, 'TICKLOCK_SMTP_URL')
  const from = variable(env, 'TICKLOCK_MAIL_FROM')
  const problem = from === '' ? null : mailProblem(from)
  if (problem !== null) {
    throw new FaultError('OPS-05', `TICKLOCK_MAIL_FROM="${from}" ${problem}`)
  }
  if (text === '') return null
  const url = serviceUrl('TICKLOCK_SMTP_URL', text, Object.keys(MAIL))
  if (from === '') throw new FaultError('OPS-05', 'TICKLOCK_SMTP_URL needs TICKLOCK_MAIL_FROM')
  assert(isMail(url.scheme), 'the URL was checked')
  const tls = MAIL[url.scheme]
  const { host, port, user: login } = url
  if (login !== '' && tls === 'none' && !isThisMachine(host)) {
    throw new FaultError('OPS-05', 'TICKLOCK_SMTP_URL: a password needs smtps or smtp+starttls')
  }
  const peer = { host, port: port ?? MAIL_PORTS[tls], tls, login }
  return { service: { peer, from }, secret: secretOf(url) }
}

/** SMS by TICKLOCK_SMS_URL (`twilio+https://account:token@host`,
 * `kannel+http://user:password@host:port`) and TICKLOCK_SMS_FROM; null when not set. OPS-05. */
export function smsFrom(env: Environment): FixedService<SmsService> | null {
  const text = variable(env, 'TICKLOCK_SMS_URL')
  const from = variable(env, 'TICKLOCK_SMS_FROM')
  if (from !== '' && !isSmsSender(from)) {
    throw new FaultError('OPS-05', `TICKLOCK_SMS_FROM: "${from}" is not a number or a name`)
  }
  if (text === '') return null
  const [, kind, address = ''] = /^(twilio|kannel)\+(https?:.*)$/s.exec(text) ?? []
  if (kind === undefined) {
    throw new FaultError(
      'OPS-05',
      'TICKLOCK_SMS_URL: not twilio+https://account:token@host or kannel+http://user:password@host',
    )
  }
  const url = serviceUrl('TICKLOCK_SMS_URL', address, ['https', 'http'])
  if (from === '') throw new FaultError('OPS-05', 'TICKLOCK_SMS_URL needs TICKLOCK_SMS_FROM')
  const { user: login, password, origin: base, scheme, host } = url
  if (scheme === 'http' && login + password !== '' && !isThisMachine(host)) {
    throw new FaultError('OPS-05', 'TICKLOCK_SMS_URL: a login at another machine needs https')
  }
  const peer = { kind: kind === 'twilio' ? 'twilio' : 'kannel', base, login } as const
  return { service: { peer, from }, secret: secretOf(url) }
}
