// The utility that `ticklock up` runs for: what stands on its bills, and how its mail and SMS
// leave.

import { FaultError } from '../../../shared/node/fault-error.ts'
import type { Utility } from '../../billing/bills/core/bill-content.ts'
import { type MailDriver, openMail } from '../../billing/notices/shell/mail.ts'
import { kannelSms, type SmsDriver, twilioSms } from '../../billing/notices/shell/sms.ts'
import type { Settings } from '../../settings.ts'
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

/** Mail by TICKLOCK_SMTP_URL (`smtps://user:password@host`, `smtp+starttls://...`,
 * `smtp://host`) and TICKLOCK_MAIL_FROM; null when not set: mail waits. */
export function mailFrom(env: Environment, fromName: string): MailDriver | null {
  const text = variable(env, 'TICKLOCK_SMTP_URL')
  if (text === '') return null
  const from = variable(env, 'TICKLOCK_MAIL_FROM')
  if (!URL.canParse(text) || from === '') {
    throw new FaultError(
      'OPS-05',
      'TICKLOCK_SMTP_URL is not a URL, or TICKLOCK_MAIL_FROM is missing',
    )
  }
  const url = new URL(text)
  const tls = { 'smtp:': 'none', 'smtp+starttls:': 'starttls', 'smtps:': 'implicit' } as const
  const kind = Object.entries(tls).find(([protocol]) => protocol === url.protocol)?.[1]
  if (kind === undefined) {
    throw new FaultError('OPS-05', 'TICKLOCK_SMTP_URL: smtp, smtp+starttls or smtps')
  }
  const login =
    url.username === ''
      ? null
      : { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) }
  const port = url.port === '' ? { none: 25, starttls: 587, implicit: 465 }[kind] : Number(url.port)
  return openMail({ host: url.hostname, port, tls: kind, login, from, fromName })
}

/** SMS by TICKLOCK_SMS_URL (`twilio+https://account:token@host`,
 * `kannel+http://user:password@host:port`) and TICKLOCK_SMS_FROM; null when not set: texts
 * wait. */
export function smsFrom(env: Environment): SmsDriver | null {
  const text = variable(env, 'TICKLOCK_SMS_URL')
  if (text === '') return null
  const from = variable(env, 'TICKLOCK_SMS_FROM')
  const match = /^(twilio|kannel)\+(https?:\/\/.*)$/.exec(text)
  const [, kind, address = ''] = match ?? []
  if (kind === undefined || !URL.canParse(address) || from === '') {
    throw new FaultError(
      'OPS-05',
      'TICKLOCK_SMS_URL: twilio+https://... or kannel+http://..., with TICKLOCK_SMS_FROM',
    )
  }
  const url = new URL(address)
  const user = decodeURIComponent(url.username)
  const password = decodeURIComponent(url.password)
  const base = url.origin
  return kind === 'twilio'
    ? twilioSms({ base, account: user, token: password, from })
    : kannelSms({ base, user, password, from })
}
