// A tariff in words: what each line of the bill costs, as a price list says it. Pages and the
// command line show the same.

import { unreachable } from '../../../../shared/assert.ts'
import { amountText, coinText, grouped } from '../../civil/amount-text.ts'
import { compare, type Decimal, decimal, decimalText, plus, ZERO } from '../../civil/money.ts'
import type { Charge, Slab, Tariff } from './tariff.ts'

const ONE = decimal(1n, 0)

/** `101 to 300` as schedules write it, `above 500`, `all`; limits with digits after the point:
 * `above 33.5 to 100`. */
export function rangeText(floor: Decimal, upTo: Decimal | null, currency: string): string {
  const number = (value: Decimal): string => grouped(decimalText(value), currency)
  const first = compare(floor, ZERO) === 0
  if (upTo === null) return first ? 'all' : `above ${number(floor)}`
  if (first) return `0 to ${number(upTo)}`
  return isWhole(floor)
    ? `${number(plus(floor, ONE))} to ${number(upTo)}`
    : `above ${number(floor)} to ${number(upTo)}`
}

const isWhole = (value: Decimal): boolean => !decimalText(value).includes('.')

export interface SlabWords {
  /** kWh. */
  readonly range: string
  readonly rate: string
}

export const slabWords = (slabs: readonly Slab[], tariff: Tariff): readonly SlabWords[] =>
  slabs.map(({ upTo, rate }, i) => ({
    range: rangeText(slabs[i - 1]?.upTo ?? ZERO, upTo, tariff.currency),
    rate: amountText(decimalText(rate), tariff),
  }))

/** What a charge costs in one line: `0 to 100 kWh ₹3.46, above 100 ₹7.43`. */
export function chargeWords(charge: Charge, tariff: Tariff): string {
  switch (charge.kind) {
    case 'slabs':
      return charge.slabs.length === 1
        ? `${slabWords(charge.slabs, tariff)[0]?.rate ?? ''} per kWh`
        : `per kWh: ${slabWords(charge.slabs, tariff)
            .map(({ range, rate }) => `${range} kWh ${rate}`)
            .join(', ')}`
    case 'fixed':
      return tariff.fixedProration === 'none'
        ? `${amountText(decimalText(charge.amount), tariff)} in every bill`
        : `${amountText(decimalText(charge.amount), tariff)} a month, by days`
    case 'tax':
      return `${decimalText(charge.percent)} % of ${charge.on.map((code) => labelOf(tariff, code)).join(', ')}`
    default:
      return unreachable(charge)
  }
}

/** What the customer reads for a line that is named by its code. */
export const labelOf = (tariff: Tariff, code: string): string =>
  tariff.charges.find((charge) => charge.code === code)?.label ?? code

const ROUNDED = { 'half-away': 'half away from zero', 'half-even': 'half to the even neighbour' }

/** The rules beside the charges, in words. */
export function ruleWords(tariff: Tariff): readonly (readonly [name: string, words: string])[] {
  const { slabProration, fixedProration, minorDigits } = tariff
  const coin = amountText(coinText(decimalText(decimal(1n, minorDigits)), tariff), tariff)
  return [
    ['Rounding', `each line once, to ${coin}, ${ROUNDED[tariff.rounding]}`],
    [
      'Slab limits',
      slabProration.basis === 'none'
        ? 'as printed, however long the period'
        : limits(slabProration.monthDigits),
    ],
    [
      'Fixed charges',
      fixedProration === 'none'
        ? 'whole in every bill'
        : 'days of the month that are billed out of all its days',
    ],
    ['Due', `${tariff.dueDays} days after issue`],
  ]
}

const limits = (digits: number): string =>
  `times days / 30, that to ${digits} ${digits === 1 ? 'place' : 'places'}`
