// From energy to lines: every charge of a tariff becomes one line, computed with every digit and
// rounded once. The parts under a line (slab by slab) are exact and add up to the exact amount of
// the line.

import { assert, unreachable } from '../../../../shared/assert.ts'
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
import type { Charge, SlabCharge, SlabProration, Tariff, TaxCharge } from './tariff.ts'

/** quantity * rate = amount, with every digit. For a tax the quantity is the taxed amount. */
export interface LinePart {
  readonly quantity: Decimal
  readonly rate: Decimal
  readonly amount: Decimal
}

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

/** All lines of a bill for `energy` kWh in a period of `days` days, in the tariff's order. */
export function linesOf(tariff: Tariff, energy: Decimal, days: number): readonly Line[] {
  const months = monthsFactor(tariff.slabProration, days)
  const lines: Line[] = []
  for (const charge of tariff.charges) {
    const parts = partsOf(charge, { tariff, energy, months, above: lines })
    const exact = parts.reduce((sum, { amount }) => plus(sum, amount), ZERO)
    lines.push({ charge, parts, amount: roundTo(exact, tariff.minorDigits, tariff.rounding) })
  }
  return lines
}

interface Basis {
  readonly tariff: Tariff
  readonly energy: Decimal
  readonly months: Decimal
  readonly above: readonly Line[]
}

/** A new kind of charge is one more case here and in tariff.ts. */
function partsOf(charge: Charge, basis: Basis): readonly LinePart[] {
  switch (charge.kind) {
    case 'slabs':
      return slabParts(charge, basis.energy, basis.months)
    case 'fixed':
      return [part(ONE, charge.amount)]
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
