// What the pages and the command line show of clocks, as plain values.

import type { MeterClockOutcome } from '../../../../shared/clock/evidence.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import type { ClockPoint } from '../core/clock-plot.ts'

/** A clock as it was last reported. */
export interface ClockRow {
  /** Empty: the head-end. */
  readonly device: string
  /** Empty: the device's own clock. */
  readonly meter: string
  readonly at: UnixMs
  /** U I S R; for a meter V (readings valid) or X (invalid, B0). */
  readonly state: string
  /** The clock minus UTC. */
  readonly offsetUs: number
  /** Null: unknown. */
  readonly boundUs: number | null
  /** How much faster than UTC it runs; null until known. */
  readonly frequencyPpb: number | null
  readonly skewPpb: number
  readonly holdoverMs: number
  readonly steps: number
  readonly lastStepUs: number
  /** For a meter; null for other clocks. */
  readonly resolutionUs: number | null
  readonly monthlyDriftMs: number | null
  readonly outcome: MeterClockOutcome | null
  /** The last event reported, numbered as in UNI/TS 11291. */
  readonly event: number | null
}

export interface ClockEventRow {
  readonly at: UnixMs
  readonly meter: string
  /** A ClockEventCode, or text from another version. */
  readonly code: string
  readonly amountUs: number | null
  readonly detail: string
}

/** A clock with its history, as its page shows it. */
export interface ClockHistoryView {
  readonly clock: ClockRow
  /** Oldest first; each holds until the next. */
  readonly points: readonly ClockPoint[]
  /** Newest first; for a device's own clock with those of its meters. */
  readonly events: readonly ClockEventRow[]
}

/** How far back a plot goes. */
export const CLOCK_SPANS = {
  '1h': 3_600_000,
  '24h': 24 * 3_600_000,
  '7d': 7 * 24 * 3_600_000,
} as const
export type ClockSpan = keyof typeof CLOCK_SPANS
export const isClockSpan = (text: string): text is ClockSpan => Object.hasOwn(CLOCK_SPANS, text)
