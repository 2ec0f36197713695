// The agent's own clock: the software clock, what steers it, and what its process id says. Changed
// by timekeeping.ts.

import type { Estimator } from '../../../../shared/clock/estimate/estimator.ts'
import type { Exchange } from '../../../../shared/clock/estimate/exchange.ts'
import type { Poll } from '../../../../shared/clock/estimate/poll.ts'
import type { SoftClock } from '../../../../shared/clock/estimate/softclock.ts'
import type { MonoUs, SpanMs, SpanUs, UnixUs } from '../../../../shared/units.ts'

export interface ClockState {
  readonly soft: SoftClock
  readonly estimator: Estimator
  readonly exchange: Exchange
  readonly poll: Poll
  readonly askAt: MonoUs
  /** What the handshake of the present or last session said: its T3 came at `mono`, underway for
   * at most `slack`. CLOCK REPLYs may not lead far from it. */
  readonly handshake: {
    readonly mono: MonoUs
    readonly utc: UnixUs
    readonly slack: SpanUs
  } | null
  /** The estimator as the last handshake left it; null: none has told the time since the start, or
   * since the machine slept. */
  readonly proven: Estimator | null
  readonly offset: SpanUs
  readonly roundTripDelay: SpanUs
  /** When what was learned of the oscillator is stored next. */
  readonly keepAt: MonoUs
  /** The last sample that counted; the start, while there was none. */
  readonly sampledAt: MonoUs
  /** Corrections that were more than a slew, and the last of them. */
  readonly steps: number
  readonly lastStep: SpanUs
  readonly startedAt: MonoUs
  /** Of the time since the start, or since the machine last slept: process ms of one id have no
   * gap. */
  readonly processId: Uint8Array
  /** The last sleep lay between these instants; and the process id before it. */
  readonly slept: {
    readonly from: MonoUs
    readonly to: MonoUs
    readonly processId: Uint8Array
  } | null
  /** The last step: the machine had not slept until then. */
  readonly steppedAt: MonoUs
  /** The last anchor given under this process id: when, on which link, and the smallest bound. */
  readonly anchored: {
    readonly at: MonoUs
    readonly link: number
    readonly bound: SpanMs
  } | null
}
