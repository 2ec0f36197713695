// What we believe of UTC and of our oscillator, learned from samples: of a master's exchange, of an
// NTP source, of a meter's clock. Everybody who keeps a clock goes through here.
//
// Two things, kept apart. A best guess of offset and frequency, which may be wrong (bank.ts); and
// an interval that UTC cannot have left as long as the master and the oscillator keep their
// promises (interval.ts). The guess is held inside the interval, and the bound we publish reaches
// to the interval's far end.
//
// A sample that cannot be true together with the others means that a promise was broken: the master
// was set right or lies, or our oscillator jumped. Which one it was cannot be known, so nothing
// moves at once, and the bound covers both stories until a few more samples have told the same one.
// How often and how far we follow is limited. Read more: docs/clock.md, "The estimator".

import {
  elapsedUs,
  type MonoUs,
  monoUs,
  type Ppm,
  ppm,
  type SpanMs,
  type SpanUs,
  spanUs,
  type UnixUs,
  unixUs,
} from '../../units.ts'
import { FREQUENCY_UNKNOWN_PPM, type FrequencyPrior, meanOf } from './bank.ts'
import {
  agedTo,
  type Belief,
  begun,
  joined,
  offsetAt,
  type Origin,
  type Told,
  toldFrom,
} from './belief.ts'
import { FREQUENCY_TOLERANCE_PPM, type Sample } from './exchange.ts'
import { grown, knowsRate, type OscillatorPromise, ratesOf } from './interval.ts'

/** Largest difference between the rates of our oscillator at any two instants of a process's life,
 * ppm: half for the crystal (a good one moves by 20 between frost and sun, a poor one by 50), half
 * for a daemon on the same machine that slews by at most 25 either way (docs/clock.md). */
export const FREQUENCY_CHANGE_PPM = 100
/** A frequency from before a sleep or a restart is taken up again with this on top of its own
 * deviation, ppm: what some ten degrees do to a crystal. */
const FREQUENCY_RESUMED_PPM = 2
/** What a day more makes such a frequency worse by, ppm: crystals age by a few ppm a year, the rest
 * is for the seasons. */
const FREQUENCY_AGING_PPM = 0.1
const DAY_MS = 86_400_000
/** Samples that tell another story before we follow it: at the rhythm of a burst that is 10 s. */
export const SAMPLES_TO_FOLLOW = 4
/** Shortest time between two corrections that contradict what was known, microseconds: who lies
 * moves us rarely, and the operator sees CLK-08 meanwhile. */
export const FOLLOW_EVERY_US = 600_000_000
/** Most that all such corrections of a process's life may add up to, sign left out, microseconds:
 * NTP programs give up at the same 1,000 s. */
export const FOLLOWED_MAX_US = 1_000_000_000

/** UTC was `utc` at `mono`, within `bound`; since then it has moved by 1 + `frequency` per
 * microsecond of our clock, and the bound by `growth`. */
export interface Estimate {
  readonly mono: MonoUs
  readonly utc: UnixUs
  readonly bound: SpanUs
  /** Rate of UTC against our monotonic clock; 0 while nobody learned it. */
  readonly frequency: Ppm
  /** How fast the bound grows with age, never negative. */
  readonly growth: Ppm
  readonly informative: boolean
}

interface Held {
  readonly origin: Origin
  readonly belief: Belief
}

export interface Estimator {
  readonly promise: OscillatorPromise
  readonly prior: FrequencyPrior
  /** Null while there was no good sample. */
  readonly held: Held | null
  /** Another story that contradicts the one held, and how many samples told it. */
  readonly doubt: { readonly suspect: Belief; readonly samples: number } | null
  /** From samples that only inform, while there are no others. */
  readonly informed: Estimate | null
  /** How far the last sample that was believed moved the estimate. */
  readonly moved: SpanUs
  /** Sum of the corrections followed against what was held, and when the last one was. */
  readonly followed: SpanUs
  readonly followedAt: MonoUs | null
  /** What is to be said of the last sample: CLK-08 it contradicts those before it; CLK-09 so much
   * so that it will not be followed. */
  readonly fault: 'CLK-08' | 'CLK-09' | null
}

/** Nothing is known but what the oscillator promises, and perhaps its frequency from before. */
export const knowingOnly = (promise: OscillatorPromise, prior: FrequencyPrior): Estimator => ({
  promise,
  prior,
  held: null,
  doubt: null,
  informed: null,
  moved: spanUs(0),
  followed: spanUs(0),
  followedAt: null,
  fault: null,
})

export const KNOWS_NOTHING: Estimator = knowingOnly(
  { tolerance: FREQUENCY_TOLERANCE_PPM, change: FREQUENCY_CHANGE_PPM },
  { frequency: ppm(0), deviation: ppm(FREQUENCY_UNKNOWN_PPM) },
)

/** What an earlier process learned, `age` ago by clocks that may be wrong: something to begin with,
 * the weaker the longer ago. The bound does not depend on it. */
export function remembering(prior: FrequencyPrior, age: SpanMs): Estimator {
  const { promise } = KNOWS_NOTHING
  const aged = (Math.abs(age) / DAY_MS) * FREQUENCY_AGING_PPM
  const deviation = Math.hypot(prior.deviation, FREQUENCY_RESUMED_PPM, aged)
  const sound = Math.abs(prior.frequency) <= promise.tolerance
  return sound && deviation < FREQUENCY_UNKNOWN_PPM
    ? knowingOnly(promise, { frequency: prior.frequency, deviation: ppm(deviation) })
    : KNOWS_NOTHING
}

