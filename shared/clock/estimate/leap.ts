// Leap seconds. Ticklock counts UTC as Unix time does, without smear: an inserted second has the
// same number as the one before it. A source announces it during the day; it comes at the end of
// June or December, at midnight UTC.

import { type UnixUs, unixUs } from '../../units.ts'

/** What a source announces for the end of the day. */
export type LeapNotice = 'normal' | 'insert' | 'delete'

const DAY_US = 86_400_000_000
/** 2000-03-01, days since 1970: from there on every four-year cycle ends with 29 February, until
 * 2100. */
const FIRST_DAY = 11_017
const FOUR_YEARS = 1_461
/** From 1 March to 1 July and to 1 January, days. */
const TO_JULY = 122
const TO_JANUARY = 306

/** Midnight after `at` when that ends a June or December, where leap seconds can be; else null.
 * Valid from 2000 to 2100. */
export function leapMidnight(at: UnixUs): UnixUs | null {
  const tomorrow = Math.floor(at / DAY_US) + 1
  const inFour = (tomorrow - FIRST_DAY) % FOUR_YEARS
  const inYear = inFour === FOUR_YEARS - 1 ? 365 : inFour % 365
  return inYear === TO_JULY || inYear === TO_JANUARY ? unixUs(tomorrow * DAY_US) : null
}
