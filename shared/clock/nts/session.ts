// What a client holds after key establishment, and what it does with it: each request spends one
// cookie, each authentic answer brings new ones, encrypted. Nobody on the path can link two
// requests to one client by a cookie, because none is sent twice.
//
// Only an answer that authenticates, under the key of the server's direction and with the unique
// identifier of the open request, is handed on. The one exception the RFC makes is a NAK, which no
// key can authenticate: it says "I do not know your cookie", moves no clock, and at most brings a
// new key establishment, which the caller limits in rate.
// Source: RFC 8915 section 5. Read more: docs/clock.md.

import { assert } from '../../assert.ts'
import { concat, equalConstantTime, Writer } from '../../bytes.ts'
import type { Random } from '../../tves/suite.ts'
import {
  DATAGRAM_BYTES_MAX,
  type ExtensionField,
  FIELD,
  HEADER_BYTES,
  NTS_NONCE_BYTES,
  openAuthenticator,
  readFields,
  sealAuthenticator,
  SIV_KEY_BYTES,
  UNIQUE_BYTES,
  writeField,
} from './fields.ts'
import { COOKIES_MAX, isCookie } from './records.ts'

/** Longest request we send, bytes: what IPv6 never divides (1,280), less its head and UDP's. The
 * answer is no longer than the request. */
const REQUEST_BYTES_MAX = 1_232
/** Authenticator without anything encrypted: head, lengths, nonce, SIV. */
const AUTHENTICATOR_BYTES = 4 + 4 + NTS_NONCE_BYTES + 16
/** Kiss code of a NAK. */
const NTSN = 0x4e54534e

export interface NtsSession {
  /** Key of requests and key of answers, 32 bytes each. */
  readonly toServer: Uint8Array
  readonly toClient: Uint8Array
  /** Unspent, oldest first. */
  readonly cookies: readonly Uint8Array[]
  /** Unique identifier of the request that waits for its answer; null when none does. */
  readonly open: Uint8Array | null
}

export function startNts(keys: {
  readonly toServer: Uint8Array
  readonly toClient: Uint8Array
  readonly cookies: readonly Uint8Array[]
}): NtsSession {
  const { toServer, toClient, cookies } = keys
  assert(toServer.length === SIV_KEY_BYTES, 'the key to the server has 32 bytes')
  assert(toClient.length === SIV_KEY_BYTES, 'the key to the client has 32 bytes')
  return { toServer, toClient, cookies: cookies.slice(0, COOKIES_MAX), open: null }
}

export interface Protected {
  readonly session: NtsSession
  /** The datagram to send. */
  readonly request: Uint8Array
}

/** Protects a request, spending the oldest cookie; an older open request is given up. Placeholders
 * ask for as many new cookies as the stock lacks. Null when no cookie is left. */
export function protect(session: NtsSession, header: Uint8Array, random: Random): Protected | null {
  assert(header.length === HEADER_BYTES, 'an NTP header has 48 bytes')
  const [cookie, ...left] = session.cookies
  if (cookie === undefined) return null
  const unique = random(UNIQUE_BYTES)
  const out = new Writer().bytes(header)
  writeField(out, FIELD.unique, unique)
  writeField(out, FIELD.cookie, cookie)
  // The answer brings one cookie for the one spent, and one for each placeholder.
  for (let lacking = COOKIES_MAX - left.length - 1; lacking > 0; lacking -= 1) {
    if (out.length + 4 + cookie.length + AUTHENTICATOR_BYTES > REQUEST_BYTES_MAX) break
    writeField(out, FIELD.placeholder, new Uint8Array(cookie.length))
  }
  const before = out.done()
  const nothing = new Uint8Array(0)
  const sealed = sealAuthenticator(session.toServer, random(NTS_NONCE_BYTES), before, nothing)
  writeField(out, FIELD.authenticator, sealed)
  return { session: { ...session, cookies: left, open: unique }, request: out.done() }
}

/** `authentic`: `header` is the server's. `nak`: the server, or somebody on the path, says that it
 * does not know our cookie. CLK-14: neither; the request stays open for the true answer. */
export type NtsVerdict =
  | { readonly is: 'authentic'; readonly header: Uint8Array }
  | { readonly is: 'nak' }
  | { readonly is: 'refused'; readonly fault: 'CLK-14' }

export interface Opened {
  readonly session: NtsSession
  readonly verdict: NtsVerdict
}

/** Opens a datagram that came as an answer. One that authenticates closes the request, so a repeat
 * of it does not count again. */
export function openAnswer(session: NtsSession, datagram: Uint8Array): Opened {
  const refused: Opened = { session, verdict: { is: 'refused', fault: 'CLK-14' } }
  if (session.open === null || datagram.length > DATAGRAM_BYTES_MAX) return refused
  if (datagram.length < HEADER_BYTES) return refused
  const fields = readFields(datagram, HEADER_BYTES)
  if (fields === null) return refused
  const seals = fields.findIndex(({ type }) => type === FIELD.authenticator)
  const seal = fields[seals]
  // What follows the authenticator is under no key and not looked at.
  const covered = seal === undefined ? fields : fields.slice(0, seals)
  if (!names(covered, session.open)) return refused
  if (seal === undefined) return isNak(datagram) ? { session, verdict: { is: 'nak' } } : refused
  const before = datagram.subarray(0, seal.at)
  const plaintext = openAuthenticator(session.toClient, before, seal.body)
  if (plaintext === null) return refused
  const cookies = [...session.cookies, ...cookiesOf(plaintext)].slice(-COOKIES_MAX)
  return {
    session: { ...session, cookies, open: null },
    verdict: { is: 'authentic', header: concat(datagram.subarray(0, HEADER_BYTES)) },
  }
}

/** Is the answer to this request: exactly one unique identifier, ours. */
function names(fields: readonly ExtensionField[], unique: Uint8Array): boolean {
  const [first, ...more] = fields.filter(({ type }) => type === FIELD.unique)
  return first !== undefined && more.length === 0 && equalConstantTime(first.body, unique)
}

/** Stratum 0 and the kiss code NTSN (RFC 8915 section 5.7). */
function isNak(datagram: Uint8Array): boolean {
  const view = new DataView(datagram.buffer, datagram.byteOffset, HEADER_BYTES)
  return view.getUint8(1) === 0 && view.getUint32(12) === NTSN
}

/** New cookies are fields of what is encrypted; anything else in there is passed over. */
function cookiesOf(plaintext: Uint8Array): readonly Uint8Array[] {
  return (readFields(plaintext, 0) ?? [])
    .filter(({ type, body }) => type === FIELD.cookie && isCookie(body))
    .map(({ body }) => body)
}
