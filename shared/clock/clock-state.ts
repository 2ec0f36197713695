// How good a clock is, and the stamp it puts on readings.

import type { SpanMs, UnixMs } from '../units.ts'

/** How good the agent's clock was (letters as in OCMF): U unknown, I informative, S synchronised,
 * R relative (was synchronised once, free-running since). */
export type ClockState = 'U' | 'I' | 'S' | 'R'
export const isClockState = (letter: string): letter is ClockState => /^[UISR]$/.test(letter)

/** When the agent took a batch of readings, and how sure it is of that. */
export interface Stamp {
  readonly agentTime: UnixMs
  readonly clockState: ClockState
  /** |true time - agentTime| <= bound, when the state is S or R; CLOCK_BOUND_UNKNOWN when U. */
  readonly clockBound: SpanMs
  /** Milliseconds since this process of the agent started (for re-timing at the master). */
  readonly processMs: number
}

/** Stands for "no bound known" wherever a bound is a number, in a Stamp and in the database:
 * milliseconds, 49 days. Larger bounds are cut to it. */
export const CLOCK_BOUND_UNKNOWN = 0xffff_ffff
/** The same where bounds are microseconds. On the wire "unknown" is another number:
 * wire/payload. */
export const BOUND_UNKNOWN_US = CLOCK_BOUND_UNKNOWN * 1_000
