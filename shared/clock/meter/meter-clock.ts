// What we know of one meter's clock: its offset from UTC, its rate, the bounds of both, when to
// read it next, and how to set it.
//
// Sketch: what we learn ties the meter's clock to our monotonic clock and to nothing else, so that
// the jitter of our own path to UTC never blurs it; UTC is added when somebody asks. Reads come in
// bursts: edges.ts narrows one burst to a window, its middle is one sample for the estimator, which
// learns the frequency from burst to burst. A correction of ours that the meter applied is known:
// it is removed from the reads before anything else sees them (`trend`), so the crystal's history
// survives it.
//
// No conclusion rests on a single read. WHETHER to set a clock is decided in policy.ts, not here.
// All functions are pure; the state is plain, small and bounded. Read more: docs/clock.md.

import { type MonoUs, monoUs, type Ppm, ppm, type SpanUs, spanUs, unixUs } from '../../units.ts'
import {
  clearest,
  type Edges,
  freshBrackets,
  likelyWindow,
  BRACKETS_MAX,
  bracketOf,
  nextRead,
  NO_EDGES,
  type Rate,
  type Window,
  windowAt,
  withBracket,
} from './edges.ts'
import {
  type Estimate,
  type Estimator,
  estimateAt,
  FREQUENCY_CHANGE_PPM,
  knowingOnly,
  KNOWS_NOTHING,
  frequencyOf,
  learn,
  withoutPhase,
} from '../estimate/estimator.ts'
import { FREQUENCY_TOLERANCE_PPM, type Sample } from '../estimate/exchange.ts'
import type { MeterClockAnswer, MeterClockChange, MeterClockRead } from './meter-clock-line.ts'
import { believedAt, type SoftClock } from '../estimate/softclock.ts'

/** A burst is over when its window is this much wider than the clearest read: more reads would
 * gain little. */
const SETTLED_RATIO = 1.25
/** ... and this much more, microseconds: a fine clock is settled by one read. */
const SETTLED_US = 100
/** Most reads in one burst, successful or not. */
const BURST_READS_MAX = BRACKETS_MAX
/** Rest between bursts, microseconds: at first as in the paper's longest row, then doubled while
 * the meter keeps to its prediction. */
const REST_MIN_US = 300_000_000
const REST_MAX_US = 3_600_000_000
/** What the meter's oscillator and ours promise together, ppm: a meter's crystal stays below 100
 * and moves by less than 50 between frost and sun. A meter that counts mains periods promises
 * nothing (docs/clock.md). */
const METER_PROMISE = {
  tolerance: FREQUENCY_TOLERANCE_PPM + 100,
  change: FREQUENCY_CHANGE_PPM + 50,
}
/** Largest shift in one go, microseconds: class 8 method 6 takes -900 to 900 s. */
const SHIFT_MAX_US = 900_000_000
/** A sample is truncated to whole microseconds. */
const ROUNDING_US = 1

/** Our own changes to the meter's clock: it shows `ahead + rate * (mono - since)` more than what
 * edges and estimator see. */
interface Trend {
  readonly since: MonoUs
  readonly ahead: SpanUs
  readonly rate: Ppm
}

export interface MeterClock {
  readonly edges: Edges
  readonly estimator: Estimator
  readonly trend: Trend
  /** Reads in the burst so far; 0 while it rests. */
  readonly reads: number
  /** When the next burst may begin, and how long the rest after it is. */
  readonly restUntil: MonoUs
  readonly rest: SpanUs
  /** We shifted the clock and no read has confirmed it yet. */
  readonly unproven: boolean
}

/** The meter's clock at an instant: it shows UTC + offset, give or take `bound`. */
export interface MeterClockSeen {
  readonly offset: SpanUs
  /** Includes our own clock's bound. */
  readonly bound: SpanUs
  /** Rate of the meter's clock against UTC: a guess, until `rateKnown`. */
  readonly frequency: Ppm
  /** True once bursts at least ten minutes apart have measured it. */
  readonly rateKnown: boolean
}

const START_TREND: Trend = { since: monoUs(0), ahead: spanUs(0), rate: ppm(0) }

/** A meter that has not been read yet. */
export const noMeterClock: MeterClock = {
  edges: NO_EDGES,
  estimator: knowingOnly(METER_PROMISE, KNOWS_NOTHING.prior),
  trend: START_TREND,
  reads: 0,
  restUntil: monoUs(Number.NEGATIVE_INFINITY),
  rest: spanUs(REST_MIN_US),
  unproven: false,
}

const trendAt = ({ since, ahead, rate }: Trend, mono: number): number =>
  ahead + (mono - since) * rate * 1e-6

const aheadOf = ({ mono, utc, frequency }: Estimate, at: number): number =>
  utc - mono + (at - mono) * frequency * 1e-6

const boundOf = ({ mono, bound, growth }: Estimate, at: number): number =>
  bound + Math.abs(at - mono) * growth * 1e-6

