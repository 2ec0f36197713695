// What a meter line tells the slave, and what the slave asks of it.

import type { FaultCode } from '../../../../shared/faults.ts'
import type { Reading } from '../../../../shared/meter/reading.ts'
import type { MonoUs, UnixMs } from '../../../../shared/units.ts'

/** `now` and `history` were asked for; `push` came by itself. */
export type RequestKind = 'now' | 'history' | 'push'

export type LineEvent =
  | {
      readonly on: 'readings'
      /** The configured meter; meters behind a P1 port are named in the readings themselves. */
      readonly meter: string
      readonly readings: readonly Reading[]
      readonly request: RequestKind
      /** When the first byte of the answer came. */
      readonly at: MonoUs
      /** History only: the meter has more rows in the range asked for. */
      readonly more: boolean
    }
  | {
      readonly on: 'fault'
      /** Null when the fault is the line's, or nobody knows whose. */
      readonly meter: string | null
      readonly fault: FaultCode
      readonly detail: string
    }
  /** A request given up; its reason was told as a fault, unless the meter or line is known to be
   * away. */
  | { readonly on: 'failed'; readonly meter: string; readonly request: 'now' | 'history' }
  /** Answers `setClock`. Fault null: the meter has the time now. */
  | { readonly on: 'clock-set'; readonly meter: string; readonly fault: FaultCode | null }

/** The answer of a protocol that has no way to set a clock. */
export const cannotSetClock = (meter: string): LineEvent => ({
  on: 'clock-set',
  meter,
  fault: 'MTR-09',
})

/** What our clock showed at an instant; a line that sets a meter's clock adds what has passed. */
export interface TimeMark {
  readonly utc: UnixMs
  readonly at: MonoUs
}

export interface MeterLine {
  /** Asks for the current reading; answered by `readings` or `failed`. */
  read(meter: string): void
  /** Asks for the profile rows whose interval ends lie in (from, to]; at most `rowsMax` come at
   * once. */
  readHistory(meter: string, from: UnixMs, to: UnixMs, rowsMax: number): void
  /** Sets the meter's clock; answered by one `clock-set`, within a minute: MTR-09 where the
   * protocol or the meter does not do it, MTR-01 without an answer. */
  setClock(meter: string, time: TimeMark): void
  close(): Promise<void>
}
