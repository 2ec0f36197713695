// One question about the time and its one answer. The slave takes t1 and t4 from its monotonic
// clock, the master t2 and t3 from its UTC clock, so a sample ties an instant of ours to an instant
// of UTC. A reply counts once, and only for the open question: in a simulation, a slave that
// believed late duplicates was off by 30 s.

import { assert } from '../../assert.ts'
import { equalConstantTime } from '../../bytes.ts'
import { BOUND_UNKNOWN_US } from '../clock-state.ts'
import { type MonoUs, monoUs, type SpanUs, spanUs, type UnixUs, unixUs } from '../../units.ts'

/** Largest |rate error| we assume of the monotonic clock, ppm: a poor crystal over its temperature
 * range stays below 100, a kernel that follows NTP adds its own correction. Every bound grows with
 * it; a clock that drifts faster than this breaks the bounds (docs/clock.md). */
export const FREQUENCY_TOLERANCE_PPM = 250
/** Slowest round trip that may synchronise, microseconds: half of it is an error of 1 s, the
 * largest that state S admits, and far inside the master's tolerance of 10 s. */
export const DELAY_MAX_US = 2_000_000
/** Slowest round trip that may still inform a clock that knows nothing, microseconds: half of it,
 * and drift and a second on top, stay inside the master's tolerance of 10 s. */
export const INFORMATIVE_DELAY_MAX_US = 16_000_000
/** Length of the random name of a question, bytes: nobody guesses it, none returns by chance. */
export const EXCHANGE_ID_BYTES = 16
/** More than is lost by halving and truncating to whole microseconds, here and where the time is
 * read. */
const ROUNDING_US = 3

/** The question waiting for its answer; null: none. */
export interface Exchange {
  readonly open: { readonly id: Uint8Array; readonly t1: MonoUs } | null
}

export interface ClockReply {
  readonly id: Uint8Array
  /** When the question reached the master, on the master's clock. */
  readonly t2: UnixUs
  /** When the reply left the master, on the master's clock. */
  readonly t3: UnixUs
  /** |UTC - master's clock| <= this; BOUND_UNKNOWN_US when the master cannot tell. */
  readonly masterBound: SpanUs
}

/** At `mono` on our monotonic clock UTC was `utc`, give or take `bound`. */
export interface Sample {
  readonly mono: MonoUs
  readonly utc: UnixUs
  readonly roundTripDelay: SpanUs
  readonly bound: SpanUs
  /** Good enough to know roughly what time it is, not good enough to be called synchronised. */
  readonly informative: boolean
}

/** With CLK-03 and CLK-07 an informative sample may come along. */
export type SampleVerdict =
  | { readonly ok: true; readonly sample: Sample }
  | { readonly ok: false; readonly fault: 'CLK-02' | 'CLK-04'; readonly sample: null }
  | { readonly ok: false; readonly fault: 'CLK-03' | 'CLK-07'; readonly sample: Sample | null }

interface FourStamps {
  readonly t1: MonoUs
  readonly t2: UnixUs
  readonly t3: UnixUs
  readonly t4: MonoUs
  readonly masterBound: SpanUs
}

export const IDLE: Exchange = { open: null }

/** Opens a question stamped t1, with 16 fresh random bytes as its id; an older one is abandoned. */
export function ask(id: Uint8Array, t1: MonoUs): Exchange {
  assert(id.length === EXCHANGE_ID_BYTES, 'a clock question is named by 16 bytes')
  return { open: { id, t1 } }
}

/** The question stamped `t1` left at `at`: not before it was handed to the network, or the round
 * trip would look faster than it was. Ignored when that question is no longer open. */
export const sent = (exchange: Exchange, t1: MonoUs, at: MonoUs): Exchange =>
  exchange.open?.t1 === t1 ? { open: { ...exchange.open, t1: at } } : exchange

/** Takes a reply that arrived at t4. CLK-04 when it is not for the open question, which then stays
 * open; otherwise the question is closed and the verdict is that of `measure`. */
export function answer(
  exchange: Exchange,
  reply: ClockReply,
  t4: MonoUs,
): { readonly exchange: Exchange; readonly verdict: SampleVerdict } {
  const { open } = exchange
  if (open === null || !equalConstantTime(open.id, reply.id)) {
    return { exchange, verdict: { ok: false, fault: 'CLK-04', sample: null } }
  }
  const { t2, t3, masterBound } = reply
  return { exchange: IDLE, verdict: measure({ t1: open.t1, t2, t3, t4, masterBound }) }
}

/** Sample from the four time stamps of one exchange.
 * UTC at our middle (t1+t4)/2 lies within roundTripDelay/2 of the master's middle (t2+t3)/2,
 * whichever way the delay was spent; what our clock may drift meanwhile and the master's own bound
 * come on top.
 * CLK-02 impossible stamps, CLK-03 slower than DELAY_MAX_US, CLK-07 master's bound unknown.
 * Source: RFC 5905 section 8; the paper this project follows, equations (1) and (2). */
export function measure({ t1, t2, t3, t4, masterBound }: FourStamps): SampleVerdict {
  const roundTripDelay = t4 - t1 - (t3 - t2)
  const whole = Number.isSafeInteger(t2) && Number.isSafeInteger(t3)
  if (!whole || !(masterBound >= 0) || t4 < t1 || t3 < t2 || roundTripDelay < 0) {
    return { ok: false, fault: 'CLK-02', sample: null }
  }
  const drifted = ((t4 - t1) / 2) * FREQUENCY_TOLERANCE_PPM * 1e-6
  const slow = roundTripDelay > DELAY_MAX_US
  const unknown = masterBound >= BOUND_UNKNOWN_US
  const sample: Sample = {
    mono: monoUs(t1 + (t4 - t1) / 2),
    utc: unixUs(t2 + (t3 - t2) / 2),
    roundTripDelay: spanUs(roundTripDelay),
    bound: spanUs(roundTripDelay / 2 + drifted + masterBound + ROUNDING_US),
    informative: slow || unknown,
  }
  const near = roundTripDelay <= INFORMATIVE_DELAY_MAX_US
  if (slow) return { ok: false, fault: 'CLK-03', sample: near ? sample : null }
  if (unknown) return { ok: false, fault: 'CLK-07', sample }
  return { ok: true, sample }
}
