// TPSN between us and a meter: the side with the right time sends it, both take stamps, and one of
// the two computes offset and delay. In sensor networks the side with the wrong time asks and
// computes. A DLMS meter is the server and never begins, so here its peer, the client, begins: it
// sends its time, the meter answers with its own, the peer computes and returns the correction, and
// the meter applies it at once. Both directions are here, for both ends; the types are the
// messages.
//
//   slave-computed    meter: ask ->         <- time :peer       the meter computes and applies
//   master-computed   peer:  time ->        <- local :meter     the peer computes
//                     peer:  correction ->                      the meter applies
//   only reading      peer:  a GET of the clock object: `local` with one stamp
//
// Whatever the direction, the four stamps are those of one question and one answer: t1 and t4 taken
// by the side that sent first, t2 and t3 by the other. So both ends use the same function, and
// their results differ only in sign. A meter may start with any time at all: offsets have no limit,
// and nothing is learned from what it showed before.
//
// What we add to the paper: the bytes' known time on the line is subtracted from the delay, so a
// long answer to a short question costs no accuracy; a correction also carries the frequency,
// without which a clock is off again by its drift at the end of each interval; a correction is
// applied once and only in its own exchange. Source: the paper in docs/clock.md (The clocks of
// meters). All functions are pure; the caller takes the stamps.

import {
  type MonoUs,
  monoUs,
  type Ppm,
  ppm,
  type SpanUs,
  spanUs,
  type UnixUs,
  unixUs,
} from '../../units.ts'
import { bracketOf } from './edges.ts'
import { FREQUENCY_TOLERANCE_PPM } from '../estimate/exchange.ts'
import type { MeterClockRead } from './meter-clock-line.ts'

/** A COSEM object that carries times. */
export interface ClockObject {
  /** Logical name, A-B:C.D.E.F. */
  readonly obis: string
  /** Times are truncated to this. */
  readonly resolution: SpanUs
  /** How many stamps `time` and `local` carry; with one, `received` equals `sent`. */
  readonly stamps: 1 | 2
}

/** Class 8, the clock every meter has: date_time in hundredths of a second. */
export const STANDARD_CLOCK: ClockObject = {
  obis: '0-0:1.0.0.255',
  resolution: spanUs(10_000),
  stamps: 1,
}
/** A manufacturer's own clock: value group E from 128 on is free for them to use. */
export const FINE_CLOCK: ClockObject = {
  obis: '0-0:1.0.128.255',
  resolution: spanUs(10),
  stamps: 2,
}

/** Identifies an exchange, so that nothing late or repeated is taken for part of another; wraps. */
export type ExchangeNumber = number
/** Numbers of exchanges are one byte on the wire: two are never open at once. */
export const EXCHANGES = 256

/** The meter asks for the time; carries none itself. A meter that is a server cannot send it. */
export interface Ask {
  readonly tpsn: 'ask'
  readonly exchange: ExchangeNumber
}

/** A clock's own time: `time` from the side with the right time, `local` from the meter. When the
 * message before it arrived and when this one left, both on that clock and truncated to the
 * object's resolution. */
export interface ClockMessage {
  readonly tpsn: 'time' | 'local'
  readonly exchange: ExchangeNumber
  readonly received: UnixUs
  readonly sent: UnixUs
}

/** What the meter is to add to its time, and to its rate from now on. */
export interface Correction {
  readonly tpsn: 'correction'
  readonly exchange: ExchangeNumber
  readonly offset: SpanUs
  /** Round trip without the answerer's own time, for information. */
  readonly delay: SpanUs
  /** 0 for a meter whose rate cannot be trimmed. */
  readonly frequency: Ppm
}

/** The stamps one end has after an exchange: t1, t4 on its clock, t2, t3 on the other's. */
export interface Stamps {
  readonly t1: MonoUs
  readonly t2: UnixUs
  readonly t3: UnixUs
  readonly t4: MonoUs
}

/** The other's clock against ours: it shows ours + offset, |error| <= bound. */
export interface Comparison {
  readonly offset: SpanUs
  readonly delay: SpanUs
  readonly bound: SpanUs
}

export type ComparisonVerdict =
  | { readonly ok: true; readonly comparison: Comparison; readonly read: MeterClockRead }
  | { readonly ok: false; readonly fault: 'CLK-02' }

/** Truncates a time to an object's resolution. */
export const truncated = (utc: number, { resolution }: ClockObject): UnixUs =>
  unixUs(Math.floor(utc / resolution) * resolution)

/** The message of a clock that received at `received` and answers at `sent`. */
export const clockMessage = (
  tpsn: ClockMessage['tpsn'],
  exchange: ExchangeNumber,
  stamps: { readonly received: number; readonly sent: number },
  object: ClockObject,
): ClockMessage => {
  const sent = truncated(stamps.sent, object)
  const received = object.stamps === 1 ? sent : truncated(stamps.received, object)
  return { tpsn, exchange, received, sent }
}

/** Compares two clocks by the stamps of one question and its answer. CLK-02: the answer came before
 * its question, or sooner than its bytes can travel, or was sent before it was received. `read` is
 * the same as a read of the other's clock, with the other's own time subtracted from the delay. */
