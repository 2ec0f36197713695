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

/** A sample told as an offset from the origin. */
export interface Told {
  readonly mono: MonoUs
  readonly offset: number
  /** |error| of the offset. */
  readonly bound: number
  readonly roundTripDelay: number
}

export const toldFrom = (origin: Origin, sample: Sample): Told => ({
  mono: sample.mono,
  offset: sample.utc - origin.utc - elapsedUs(origin.mono, sample.mono),
  bound: sample.bound,
  roundTripDelay: sample.roundTripDelay,
})

const measured = ({ mono, offset, roundTripDelay }: Told) => ({
  seconds: mono * 1e-6,
  offset,
  roundTripDelay,
})

const knotOf = ({ mono, offset, bound }: Told) => ({
  mono,
  low: offset - bound,
  high: offset + bound,
})

/** What one sample makes one believe. */
export function begun(told: Told, prior: FrequencyPrior): Belief {
  const { offset } = told
  const interval = intervalOf(knotOf(told))
  return { bank: firstOf(measured(told), prior), interval, offset, frequency: prior.frequency }
}

/** Takes one more sample; null when it cannot be true together with those before. */
export function joined(belief: Belief, given: Told, promise: OscillatorPromise): Belief | null {
  const told = notBefore(belief.interval.mono, given, promise)
  const interval = both(grown(belief.interval, told.mono, promise), knotOf(told))
  if (interval === null) return null
  const bank = fed(belief.bank, measured(told))
  const mean = meanOf(bank)
  const foretold = offsetAt(belief, told.mono)
  // Towards the sample and never beyond it: so who delays a reply gains no more than what the
  // sample itself is wrong by, half of what he adds, whatever he taught the bank before.
  const between = clamp(
    mean.offset,
    Math.min(foretold, told.offset),
    Math.max(foretold, told.offset),
  )
  const offset = clamp(between, interval.low, interval.high)
  const rates = ratesOf(interval, promise)
  return { bank, interval, offset, frequency: ppm(clamp(mean.frequency, rates.low, rates.high)) }
}

/** A sample older than the last one counts at that one's instant, with the drift between. */
function notBefore(mono: MonoUs, told: Told, { tolerance }: OscillatorPromise): Told {
  const late = elapsedUs(told.mono, mono)
  if (late <= 0) return told
  return { ...told, mono, bound: told.bound + late * tolerance * 1e-6 }
}

/** The published line at `mono`. */
export const offsetAt = ({ interval, offset, frequency }: Belief, mono: MonoUs): number =>
  offset + elapsedUs(interval.mono, mono) * frequency * 1e-6

/** The same belief at a later instant: its interval has grown, its line has gone on. */
export const agedTo = (belief: Belief, mono: MonoUs, promise: OscillatorPromise): Belief => ({
  ...belief,
  interval: grown(belief.interval, mono, promise),
  offset: offsetAt(belief, mono),
})

const clamp = (value: number, low: number, high: number): number =>
  Math.max(low, Math.min(high, value))
