// The time stamps of P1 telegrams: YYMMDDhhmmssX, local civil time with X = S (summer) or W
// (winter).

import { unixMs, type UnixMs } from '../../units.ts'

const STAMP = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)([SW])$/i

/** Days from 1970-01-01 to the given date of the Gregorian calendar, month 1..12.
 * Source: H. Hinnant, "chrono-compatible low-level date algorithms", days_from_civil. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
const daysInMonth = (year: number, month: number): number =>
  month === 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31

/** The instant of `YYMMDDhhmmssX`. `standardOffsetMinutes` is the zone's winter offset east of UTC
 * (60 in central Europe); summer is an hour more. Null when the text is no such stamp, names no
 * real time, or lacks the letter, without which a civil time is uncertain by an hour. Source: DSMR
 * P1 5.0.2, 6.4 (TST). */
export function decodeStamp(text: string, standardOffsetMinutes: number): UnixMs | null {
  const match = STAMP.exec(text)
  if (match === null) return null
  const [yy = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map(Number)
  const year = 2_000 + yy
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return null
  if (hour > 23 || minute > 59 || second > 59) return null
  const offset = standardOffsetMinutes + (match[7]?.toUpperCase() === 'S' ? 60 : 0)
  const minutes = (daysFromCivil(year, month, day) * 24 + hour) * 60 + minute - offset
  return unixMs((minutes * 60 + second) * 1_000)
}
