// Messages between the master's main thread and its clock's thread. Plain data.

import type { Polls } from '../../../../shared/clock/ntp/association.ts'
import type { FaultCode } from '../../../../shared/faults.ts'
import type { HeadClockReport } from '../../../../shared/clock/evidence.ts'
import type { SpanUs } from '../../../../shared/units.ts'
import type { SharedClock } from '../../core/head-clock.ts'
import type { TimeSource } from './time-source.ts'

export interface TimeThreadData {
  /** Where we serve NTP; null: nowhere. Port 0: any. */
  readonly ntp: { readonly host: string; readonly port: number } | null
  /** Empty: the operating system's clock is followed. */
  readonly sources: readonly TimeSource[]
  /** The bound the operator states for the operating system's clock; null: none. */
  readonly systemBound: SpanUs | null
  /** Certificates in PEM that NTS servers may have besides those Node trusts. */
  readonly authorities: readonly string[]
  readonly polls: Polls
  /** File that keeps the oscillator's frequency across restarts; null: none. */
  readonly driftFile: string | null
  /** The clock of the thread before, which ended; null: this is the first. */
  readonly shared: SharedClock | null
}

export type FromTime =
  /** The thread is up; a `clock` came before it. */
  | { readonly on: 'ready'; readonly ntpPort: number | null }
  | { readonly on: 'failed'; readonly fault: FaultCode; readonly detail: string }
  | { readonly on: 'clock'; readonly shared: SharedClock }
  | { readonly on: 'report'; readonly report: HeadClockReport }
  | { readonly on: 'fault'; readonly code: FaultCode; readonly detail: string }

export interface ToTime {
  readonly do: 'close'
}
