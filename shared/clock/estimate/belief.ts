// One consistent story of what UTC is: a best guess (bank.ts) held inside what is certain
// (interval.ts). It takes the samples that fit into it and refuses the others.

import { elapsedUs, type MonoUs, type Ppm, ppm, type UnixUs } from '../../units.ts'
import { type Bank, type FrequencyPrior, fed, firstOf, meanOf } from './bank.ts'
import type { Sample } from './exchange.ts'
import {
  both,
  grown,
  type Interval,
  intervalOf,
  type OscillatorPromise,
  ratesOf,
} from './interval.ts'

/** Offsets are counted from here, so that they stay small and exact. */
export interface Origin {
  readonly mono: MonoUs
  readonly utc: UnixUs
}

export interface Belief {
  readonly bank: Bank
  readonly interval: Interval
  /** UTC minus our clock at the interval's instant, microseconds from the origin: what is
   * published, always inside the interval. */
  readonly offset: number
  readonly frequency: Ppm
}

/** A sample expressed as an offset from the origin. */
export interface OffsetSample {
  readonly mono: MonoUs
  readonly offset: number
  /** |error| of the offset. */
  readonly bound: number
  readonly roundTripDelay: number
}

export const offsetSampleOf = (origin: Origin, sample: Sample): OffsetSample => ({
  mono: sample.mono,
  offset: sample.utc - origin.utc - elapsedUs(origin.mono, sample.mono),
  bound: sample.bound,
  roundTripDelay: sample.roundTripDelay,
})

const measured = ({ mono, offset, roundTripDelay }: OffsetSample) => ({
  seconds: mono * 1e-6,
  offset,
  roundTripDelay,
})

const knotOf = ({ mono, offset, bound }: OffsetSample) => ({
  mono,
  low: offset - bound,
  high: offset + bound,
})

/** The belief that follows from one sample. */
export function begun(sample: OffsetSample, prior: FrequencyPrior): Belief {
  const { offset } = sample
  const interval = intervalOf(knotOf(sample))
  return { bank: firstOf(measured(sample), prior), interval, offset, frequency: prior.frequency }
}

/** Adds a sample; null when it contradicts those before. */
export function joined(
  belief: Belief,
  given: OffsetSample,
  promise: OscillatorPromise,
): Belief | null {
  const sample = notBefore(belief.interval.mono, given, promise)
  const interval = both(grown(belief.interval, sample.mono, promise), knotOf(sample))
  if (interval === null) return null
  const bank = fed(belief.bank, measured(sample))
  const mean = meanOf(bank)
  const predicted = offsetAt(belief, sample.mono)
  // Towards the sample and never beyond it: an attacker who delays a reply gains no more than the
  // sample's own error, half of the added delay, whatever the bank learned before.
  const between = clamp(
    mean.offset,
    Math.min(predicted, sample.offset),
    Math.max(predicted, sample.offset),
  )
  const offset = clamp(between, interval.low, interval.high)
  const rates = ratesOf(interval, promise)
  return { bank, interval, offset, frequency: ppm(clamp(mean.frequency, rates.low, rates.high)) }
}

/** A sample older than the last one counts at that one's instant, widened by the drift between. */
function notBefore(
  mono: MonoUs,
  sample: OffsetSample,
  { tolerance }: OscillatorPromise,
): OffsetSample {
  const late = elapsedUs(sample.mono, mono)
  if (late <= 0) return sample
  return { ...sample, mono, bound: sample.bound + late * tolerance * 1e-6 }
}

/** The published line at `mono`. */
export const offsetAt = ({ interval, offset, frequency }: Belief, mono: MonoUs): number =>
  offset + elapsedUs(interval.mono, mono) * frequency * 1e-6

/** The same belief at a later instant: its interval has grown, its line has advanced. */
export const agedTo = (belief: Belief, mono: MonoUs, promise: OscillatorPromise): Belief => ({
  ...belief,
  interval: grown(belief.interval, mono, promise),
  offset: offsetAt(belief, mono),
})

const clamp = (value: number, low: number, high: number): number =>
  Math.max(low, Math.min(high, value))