/** As edges and estimator see it, with the trend removed. */
function rateAt({ estimator }: MeterClock, mono: MonoUs): Rate {
  const estimate = estimateAt(estimator, mono)
  if (estimate !== null) return estimate
  const { frequency } = estimator.prior
  return { frequency, growth: ppm(METER_PROMISE.tolerance + Math.abs(frequency)) }
}

/** Forgets the clock's offset and keeps its rate: after our own sleep, or when the clock was set to
 * a value we do not know exactly. The next read is due at once. */
export const unmoored = (clock: MeterClock): MeterClock => ({
  ...noMeterClock,
  trend: clock.trend,
  estimator: withoutPhase(clock.estimator),
})

export interface Taken {
  readonly clock: MeterClock
  /** CLK-02: the read's stamps are impossible; it taught nothing. */
  readonly fault: 'CLK-02' | null
  /** Two reads in a row contradict all we knew, by this much: somebody set the meter's clock. */
  readonly stepped: SpanUs | null
}

const seenNothing = (clock: MeterClock, fault: Taken['fault']): Taken => ({
  clock,
  fault,
  stepped: null,
})

/** Takes one read, in the order of time. */
export function takeRead(clock: MeterClock, read: MeterClockRead): Taken {
  const detrended = unixUs(read.utc - trendAt(clock.trend, (read.t1 + read.t4) / 2))
  const rate = rateAt(clock, read.t4)
  const bracket = bracketOf({ ...read, utc: detrended }, rate.growth)
  const next = { ...clock, reads: clock.reads + 1 }
  if (bracket === null) return seenNothing(giveUp(next, read.t4), 'CLK-02')
  const { edges, restarted } = withBracket(clock.edges, bracket, rate)
  if (restarted) return anew(clock, edges, read.t4)
  const taken = { ...next, edges }
  if (edges.doubt !== null || edges.brackets.length < 2) {
    return seenNothing(giveUp(taken, read.t4), null)
  }
  const sample = sampleOf(taken, read.t4)
  return sample === null ? seenNothing(giveUp(taken, read.t4), null) : endBurst(taken, sample)
}

/** Restarts from two reads that contradict all before. */
function anew(clock: MeterClock, edges: Edges, mono: MonoUs): Taken {
  const before = likelyWindow(clock.edges.brackets, mono, rateAt(clock, mono))
  const now = windowAt(edges.brackets, mono, rateAt(noMeterClock, mono))
  const known = before !== null && now !== null && clock.edges.brackets.length > 1
  const stepped = known ? spanUs(middleOf(now) - middleOf(before)) : null
  const start = { ...unmoored(clock), edges, reads: edges.brackets.length }
  return { clock: start, fault: null, stepped }
}

const middleOf = ({ least, most }: Window): number => least + (most - least) / 2

const rested = (clock: MeterClock, mono: MonoUs): MeterClock => ({
  ...clock,
  edges: { ...clock.edges, fresh: 0 },
  reads: 0,
  restUntil: monoUs(mono + clock.rest),
})

/** Rests after a burst that brought nothing. */
const giveUp = (clock: MeterClock, mono: MonoUs): MeterClock =>
  clock.reads < BURST_READS_MAX ? clock : rested({ ...clock, rest: spanUs(REST_MIN_US) }, mono)

/** The middle of the burst's window; null while the burst can still narrow it, or when it brought
 * nothing. */
function sampleOf(clock: MeterClock, mono: MonoUs): Sample | null {
  const brackets = freshBrackets(clock.edges)
  const rate = rateAt(clock, mono)
  const sure = windowAt(brackets, mono, rate)
  const likely = likelyWindow(brackets, mono, rate)
  const best = clearest(clock.edges)
  // Brackets that barely overlap may not do so when rounded at another instant.
  if (sure === null || likely === null || best === null) return null
  const settled = likely.most - likely.least <= best.vague * SETTLED_RATIO + SETTLED_US
  if (!settled && clock.reads < BURST_READS_MAX) return null
  const middle = middleOf(likely)
  return {
    mono,
    utc: unixUs(mono + middle),
    roundTripDelay: best.vague,
    bound: spanUs(Math.max(sure.most - middle, middle - sure.least) + ROUNDING_US),
    informative: false,
  }
}

/** Learns from the burst. If it contradicts the prediction from earlier ones, the meter was set by
 * less than single reads can show. */
function endBurst(clock: MeterClock, sample: Sample): Taken {
  const rest = spanUs(Math.min(2 * clock.rest, REST_MAX_US))
  const next = { ...rested(clock, sample.mono), rest, unproven: false }
  const estimate = estimateAt(clock.estimator, sample.mono)
  const found = sample.utc - sample.mono
  const predicted = estimate === null ? found : aheadOf(estimate, sample.mono)
  const bound = estimate === null ? 0 : boundOf(estimate, sample.mono)
  if (Math.abs(found - predicted) <= sample.bound + bound) {
    return seenNothing({ ...next, estimator: learn(clock.estimator, sample) }, null)
  }
  const edges = { ...NO_EDGES, brackets: freshBrackets(clock.edges) }
  const anew = rested({ ...unmoored(clock), edges }, sample.mono)
  const start = { ...anew, estimator: learn(anew.estimator, sample) }
  return { clock: start, fault: null, stepped: spanUs(found - predicted) }
}

