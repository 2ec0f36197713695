// What each local day used: the register at midnight minus the register at the midnight before. A
// day whose midnight was not read stays unknown; nothing is guessed between two readings.

import type { UnixMs } from '../../../../shared/units.ts'
import {
  addDays,
  type CivilDate,
  type CivilPeriod,
  civilDateAt,
  daysIn,
  monthOf,
  previousMonth,
  startOfDay,
} from '../../civil/calendar.ts'
import { consumptionOf, type RegisterMeter, type RegisterReading } from './consumption.ts'
import { type Decimal, decimalText, plus, ZERO } from '../../civil/money.ts'

export interface BoundaryReading extends RegisterReading {
  readonly at: UnixMs
}

/** One local day; `used` is an exact decimal text of kWh, null while a reading is missing. */
export interface UsageDay {
  readonly date: CivilDate
  readonly used: string | null
  /** Still running: counts up to the newest reading. */
  readonly open: boolean
}

export interface UsageMonth {
  readonly period: CivilPeriod
  readonly days: readonly UsageDay[]
  /** Sum of the days that are known, kWh. */
  readonly total: string
}

export interface UsageSpan {
  readonly zone: string
  readonly now: UnixMs
  /** First local day that is the customer's own. */
  readonly movedIn: CivilDate
}

/** This month and the one before, newest first, cut to the customer's own days up to today. */
function monthsOf({ zone, now, movedIn }: UsageSpan): readonly CivilPeriod[] {
  const today = civilDateAt(now, zone)
  const end = addDays(today, 1)
  return [monthOf(today), previousMonth(now, zone)]
    .map(({ from, to }) => ({ from: from < movedIn ? movedIn : from, to: to > end ? end : to }))
    .filter(({ from, to }) => from < to)
}

const datesOf = (period: CivilPeriod): readonly CivilDate[] =>
  Array.from({ length: daysIn(period) }, (_day, index) => addDays(period.from, index))

/** The midnights whose readings `usageMonths` needs: at most 63. */
export function boundariesOf(span: UsageSpan): readonly UnixMs[] {
  const midnights = monthsOf(span).flatMap((month) =>
    [...datesOf(month), month.to].map((date) => startOfDay(date, span.zone)),
  )
  return [...new Set(midnights)].filter((at) => at <= span.now)
}

export interface UsageFacts extends UsageSpan {
  readonly meter: RegisterMeter
  readonly stored: readonly BoundaryReading[]
  /** The newest reading: where today's bar ends. */
  readonly newest: BoundaryReading | null
}

export function usageMonths(facts: UsageFacts): readonly UsageMonth[] {
  const { zone, now, newest, meter } = facts
  const at = new Map(facts.stored.map((reading) => [Number(reading.at), reading]))
  const today = civilDateAt(now, zone)
  const places = placesOf(facts)
  return monthsOf(facts).map((period) => {
    let total = ZERO
    const days = datesOf(period).map((date) => {
      const open = date === today
      const opening = at.get(startOfDay(date, zone))
      const closing = open ? newest : at.get(startOfDay(addDays(date, 1), zone))
      const used = energyBetween(meter, opening ?? null, closing ?? null)
      if (used !== null) total = plus(total, used)
      return { date, used: used === null ? null : decimalText(used, places), open }
    })
    return { period, days, total: decimalText(total, places) }
  })
}

/** Fraction digits of kWh that the register itself has, so that the column aligns. */
function placesOf({ stored, newest }: UsageFacts): number {
  const exponent = newest?.exponent ?? stored[0]?.exponent ?? 0
  return Math.max(0, 3 - exponent)
}

function energyBetween(
  meter: RegisterMeter,
  opening: BoundaryReading | null,
  closing: BoundaryReading | null,
): Decimal | null {
  if (opening === null || closing === null || closing.at < opening.at) return null
  const used = consumptionOf(meter, { opening, closing })
  return used.ok ? used.energy : null
}
