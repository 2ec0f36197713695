// Names of time zones as people type them, and the nearest that exist.

import { isZone, zoneId } from '../../civil/calendar.ts'

/** How many near names are worth reading. */
const NEAREST = 3
/** A name that is further away than this many letters, or a third of them, is another place. */
const LETTERS_MAX = 4
/** Places whose name changed: this machine lists the old one, and people look for the new. */
const RENAMED = [
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Asia/Yangon',
  'Asia/Ho_Chi_Minh',
  'Europe/Kyiv',
  'Atlantic/Faroe',
  'America/Nuuk',
  'America/Argentina/Buenos_Aires',
  'UTC',
]
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

/** Zones whose name, or whose place (`Kolkata`), is spelt most like the text; nearest first. */
export function nearestZones(text: string): readonly string[] {
  const typed = plain(text.slice(0, NAME_CHARS_MAX))
  if (typed === '') return []
  const far = Math.min(LETTERS_MAX, Math.ceil(typed.length / 3))
  return [...RENAMED, ...Intl.supportedValuesOf('timeZone')]
    .map((zone) => ({
      zone,
      letters: Math.min(...namesOf(zone).map((name) => distance(typed, name))),
    }))
    .filter(({ letters }) => letters <= far)
    .sort((a, b) => a.letters - b.letters || a.zone.localeCompare(b.zone))
    .slice(0, NEAREST)
    .map(({ zone }) => zone)
}

const plain = (text: string): string => text.toLowerCase().replaceAll(/[^a-z/]/g, '')
const namesOf = (zone: string): readonly string[] => [
  plain(zone),
  plain(zone.split('/').at(-1) ?? ''),
]

/** Letters to put in, leave out or change (Levenshtein). */
function distance(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > LETTERS_MAX) return LETTERS_MAX + 1
  let row = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (let index = 0; index < from.length; index += 1) {
    const next = [index + 1]
    for (let at = 0; at < to.length; at += 1) {
      const same = (row[at] ?? 0) + (from[index] === to[at] ? 0 : 1)
      next.push(Math.min(same, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
