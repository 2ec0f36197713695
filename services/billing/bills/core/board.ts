// The bill-run board as plain values: each month, how many of its contracts are where, and why.

import type { UnixMs } from '../../../../shared/units.ts'
import type { CivilDate, CivilPeriod } from '../../civil/calendar.ts'
import { minorText, tenTo } from '../../civil/money.ts'

export const PERIOD_STATES = ['ready', 'waiting', 'blocked', 'exempt', 'unseen', 'billed'] as const
export type PeriodState = (typeof PERIOD_STATES)[number]

export const STATE_WORDS: Readonly<Record<PeriodState, string>> = {
  ready: 'Ready',
  waiting: 'Waiting',
  blocked: 'Blocked',
  exempt: 'Exempt',
  unseen: 'Not looked at',
  billed: 'Billed',
}

/** Periods of one month in one state, for one reason. */
export interface BoardCell {
  readonly state: Exclude<PeriodState, 'billed'>
  readonly code: string | null
  readonly count: number
  /** Of the one that is so for the longest time. */
  readonly since: UnixMs
}

export interface BoardMonth {
  /** Its first day. */
  readonly month: CivilDate
  /** Contracts that cover any of its days. */
  readonly contracts: number
  readonly billed: number
  readonly cells: readonly BoardCell[]
  /** Further periods of contracts that have one already, as after an end that was taken back. */
  readonly further: number
}

export const openOf = ({ cells }: Pick<BoardMonth, 'cells'>): number =>
  cells.reduce((sum, { count }) => sum + count, 0)

/** Contracts of the month that have no period: it is not over in their zone, or about to be made.
 * Negative would be a period too many. */
export const withoutPeriod = (row: BoardMonth): number =>
  row.contracts + row.further - row.billed - openOf(row)

export interface Board {
  /** Newest first. */
  readonly months: readonly BoardMonth[]
  /** Older months than these begin before that one; null: there are none. */
  readonly before: CivilDate | null
  /** The month that is not over yet, and its contracts. */
  readonly running: { readonly month: CivilDate; readonly contracts: number }
}

/** A period in a list. */
export interface PeriodRow {
  readonly contractId: number
  readonly contract: string
  readonly customer: string
  readonly customerNumber: string
  readonly servicePointId: number
  readonly servicePoint: string
  readonly address: string
  readonly period: CivilPeriod
  readonly state: PeriodState
  readonly code: string | null
  readonly detail: string
  readonly since: UnixMs
  /** Of a ready one; exact decimal texts. */
  readonly kWh: string | null
  readonly amount: string | null
  readonly currency: string | null
  readonly last: LastBill | null
  readonly bill: { readonly id: number; readonly number: string } | null
}

/** The bill before it. */
export interface LastBill {
  readonly kWh: string
  readonly total: string
  readonly currency: string
}

/** What a dry run comes to, for each tariff and currency. */
export interface DryRunSum {
  readonly tariff: string
  readonly currency: string
  readonly count: number
  readonly kWh: string
  readonly amount: string
  readonly lowest: string
  readonly highest: string
}

export interface DryRun {
  readonly sums: readonly DryRunSum[]
  /** The largest and the smallest bills. */
  readonly highest: readonly PeriodRow[]
  readonly lowest: readonly PeriodRow[]
  /** When the oldest of these figures was computed; null: there are none. */
  readonly computedAt: UnixMs | null
}

/** A service point whose meter goes on counting and that nobody pays for. */
export interface VacantRow {
  readonly servicePointId: number
  readonly servicePoint: string
  readonly address: string
  readonly meter: string
  readonly lastSeen: UnixMs
  /** Since the last contract ended; null: there never was one. */
  readonly since: CivilDate | null
}

/** `2026-10` as the first day of that month; null for anything else. */
export const monthNamed = (text: string): CivilDate | null =>
  /^(19|20|21)\d\d-(0[1-9]|1[0-2])$/.test(text) ? `${text}-01` : null

export const monthName = (month: CivilDate): string => month.slice(0, 7)

/** Digits after the point, as the currency of a stored amount has them. */
export const digitsOf = (amount: string): number => amount.split('.')[1]?.length ?? 0

/** By how many per cent a bill differs from the one before; null when that cannot be said. */
export function changeOf(row: PeriodRow): number | null {
  const { amount, currency, last } = row
  if (amount === null || last === null || last.currency !== currency) return null
  const before = Number(last.total)
  // A figure for eyes, rounded to whole per cents: nothing is computed from it.
  return before === 0 ? null : Math.round((Number(amount) / before - 1) * 100)
}

export interface Sum {
  readonly currency: string
  readonly count: number
  readonly amount: string
}

/** Sums of exact decimal texts by currency. Two tariffs of one currency may round to different
 * coins: the finer one holds the sum. */
export function sumsOf(rows: readonly Pick<PeriodRow, 'amount' | 'currency'>[]): readonly Sum[] {
  const sums = new Map<string, { count: number; units: bigint; digits: number }>()
  for (const { amount, currency } of rows) {
    if (amount === null || currency === null) continue
    const known = sums.get(currency) ?? { count: 0, units: 0n, digits: 0 }
    const own = digitsOf(amount)
    const digits = Math.max(own, known.digits)
    const units =
      known.units * tenTo(digits - known.digits) +
      BigInt(amount.replace('.', '')) * tenTo(digits - own)
    sums.set(currency, { count: known.count + 1, units, digits })
  }
  return [...sums].map(([currency, { count, units, digits }]) => {
    return { currency, count, amount: minorText(units, digits) }
  })
}
