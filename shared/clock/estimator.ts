// What we believe of UTC and of our oscillator, learned from samples: of a master's exchange, of an
// NTP source, of a meter's clock. Everybody who keeps a clock goes through here.

import { type MonoUs, type Ppm, ppm, type SpanUs, type UnixUs } from '../units.ts'
import { FREQUENCY_TOLERANCE_PPM, type Sample } from './exchange.ts'
import { bestSample, type Filter, NO_SAMPLES, withSample } from './filter.ts'

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

export interface Estimator {
  readonly filter: Filter
}

export const KNOWS_NOTHING: Estimator = { filter: NO_SAMPLES }

/** Takes one sample, in the order of time. */
export const learn = (estimator: Estimator, sample: Sample): Estimator => ({
  filter: withSample(estimator.filter, sample),
})

/** What is believed at `mono`, not before the last sample; null while nothing was learned. */
export function estimateAt({ filter }: Estimator, mono: MonoUs): Estimate | null {
  const best = bestSample(filter, mono)
  if (best === null) return null
  const { utc, bound, informative } = best
  const growth = ppm(FREQUENCY_TOLERANCE_PPM)
  return { mono: best.mono, utc, bound, frequency: ppm(0), growth, informative }
}