export function compare(
  { t1, t2, t3, t4 }: Stamps,
  resolution: SpanUs,
  onLine: MeterClockRead['onLine'],
): ComparisonVerdict {
  const inside = t3 - t2
  if (inside < 0 || t4 < t1) return { ok: false, fault: 'CLK-02' }
  // The difference of two truncated stamps is off by up to one resolution.
  const cut = inside > 0 ? resolution : 0
  const outer = { t1: monoUs(t1 - cut), t4: monoUs(t4 - inside + cut) }
  const read: MeterClockRead = { ...outer, utc: t2, resolution, onLine, status: null }
  const bracket = bracketOf(read, ppm(FREQUENCY_TOLERANCE_PPM))
  if (bracket === null) return { ok: false, fault: 'CLK-02' }
  const comparison = {
    offset: spanUs(bracket.least + (bracket.most - bracket.least) / 2),
    delay: spanUs(t4 - t1 - inside),
    bound: spanUs((bracket.most - bracket.least) / 2),
  }
  return { ok: true, comparison, read }
}

/** Our end of master-computed exchanges: the open exchange, and the next one's number. */
export interface Peer {
  readonly open: { readonly exchange: ExchangeNumber; readonly t1: MonoUs } | null
  readonly next: ExchangeNumber
}

export const IDLE_PEER: Peer = { open: null, next: 0 }

/** Opens an exchange by sending the time: UTC is `utc` at `mono`, when the message is handed to the
 * line. An older exchange is abandoned. */
export function giveTime(
  { next }: Peer,
  mono: MonoUs,
  utc: UnixUs,
  object: ClockObject,
): { readonly peer: Peer; readonly message: ClockMessage } {
  const peer: Peer = { open: { exchange: next, t1: mono }, next: (next + 1) % EXCHANGES }
  return { peer, message: clockMessage('time', next, { received: utc, sent: utc }, object) }
}

/** Takes the meter's local time, which arrived at `t4`. CLK-04 when it is not for the open
 * exchange, which then stays open; otherwise it is closed. */
export function takeLocal(
  peer: Peer,
  local: ClockMessage,
  t4: MonoUs,
  { resolution }: ClockObject,
  onLine: MeterClockRead['onLine'],
): {
  readonly peer: Peer
  readonly verdict: ComparisonVerdict | { readonly ok: false; readonly fault: 'CLK-04' }
} {
  const { open } = peer
  if (open === null || local.tpsn !== 'local' || local.exchange !== open.exchange) {
    return { peer, verdict: { ok: false, fault: 'CLK-04' } }
  }
  const stamps = { t1: open.t1, t2: local.received, t3: local.sent, t4 }
  return { peer: { ...peer, open: null }, verdict: compare(stamps, resolution, onLine) }
}

/** The meter's end: a clock on top of its own counter, initially in any state. */
export interface Follower {
  /** It showed `shown` when its counter stood at `since`, and has counted at 1 + `rate` since. */
  readonly since: MonoUs
  readonly shown: UnixUs
  readonly rate: Ppm
  /** The open exchange, and when the meter asked; null where the peer began it. */
  readonly open: { readonly exchange: ExchangeNumber; readonly t1: MonoUs | null } | null
}

/** What the follower shows. */
export const followerTime = ({ since, shown, rate }: Follower, counter: MonoUs): UnixUs =>
  unixUs(shown + (counter - since) * (1 + rate * 1e-6))

/** Master-computed: the peer's time arrived, the local time goes back. Stamps on the meter's
 * counter. / */
export function answerTime(
  follower: Follower,
  { exchange }: ClockMessage,
  received: MonoUs,
  sent: MonoUs,
  object: ClockObject,
): { readonly follower: Follower; readonly message: ClockMessage } {
  const shown = { received: followerTime(follower, received), sent: followerTime(follower, sent) }
  const open = { exchange, t1: null }
  return {
    follower: { ...follower, open },
    message: clockMessage('local', exchange, shown, object),
  }
}

/** Master-computed: applies what the peer computed, once, and only in the open exchange. */
export function applyCorrection(
  follower: Follower,
  { exchange, offset, frequency }: Pick<Correction, 'exchange' | 'offset' | 'frequency'>,
  counter: MonoUs,
): Follower {
  const { open, rate } = follower
  if (open === null || open.exchange !== exchange) return follower
  const shown = unixUs(followerTime(follower, counter) + offset)
  return { since: counter, shown, rate: ppm(rate + frequency), open: null }
}

/** Slave-computed: the meter asks. */
export const askTime = (
  follower: Follower,
  exchange: ExchangeNumber,
  t1: MonoUs,
): { readonly follower: Follower; readonly message: Ask } => ({
  follower: { ...follower, open: { exchange, t1 } },
  message: { tpsn: 'ask', exchange },
})

/** Slave-computed: the time arrived at `t4`; the meter compares and applies it. Nothing changes,
 * and `comparison` is null, when the time is not the answer to the open question or is
 * impossible. */
export function takeTime(
  follower: Follower,
  time: ClockMessage,
  t4: MonoUs,
  { resolution }: ClockObject,
  onLine: MeterClockRead['onLine'],
): { readonly follower: Follower; readonly comparison: Comparison | null } {
  const t1 = follower.open?.t1 ?? null
  const own = time.tpsn === 'time' && follower.open?.exchange === time.exchange
  if (t1 === null || !own) return { follower, comparison: null }
  const verdict = compare({ t1, t2: time.received, t3: time.sent, t4 }, resolution, onLine)
  if (!verdict.ok) return { follower: { ...follower, open: null }, comparison: null }
  const { comparison } = verdict
  const shown = unixUs(t4 + comparison.offset)
  return { follower: { ...follower, since: t4, shown, open: null }, comparison }
}
