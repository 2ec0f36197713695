// The messages of NTS key establishment, inside TLS: records of a type, a length and a body.
// Source: RFC 8915 section 4.
//
// The server answers once and may be anybody until its certificate is checked, so nothing here
// throws, and what is kept of an answer is bounded.

import { Reader, toText, Writer } from '../../bytes.ts'

/** Longest answer read, bytes. Eight cookies of 100 bytes make 900; anything longer is not an
 * answer. */
export const KE_BYTES_MAX = 16_384
/** Most cookies kept of one answer or in stock, as RFC 8915 sections 4 and 5.7 ask for. */
export const COOKIES_MAX = 8
/** Shortest cookie, bytes: an extension field has at least 16 including its header (RFC 7822). */
const COOKIE_BYTES_MIN = 12
/** Longest cookie, bytes: with it a request still fits a datagram that no network fragments. */
const COOKIE_BYTES_MAX = 512
/** Longest host name, characters (RFC 1035 section 2.3.4). */
const HOST_LENGTH_MAX = 253

/** AEAD_AES_SIV_CMAC_256, the one algorithm every NTS server must support (RFC 8915 section
 * 5.1). */
export const AEAD_AES_SIV_CMAC_256 = 15
/** Next protocol: NTPv4. */
export const NTPV4 = 0

const TYPE = {
  end: 0,
  nextProtocol: 1,
  error: 2,
  warning: 3,
  aead: 4,
  cookie: 5,
  server: 6,
  port: 7,
} as const
const CRITICAL = 0x8000

/** What the server grants: cookies, and the NTP server's address when it is another one. */
export interface KeGrant {
  readonly cookies: readonly Uint8Array[]
  readonly server: string | null
  readonly port: number | null
}

/** `unfinished`: the end has not arrived yet. `refused`: it will never be an answer we can use. */
export type KeVerdict =
  | { readonly is: 'granted'; readonly grant: KeGrant }
  | { readonly is: 'unfinished' }
  | { readonly is: 'refused'; readonly why: string }

/** Whether a cookie fits an extension field as it is: those are whole words of four bytes. */
export const isCookie = (cookie: Uint8Array): boolean =>
  cookie.length >= COOKIE_BYTES_MIN && cookie.length <= COOKIE_BYTES_MAX && cookie.length % 4 === 0

/** Writes one record. */
export function writeRecord(out: Writer, type: number, body: Uint8Array): void {
  out.u16(type).u16(body.length).bytes(body)
}

const u16 = (value: number): Uint8Array => new Writer().u16(value).done()

/** What we ask for: NTPv4 under AES-SIV-CMAC-256. */
export function encodeKeRequest(): Uint8Array {
  const out = new Writer()
  writeRecord(out, CRITICAL | TYPE.nextProtocol, u16(NTPV4))
  writeRecord(out, CRITICAL | TYPE.aead, u16(AEAD_AES_SIV_CMAC_256))
  writeRecord(out, CRITICAL | TYPE.end, new Uint8Array(0))
  return out.done()
}

interface Gathered {
  nextProtocol: number | null
  aead: number | null
  cookies: Uint8Array[]
  server: string | null
  port: number | null
}

/** Reads what has arrived of the server's answer so far. */
export function decodeKeAnswer(bytes: Uint8Array): KeVerdict {
  const gathered: Gathered = {
    nextProtocol: null,
    aead: null,
    cookies: [],
    server: null,
    port: null,
  }
  const reader = new Reader(bytes)
  while (reader.left >= 4) {
    const head = reader.u16()
    const body = reader.bytes(reader.u16())
    if (!reader.ok) break
    const type = head & ~CRITICAL
    // What follows the end is ignored: it may be rubbish, and changes nothing.
    if (type === TYPE.end) return body.length === 0 ? judged(gathered) : refused('end with a body')
    const why = take(gathered, type, body, head >= CRITICAL)
    if (why !== null) return refused(why)
  }
  return bytes.length > KE_BYTES_MAX ? refused('answer too long') : { is: 'unfinished' }
}

const refused = (why: string): KeVerdict => ({ is: 'refused', why })

/** Takes one record. Returns why the answer is refused, or null. */
function take(into: Gathered, type: number, body: Uint8Array, critical: boolean): string | null {
  const number = body.length === 2 ? new Reader(body).u16() : null
  switch (type) {
    case TYPE.error:
      return `server reports error ${number ?? 'malformed'}`
    case TYPE.warning:
      // No warning is defined; one that is not understood counts as an error (section 4.1.4).
      return `server reports warning ${number ?? 'malformed'}`
    case TYPE.nextProtocol:
      if (into.nextProtocol !== null || number === null) return 'not one next protocol'
      into.nextProtocol = number
      return null
    case TYPE.aead:
      if (into.aead !== null || number === null) return 'not one AEAD algorithm'
      into.aead = number
      return null
    case TYPE.cookie:
      if (!isCookie(body)) return `cookie of ${body.length} bytes`
      if (into.cookies.length < COOKIES_MAX) into.cookies.push(body)
      return null
    case TYPE.server:
      into.server = hostOf(body)
      return into.server === null ? 'malformed server name' : null
    case TYPE.port:
      if (number === null || number === 0) return 'malformed port'
      into.port = number
      return null
    default:
      return critical ? `unknown critical record ${type}` : null
  }
}

/** A name or an address; null when it is neither, so that nothing else reaches the resolver. */
function hostOf(body: Uint8Array): string | null {
  if (body.length > HOST_LENGTH_MAX) return null
  const text = toText(body)
  return /^[a-z0-9_:][a-z0-9_.:-]*$/i.test(text) ? text : null
}

function judged({ nextProtocol, aead, cookies, server, port }: Gathered): KeVerdict {
  if (nextProtocol !== NTPV4) return refused('server does not offer NTPv4')
  if (aead !== AEAD_AES_SIV_CMAC_256) return refused('server does not offer AES-SIV-CMAC-256')
  if (cookies.length === 0) return refused('server gave no cookie')
  return { is: 'granted', grant: { cookies, server, port } }
}
