// The time under which readings are sealed. A key belongs to each second and is destroyed when the
// second ends, so this clock must never run backwards; and every reading states how wrong its time
// may be, so the clock must know that at any instant, even in the middle of a correction.
//
// Sketch: a straight line over the monotonic clock (what we show) and a second one (the estimate:
// what we believe). At every new estimate we bend what we show, at that instant and without a gap:
//   small error   slew: run up to 500 ppm faster or slower until both lines meet;
//   far behind    step forward at once, as at the first estimate: a skipped second harms nothing;
//   far ahead     hold: the time stands until the estimate passes it. It stands rather than crawls,
//                 because that ends soonest and equal times are harmless: readings are ordered by
//                 their sequence number, and the key of a second serves all of that second.
// The bound is |shown - estimate| + the estimate's own bound, grown with age: any correction still
// outstanding is always inside it.
//
// Why not set the system's clock: it is not ours, others step it, and it may run backwards. All
// functions are pure. The caller must not give `steer` or `slept` an instant older than one already
// given to `timeAt`. From samples to estimates: estimator.ts. Read more: docs/clock.md.

import { assert } from '../../assert.ts'
import { BOUND_UNKNOWN_US, type ClockState } from '../clock-state.ts'
import { type MonoUs, monoUs, type SpanUs, spanUs, type UnixUs, unixUs } from '../../units.ts'
import type { Estimate } from './estimator.ts'

/** Fastest slew, ppm: what NTP daemons and kernels use. */
export const SLEW_MAX_PPM = 500
/** Errors up to this are slewed, microseconds: a second takes 33 minutes; more would take hours. */
export const STEP_OVER_US = 1_000_000
/** Largest bound in state S, microseconds: keys change every second. */
export const SYNCHRONISED_BOUND_US = 1_000_000
const SECOND_US = 1_000_000
/** Largest frequency an estimate may claim, ppm: beyond this the oscillator is broken. */
const FREQUENCY_MAX_PPM = 5_000

export interface SoftClock {
  /** Where the line we show last changed its slope. */
  readonly bentAt: MonoUs
  /** The time shown there. */
  readonly shown: UnixUs
  readonly estimate: Estimate | null
  readonly way: 'slew' | 'hold'
}

interface Start {
  readonly mono: MonoUs
  /** The system's wall clock, or any better guess. */
  readonly guess: UnixUs
  /** Last time that an earlier process used for anything that must not repeat; null: none. */
  readonly lastUsed: UnixUs | null
}

/** A clock that only guesses: state U. It begins after the second of `lastUsed`, so that no second
 * whose key is destroyed comes again. A guess that was never used may be discarded: start again. */
export function startClock({ mono, guess, lastUsed }: Start): SoftClock {
  const next = lastUsed === null ? guess : (Math.floor(lastUsed / SECOND_US) + 1) * SECOND_US
  const shown = unixUs(Math.max(guess, next))
  return { bentAt: monoUs(Math.floor(mono)), shown, estimate: null, way: 'slew' }
}

const estimateAt = (estimate: Estimate, mono: number): number =>
  estimate.utc + (mono - estimate.mono) * (1 + estimate.frequency * 1e-6)

/** The time at `mono`: never less than at an earlier `mono`, but for endHold. */
export function timeAt({ bentAt, shown, estimate, way }: SoftClock, mono: MonoUs): UnixUs {
  // Whole microseconds: the smallest step of `mono` then outweighs every rounding below.
  const at = Math.max(bentAt, Math.floor(mono))
  const elapsed = at - bentAt
  if (estimate === null) return unixUs(shown + elapsed)
  if (way === 'hold') return unixUs(Math.max(shown, estimateAt(estimate, at)))
  const remainder = estimateAt(estimate, bentAt) - shown
  const slewable = elapsed * SLEW_MAX_PPM * 1e-6
  const slewed = Math.max(-slewable, Math.min(slewable, remainder))
  return unixUs(shown + (elapsed * (1 + estimate.frequency * 1e-6) + slewed))
}

