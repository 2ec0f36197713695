// Civil time, and the only place for it. A bill period is a pair of local dates [from, to); the
// instants it covers depend on the service point's zone and on daylight saving: a London day has 46
// or 50 half-hours twice a year. Everything else in Ticklock counts UTC instants.

import { assert } from '../../../shared/assert.ts'
import { type UnixMs, unixMs } from '../../../shared/units.ts'

/** A local date as `2026-05-31`. */
export type CivilDate = string

/** Local dates [from, to) of a service point. */
export interface CivilPeriod {
  readonly from: CivilDate
  readonly to: CivilDate
}

/** The same as instants [from, to). */
export interface InstantPeriod {
  readonly from: UnixMs
  readonly to: UnixMs
}

const CIVIL_DATE = /^\d{4}-\d{2}-\d{2}$/
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const

export function isCivilDate(text: string): boolean {
  if (!CIVIL_DATE.test(text)) return false
  try {
    return Temporal.PlainDate.from(text).toString() === text
  } catch {
    return false
  }
}

/** True for an IANA zone (`Asia/Kolkata`) or a fixed offset that this machine knows. */
export function isZone(zone: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone)
    return true
  } catch {
    return false
  }
}

/** The name as this machine writes it: `europe/berlin` gives `Europe/Berlin`. */
export function zoneId(zone: string): string {
  assert(isZone(zone), 'only a zone has an id')
  return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone).timeZoneId
}

/** The first instant of that local day: 00:00, or later where a clock change skips midnight. */
export function startOfDay(date: CivilDate, zone: string): UnixMs {
  assert(isCivilDate(date), 'a civil date is written 2026-05-31')
  return unixMs(Temporal.PlainDate.from(date).toZonedDateTime(zone).epochMilliseconds)
}

/** The instant of a local time, `2026-05-31T10:30:00`. One that a clock change skips counts as the
 * one after it, one that comes twice as the first. */
export const instantOf = (local: string, zone: string): UnixMs =>
  unixMs(Temporal.PlainDateTime.from(local).toZonedDateTime(zone).epochMilliseconds)

/** `2026-05-31 10:30` on the clocks of that zone, as a form takes it; with seconds where there are
 * some. */
export function localText(at: UnixMs, zone: string): string {
  const local = zoned(at, zone).toPlainDateTime()
  const smallestUnit = local.second === 0 ? 'minute' : 'second'
  return local.toString({ smallestUnit }).replace('T', ' ')
}

export function instantsOf(period: CivilPeriod, zone: string): InstantPeriod {
  assert(period.from < period.to, 'a period ends after it begins')
  return { from: startOfDay(period.from, zone), to: startOfDay(period.to, zone) }
}

const zoned = (at: UnixMs, zone: string): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone)

export const civilDateAt = (at: UnixMs, zone: string): CivilDate =>
  zoned(at, zone).toPlainDate().toString()

export const addDays = (date: CivilDate, days: number): CivilDate =>
  Temporal.PlainDate.from(date).add({ days }).toString()

/** The calendar month that holds a date. */
export function monthOf(date: CivilDate): CivilPeriod {
  const first = Temporal.PlainDate.from(date).with({ day: 1 })
  return { from: first.toString(), to: first.add({ months: 1 }).toString() }
}

/** The week that holds a date, Monday to Monday (ISO 8601). */
export function weekOf(date: CivilDate): CivilPeriod {
  const day = Temporal.PlainDate.from(date)
  const monday = day.subtract({ days: day.dayOfWeek - 1 })
  return { from: monday.toString(), to: monday.add({ days: 7 }).toString() }
}

/** The calendar year that holds a date. */
export function yearOf(date: CivilDate): CivilPeriod {
  const first = Temporal.PlainDate.from(date).with({ day: 1, month: 1 })
  return { from: first.toString(), to: first.add({ years: 1 }).toString() }
}