/** The meter's clock at `mono`, not before its last read; null while it or UTC is not known. */
export function meterClockAt(
  clock: MeterClock,
  ours: SoftClock,
  mono: MonoUs,
): MeterClockSeen | null {
  const shown = shownAt(clock, mono)
  const utc = believedAt(ours, mono)
  if (shown === null || utc === null) return null
  const { frequency } = ours.estimate ?? { frequency: 0 }
  return {
    offset: spanUs(shown.ahead + (mono - utc.utc)),
    bound: spanUs(shown.bound + utc.bound),
    frequency: ppm(shown.frequency - frequency),
    rateKnown: frequencyOf(clock.estimator) !== null,
  }
}

/** What the meter shows at `mono`, relative to our monotonic clock. */
function shownAt(
  clock: MeterClock,
  mono: MonoUs,
): { readonly ahead: number; readonly bound: number; readonly frequency: number } | null {
  if (clock.unproven) return null
  const trend = trendAt(clock.trend, mono)
  const frequency = clock.trend.rate + rateAt(clock, mono).frequency
  const estimate = estimateAt(clock.estimator, mono)
  if (estimate !== null) {
    const ahead = aheadOf(estimate, mono) + trend
    return { ahead, bound: boundOf(estimate, mono), frequency }
  }
  const { brackets } = clock.edges
  const window = brackets.length > 1 ? windowAt(brackets, mono, rateAt(clock, mono)) : null
  if (window === null) return null
  const bound = (window.most - window.least) / 2
  return { ahead: middleOf(window) + trend, bound, frequency }
}

/** When to hand over the next read, not before `mono`. */
export function nextReadAt(clock: MeterClock, mono: MonoUs): MonoUs {
  const from = clock.reads > 0 ? mono : monoUs(Math.max(mono, clock.restUntil))
  const estimate = estimateAt(clock.estimator, from)
  const predicted = estimate === null ? null : aheadOf(estimate, from)
  return nextRead(clock.edges, from, rateAt(clock, from), predicted, trendAt(clock.trend, from))
}

/** A change that takes effect on time if it is handed to the line at `at`. */
export interface PlannedChange {
  readonly at: MonoUs
  readonly change: MeterClockChange
}

interface Wish {
  readonly how: MeterClockChange['how']
  /** Resolution of the change: 1 s for UNIX time and for class 8's shift, 10 ms for the clock
   * object. */
  readonly resolution: SpanUs
  /** How long the request's bytes are on the line. */
  readonly onLine: SpanUs
}

/** How and when to set the meter's clock, not before `mono`: the bytes' time and half of the
 * meter's least delay are allowed for, and a time is sent so that it takes effect on its tick. Null
 * while UTC is not known; for a shift, also while the offset is not known, rounds to nothing, or is
 * over 900 s. Reading the clock shows whether it took effect. */
export function planChange(
  clock: MeterClock,
  ours: SoftClock,
  mono: MonoUs,
  { how, resolution, onLine }: Wish,
): PlannedChange | null {
  if (how === 'shift') {
    const seen = meterClockAt(clock, ours, mono)
    const by = seen === null ? 0 : -Math.round(seen.offset / resolution) * resolution
    return by === 0 || Math.abs(by) > SHIFT_MAX_US
      ? null
      : { at: mono, change: { how, by: spanUs(by) } }
  }
  const lead = onLine + (clearest(clock.edges)?.vague ?? 0) / 2
  const effect = believedAt(ours, monoUs(mono + lead))
  if (effect === null) return null
  const utc = unixUs(Math.ceil(effect.utc / resolution) * resolution)
  return { at: monoUs(mono + (utc - effect.utc)), change: { how, utc } }
}

/** The meter's clock after a change was sent and got this answer. Its offset is measured again,
 * beginning at once; its rate stays known. */
export const afterChange = (clock: MeterClock, answer: MeterClockAnswer): MeterClock =>
  answer === 'nak' ? clock : unmoored(clock)

/** The meter's clock after it was sent a correction to apply, as at the end of a TPSN exchange. An
 * acknowledged one is known exactly, so what was learned moves along; until a read, due at once,
 * confirms it, no offset is reported. A correction without an answer makes the offset unknown. */
export function afterCorrection(
  clock: MeterClock,
  { offset, frequency }: { readonly offset: SpanUs; readonly frequency: Ppm },
  answer: MeterClockAnswer,
  mono: MonoUs,
): MeterClock {
  if (answer !== 'ack') return afterChange(clock, answer)
  const ahead = spanUs(trendAt(clock.trend, mono) + offset)
  const rate = ppm(clock.trend.rate + frequency)
  return { ...clock, trend: { since: mono, ahead, rate }, restUntil: mono, unproven: true }
}