/** State letter and error bound at `mono`: |UTC - timeAt(clock, mono)| <= bound, unless U. */
export function qualityAt(
  clock: SoftClock,
  mono: MonoUs,
): { readonly state: ClockState; readonly bound: SpanUs } {
  const { estimate } = clock
  if (estimate === null) return { state: 'U', bound: spanUs(BOUND_UNKNOWN_US) }
  const remainder = Math.abs(timeAt(clock, mono) - estimateAt(estimate, mono))
  const grown = Math.abs(mono - estimate.mono) * estimate.growth * 1e-6
  const bound = Math.min(Math.ceil(remainder + estimate.bound + grown), BOUND_UNKNOWN_US)
  if (estimate.informative) return { state: 'I', bound: spanUs(bound) }
  // A bound too large to be written counts as none.
  if (bound >= BOUND_UNKNOWN_US) return { state: 'U', bound: spanUs(BOUND_UNKNOWN_US) }
  return { state: bound <= SYNCHRONISED_BOUND_US ? 'S' : 'R', bound: spanUs(bound) }
}

/** Our estimate of UTC at `mono`, however far the time shown is from it: |UTC - utc| <= bound. Null
 * while the clock only guesses. */
export function believedAt(
  { estimate }: SoftClock,
  mono: MonoUs,
): { readonly utc: UnixUs; readonly bound: SpanUs } | null {
  if (estimate === null) return null
  const grown = Math.abs(mono - estimate.mono) * estimate.growth * 1e-6
  return { utc: unixUs(estimateAt(estimate, mono)), bound: spanUs(estimate.bound + grown) }
}

/** An instant that has certainly passed at `mono`, however far ahead the time shown is; null while
 * the clock only guesses. */
export function overForSure(clock: SoftClock, mono: MonoUs): UnixUs | null {
  const believed = believedAt(clock, mono)
  return believed === null ? null : unixUs(believed.utc - believed.bound)
}

export interface Steered {
  readonly clock: SoftClock
  /** CLK-06 when the correction was more than a slew: a step, or the beginning of a hold. */
  readonly fault: 'CLK-06' | null
  /** How far the estimate was ahead of the time shown. */
  readonly offset: SpanUs
}

/** Follows a new estimate from `mono` on. The first one, and the first good one after informative
 * ones, takes effect at once; an informative one never replaces a good one. */
export function steer(clock: SoftClock, estimate: Estimate, mono: MonoUs): Steered {
  assert(Math.floor(mono) >= clock.bentAt, 'a clock is steered in the order of time')
  assert(Math.abs(estimate.frequency) <= FREQUENCY_MAX_PPM, 'an estimate runs about as fast as UTC')
  const before = clock.estimate
  const known = before !== null && !before.informative
  if (known && estimate.informative) return { clock, fault: null, offset: spanUs(0) }
  const first = before === null || (before.informative && !estimate.informative)
  const bentAt = monoUs(Math.floor(mono))
  const shown = timeAt(clock, mono)
  const believed = estimateAt(estimate, bentAt)
  const offset = spanUs(believed - shown)
  const holding = isHolding(clock, mono)
  if (offset > STEP_OVER_US || (first && offset >= 0)) {
    const stepped: SoftClock = { bentAt, shown: unixUs(believed), estimate, way: 'slew' }
    return { clock: stepped, fault: 'CLK-06', offset }
  }
  if (offset < -STEP_OVER_US || (offset < 0 && (first || holding))) {
    const held: SoftClock = { bentAt, shown, estimate, way: 'hold' }
    return { clock: held, fault: holding ? null : 'CLK-06', offset }
  }
  return { clock: { bentAt, shown, estimate, way: 'slew' }, fault: null, offset }
}

const isHolding = ({ way, shown, estimate }: SoftClock, mono: MonoUs): boolean =>
  way === 'hold' && estimate !== null && estimateAt(estimate, mono) < shown

/** Ends a hold and returns to the estimate. Only for a caller that starts over and may see an
 * earlier time again. */
export function endHold(clock: SoftClock, mono: MonoUs): SoftClock {
  const { estimate } = clock
  if (estimate === null || estimate.informative || !isHolding(clock, mono)) return clock
  const bentAt = monoUs(Math.floor(mono))
  return { bentAt, shown: unixUs(estimateAt(estimate, bentAt)), estimate, way: 'slew' }
}

/** The machine slept: our monotonic clock stood still for an unknown while, and its tie to UTC is
 * void. The time continues from where it is, in state U, until the next sample. The caller must
 * also forget the filter's samples and the open question: a round trip across a sleep looks
 * fast. */
export const slept = (clock: SoftClock, mono: MonoUs): SoftClock => ({
  bentAt: monoUs(Math.floor(mono)),
  shown: timeAt(clock, mono),
  estimate: null,
  way: 'slew',
})