/** Takes one sample. Older than the last one it counts for less. `fault` of the result is about
 * this sample. */
export function learn(estimator: Estimator, sample: Sample): Estimator {
  const { held, promise, prior } = estimator
  if (sample.informative) return { ...withInformed(estimator, sample), fault: null }
  if (held === null) {
    const origin = { mono: sample.mono, utc: sample.utc }
    const belief = begun(toldFrom(origin, sample), prior)
    return { ...estimator, held: { origin, belief }, informed: null, fault: null }
  }
  const told = toldFrom(held.origin, sample)
  const belief = joined(held.belief, told, promise)
  if (belief === null) return doubting(estimator, held, told)
  // Who believes both stories decides nothing between them.
  const { doubt } = estimator
  const suspect = doubt === null ? null : joined(doubt.suspect, told, promise)
  const still = doubt === null || suspect === null ? null : { ...doubt, suspect }
  const moved = spanUs(Math.abs(belief.offset - offsetAt(held.belief, belief.interval.mono)))
  return { ...estimator, held: { ...held, belief }, doubt: still, moved, fault: null }
}

/** A sample that cannot be true if what is held is. */
function doubting(estimator: Estimator, held: Held, told: Told): Estimator {
  const { promise, doubt, followed, followedAt } = estimator
  const heldNow = agedTo(held.belief, told.mono, promise)
  const by = Math.abs(told.offset - heldNow.offset)
  if (followed + by > FOLLOWED_MAX_US) return { ...estimator, fault: 'CLK-09' }
  const same = doubt === null ? null : joined(doubt.suspect, told, promise)
  const suspect = same ?? begun(told, resumed(held.belief))
  const samples = doubt === null || same === null ? 1 : doubt.samples + 1
  const fault = 'CLK-08'
  const rested = followedAt === null || elapsedUs(followedAt, told.mono) >= FOLLOW_EVERY_US
  if (samples < SAMPLES_TO_FOLLOW || !rested) {
    return { ...estimator, doubt: { suspect, samples }, fault }
  }
  return {
    ...estimator,
    held: { ...held, belief: suspect },
    doubt: null,
    followed: spanUs(followed + by),
    followedAt: told.mono,
    fault,
  }
}

/** The tighter of what informed before and this; nothing once a good sample came. */
function withInformed(estimator: Estimator, sample: Sample): Estimator {
  const { held, informed, promise } = estimator
  if (held !== null) return estimator
  const { mono, utc, bound } = sample
  const growth = ppm(promise.tolerance)
  const before = informed === null ? Number.POSITIVE_INFINITY : boundAt(informed, mono)
  if (before < bound) return estimator
  const frequency = ppm(0)
  return { ...estimator, informed: { mono, utc, bound, frequency, growth, informative: true } }
}

const boundAt = (estimate: Estimate, mono: MonoUs): number =>
  estimate.bound + Math.abs(elapsedUs(estimate.mono, mono)) * estimate.growth * 1e-6

/** A belief's frequency, as something to begin with. */
function resumed({ bank }: Belief): FrequencyPrior {
  const { frequency, deviation } = meanOf(bank)
  return { frequency, deviation: ppm(Math.hypot(deviation, FREQUENCY_RESUMED_PPM)) }
}

/** What is believed at `mono`, or at the last sample if that is later; null while nothing was
 * learned. In doubt the bound covers both stories. */
export function estimateAt(estimator: Estimator, mono: MonoUs): Estimate | null {
  const { held, doubt, informed, promise } = estimator
  if (held === null) return informed
  const { origin, belief } = held
  const stories = doubt === null ? [belief] : [belief, doubt.suspect]
  const at = monoUs(Math.max(mono, ...stories.map(({ interval }) => interval.mono)))
  const { offset, frequency } = agedTo(belief, at, promise)
  let [bound, growth] = [0, 0]
  for (const story of stories) {
    const { low, high } = grown(story.interval, at, promise)
    const rates = ratesOf(story.interval, promise)
    bound = Math.max(bound, high - offset, offset - low)
    growth = Math.max(growth, rates.high - frequency, frequency - rates.low)
  }
  return {
    mono: at,
    // Rounded, since cutting would leave every clock half a microsecond late.
    utc: unixUs(Math.round(origin.utc + elapsedUs(origin.mono, at) + offset)),
    // One microsecond: more than what `utc` was rounded by.
    bound: spanUs(bound + 1),
    frequency,
    growth: ppm(growth),
    informative: false,
  }
}

/** What is known of the oscillator; null while its frequency was not learned. */
export function frequencyOf({ held }: Estimator): FrequencyPrior | null {
  return held === null || !knowsRate(held.belief.interval) ? null : meanOf(held.belief.bank)
}

/** After a sleep: the oscillator is the same, what tied it to UTC is void. What was followed
 * against what was known still counts. */
export function withoutPhase(estimator: Estimator): Estimator {
  const { held, prior } = estimator
  return {
    ...estimator,
    prior: held === null ? prior : resumed(held.belief),
    held: null,
    doubt: null,
    informed: null,
    fault: null,
  }
}
