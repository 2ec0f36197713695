// From energy to lines: every charge of a tariff becomes one line, computed with every digit and
// rounded once. The parts under a line (slab by slab) are exact and add up to the exact amount of
// the line.

import { assert, unreachable } from '../../../../shared/assert.ts'
import { type CivilPeriod, daysIn, type MonthShare, monthsOf } from '../../civil/calendar.ts'
import {
  compare,
  type Decimal,
  decimal,
  divideRounded,
  minus,
  plus,
  roundTo,
  tenTo,
  times,
  ZERO,
} from '../../civil/money.ts'
import type { Charge, FixedCharge, SlabCharge, SlabProration, Tariff, TaxCharge } from './tariff.ts'

/** quantity * rate = amount, with every digit. For a tax the quantity is the taxed amount. Where
 * `of` stands, the quantity counts days of a month that has so many: 10 of 31 days at the rate of
 * the month. That has digits without end, so its amount is cut; the line is rounded from the exact
 * fraction. */
export interface LinePart {
  readonly quantity: Decimal
  readonly rate: Decimal
  readonly amount: Decimal
  readonly of?: bigint
}

/** Places to which the amount of a fraction is written. */
const FRACTION_DIGITS = 12

export interface Line {
  readonly charge: Charge
  readonly parts: readonly LinePart[]
  /** Minor units: the sum of the parts, rounded once. */
  readonly amount: bigint
}

const part = (quantity: Decimal, rate: Decimal): LinePart => ({
  quantity,
  rate,
  amount: times(quantity, rate),
})
const ONE = decimal(1n, 0)

/** All lines of a bill for `energy` kWh in a period, in the tariff's order. */
export function linesOf(tariff: Tariff, energy: Decimal, period: CivilPeriod): readonly Line[] {
  const months = monthsFactor(tariff.slabProration, daysIn(period))
  const lines: Line[] = []
  for (const charge of tariff.charges) {
    const parts = partsOf(charge, { tariff, energy, months, period, above: lines })
    lines.push({ charge, parts, amount: roundedSum(parts, tariff) })
  }
  return lines
}

/** The parts over their common denominator, rounded once. */
function roundedSum(parts: readonly LinePart[], { minorDigits, rounding }: Tariff): bigint {
  const denominator = parts.reduce((product, { of = 1n }) => product * of, 1n)
  const sum = parts.reduce((total, { quantity, rate, of = 1n }) => {
    return plus(total, times(times(quantity, rate), decimal(denominator / of, 0)))
  }, ZERO)
  if (denominator === 1n) return roundTo(sum, minorDigits, rounding)
  const scale = denominator * tenTo(sum.scale)
  return divideRounded(sum.units * tenTo(minorDigits), scale, rounding)
}

interface Basis {
  readonly tariff: Tariff
  readonly energy: Decimal
  readonly months: Decimal
  readonly period: CivilPeriod
  readonly above: readonly Line[]
}

/** A new kind of charge is one more case here and in tariff.ts. */
function partsOf(charge: Charge, basis: Basis): readonly LinePart[] {
  switch (charge.kind) {
    case 'slabs':
      return slabParts(charge, basis.energy, basis.months)
    case 'fixed':
      return fixedParts(charge, basis)
    case 'tax':
      return [part(taxed(charge, basis), times(charge.percent, decimal(1n, 2)))]
    default:
      return unreachable(charge)
  }
}

/** What every slab limit is multiplied by: 1, or days / 30 as the tariff rounds it. */
export function monthsFactor(proration: SlabProration, days: number): Decimal {
  if (proration.basis === 'none') return ONE
  const { monthDigits } = proration
  const units = divideRounded(BigInt(days) * tenTo(monthDigits), 30n, 'half-away')
  return decimal(units, monthDigits)
}

function fixedParts({ amount }: FixedCharge, { tariff, period }: Basis): readonly LinePart[] {
  if (tariff.fixedProration === 'none') return [part(ONE, amount)]
  return monthsOf(period).map((month) => monthPart(month, amount))
}

function monthPart({ days, of }: MonthShare, rate: Decimal): LinePart {
  if (days === of) return part(ONE, rate)
  const quantity = decimal(BigInt(days), 0)
  const { units, scale } = times(quantity, rate)
  const places = Math.max(FRACTION_DIGITS, scale)
  const cut = divideRounded(units * tenTo(places - scale), BigInt(of), 'half-away')
  return { quantity, rate, amount: decimal(cut, places), of: BigInt(of) }
}

function slabParts(charge: SlabCharge, energy: Decimal, months: Decimal): readonly LinePart[] {
  const parts: LinePart[] = []
  let floor = ZERO
  for (const { upTo, rate } of charge.slabs) {
    const limit = upTo === null ? energy : times(upTo, months)
    const end = compare(energy, limit) < 0 ? energy : limit
    if (compare(end, floor) <= 0) break
    parts.push(part(minus(end, floor), rate))
    floor = end
  }
  assert(compare(floor, energy) === 0, 'the slabs take all energy, and no more')
  return parts
}

/** Tax is levied on amounts as they are printed, so that a customer can check it. */
function taxed(charge: TaxCharge, { tariff, above }: Basis): Decimal {
  const amounts = above.filter((line) => charge.on.includes(line.charge.code))
  assert(amounts.length === charge.on.length, 'a tax names lines above it')
  const sum = amounts.reduce((total, line) => total + line.amount, 0n)
  return decimal(sum, tariff.minorDigits)
}
