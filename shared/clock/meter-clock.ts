// One meter's clock as we know it: how far it is from UTC, how fast it runs, how wrong that may be,
// when to read it next, and how to set it.
//
// Sketch: what is learned ties the meter's clock to our monotonic clock and to nothing else, so
// that the jitter of our own way to UTC never blurs it; UTC comes in where somebody asks. Reads
// come in bursts: edges.ts narrows one burst to a window, its middle is one sample for the
// estimator, which learns the frequency from burst to burst. A change of the clock that we made
// ourselves, and the rate learned before a restart, are known: they are taken out of the reads
// before anything else sees them (`trend`), so the crystal's history survives them.
//
// Nothing is said on the word of one read. WHETHER a clock is set is not decided here: policy.ts.
// All functions are pure; the state is plain, small and bounded. Read more: docs/clock.md.

import { type MonoUs, monoUs, type Ppm, ppm, type SpanUs, spanUs, unixUs } from '../units.ts'
import {
  clearest,
  type Edges,
  likelyWindow,
  MARKS_MAX,
  markOf,
  nextRead,
  NO_EDGES,
  type Rate,
  windowAt,
  withMark,
} from './edges.ts'
import { type Estimator, estimateAt, KNOWS_NOTHING, learn } from './estimator.ts'
import { FREQUENCY_TOLERANCE_PPM } from './exchange.ts'
import type { MeterClockAnswer, MeterClockChange, MeterClockRead } from './meter-clock-line.ts'
import { believedAt, type SoftClock } from './softclock.ts'

/** A burst is over when its window is this much wider than the clearest read: more reads would
 * gain little. */
const SETTLED_RATIO = 1.25
/** ... and this much more, microseconds: a fine clock is settled by one read. */
const SETTLED_US = 100
/** Reads in one burst at most, whatever became of them. */
const BURST_READS_MAX = MARKS_MAX
/** Rest between bursts, microseconds: at first as in the seed's longest row, and doubled while the
 * meter keeps to what was predicted. */
const REST_MIN_US = 300_000_000
const REST_MAX_US = 3_600_000_000
/** Largest rate taken over from before a restart, ppm: more is no crystal, but a damaged note. */
const RATE_MAX_PPM = 200
/** Largest shift in one go, microseconds: class 8 method 6 takes -900 to 900 s. */
const SHIFT_MAX_US = 900_000_000
const SECOND_US = 1_000_000

/** What we did to the meter's clock ourselves, and what was known before: the meter shows
 * `ahead + rate * (mono - since)` more than what edges and estimator see. */
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
  /** We shifted the clock and no read has shown it yet. */
  readonly unproven: boolean
}

/** The meter's clock at an instant: it shows UTC + offset, give or take `bound`. */
export interface MeterClockSeen {
  readonly offset: SpanUs
  /** Our own clock's bound is in it. */
  readonly bound: SpanUs
  /** Rate of the meter's clock against UTC; 0 while nobody learned it. */
  readonly frequency: Ppm
}

/** What survives a restart: a crystal keeps its rate. */
export interface MeterClockNote {
  readonly frequency: Ppm
}

const START_TREND: Trend = { since: monoUs(0), ahead: spanUs(0), rate: ppm(0) }

/** A meter nobody has read yet. */
export const noMeterClock: MeterClock = {
  edges: NO_EDGES,
  estimator: KNOWS_NOTHING,
  trend: START_TREND,
  reads: 0,
  restUntil: monoUs(Number.NEGATIVE_INFINITY),
  rest: spanUs(REST_MIN_US),
  unproven: false,
}

/** A meter that was read before we were restarted at `mono`. */
export function meterClockFrom(note: MeterClockNote, mono: MonoUs): MeterClock {
  const sound = Math.abs(note.frequency) <= RATE_MAX_PPM
  const rate = sound ? note.frequency : ppm(0)
  return { ...noMeterClock, trend: { since: mono, ahead: spanUs(0), rate } }
}

