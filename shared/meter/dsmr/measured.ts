// One value of a telegram, `000009.533*kWh`: a number and its unit, to the last digit. Meters of
// different makers write the same unit in different letter cases and put blanks where the standard
// has none. Source: IEC 62056-21, 5.8 (data set: value, `*`, unit).

import { UNIT, type UnitCode } from '../reading.ts'

export type Value =
  | {
      readonly is: 'measured'
      readonly value: number
      readonly exponent: number
      readonly unit: UnitCode
      /** The unit as sent. */
      readonly spelling: string
    }
  /** A number with a unit that we do not know, or with more digits than we can hold. */
  | { readonly is: 'unknown unit' | 'too long'; readonly spelling: string }
  /** A number without a unit. */
  | { readonly is: 'plain'; readonly value: number; readonly exponent: number }
  /** Nothing between the parentheses. */
  | { readonly is: 'empty' }
  | { readonly is: 'text' }

/** Digits that a reading holds exactly. */
const DIGITS_MAX = 15
/** Powers of ten that a reading has. */
const EXPONENT_MIN = -9
const EXPONENT_MAX = 9

const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?$/
const BLANKS = /[\s\0]+/g

type Scale = readonly [UnitCode, number]

/** Units in small letters, with the power of ten that leads to the unit we keep. */
const UNITS: ReadonlyMap<string, Scale> = new Map<string, Scale>([
  ...prefixed('wh', UNIT.Wh),
  ...prefixed('varh', UNIT.varh),
  ...prefixed('vah', UNIT.VAh),
  ...prefixed('w', UNIT.W),
  ...prefixed('var', UNIT.var),
  ...prefixed('va', UNIT.VA),
  ...prefixed('j', UNIT.J),
  ['v', [UNIT.V, 0]],
  ['kv', [UNIT.V, 3]],
  ['a', [UNIT.A, 0]],
  ['ka', [UNIT.A, 3]],
  ['hz', [UNIT.Hz, 0]],
  ['m3', [UNIT.m3, 0]],
  ['m^3', [UNIT.m3, 0]],
  // The superscript in Latin-1, and the bytes of it in UTF-8.
  ['m\u00b3', [UNIT.m3, 0]],
  ['m\u00c2\u00b3', [UNIT.m3, 0]],
  ['dm3', [UNIT.m3, -3]],
  ['l', [UNIT.m3, -3]],
])

/** Units in which the letter case says what is meant. */
const EXACT: ReadonlyMap<string, Scale> = new Map<string, Scale>([
  ['mA', [UNIT.A, -3]],
  ['mV', [UNIT.V, -3]],
])

/** A small m before capital letters is milli, not mega: a factor of 10^9 is not guessed at. */
const MILLI = /^m[A-Z]/

function prefixed(name: string, unit: UnitCode): readonly (readonly [string, Scale])[] {
  const prefixes = Object.entries({ '': 0, k: 3, m: 6, g: 9 })
  return prefixes.map(([prefix, power]) => [prefix + name, [unit, power]])
}

function scaleOf(spelling: string): Scale | null {
  const exact = EXACT.get(spelling)
  if (exact !== undefined) return exact
  return MILLI.test(spelling) ? null : (UNITS.get(spelling.toLowerCase()) ?? null)
}

/** What stands between two parentheses. */
export function readValue(sent: string): Value {
  const text = sent.trim()
  if (text === '') return { is: 'empty' }
  const [numberText = '', unitText, ...more] = text.split('*')
  const [whole, sign = '', digits = '', decimals = ''] = NUMBER.exec(numberText.trim()) ?? []
  if (whole === undefined || digits + decimals === '' || more.length > 0) return { is: 'text' }
  const spelling = (unitText ?? '').replace(BLANKS, '')
  if (spelling === '') {
    const number = exact(sign, digits, decimals, 0)
    // Identifiers and stamps are long numbers too.
    return number === null ? { is: 'text' } : { is: 'plain', ...number }
  }
  const scale = scaleOf(spelling)
  if (scale === null) return { is: 'unknown unit', spelling }
  const [unit, power] = scale
  const number = exact(sign, digits, decimals, power)
  if (number === null) return { is: 'too long', spelling }
  return { is: 'measured', ...number, unit, spelling }
}

/** The number in the resolution it was sent in; coarser, by zeros at its end, only where it would
 * not fit otherwise. Null: it does not fit. */
function exact(
  sign: string,
  digits: string,
  decimals: string,
  power: number,
): { readonly value: number; readonly exponent: number } | null {
  let significant = (digits + decimals).replace(/^0+/, '')
  let exponent = power - decimals.length
  if (significant === '') return { value: 0, exponent: Math.max(exponent, EXPONENT_MIN) }
  while (significant.length > DIGITS_MAX || exponent < EXPONENT_MIN) {
    if (!significant.endsWith('0') || exponent >= EXPONENT_MAX) return null
    significant = significant.slice(0, -1)
    exponent += 1
  }
  const value = Number(significant)
  return { value: sign === '-' ? -value : value, exponent }
}
