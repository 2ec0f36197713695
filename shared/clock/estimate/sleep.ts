// Noticing that the machine slept. On Linux the monotonic clock stands still while the machine is
// suspended; the time since boot continues. Comparing the two reveals the sleep.

import type { MonoUs, SpanUs } from '../../units.ts'

/** Smallest sleep noticed, microseconds: the kernel prints its time since boot in steps of 10 ms,
 * and on a busy machine the two clocks are not read at the same instant. */
export const SLEEP_NOTICED_US = 100_000

/** One look at both clocks. */
export interface Look {
  readonly mono: MonoUs
  /** A clock that continues while the machine sleeps: time since boot, or else the wall clock. */
  readonly sinceBoot: SpanUs
}

/** True when one clock moved more than the other between two looks. Keep the first look until a
 * sleep is noticed, so that short sleeps add up; and look before any use of the time. */
export const hasSlept = (before: Look, after: Look): boolean =>
  Math.abs(after.sinceBoot - before.sinceBoot - (after.mono - before.mono)) > SLEEP_NOTICED_US
