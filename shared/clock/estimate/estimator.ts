// What we believe of UTC and of our oscillator, learned from samples of a master's exchange, of an
// NTP source, or of a meter's clock. Every clock we keep goes through here.
//
// There are two parts, kept apart: a best guess of offset and frequency, which may be wrong
// (bank.ts), and an interval that UTC cannot have left as long as the master and the oscillator
// keep their promises (interval.ts). The guess is held inside the interval, and the bound we
// publish reaches to the interval's far end.
//
// A sample that contradicts the others means that a promise was broken: the master was corrected or
// lies, or our oscillator jumped. We cannot know which, so nothing moves at once, and the bound
// covers both stories until a few more samples have confirmed the new one. How often and how far we
// follow is limited. Read more: docs/clock.md, "The estimator".

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
  type OffsetSample,
  offsetSampleOf,
} from './belief.ts'
import { FREQUENCY_TOLERANCE_PPM, type Sample } from './exchange.ts'
import { grown, knowsRate, type OscillatorPromise, ratesOf } from './interval.ts'

/** Largest difference between the rates of our oscillator at any two instants of a process's life,
 * ppm: half for the crystal (a good one moves by 20 between frost and sun, a poor one by 50), half
 * for a daemon on the same machine that slews by at most 25 either way (docs/clock.md). */
export const FREQUENCY_CHANGE_PPM = 100
/** A frequency from before a sleep or a restart is used again with this added to its own deviation,
 * ppm: what about ten degrees do to a crystal. */
const FREQUENCY_RESUMED_PPM = 2
/** By how much such a frequency gets worse per day, ppm: crystals age by a few ppm a year, the rest
 * is for the seasons. */
const FREQUENCY_AGING_PPM = 0.1
const DAY_MS = 86_400_000
/** Samples that must confirm another story before we follow it: 10 s at the pace of a burst. */
export const SAMPLES_TO_FOLLOW = 4
/** Shortest time between two corrections that contradict what was known, microseconds: a liar moves
 * us rarely, and the operator sees CLK-08 meanwhile. */
export const FOLLOW_EVERY_US = 600_000_000
/** Largest sum of all such corrections in a process's life, signs ignored, microseconds: NTP
 * programs give up at the same 1,000 s. */
export const FOLLOWED_MAX_US = 1_000_000_000

/** UTC was `utc` at `mono`, within `bound`; since then it has moved by 1 + `frequency` per
 * microsecond of our clock, and the bound by `growth`. */
export interface Estimate {
  readonly mono: MonoUs
  readonly utc: UnixUs
  readonly bound: SpanUs
  /** Rate of UTC against our monotonic clock; 0 until it is learned. */
  readonly frequency: Ppm
  /** How fast the bound grows with age, never negative. */
  readonly growth: Ppm
  readonly informative: boolean
}

/** A belief, and the origin its offsets count from. */
interface Story {
  readonly origin: Origin
  readonly belief: Belief
}

export interface Estimator {
  readonly promise: OscillatorPromise
  readonly prior: FrequencyPrior
  /** Null until there is a good sample. */
  readonly story: Story | null
  /** Another story that contradicts it, and how many samples confirmed that one. */
  readonly doubt: { readonly suspect: Belief; readonly samples: number } | null
  /** From informative samples, while there are no better ones. */
  readonly informed: Estimate | null
  /** How far the last believed sample moved the estimate. */
  readonly moved: SpanUs
  /** Sum of the corrections that contradicted our story and were followed, and the time of the
   * last. */
  readonly followed: SpanUs
  readonly followedAt: MonoUs | null
  /** Fault of the last sample: CLK-08 it contradicts those before it; CLK-09 by more than we will
   * ever follow. */
  readonly fault: 'CLK-08' | 'CLK-09' | null
}

