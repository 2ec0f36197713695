// A reading, as every part of Ticklock passes it on: an integer with a power of ten, never a float.

import type { Stamp } from '../clock/clock-state.ts'
import type { UnixMs } from '../units.ts'
import type { Obis } from './obis.ts'

/** DLMS/COSEM codes (Blue Book, class 3 scaler_unit) of the units we read. */
export const UNIT = {
  W: 27,
  VA: 28,
  var: 29,
  Wh: 30,
  VAh: 31,
  varh: 32,
  A: 33,
  V: 35,
  Hz: 44,
  m3: 13,
  J: 25,
  none: 255,
} as const
export type UnitCode = (typeof UNIT)[keyof typeof UNIT]

const UNIT_CODES: ReadonlySet<number> = new Set(Object.values(UNIT))
export const isUnitCode = (code: number): code is UnitCode => UNIT_CODES.has(code)

/** How a reading was obtained. `live`: it was asked for. `profile`: from the meter's own load
 * profile; its time is the interval's end. `push`: the meter sent it by itself. */
export type ReadingSource = 'live' | 'profile' | 'push'

/** One register of one meter: value * 10^exponent unit. */
export interface Reading {
  /** The meter's number as its operator writes it: 1..32 of A-Z a-z 0-9 . _ - (wire.md 8.2). */
  readonly meter: string
  readonly register: Obis
  /** Safe integer, signed; in the register's own resolution. */
  readonly value: number
  /** Power of ten, -9..9. */
  readonly exponent: number
  readonly unit: UnitCode
  readonly source: ReadingSource
  /** The meter's own time for this value; null when it has none. For `profile` the end of the
   * interval. */
  readonly meterTime: UnixMs | null
  /** False when the meter's message carried no checksum, or not the one of its protocol, and the
   * configuration allows that. */
  readonly checked: boolean
}

/** Readings taken at the same instant. */
export interface ReadingGroup {
  readonly stamp: Stamp
  readonly readings: readonly Reading[]
}

/** Longest meter number, ASCII characters. Source: wire.md 8.2. */
export const METER_NUMBER_LENGTH_MAX = 32
const METER_NUMBER = new RegExp(`^[A-Za-z0-9._-]{1,${METER_NUMBER_LENGTH_MAX}}$`)
/** Whether it is a meter's number as its operator writes it. */
export const isMeterNumber = (text: string): boolean => METER_NUMBER.test(text)
