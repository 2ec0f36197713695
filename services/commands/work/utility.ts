// The utility that `ticklock up` runs for: what stands on its bills, and how its mail and SMS
// leave.

import { assert } from '../../../shared/assert.ts'
import { FaultError } from '../../../shared/node/fault-error.ts'
import type { Utility } from '../../billing/bills/core/bill-content.ts'
import { mailProblem } from '../../billing/customers/core/addresses.ts'
import { type MailDriver, openMail } from '../../billing/notices/shell/mail.ts'
import { kannelSms, type SmsDriver, twilioSms } from '../../billing/notices/shell/sms.ts'
import type { Settings } from '../../settings.ts'
import { serviceUrl } from '../../service-url.ts'
import { type Environment, variable } from '../../variables.ts'

/** Several ways to pay are separated by a vertical bar. */
export const utilityFrom = (env: Environment): Utility => ({
  name: variable(env, 'TICKLOCK_UTILITY'),
  address: variable(env, 'TICKLOCK_UTILITY_ADDRESS'),
  contact: variable(env, 'TICKLOCK_UTILITY_CONTACT'),
  payment: variable(env, 'TICKLOCK_UTILITY_PAYMENT')
    .split('|')
    .filter((line) => line !== ''),
})

/** How notices leave. OPS-05 when they would carry links that lead nowhere: without an address that
 * customers can reach we only know our own, on this machine. */
export function driversFrom(env: Environment, settings: Settings, fromName: string) {
  const mail = mailFrom(env, fromName)
  const sms = smsFrom(env)
  if (settings.publicUrl === null && (mail !== null || sms !== null)) {
    const set = mail === null ? 'TICKLOCK_SMS_URL' : 'TICKLOCK_SMTP_URL'
    throw new FaultError(
      'OPS-05',
      `${set} needs TICKLOCK_PUBLIC_URL: the links in notices begin with it (https://...)`,
    )
  }
  return { mail, sms }
}

/** A sender as phones show it: a number or a short name. */
const SENDER = /^[\x20-\x7e]{1,40}$/

const MAIL = {
  smtp: { tls: 'none', port: 25 },
  'smtp+starttls': { tls: 'starttls', port: 587 },
  smtps: { tls: 'implicit', port: 465 },
} as const
const isMail = (scheme: string): scheme is keyof typeof MAIL => Object.hasOwn(MAIL, scheme)

/** Mail by TICKLOCK_SMTP_URL (`smtps://user:password@host`, `smtp+starttls://...`,
 * `smtp://host`) and TICKLOCK_MAIL_FROM; null when not set: mail waits. OPS-05. */
export function mailFrom(env: Environment, fromName: string): MailDriver | null {
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
  const { tls, port: usual } = MAIL[url.scheme]
  const { host, port, user, password } = url
  const login = user === '' ? null : { user, password }
  return openMail({ host, port: port ?? usual, tls, login, from, fromName })
}

/** SMS by TICKLOCK_SMS_URL (`twilio+https://account:token@host`,
 * `kannel+http://user:password@host:port`) and TICKLOCK_SMS_FROM; null when not set: texts
 * wait. OPS-05. */
export function smsFrom(env: Environment): SmsDriver | null {
  const text = variable(env, 'TICKLOCK_SMS_URL')
  const from = variable(env, 'TICKLOCK_SMS_FROM')
  if (from !== '' && !SENDER.test(from)) {
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
  const { user, password, origin: base } = url
  return kind === 'twilio'
    ? twilioSms({ base, account: user, token: password, from })
    : kannelSms({ base, user, password, from })
}
