// Names of time zones as people type them in tables: the same few again and again.

import { isZone, zoneId } from '../../civil/calendar.ts'

/** Longest name that is looked at; the longest that exists has 30 letters. */
const NAME_CHARS_MAX = 40
/** An area and a place: fixed offsets are no zones, for they know no summer time. */
const NAMED = /^[A-Za-z][A-Za-z0-9_+/-]*$/
/** Names typed lately with what they mean; a table names the same few again and again. */
const KNOWN_MAX = 1_000

const known = new Map<string, string | null>()

/** The zone as this machine writes it (`europe/berlin` gives `Europe/Berlin`), or null. */
export function zoneNamed(text: string): string | null {
  const found = known.get(text)
  if (found !== undefined) return found
  if (known.size >= KNOWN_MAX) known.clear()
  const zone = lookUp(text)
  known.set(text, zone)
  return zone
}

function lookUp(text: string): string | null {
  if (!NAMED.test(text) || text.length > NAME_CHARS_MAX) return null
  return isZone(text) ? zoneId(text) : null
}
