// The civil month of an instant, for the monthly register of a meter's clock.

import type { SpanUs, UnixUs } from '../../units.ts'

const DAY_US = 86_400_000_000
/** Days in 400 years, after which the calendar repeats. */
const ERA = 146_097
/** Days from 0000-03-01 to 1970-01-01. */
const EPOCH = 719_468

/** `2026-03`, in a zone that is always `offset` east of UTC: meters keep standard time internally.
 * Source: H. Hinnant, "chrono-compatible low-level date algorithms", civil_from_days. */
export function monthOf(utc: UnixUs, offset: SpanUs): string {
  const days = Math.floor((utc + offset) / DAY_US) + EPOCH
  const era = Math.floor(days / ERA)
  const dayOfEra = days - era * ERA
  const leaps = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524)
  const yearOfEra = Math.floor((dayOfEra - leaps - Math.floor(dayOfEra / 146_096)) / 365)
  const years = 365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100)
  const fromMarch = Math.floor((5 * (dayOfEra - years) + 2) / 153)
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
  const year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}`
}
