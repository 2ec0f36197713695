// A worked bill: what a tariff makes of typed consumption, by the same calculation that bills.

import { unreachable } from '../../../../shared/assert.ts'
import { amountText, coinText, grouped } from '../../civil/amount-text.ts'
import { type CivilPeriod, daysIn, isCivilDate } from '../../civil/calendar.ts'
import {
  decimalText,
  minorText,
  parseDecimal,
  times,
  decimal,
  ZERO,
  compare,
} from '../../civil/money.ts'
import { type Line, type LinePart, linesOf, monthsFactor } from './charges.ts'
import type { Tariff } from './tariff.ts'

export interface TrialInput {
  readonly kWh: string
  readonly from: string
  /** First day that is no longer billed. */
  readonly to: string
}

/** What is wrong with the typed fields, by field. */
export type TrialErrors = { readonly [field in keyof TrialInput]?: string }

export interface TrialLine {
  readonly label: string
  /** How each part is computed: `100 kWh × ₹3.46 = 346.00`. */
  readonly how: readonly string[]
  readonly amount: string
}

export interface Trial {
  readonly lines: readonly TrialLine[]
  readonly total: string
  readonly days: number
  /** What slab limits were multiplied by; null: by nothing. */
  readonly months: string | null
}

export type TrialVerdict =
  | { readonly ok: true; readonly trial: Trial }
  | { readonly ok: false; readonly errors: TrialErrors }

/** Longest period of a worked bill, days: a year. */
const DAYS_MAX = 366

export function workedBill(tariff: Tariff, { kWh, from, to }: TrialInput): TrialVerdict {
  const energy = parseDecimal(kWh)
  const errors: Record<string, string> = {}
  if (energy === null || compare(energy, ZERO) < 0) {
    errors['kWh'] = 'Not a consumption: write a number such as 221 or 221.5.'
  }
  if (!isCivilDate(from)) errors['from'] = 'Not a date: write it as 2026-05-01.'
  if (!isCivilDate(to)) errors['to'] = 'Not a date: write it as 2026-06-01.'
  else if (isCivilDate(from) && to <= from) errors['to'] = 'Not after the first day.'
  else if (isCivilDate(from) && daysIn({ from, to }) > DAYS_MAX) {
    errors['to'] = 'More than a year: bills are made month by month.'
  }
  if (energy === null || Object.keys(errors).length > 0) return { ok: false, errors }
  return { ok: true, trial: trialOf(tariff, linesOf(tariff, energy, { from, to }), { from, to }) }
}

function trialOf(tariff: Tariff, lines: readonly Line[], period: CivilPeriod): Trial {
  const total = lines.reduce((sum, { amount }) => sum + amount, 0n)
  const { slabProration, minorDigits } = tariff
  const days = daysIn(period)
  return {
    lines: lines.map((line) => ({
      label: line.charge.label,
      how: line.parts.map((part) => partWords(line, part, tariff)),
      amount: amountText(minorText(line.amount, minorDigits), tariff),
    })),
    total: amountText(minorText(total, minorDigits), tariff),
    days,
    months: slabProration.basis === 'none' ? null : decimalText(monthsFactor(slabProration, days)),
  }
}

function partWords({ charge }: Line, part: LinePart, tariff: Tariff): string {
  const money = (value: LinePart['rate']): string => amountText(decimalText(value), tariff)
  switch (charge.kind) {
    case 'slabs': {
      const exact = grouped(coinText(decimalText(part.amount), tariff), tariff.currency)
      const energy = grouped(decimalText(part.quantity), tariff.currency)
      return `${energy} kWh × ${money(part.rate)} = ${exact}`
    }
    case 'fixed':
      return part.of === undefined
        ? money(part.rate)
        : `${decimalText(part.quantity)} of ${part.of} days of ${money(part.rate)}`
    case 'tax':
      return `${decimalText(times(part.rate, decimal(100n, 0)))} % of ${money(part.quantity)}`
    default:
      return unreachable(charge)
  }
}