/** What to keep over a restart; null while the rate is not known. */
export function noteOf(clock: MeterClock, mono: MonoUs): MeterClockNote | null {
  const frequency = ppm(clock.trend.rate + rateAt(clock, mono).frequency)
  return frequency === 0 ? null : { frequency }
}

const trendAt = ({ since, ahead, rate }: Trend, mono: number): number =>
  ahead + (mono - since) * rate * 1e-6

/** Of what edges and estimator see, the trend taken out. */
function rateAt({ estimator }: MeterClock, mono: MonoUs): Rate {
  const estimate = estimateAt(estimator, mono)
  if (estimate === null) return { frequency: ppm(0), growth: ppm(FREQUENCY_TOLERANCE_PPM) }
  return { frequency: estimate.frequency, growth: estimate.growth }
}

/** Forgets where the clock stands and keeps how fast it runs: after our own sleep, or when the
 * clock was set to we do not know exactly what. The next read is due at once. */
export function unmoored(clock: MeterClock, mono: MonoUs): MeterClock {
  const rate = ppm(clock.trend.rate + rateAt(clock, mono).frequency)
  return { ...noMeterClock, trend: { since: mono, ahead: spanUs(0), rate } }
}

export interface Taken {
  readonly clock: MeterClock
  /** CLK-02: the read's stamps are impossible; it taught nothing. */
  readonly fault: 'CLK-02' | null
  /** Two reads in a row contradict all we knew, by this much: somebody set the meter's clock. */
  readonly stepped: SpanUs | null
}

/** Takes one read, in the order of time. */
export function takeRead(clock: MeterClock, read: MeterClockRead): Taken {
  const detrended = unixUs(read.utc - trendAt(clock.trend, (read.t1 + read.t4) / 2))
  const reads = clock.reads + 1
  const rate = rateAt(clock, read.t4)
  const mark = markOf({ ...read, utc: detrended }, rate.growth)
  if (mark === null) {
    return { clock: ended({ ...clock, reads }, read.t4, false), fault: 'CLK-02', stepped: null }
  }
  const { edges, restarted } = withMark(clock.edges, mark, rate)
  if (restarted) {
    const before = likelyWindow(clock.edges.marks, mark.mono, rate)
    const known = before !== null && clock.edges.marks.length > 1
    const anew = { ...unmoored(clock, read.t4), edges, reads: edges.marks.length }
    const stepped = known ? spanUs(middleOf(mark) - middleOf(before)) : null
    return { clock: anew, fault: null, stepped }
  }
  const agreed = edges.doubt === null && edges.marks.length > 1
  const next = { ...clock, edges, reads, unproven: clock.unproven && !agreed }
  return { clock: ended(next, read.t4, agreed), fault: null, stepped: null }
}

const middleOf = ({ least, most }: { readonly least: number; readonly most: number }): number =>
  least + (most - least) / 2

/** Ends the burst when it has told what it can; its window's middle is a sample. */
function ended(clock: MeterClock, mono: MonoUs, agreed: boolean): MeterClock {
  const rate = rateAt(clock, mono)
  const sure = windowAt(clock.edges.marks, mono, rate)
  const likely = likelyWindow(clock.edges.marks, mono, rate)
  const best = clearest(clock.edges)
  const known = agreed && sure !== null && likely !== null && best !== null
  const settled = known && likely.most - likely.least <= best.vague * SETTLED_RATIO + SETTLED_US
  if (!settled && clock.reads < BURST_READS_MAX) return clock
  const rested = { ...clock, reads: 0, restUntil: monoUs(mono + clock.rest) }
  if (!known) return { ...rested, rest: spanUs(REST_MIN_US) }
  const middle = middleOf(likely)
  const sample = {
    mono,
    utc: unixUs(mono + middle),
    roundTripDelay: best.vague,
    bound: spanUs(Math.max(sure.most - middle, middle - sure.least)),
    informative: false,
  }
  const rest = spanUs(Math.min(2 * clock.rest, REST_MAX_US))
  return { ...rested, estimator: learn(clock.estimator, sample), rest }
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
  }
}

