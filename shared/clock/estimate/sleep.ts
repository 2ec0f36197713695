// Noticing that the machine slept. On Linux the monotonic clock stands while the machine is
// suspended; the time since boot goes on. Looked at together, the two give the sleep away.

import type { MonoUs, SpanUs } from '../../units.ts'

/** Smallest sleep noticed, microseconds: the kernel prints its time since boot in steps of 10 ms,
 * and the two clocks are not read in the same instant on a busy machine. */
export const SLEEP_NOTICED_US = 100_000

/** One look at both clocks. */
export interface Look {
  readonly mono: MonoUs
  /** A clock that goes on while the machine sleeps: time since boot, or else the wall clock. */
  readonly sinceBoot: SpanUs
}

/** True when one clock moved more than the other between two looks. Keep the first look until a
 * sleep is noticed, so that short sleeps add up; and look before any use of the time. */
export const hasSlept = (before: Look, after: Look): boolean =>
  Math.abs(after.sinceBoot - before.sinceBoot - (after.mono - before.mono)) > SLEEP_NOTICED_US
