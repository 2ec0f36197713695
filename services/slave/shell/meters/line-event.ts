// What a meter line reports to the slave, and what the slave asks of it.

import type {
  MeterClockAnswer,
  MeterClockChange,
  MeterClockRead,
} from '../../../../shared/clock/meter/meter-clock-line.ts'
import type { FaultCode } from '../../../../shared/faults.ts'
import type { Reading } from '../../../../shared/meter/reading.ts'
import type { MonoUs, UnixMs } from '../../../../shared/units.ts'

/** `now` and `history` were asked for; the meter sent `push` by itself. */
export type RequestKind = 'now' | 'history' | 'push'

export type LineEvent =
  | {
      readonly on: 'readings'
      /** The configured meter; the readings themselves name meters behind it (gas, water). */
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
      /** Null when the fault is the line's, or it is unknown whose it is. */
      readonly meter: string | null
      readonly fault: FaultCode
      readonly detail: string
      /** Reported so seldom that it is always logged, however many meters do. */
      readonly rare?: true
    }
  /** A request was given up. A `fault` before it says why, unless the meter or the line is already
   * known to be away. */
  | { readonly on: 'failed'; readonly meter: string; readonly request: 'now' | 'history' }
  /** Answers `readClock`. */
  | { readonly on: 'clock-read'; readonly meter: string; readonly found: ClockFound }
  /** Answers `changeClock`. */
  | { readonly on: 'clock-changed'; readonly meter: string; readonly became: ClockBecame }

/** The meter's clock; or this meter or protocol cannot report it, or it did not answer. */
export type ClockFound = MeterClockRead | 'unsupported' | 'silent'
export type ClockBecame = MeterClockAnswer | 'unsupported'

export interface MeterLine {
  /** Asks for the current reading; answered by `readings` or `failed`. */
  read(meter: string): void
  /** Asks for the profile rows whose interval ends lie in (from, to]; at most `rowsMax` come at
   * once. */
  readHistory(meter: string, from: UnixMs, to: UnixMs, rowsMax: number): void
  /** Asks for the meter's clock, once; answered by one `clock-read`. A meter that does not report
   * its clock is not faulty: its readings go on. */
  readClock(meter: string): void
  /** Changes the meter's clock. `utc` in the change was right at `at`: the line adds the time until
   * the meter has the request. Sent at most once; answered by one `clock-changed`. */
  changeClock(meter: string, change: MeterClockChange, at: MonoUs): void
  close(): Promise<void>
}