/** The first days of the months that begin within a period. */
export function monthsIn({ from, to }: CivilPeriod): readonly CivilDate[] {
  const first = Temporal.PlainDate.from(from).with({ day: 1 })
  const count = first.until(to, { largestUnit: 'months' }).months
  return Array.from({ length: count + 1 }, (_month, index) => first.add({ months: index }))
    .map((date) => date.toString())
    .filter((date) => date >= from && date < to)
}

/** The calendar month before the one that holds `now` in that zone: what a monthly run bills. */
export function previousMonth(now: UnixMs, zone: string): CivilPeriod {
  const first = Temporal.PlainDate.from(monthOf(civilDateAt(now, zone)).from)
  return { from: first.subtract({ months: 1 }).toString(), to: first.toString() }
}

/** The instant from which a slave back-fills, so that the last complete month can be billed: 00:00
 * local on the first day of the previous month, or of the first day that is billed, where that is
 * earlier; meters keep no more than some months. */
export function historyFrom(
  now: UnixMs,
  zone: string,
  billedFrom: CivilDate | null = null,
): UnixMs {
  const { from } = previousMonth(now, zone)
  const oldest = Temporal.PlainDate.from(from).subtract({ months: HISTORY_MONTHS }).toString()
  const first = billedFrom === null || billedFrom > from ? from : billedFrom
  return startOfDay(first < oldest ? oldest : first, zone)
}

/** No usual meter keeps a load profile for longer than a year. */
const HISTORY_MONTHS = 11

export const daysIn = (period: CivilPeriod): number =>
  Temporal.PlainDate.from(period.from).until(period.to, { largestUnit: 'days' }).days

/** How much of a calendar month a period covers: 10 of 31 days. */
export interface MonthShare {
  readonly days: number
  readonly of: number
}

/** The calendar months that a period touches, in order. */
export function monthsOf(period: CivilPeriod): readonly MonthShare[] {
  const months: MonthShare[] = []
  for (let from = period.from; from < period.to; ) {
    const month = monthOf(from)
    const to = month.to < period.to ? month.to : period.to
    months.push({ days: daysIn({ from, to }), of: daysIn(month) })
    from = to
  }
  return months
}

/** `May 2026` for a whole calendar month, else `10 May 2026 to 20 May 2026` (last day included). */
export function periodText(period: CivilPeriod): string {
  const month = monthOf(period.from)
  if (month.from === period.from && month.to === period.to) {
    const first = Temporal.PlainDate.from(period.from)
    return `${MONTHS[first.month - 1]} ${first.year}`
  }
  return `${dateText(period.from)} to ${dateText(addDays(period.to, -1))}`
}

/** `5 May 2026`. */
export function dateText(date: CivilDate): string {
  const { day, month, year } = Temporal.PlainDate.from(date)
  return `${day} ${MONTHS[month - 1]} ${year}`
}

/** `1 May 2026, 00:00` on the clocks of that zone. */
export function instantText(at: UnixMs, zone: string): string {
  const local = zoned(at, zone)
  const time = local.toPlainTime().toString({ smallestUnit: 'minute' })
  return `${dateText(local.toPlainDate().toString())}, ${time}`
}

/** `30 April 2026, 23:59:59` on the clocks of that zone. */
export function secondText(at: UnixMs, zone: string): string {
  const local = zoned(at, zone)
  const time = local.toPlainTime().toString({ smallestUnit: 'second' })
  return `${dateText(local.toPlainDate().toString())}, ${time}`
}

/** `2026-05-01T00:00:00Z`, for a document. */
export const utcText = (at: UnixMs): string => Temporal.Instant.fromEpochMilliseconds(at).toString()

/** The instant of such a text, or null. */
export function parseUtc(text: string): UnixMs | null {
  try {
    return unixMs(Temporal.Instant.from(text).epochMilliseconds)
  } catch {
    return null
  }
}
