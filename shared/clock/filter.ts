// Which of the last samples to believe. A reply that queued somewhere says little, so the one with
// the smallest bound is taken, its bound grown by what our clock may have drifted since. That is
// honest and plain; an estimator that learns the frequency can take its place behind the same
// `Estimate`.

import type { MonoUs } from '../units.ts'
import { FREQUENCY_TOLERANCE_PPM, type Sample } from './exchange.ts'

/** Samples kept: as in NTP's clock filter (RFC 5905 section 10). At 64 s they span 8 minutes, in
 * which a bound grows by 0.13 s. */
export const SAMPLES_MAX = 8

/** The last samples, oldest first. */
export type Filter = readonly Sample[]

export const NO_SAMPLES: Filter = []

export const withSample = (filter: Filter, sample: Sample): Filter =>
  [...filter, sample].slice(-SAMPLES_MAX)

const boundAt = (sample: Sample, mono: MonoUs): number =>
  sample.bound + Math.abs(mono - sample.mono) * FREQUENCY_TOLERANCE_PPM * 1e-6

/** The sample that binds tightest at `mono`; an informative one only where there is no other. */
export function bestSample(filter: Filter, mono: MonoUs): Sample | null {
  let best: Sample | null = null
  for (const sample of filter) {
    if (best === null || better(sample, best, mono)) best = sample
  }
  return best
}

function better(sample: Sample, than: Sample, mono: MonoUs): boolean {
  if (sample.informative !== than.informative) return than.informative
  return boundAt(sample, mono) <= boundAt(than, mono)
}
