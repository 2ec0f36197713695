// What a meter line tells the slave, and what the slave asks of it.

import type {
  MeterClockAnswer,
  MeterClockChange,
  MeterClockRead,
} from '../../../../shared/clock/meter/meter-clock-line.ts'
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
  /** Answers `readClock`. */
  | { readonly on: 'clock-read'; readonly meter: string; readonly found: ClockFound }
  /** Answers `changeClock`. */
  | { readonly on: 'clock-changed'; readonly meter: string; readonly became: ClockBecame }

/** The meter's clock; or that this meter or protocol has no way to tell it, or did not answer. */
export type ClockFound = MeterClockRead | 'unsupported' | 'silent'
export type ClockBecame = MeterClockAnswer | 'unsupported'

export interface MeterLine {
  /** Asks for the current reading; answered by `readings` or `failed`. */
  read(meter: string): void
  /** Asks for the profile rows whose interval ends lie in (from, to]; at most `rowsMax` come at
   * once. */
  readHistory(meter: string, from: UnixMs, to: UnixMs, rowsMax: number): void
  /** Asks for the meter's clock, once; answered by one `clock-read`. A clock that is not told is no
   * fault of the meter: its readings go on. */
  readClock(meter: string): void
  /** Changes the meter's clock, as of `at`: the line adds to `utc` what passes until the meter has
   * the request. Sent at most once; answered by one `clock-changed`. */
  changeClock(meter: string, change: MeterClockChange, at: MonoUs): void
  close(): Promise<void>
}
