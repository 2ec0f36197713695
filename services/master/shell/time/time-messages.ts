// What the master's main thread and its clock's thread tell each other. Plain data.

import type { Polls } from '../../../../shared/clock/ntp/association.ts'
import type { FaultCode } from '../../../../shared/faults.ts'
import type { HeadClockReport } from '../../../../shared/clock/evidence.ts'
import type { SpanUs } from '../../../../shared/units.ts'
import type { ToldClock } from '../../core/head-clock.ts'
import type { TimeSource } from './time-source.ts'

export interface TimeThreadData {
  /** Where NTP is served; null: nowhere. Port 0: any. */
  readonly ntp: { readonly host: string; readonly port: number } | null
  /** None: the operating system's clock is followed. */
  readonly sources: readonly TimeSource[]
  /** What the operator states of the operating system's clock; null: nothing. */
  readonly systemBound: SpanUs | null
  /** Certificates in PEM that NTS servers may have besides those Node trusts. */
  readonly authorities: readonly string[]
  readonly polls: Polls
  /** Where the oscillator's frequency outlives the process; null: nowhere. */
  readonly driftFile: string | null
  /** The clock of a thread that ended before; null: a beginning. */
  readonly told: ToldClock | null
}

export type FromTime =
  /** The first, before any other. */
  | { readonly on: 'ready'; readonly ntpPort: number | null }
  | { readonly on: 'failed'; readonly fault: FaultCode; readonly detail: string }
  | { readonly on: 'clock'; readonly told: ToldClock }
  | { readonly on: 'report'; readonly report: HeadClockReport }
  | { readonly on: 'fault'; readonly code: FaultCode; readonly detail: string }

export interface ToTime {
  readonly do: 'close'
}