/** What the meter shows at `mono`, as ahead of our monotonic clock. */
function shownAt(
  clock: MeterClock,
  mono: MonoUs,
): { readonly ahead: number; readonly bound: number; readonly frequency: number } | null {
  if (clock.unproven) return null
  const trend = trendAt(clock.trend, mono)
  const { rate } = clock.trend
  const estimate = estimateAt(clock.estimator, mono)
  if (estimate !== null) {
    const age = mono - estimate.mono
    const ahead = estimate.utc - estimate.mono + age * estimate.frequency * 1e-6 + trend
    const bound = estimate.bound + Math.abs(age) * estimate.growth * 1e-6
    return { ahead, bound, frequency: rate + estimate.frequency }
  }
  const { marks } = clock.edges
  const window = marks.length > 1 ? windowAt(marks, mono, rateAt(clock, mono)) : null
  if (window === null) return null
  const bound = (window.most - window.least) / 2
  return { ahead: middleOf(window) + trend, bound, frequency: rate }
}

/** When to hand over the next read, not before `mono`. */
export function nextReadAt(clock: MeterClock, mono: MonoUs): MonoUs {
  const from = clock.reads > 0 ? mono : monoUs(Math.max(mono, clock.restUntil))
  return nextRead(clock.edges, from, rateAt(clock, from), trendAt(clock.trend, from))
}

/** A change computed so that it takes effect on time, when `at` hands it to the line. */
export interface PlannedChange {
  readonly at: MonoUs
  readonly change: MeterClockChange
}

interface Wish {
  readonly how: MeterClockChange['how']
  /** What the change can express: 1 s for UNIX time, 10 ms for the clock object. A shift is always
   * whole seconds. */
  readonly resolution: SpanUs
  /** How long the request's bytes are on the line. */
  readonly onLine: SpanUs
}

/** How and when to set the meter's clock, not before `mono`: the bytes' time and half of the
 * meter's least delay are allowed for, and a time is sent so that it takes effect on its tick. Null
 * while UTC is not known; for a shift, while the offset is not known, would be shifted by nothing,
 * or is over 900 s. Whether it took effect is found out by reading: `tookEffect`. */
export function planChange(
  clock: MeterClock,
  ours: SoftClock,
  mono: MonoUs,
  { how, resolution, onLine }: Wish,
): PlannedChange | null {
  if (how === 'shift') {
    const seen = meterClockAt(clock, ours, mono)
    const by = seen === null ? 0 : -Math.round(seen.offset / SECOND_US) * SECOND_US
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

/** The meter's clock after a change was sent at `mono` and answered like this. Where it stands now
 * is found out anew, beginning at once; its rate stays known. */
export const afterChange = (
  clock: MeterClock,
  answer: MeterClockAnswer,
  mono: MonoUs,
): MeterClock => (answer === 'nak' ? clock : unmoored(clock, mono))

/** The meter's clock after it applied a correction that is known exactly, as at the end of a TPSN
 * exchange: what was learned moves along. Until a read bears it out, nothing is said. */
export function afterCorrection(
  clock: MeterClock,
  { offset, frequency }: { readonly offset: SpanUs; readonly frequency: Ppm },
  mono: MonoUs,
): MeterClock {
  const ahead = spanUs(trendAt(clock.trend, mono) + offset)
  const rate = ppm(clock.trend.rate + frequency)
  return { ...clock, trend: { since: mono, ahead, rate }, unproven: true }
}

/** Whether a change of the clock to UTC shows in what was read since: `done`, or by how much the
 * clock is still off for certain. Null while too little was read. */
export function tookEffect(
  seen: MeterClockSeen | null,
  resolution: SpanUs,
): { readonly done: boolean; readonly offBy: SpanUs } | null {
  if (seen === null) return null
  const done = Math.abs(seen.offset) <= seen.bound + resolution
  return { done, offBy: done ? spanUs(0) : seen.offset }
}
