// A register as somebody reads it from a display and types it: `012345.6` with its unit. Every
// digit is kept, the last zero too, because it says how finely the register counts.

import { UNIT, type UnitCode } from '../../../../shared/meter/reading.ts'

/** Units that people write, with the power of ten that they add. Case counts for none of them. */
const UNITS: ReadonlyMap<string, readonly [unit: UnitCode, power: number]> = new Map([
  ['wh', [UNIT.Wh, 0]],
  ['kwh', [UNIT.Wh, 3]],
  ['mwh', [UNIT.Wh, 6]],
  ['varh', [UNIT.varh, 0]],
  ['kvarh', [UNIT.varh, 3]],
  ['vah', [UNIT.VAh, 0]],
  ['kvah', [UNIT.VAh, 3]],
  ['m3', [UNIT.m3, 0]],
  ['m³', [UNIT.m3, 0]],
  ['l', [UNIT.m3, -3]],
  ['mj', [UNIT.J, 6]],
  ['gj', [UNIT.J, 9]],
])

/** What a register may be counted in, as a form lists it. */
export const REGISTER_UNITS = ['kWh', 'Wh', 'MWh', 'kvarh', 'kVAh', 'm3', 'l', 'MJ', 'GJ'] as const

export interface RegisterUnit {
  readonly unit: UnitCode
  /** 3 for kWh: the value counts thousands of the unit. */
  readonly power: number
}

/** The unit of that name; null when no register is counted in it. */
export function registerUnit(name: string): RegisterUnit | null {
  const [unit, power] = UNITS.get(name.trim().toLowerCase()) ?? []
  return unit === undefined || power === undefined ? null : { unit, power }
}

export interface RegisterValue {
  /** Safe integer, not negative. */
  readonly value: number
  readonly exponent: number
}

const DIGITS = /^(\d{1,15})(?:\.(\d{1,9}))?$/
/** Powers of ten that a reading may have (wire.md 8.2). */
const EXPONENT_MAX = 9

/** `1234.50` counted in kWh (power 3) gives 123450 * 10^1. Null when it is not a register: digits,
 * and behind a point up to nine more. */
export function registerValue(text: string, power: number): RegisterValue | null {
  const match = DIGITS.exec(text)
  if (match === null) return null
  const [, whole = '', fraction = ''] = match
  const value = Number(whole + fraction)
  const exponent = power - fraction.length
  const fits = Number.isSafeInteger(value) && Math.abs(exponent) <= EXPONENT_MAX
  return fits ? { value, exponent } : null
}