/** Knows only what the oscillator promises, and perhaps its earlier frequency. */
export const knowingOnly = (promise: OscillatorPromise, prior: FrequencyPrior): Estimator => ({
  promise,
  prior,
  story: null,
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

/** Starts from what an earlier process learned, `age` ago by clocks that may be wrong: the longer
 * ago, the less it counts. The bound does not depend on it. */
export function remembering(prior: FrequencyPrior, age: SpanMs): Estimator {
  const { promise } = KNOWS_NOTHING
  const aged = (Math.abs(age) / DAY_MS) * FREQUENCY_AGING_PPM
  const deviation = Math.hypot(prior.deviation, FREQUENCY_RESUMED_PPM, aged)
  const sound = Math.abs(prior.frequency) <= promise.tolerance
  return sound && deviation < FREQUENCY_UNKNOWN_PPM
    ? knowingOnly(promise, { frequency: prior.frequency, deviation: ppm(deviation) })
    : KNOWS_NOTHING
}

/** Learns from one sample; one older than the last counts for less. `fault` of the result is this
 * sample's. */
export function learn(estimator: Estimator, sample: Sample): Estimator {
  const { story, promise, prior } = estimator
  if (sample.informative) return { ...withInformed(estimator, sample), fault: null }
  if (story === null) {
    const origin = { mono: sample.mono, utc: sample.utc }
    const belief = begun(offsetSampleOf(origin, sample), prior)
    return { ...estimator, story: { origin, belief }, informed: null, fault: null }
  }
  const placed = offsetSampleOf(story.origin, sample)
  const belief = joined(story.belief, placed, promise)
  if (belief === null) return doubting(estimator, story, placed)
  // A sample that fits both stories does not decide between them.
  const { doubt } = estimator
  const suspect = doubt === null ? null : joined(doubt.suspect, placed, promise)
  const still = doubt === null || suspect === null ? null : { ...doubt, suspect }
  const moved = spanUs(Math.abs(belief.offset - offsetAt(story.belief, belief.interval.mono)))
  return { ...estimator, story: { ...story, belief }, doubt: still, moved, fault: null }
}

/** A sample that contradicts our story. */
function doubting(estimator: Estimator, story: Story, placed: OffsetSample): Estimator {
  const { promise, doubt, followed, followedAt } = estimator
  const storyNow = agedTo(story.belief, placed.mono, promise)
  const by = Math.abs(placed.offset - storyNow.offset)
  if (followed + by > FOLLOWED_MAX_US) return { ...estimator, fault: 'CLK-09' }
  const same = doubt === null ? null : joined(doubt.suspect, placed, promise)
  const suspect = same ?? begun(placed, resumed(story.belief))
  const samples = doubt === null || same === null ? 1 : doubt.samples + 1
  const fault = 'CLK-08'
  const rested = followedAt === null || elapsedUs(followedAt, placed.mono) >= FOLLOW_EVERY_US
  if (samples < SAMPLES_TO_FOLLOW || !rested) {
    return { ...estimator, doubt: { suspect, samples }, fault }
  }
  return {
    ...estimator,
    story: { ...story, belief: suspect },
    doubt: null,
    followed: spanUs(followed + by),
    followedAt: placed.mono,
    fault,
  }
}

/** Keeps the tighter of the earlier informative sample and this one; ignored after a good
 * sample. */
function withInformed(estimator: Estimator, sample: Sample): Estimator {
  const { story, informed, promise } = estimator
  if (story !== null) return estimator
  const { mono, utc, bound } = sample
  const growth = ppm(promise.tolerance)
  const before = informed === null ? Number.POSITIVE_INFINITY : boundAt(informed, mono)
  if (before < bound) return estimator
  const frequency = ppm(0)
  return { ...estimator, informed: { mono, utc, bound, frequency, growth, informative: true } }
}

const boundAt = (estimate: Estimate, mono: MonoUs): number =>
  estimate.bound + Math.abs(elapsedUs(estimate.mono, mono)) * estimate.growth * 1e-6

/** A belief's frequency as the prior of a new start. */
function resumed({ bank }: Belief): FrequencyPrior {
  const { frequency, deviation } = meanOf(bank)
  return { frequency, deviation: ppm(Math.hypot(deviation, FREQUENCY_RESUMED_PPM)) }
}

/** The estimate at `mono`, or at the last sample if that is later; null until something is learned.
 * In doubt, the bound covers both stories. */
export function estimateAt(estimator: Estimator, mono: MonoUs): Estimate | null {
  const { story, doubt, informed, promise } = estimator
  if (story === null) return informed
  const { origin, belief } = story
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
    // Rounded, since truncation would leave every clock half a microsecond late.
    utc: unixUs(Math.round(origin.utc + elapsedUs(origin.mono, at) + offset)),
    // One microsecond: more than the rounding of `utc`.
    bound: spanUs(bound + 1),
    frequency,
    growth: ppm(growth),
    informative: false,
  }
}

/** What we learned of the oscillator; null until its frequency is learned. */
export function frequencyOf({ story }: Estimator): FrequencyPrior | null {
  return story === null || !knowsRate(story.belief.interval) ? null : meanOf(story.belief.bank)
}

/** After a sleep: the oscillator is the same, its tie to UTC is void. Corrections followed before
 * still count towards the limit. */
export function withoutPhase(estimator: Estimator): Estimator {
  const { story, prior } = estimator
  return {
    ...estimator,
    prior: story === null ? prior : resumed(story.belief),
    story: null,
    doubt: null,
    informed: null,
    fault: null,
  }
}
