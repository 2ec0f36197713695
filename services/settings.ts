// What the environment says, read in one place: ports, data folder, database, mail and SMS.

import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { errorText, FaultError } from '../shared/node/fault-error.ts'
import {
  HANDSHAKES_PER_SOURCE,
  TOLERANCE_DEFAULT,
  TOLERANCE_MAX,
  TOLERANCE_MIN,
} from '../shared/wire/limits.ts'
import { type MailDriver, openMail } from './billing/notices/shell/mail.ts'
import { kannelSms, type SmsDriver, twilioSms } from './billing/notices/shell/sms.ts'
import { parseTimeSources, type TimeSource } from './master/shell/time/time-source.ts'

export interface Settings {
  /** Address every server of ours binds to. */
  readonly host: string
  readonly httpPort: number
  readonly tcpPort: number
  readonly wsPort: number
  /** UDP; 0: no NTP is served. */
  readonly ntpPort: number
  /** None: this machine's own clock. */
  readonly timeSources: readonly TimeSource[]
  /** Certificates in PEM that NTS servers may have besides those Node trusts. */
  readonly timeAuthorities: readonly string[]
  readonly dataFolder: string
  readonly databaseUrl: string | null
  /** What the operator states of this machine's clock, microseconds; null: not synchronised. */
  readonly clockBoundUs: number | null
  readonly toleranceSeconds: number
  /** Handshakes a minute from one address. */
  readonly handshakesPerSource: number
}

type Environment = Readonly<Record<string, string | undefined>>

const CLOCK_BOUND_MS = 20
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/** OPS-05 names the variable that is not valid. */
export function readSettings(env: Environment): Settings {
  const number = (name: string, otherwise: number, range: readonly [number, number]): number => {
    const text = env[name]
    if (text === undefined || text === '') return otherwise
    const value = Number(text)
    if (/^\d{1,9}$/.test(text) && value >= range[0] && value <= range[1]) return value
    throw new FaultError('OPS-05', `${name}="${text}" is not a number ${range[0]} to ${range[1]}`)
  }
  const port = (name: string, otherwise: number): number => number(name, otherwise, [1, 65_535])
  const bound = env['TICKLOCK_CLOCK_BOUND_MS']
  return {
    host: env['TICKLOCK_HOST'] ?? '127.0.0.1',
    httpPort: port('TICKLOCK_HTTP_PORT', 8_080),
    tcpPort: port('TICKLOCK_TCP_PORT', 7_443),
    wsPort: port('TICKLOCK_WS_PORT', 7_444),
    ntpPort: number('TICKLOCK_NTP_PORT', 7_123, [0, 65_535]),
    timeSources: timeSourcesFrom(env),
    timeAuthorities: timeAuthoritiesFrom(env),
    dataFolder: resolve(env['TICKLOCK_DATA'] ?? 'data'),
    databaseUrl: env['DATABASE_URL'] ?? null,
    clockBoundUs:
      bound === 'unknown'
        ? null
        : number('TICKLOCK_CLOCK_BOUND_MS', CLOCK_BOUND_MS, [0, 60_000]) * 1_000,
    toleranceSeconds: number('TICKLOCK_TOLERANCE_S', TOLERANCE_DEFAULT, [
      TOLERANCE_MIN,
      TOLERANCE_MAX,
    ]),
    handshakesPerSource: number(
      'TICKLOCK_HANDSHAKES_PER_SOURCE',
      HANDSHAKES_PER_SOURCE,
      [1, 1_000_000],
    ),
  }
}

/** OPS-05 names what is wrong with TICKLOCK_TIME_SOURCES. */
function timeSourcesFrom(env: Environment): readonly TimeSource[] {
  const sources = parseTimeSources(env['TICKLOCK_TIME_SOURCES'] ?? '')
  if (typeof sources !== 'string') return sources
  throw new FaultError('OPS-05', `TICKLOCK_TIME_SOURCES: ${sources}`)
}

/** The certificates in the file TICKLOCK_TIME_CA; OPS-05 when there are none. */
function timeAuthoritiesFrom(env: Environment): readonly string[] {
  const path = env['TICKLOCK_TIME_CA'] ?? ''
  if (path === '') return []
  try {
    // Node takes any text for an authority, and says later that it knows none.
    const found = readFileSync(path, 'utf8').match(CERTIFICATE) ?? []
    if (found.length === 0) throw new Error(`no certificate in ${path}`)
    return found.map((pem) => new X509Certificate(pem).toString())
  } catch (error) {
    throw new FaultError('OPS-05', `TICKLOCK_TIME_CA: ${errorText(error)}`)
  }
}

/** Mail by TICKLOCK_SMTP_URL (`smtps://user:password@host`, `smtp+starttls://...`,
 * `smtp://host`) and TICKLOCK_MAIL_FROM; null when not set: mail waits. */
export function mailFrom(env: Environment, fromName: string): MailDriver | null {
  const text = env['TICKLOCK_SMTP_URL']
  if (text === undefined || text === '') return null
  const from = env['TICKLOCK_MAIL_FROM']
  if (!URL.canParse(text) || from === undefined) {
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
  const text = env['TICKLOCK_SMS_URL']
  if (text === undefined || text === '') return null
  const from = env['TICKLOCK_SMS_FROM']
  const match = /^(twilio|kannel)\+(https?:\/\/.*)$/.exec(text)
  const [, kind, address = ''] = match ?? []
  if (kind === undefined || !URL.canParse(address) || from === undefined) {
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
