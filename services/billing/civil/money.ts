// Exact decimals in integers. A quantity times a rate keeps every digit; it is rounded once, where
// it becomes an amount on a line. Rounding each half-hour of a day instead made 1.04 into 1.10, 6 %
// too much (BottlecapDave/HomeAssistant-OctopusEnergy #1852), and floats make amounts that nobody
// can recompute.

import { assert } from '../../../shared/assert.ts'

/** units * 10^-scale, exactly. */
export interface Decimal {
  readonly units: bigint
  readonly scale: number
}

/** `half-away`: 0.5 rounds away from zero, as utilities print it. `half-even`: to the even
 * neighbour. */
export const ROUNDINGS = ['half-away', 'half-even'] as const
export type Rounding = (typeof ROUNDINGS)[number]

/** Digits before and after the point that a decimal text may have: far above any tariff or
 * register, low enough that a hostile document cannot make us multiply megabytes. */
const DECIMAL = /^(-?)(\d{1,18})(?:\.(\d{1,12}))?$/
/** Largest scale a product of a few parsed decimals can reach; more is our own bug. */
const SCALE_MAX = 200

export function decimal(units: bigint, scale: number): Decimal {
  assert(Number.isInteger(scale) && scale >= 0 && scale <= SCALE_MAX, 'a scale is 0..200')
  return { units, scale }
}

export const ZERO = decimal(0n, 0)

/** Reads `12`, `-0.5`, `3.46`; null for anything else (no exponent, no sign `+`, no bare point). */
export function parseDecimal(text: string): Decimal | null {
  const match = DECIMAL.exec(text)
  if (match === null) return null
  const [, sign = '', whole = '', fraction = ''] = match
  const units = BigInt(whole + fraction)
  return decimal(sign === '' ? units : -units, fraction.length)
}

export const tenTo = (power: number): bigint => 10n ** BigInt(power)

/** value * 10^exponent, exactly; exponent -9..9 as a register has it. */
export function scaled(value: bigint, exponent: number): Decimal {
  return exponent >= 0 ? decimal(value * tenTo(exponent), 0) : decimal(value, -exponent)
}

export const times = (a: Decimal, b: Decimal): Decimal =>
  decimal(a.units * b.units, a.scale + b.scale)

export function plus(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale)
  return decimal(a.units * tenTo(scale - a.scale) + b.units * tenTo(scale - b.scale), scale)
}

export const minus = (a: Decimal, b: Decimal): Decimal => plus(a, decimal(-b.units, b.scale))

/** Negative, zero or positive, as a - b is. */
export function compare(a: Decimal, b: Decimal): number {
  const { units } = minus(a, b)
  return units < 0n ? -1 : units > 0n ? 1 : 0
}

/** numerator / denominator to a whole number. The denominator is positive. */
export function divideRounded(numerator: bigint, denominator: bigint, rounding: Rounding): bigint {
  assert(denominator > 0n, 'a denominator is positive')
  const magnitude = numerator < 0n ? -numerator : numerator
  const whole = magnitude / denominator
  const twiceRest = (magnitude % denominator) * 2n
  const tieUp = rounding === 'half-away' || whole % 2n === 1n
  const up = twiceRest > denominator || (twiceRest === denominator && tieUp)
  const rounded = up ? whole + 1n : whole
  return numerator < 0n ? -rounded : rounded
}

/** The amount in units of 10^-digits: minor units of a currency when digits is 2. */
export function roundTo(value: Decimal, digits: number, rounding: Rounding): bigint {
  if (value.scale <= digits) return value.units * tenTo(digits - value.scale)
  return divideRounded(value.units, tenTo(value.scale - digits), rounding)
}

/** Plain text with every digit and no trailing zeros after `fractionMin` places: `1245.03`,
 * `221`. */
export function decimalText(value: Decimal, fractionMin = 0): string {
  const negative = value.units < 0n
  const places = Math.max(value.scale, fractionMin)
  const units = (negative ? -value.units : value.units) * tenTo(places - value.scale)
  const digits = units.toString().padStart(places + 1, '0')
  const whole = digits.slice(0, digits.length - places)
  let fraction = digits.slice(digits.length - places)
  while (fraction.length > fractionMin && fraction.endsWith('0')) fraction = fraction.slice(0, -1)
  return `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`
}

/** Minor units as text with exactly that many digits after the point: `211946` -> `2119.46`. */
export const minorText = (minor: bigint, digits: number): string =>
  decimalText(decimal(minor, digits), digits)
