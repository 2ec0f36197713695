// A client's state after key establishment: each request spends one cookie, each authentic answer
// brings new ones, encrypted. Nobody on the path can link two requests to one client by a cookie,
// because no cookie is sent twice.
//
// Only an answer that authenticates, under the key of the server's direction and with the unique
// identifier of the open request, is handed on. The one exception the RFC makes is a NAK, which no
// key can authenticate: it says "I do not know your cookie", moves no clock, and at most brings a
// new key establishment at the next poll. (The RFC continues to ask with the old cookies until
// then. An attacker who can forge a NAK in time is on the path and could stop those questions as
// well.) Source: RFC 8915 section 5. Read more: docs/clock.md.

import { assert } from '../../assert.ts'
import { concat, equalConstantTime, type Random } from '../../bytes.ts'
import type { Secret } from '../../secret.ts'
import type { Envelope, OpenedAnswer } from '../ntp/association.ts'
import {
  type ExtensionField,
  HEADER_BYTES,
  type NtpPacket,
  readAllFields,
  refidOf,
  writeFields,
} from '../ntp/packet.ts'
import {
  FIELD,
  NTS_NONCE_BYTES,
  openAuthenticator,
  sealAuthenticator,
  SIV_BYTES,
  SIV_KEY_BYTES,
  UNIQUE_BYTES,
} from './fields.ts'
import { COOKIES_MAX, isCookie } from './records.ts'

/** Longest request we send, bytes: what IPv6 never fragments (1,280), less its header and UDP's.
 * The answer is no longer than the request. */
const REQUEST_BYTES_MAX = 1_232
/** Authenticator without any plaintext: header, lengths, nonce, SIV. */
const AUTHENTICATOR_BYTES = 4 + 4 + NTS_NONCE_BYTES + SIV_BYTES
/** Kiss code of a NAK (RFC 8915 section 5.7). */
const NTSN = refidOf('NTSN')

export interface NtsSession {
  /** Key of requests and key of answers, 32 bytes each. */
  readonly toServer: Secret
  readonly toClient: Secret
  /** Unspent, oldest first. */
  readonly cookies: readonly Uint8Array[]
  /** Unique identifier of the request waiting for its answer; null: none. */
  readonly open: Uint8Array | null
}

/** The keys and the cookies of one key establishment. */
export type NtsKeys = Omit<NtsSession, 'open'>

export function startNts({ toServer, toClient, cookies }: NtsKeys): NtsSession {
  for (const key of [toServer, toClient]) {
    assert(key.reveal().length === SIV_KEY_BYTES, 'a key of NTS has 32 bytes')
  }
  return { toServer, toClient, cookies: cookies.slice(0, COOKIES_MAX), open: null }
}

export interface Protected {
  readonly session: NtsSession
  /** The datagram to send. */
  readonly request: Uint8Array
}

/** Protects a request, spending the oldest cookie; an older open request is abandoned. Placeholders
 * ask for as many new cookies as the stock lacks. Null when no cookie is left. */
export function protect(session: NtsSession, header: Uint8Array, random: Random): Protected | null {
  assert(header.length === HEADER_BYTES, 'an NTP header has 48 bytes')
  const [cookie, ...left] = session.cookies
  if (cookie === undefined) return null
  const unique = random(UNIQUE_BYTES)
  // The answer brings one cookie for the one spent, and one for each placeholder.
  const fixed = HEADER_BYTES + 4 + UNIQUE_BYTES + 4 + cookie.length + AUTHENTICATOR_BYTES
  const room = Math.floor((REQUEST_BYTES_MAX - fixed) / (4 + cookie.length))
  const lacking = Math.min(COOKIES_MAX - left.length - 1, room)
  const placeholder = { type: FIELD.placeholder, body: new Uint8Array(cookie.length) }
  const before = concat(
    header,
    writeFields([
      { type: FIELD.unique, body: unique },
      { type: FIELD.cookie, body: cookie },
      ...Array.from({ length: lacking }, () => placeholder),
    ]),
  )
  const key = session.toServer.reveal()
  const nothing = new Uint8Array(0)
  const body = sealAuthenticator(key, random(NTS_NONCE_BYTES), before, nothing)
  const request = concat(before, writeFields([{ type: FIELD.authenticator, body }]))
  return { session: { ...session, cookies: left, open: unique }, request }
}

export interface Opened {
  readonly session: NtsSession
  readonly verdict: OpenedAnswer['verdict']
}

/** Judges a datagram that arrived as an answer. One that authenticates closes the request, so that
 * a repetition does not count again. `renew`: the server, or an attacker on the path, says that it
 * does not know our cookie; we discard all of them. CLK-14: neither; the request stays open for the
 * true answer. */
export function openAnswer(session: NtsSession, datagram: Uint8Array, packet: NtpPacket): Opened {
  const refused: Opened = { session, verdict: 'CLK-14' }
  if (session.open === null) return refused
  const { fields } = packet
  const seal = fields.find(({ type }) => type === FIELD.authenticator)
  // What follows the authenticator is not authenticated and is ignored.
  const covered = seal === undefined ? fields : fields.slice(0, fields.indexOf(seal))
  if (!names(covered, session.open)) return refused
  if (seal === undefined) {
    if (!isNak(packet)) return refused
    return { session: { ...session, cookies: [], open: null }, verdict: 'renew' }
  }
  const before = datagram.subarray(0, seal.at)
  const plaintext = openAuthenticator(session.toClient.reveal(), before, seal.body)
  if (plaintext === null) return refused
  const cookies = [...session.cookies, ...cookiesOf(plaintext)].slice(-COOKIES_MAX)
  return { session: { ...session, cookies, open: null }, verdict: 'authentic' }
}

/** Whether it answers this request: it has exactly one unique identifier, ours. */
function names(fields: readonly ExtensionField[], unique: Uint8Array): boolean {
  const [first, ...more] = fields.filter(({ type }) => type === FIELD.unique)
  return first !== undefined && more.length === 0 && equalConstantTime(first.body, unique)
}

const isNak = ({ stratum, refid }: NtpPacket): boolean => stratum === 0 && refid === NTSN

/** New cookies are fields of the plaintext; any other field there is skipped. */
function cookiesOf(plaintext: Uint8Array): readonly Uint8Array[] {
  return (readAllFields(plaintext) ?? [])
    .filter(({ type, body }) => type === FIELD.cookie && isCookie(body))
    .map(({ body }) => body)
}

/** The envelope before keys are established: it cannot seal a question. */
export const UNKEYED: Envelope = {
  seal: () => null,
  open: () => ({ envelope: UNKEYED, verdict: 'CLK-14' }),
}

/** The envelope of questions under these keys. */
export const ntsEnvelope = (keys: NtsKeys): Envelope => enveloped(startNts(keys))

const enveloped = (session: NtsSession): Envelope => ({
  seal: (header, random) => {
    const sent = protect(session, header, random)
    return sent && { envelope: enveloped(sent.session), datagram: sent.request }
  },
  open: (datagram, packet) => {
    const { session: after, verdict } = openAnswer(session, datagram, packet)
    return { envelope: enveloped(after), verdict }
  },
})
