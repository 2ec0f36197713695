// The mail server and the SMS gateway that an operator names, checked. A secret belongs to the peer
// it was typed for: it is stored under that peer's name and opens for no other, so that neither a
// changed row nor a changed form carries it elsewhere.

import { mailProblem } from './addresses.ts'

export type MailTls = 'none' | 'starttls' | 'implicit'

/** Where mail is handed over. */
export interface MailPeer {
  /** A name or an address; IPv6 without brackets. */
  readonly host: string
  readonly port: number
  /** `implicit`: TLS from the first byte. `starttls`: refuses to continue without it. */
  readonly tls: MailTls
  /** '': it wants no login. */
  readonly login: string
}
export type SmsKind = 'twilio' | 'kannel'

/** Where texts are handed over. */
export interface SmsPeer {
  readonly kind: SmsKind
  /** Scheme, host and port. */
  readonly base: string
  /** '': it wants no login. */
  readonly login: string
}

/** A mail server and who the mail comes from. */
export interface MailService {
  readonly peer: MailPeer
  /** Sender's address, bare. */
  readonly from: string
}
export interface SmsService {
  readonly peer: SmsPeer
  /** As phones show it: a number or a short name. */
  readonly from: string
}

/** What a secret is bound to: nothing of this may change without typing it again. */
export const mailPeerName = ({ tls, host, port, login }: MailPeer): string =>
  `${tls} ${host}:${port} ${login}`
export const smsPeerName = ({ kind, base, login }: SmsPeer): string => `${kind} ${base} ${login}`

export const MAIL_PORTS: Readonly<Record<MailTls, number>> = {
  none: 25,
  starttls: 587,
  implicit: 465,
}
const isMailTls = (text: string): text is MailTls => Object.hasOwn(MAIL_PORTS, text)
const isSmsKind = (text: string): text is SmsKind => text === 'twilio' || text === 'kannel'

const HOST = /^(?:[0-9a-f:.]{2,45}|[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?\.?)$/i
/** A sender as phones show it. */
const SENDER = /^[\x20-\x7e]{1,40}$/
export const isSmsSender = (text: string): boolean => SENDER.test(text)
/** Longest login and secret, characters: an API key has some 100. */
const LOGIN_CHARS_MAX = 256
const PORT_MAX = 65_535

/** Whether the host is this machine: what is sent there crosses no network. */
export function isThisMachine(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
  return bare === 'localhost' || bare === '::1' || LOOPBACK.test(bare)
}

const LOOPBACK = /^127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/

export type MailValues = Readonly<Record<'host' | 'port' | 'tls' | 'login' | 'from', string>>
export type SmsValues = Readonly<Record<'kind' | 'base' | 'login' | 'from', string>>

export const mailValues = ({ peer, from }: MailService): MailValues => ({
  host: peer.host,
  port: String(peer.port),
  tls: peer.tls,
  login: peer.login,
  from,
})
export const smsValues = ({ peer, from }: SmsService): SmsValues => ({ ...peer, from })

export type FieldErrors = Readonly<Record<string, string>>
export type Verdict<Service> =
  | { readonly ok: true; readonly service: Service }
  | { readonly ok: false; readonly errors: FieldErrors }

/** Checks what was typed. `secret`: whether one is sent along. */
export function checkMail(typed: MailValues, secret: boolean): Verdict<MailService> {
  const errors: Record<string, string> = {}
  const host = typed.host.trim().replace(/^\[(.*)\]$/, '$1')
  const from = typed.from.trim()
  const login = typed.login.trim()
  if (!HOST.test(host)) errors['host'] = 'a name or an address, such as smtp.example.org'
  const problem = mailProblem(from)
  if (problem !== null) errors['from'] = `the address ${problem}`
  if (tooLong(login)) errors['login'] = `at most ${LOGIN_CHARS_MAX} characters`
  if (!isMailTls(typed.tls)) {
    return { ok: false, errors: { ...errors, tls: 'choose one of the three' } }
  }
  const { tls } = typed
  const port = typed.port.trim() === '' ? MAIL_PORTS[tls] : portOf(typed.port.trim())
  if (port === null) errors['port'] = `a number from 1 to ${PORT_MAX}`
  if (tls === 'none' && (secret || login !== '') && !isThisMachine(host)) {
    errors['tls'] = 'a password needs TLS: it would cross the network in clear'
  }
  if (port === null || Object.keys(errors).length > 0) return { ok: false, errors }
  return { ok: true, service: { peer: { host, port, tls, login }, from } }
}

/** Checks what was typed. `secret`: whether one is sent along. */
export function checkSms(typed: SmsValues, secret: boolean): Verdict<SmsService> {
  const errors: Record<string, string> = {}
  const from = typed.from.trim()
  const login = typed.login.trim()
  const url = baseOf(typed.base.trim())
  if (url === null) errors['base'] = 'https://host or https://host:port, nothing behind it'
  if (!isSmsSender(from)) errors['from'] = 'a number such as +919900000001, or a short name'
  if (tooLong(login)) errors['login'] = `at most ${LOGIN_CHARS_MAX} characters`
  if (typed.kind === 'twilio' && login === '') errors['login'] = 'the account, such as AC0123...'
  if (!isSmsKind(typed.kind)) {
    return { ok: false, errors: { ...errors, kind: 'choose one of the two' } }
  }
  if (url !== null && (secret || login !== '') && crossesInClear(url)) {
    errors['base'] = 'a login at another machine needs https'
  }
  if (url === null || Object.keys(errors).length > 0) return { ok: false, errors }
  return { ok: true, service: { peer: { kind: typed.kind, base: url.origin, login }, from } }
}

/** What is wrong with a secret as typed; null: nothing. */
export const secretProblem = (secret: string): string | null =>
  tooLong(secret) ? `at most ${LOGIN_CHARS_MAX} characters` : null

const tooLong = (text: string): boolean => text.length > LOGIN_CHARS_MAX

const crossesInClear = ({ protocol, hostname }: URL): boolean =>
  protocol !== 'https:' && !isThisMachine(hostname)

function portOf(text: string): number | null {
  const port = Number(text)
  return /^\d{1,5}$/.test(text) && port >= 1 && port <= PORT_MAX ? port : null
}

function baseOf(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return null
  return url.href === `${url.origin}/` && url.port !== '0' ? url : null
}
