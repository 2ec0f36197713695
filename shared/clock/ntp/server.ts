// The server's side: one question, at most one answer, 48 bytes. It answers as chronyd does:
// clients of versions 1 to 4 (mode 3; version 1 may also leave the mode out), and whoever calls us
// its peer (mode 1), as old Windows machines do, gets the time as from a peer (mode 2) without ever
// becoming one. Broadcast, answers, and control packets (modes 6 and 7, which were abused to make
// servers flood others) get nothing; no answer is a question again, so no two servers can keep each
// other busy; and none is longer than its question, so nobody gains by asking from a forged
// address. What a packet carries beyond its header is ignored.
//
// A clock that is not synchronised answers too, and says so (leap 3, stratum 16): silence would
// look like a broken network. Source: RFC 5905 section 8 and 9.2; RFC 8633 section 5.

import { type MonoUs, spanUs, type SpanUs, type UnixUs } from '../../units.ts'
import {
  HEADER_BYTES,
  type Leap,
  MODE_ACTIVE,
  MODE_CLIENT,
  MODE_NONE,
  MODE_PASSIVE,
  MODE_SERVER,
  NTP_PORT,
  type NtpHeader,
  readPacket,
  refidOf,
  STRATUM_UNSYNCHRONISED,
  toStamp,
  writePacket,
} from './packet.ts'

/** Answers per second to one address, in the long run: several clients behind one router that ask
 * every second. NTP itself asks every 64 s. */
const ANSWERS_PER_SECOND = 16
/** Answers in a row to an address that was quiet: enough for a site whose machines all start at
 * once. */
const ANSWERS_BURST = 128
/** Interval between the kisses sent to an address that asks too often, microseconds; it gets
 * nothing in between. */
const KISS_EVERY_US = 8_000_000
/** Addresses remembered: about a megabyte. An attacker who forges more gets the answers of that
 * many quiet addresses, each no longer than its question. */
const ADDRESSES_MAX = 8_192
const STEP_US = 1_000_000 / ANSWERS_PER_SECOND
const BUCKET_US = STEP_US * ANSWERS_BURST
/** Precision of our stamps, log2 seconds: a microsecond. */
const PRECISION = -20
const PLACE_OF_TRANSMIT = 40

/** What an answer says of our clock. */
export interface ServedClock {
  readonly leap: Leap
  readonly stratum: number
  readonly refid: number
  readonly rootDelay: SpanUs
  /** With half of the root delay: all of our bound. */
  readonly rootDispersion: SpanUs
  /** When the clock was last corrected; null: never. */
  readonly reference: UnixUs | null
}

export const UNSYNCHRONISED: ServedClock = {
  leap: 3,
  stratum: STRATUM_UNSYNCHRONISED,
  refid: 0,
  rootDelay: spanUs(0),
  rootDispersion: spanUs(0),
  reference: null,
}

/** `answer` the question, `kiss`: say that it is one too many, or stay silent. */
export type Turn = 'answer' | 'kiss' | 'silence'

/** Token bucket per address. Its memory has a fixed size. */
export class Turnstile {
  /** When each address's bucket is full again and when it last got a kiss; the address quiet
   * longest comes first. */
  readonly #known = new Map<string, { readonly fullAt: number; readonly kissedAt: number }>()

  get tracked(): number {
    return this.#known.size
  }

  turn(address: string, at: MonoUs): Turn {
    const known = this.#known.get(address)
    const fullAt = Math.max(known?.fullAt ?? at, at) + STEP_US
    const kissedAt = known?.kissedAt ?? Number.NEGATIVE_INFINITY
    if (fullAt - at <= BUCKET_US) {
      this.#remember(address, { fullAt, kissedAt })
      return 'answer'
    }
    if (at - kissedAt < KISS_EVERY_US) return 'silence'
    this.#remember(address, { fullAt: fullAt - STEP_US, kissedAt: at })
    return 'kiss'
  }

  #remember(address: string, entry: { readonly fullAt: number; readonly kissedAt: number }): void {
    this.#known.delete(address)
    this.#known.set(address, entry)
    // The least recently used bucket is the fullest: forgetting it gives away least.
    const [oldest] = this.#known.keys()
    if (this.#known.size > ADDRESSES_MAX && oldest !== undefined) this.#known.delete(oldest)
  }
}

export interface Question {
  readonly datagram: Uint8Array
  /** UDP port it came from. */
  readonly port: number
}

/** The mode of the answer to a question of this mode; null: it is none. Source: RFC 5905 section
 * 9.2 (AM_NEWPS, answered without an association); chrony, ntp_core.c, NCR_ProcessRxUnknown. */
function answeringMode({ version, mode }: NtpHeader, port: number): number | null {
  if (mode === MODE_CLIENT) return MODE_SERVER
  if (mode === MODE_ACTIVE) return MODE_PASSIVE
  // From the port of NTP itself it is no client that asks, but a peer.
  return mode === MODE_NONE && version === 1 && port !== NTP_PORT ? MODE_SERVER : null
}

/** The answer to a datagram that arrived at `t2`, still without its transmit stamp; null: no
 * answer. */
export function answerTo(
  { datagram, port }: Question,
  turn: 'answer' | 'kiss',
  t2: UnixUs,
  served: ServedClock,
): Uint8Array | null {
  const read = readPacket(datagram, 1)
  if (!read.ok) return null
  const { version, poll, transmit } = read.packet
  const mode = answeringMode(read.packet, port)
  if (mode === null) return null
  const { leap, stratum, refid, rootDelay, rootDispersion, reference } =
    turn === 'kiss' ? KISS_RATE : served
  const header: NtpHeader = {
    leap,
    version,
    mode,
    stratum,
    poll,
    precision: PRECISION,
    rootDelay,
    rootDispersion,
    refid,
    reference: reference === null ? 0n : toStamp(reference),
    origin: transmit,
    receive: toStamp(t2),
    transmit: 0n,
  }
  return writePacket(header)
}

const KISS_RATE: ServedClock = { ...UNSYNCHRONISED, stratum: 0, refid: refidOf('RATE') }

/** Writes the transmit stamp into an answer: the last step before it leaves. */
export function strikeTransmit(answer: Uint8Array, t3: UnixUs): void {
  const view = new DataView(answer.buffer, answer.byteOffset, HEADER_BYTES)
  view.setBigUint64(PLACE_OF_TRANSMIT, toStamp(t3))
}
