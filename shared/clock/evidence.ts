// What is known of the clocks of a utility, link by link: the head-end's own, each slave's, each
// meter's. The master reports it, the billing server keeps and shows it.

import type { ClockState } from './clock-state.ts'
import type { LeapNotice } from './estimate/leap.ts'
import type { SourceKind } from './estimate/source.ts'
import type { Ppm, SpanMs, SpanUs, UnixMs } from '../units.ts'

/** What a STATUS says of a slave's clock besides state, offset and bound. */
export interface ClockDiscipline {
  /** Rate of UTC against its oscillator; null until it is learned. */
  readonly frequency: Ppm | null
  /** |error| of the frequency, and how fast the bound grows without samples. */
  readonly skew: Ppm
  /** Since the last sample that counted; a long one means that the clock is in holdover. */
  readonly holdover: SpanMs
  /** Corrections larger than a slew since the process started. */
  readonly steps: number
  /** The last of them, signed; 0 when there was none. */
  readonly lastStep: SpanUs
}

/** Events of a meter's clock, numbered as UNI/TS 11291 numbers them. */
export type MeterClockEvent =
  /** 10: readings invalid: the clock is more than 4 h off. 11: clock set while not configured.
   * 12: strong synchronisation executed. */
  10 | 11 | 12

/** What was last done about a meter's clock. `set`: it stepped against the
 * slave's oscillator: somebody else set it, or that oscillator jumped. */
export type MeterClockOutcome =
  | 'none'
  | 'synchronised'
  | 'rejected'
  | 'deferred'
  | 'set'
  | 'unsupported'
  | 'silent'

/** A meter's clock as its slave sees it. */
export interface MeterClockReport {
  readonly meter: string
  /** Meter minus UTC. */
  readonly offset: SpanUs
  /** |error| of the offset, the slave's own bound included. */
  readonly bound: SpanUs
  readonly resolution: SpanUs
  /** Rate of the meter's clock against UTC; null until it is learned. */
  readonly frequency: Ppm | null
  /** Signed sum of the drifts corrected this month: UNI/TS 11291's register. */
  readonly monthlyDrift: SpanMs
  /** B0 of the clock status: readings invalid. */
  readonly invalid: boolean
  readonly outcome: MeterClockOutcome
  /** Raised by the last action; null when it raised none. */
  readonly event: MeterClockEvent | null
}

/** One upstream of the head-end, in the words of `chronyc sources`. */
export interface SourceReport {
  readonly name: string
  readonly kind: SourceKind
  /** `*` followed, `+` combined, `-` not combined, `x` falseticker, `~` too variable, `?`
   * unusable. */
  readonly mark: '*' | '+' | '-' | 'x' | '~' | '?'
  readonly stratum: number
  /** Poll interval, log2 seconds. */
  readonly poll: number
  /** The last eight polls, newest in bit 0. */
  readonly reach: number
  readonly lastSample: SpanMs | null
  readonly offset: SpanUs | null
  readonly bound: SpanUs | null
  readonly roundTripDelay: SpanUs | null
  /** Why it is not used, with its fault code; empty when it is. */
  readonly note: string
}

/** The head-end's own clock, in the words of `chronyc tracking`. */
export interface HeadClockReport {
  readonly at: UnixMs
  readonly state: ClockState
  readonly reference: string
  readonly stratum: number
  readonly leap: LeapNotice | 'unsynchronised'
  /** Estimate minus what the operating system shows. */
  readonly systemOffset: SpanUs
  /** Of the last sample that counted, against our clock. */
  readonly lastOffset: SpanUs
  readonly rmsOffset: SpanUs
  /** Null: not known. */
  readonly bound: SpanUs | null
  readonly discipline: ClockDiscipline
  readonly rootDelay: SpanUs
  readonly rootDispersion: SpanUs
  readonly sources: readonly SourceReport[]
}
