// Time zones as people type them: a name that does not exist is refused with those that come
// nearest.

import { typingErrors } from '../../../shared/documents/spelling.ts'
import { isZone } from './calendar.ts'

/** How many names are offered. */
const OFFERED = 3
/** Wrong letters per letter from which on a name is another one, not a mistyped one. */
const FAR = 0.45
/** Another region weighs as much as so many wrong letters per letter. */
const OTHER_REGION = 0.2

/** Names of today where the list of the machine keeps those of earlier (tzdata, `backward`). */
const RENAMED: Readonly<Record<string, string>> = {
  'Africa/Asmera': 'Africa/Asmara',
  'America/Buenos_Aires': 'America/Argentina/Buenos_Aires',
  'America/Godthab': 'America/Nuuk',
  'Asia/Calcutta': 'Asia/Kolkata',
  'Asia/Katmandu': 'Asia/Kathmandu',
  'Asia/Rangoon': 'Asia/Yangon',
  'Asia/Saigon': 'Asia/Ho_Chi_Minh',
  'Atlantic/Faeroe': 'Atlantic/Faroe',
  'Europe/Kiev': 'Europe/Kyiv',
  'Pacific/Ponape': 'Pacific/Pohnpei',
  'Pacific/Truk': 'Pacific/Chuuk',
}

/** Every zone with a name, in the order of the alphabet. */
export const zoneNames = (): readonly string[] =>
  [...Intl.supportedValuesOf('timeZone').map((name) => RENAMED[name] ?? name), 'UTC'].toSorted()

/** An offset is no zone: it knows no summer time, and PostgreSQL reads its sign the other way. */
const NAMED = /^[A-Za-z]/

/** What is wrong with a zone, with the remedy; null: it exists. */
export function zoneProblem(text: string): string | null {
  if (NAMED.test(text) && isZone(text)) return null
  const near = nearestZones(text)
  const remedy =
    near.length > 0
      ? `perhaps ${near.join(' or ')}`
      : 'a zone is named after a large city, such as Asia/Kolkata for all of India'
  return `there is no time zone "${text.slice(0, TYPED_MAX)}": ${remedy}`
}

/** Longer than any zone's name. */
const TYPED_MAX = 40

/** Existing zones that a mistyped one may mean, the nearest first. */
export function nearestZones(text: string): readonly string[] {
  const typed = partsOf(text.slice(0, TYPED_MAX))
  return zoneNames()
    .map((name) => ({ name, far: farness(typed, partsOf(name)) }))
    .filter(({ far }) => far < FAR)
    .toSorted((one, other) => one.far - other.far)
    .slice(0, OFFERED)
    .map(({ name }) => name)
}

interface Parts {
  readonly region: string
  readonly place: string
}

function partsOf(name: string): Parts {
  const plain = name
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_')
  const slash = plain.lastIndexOf('/')
  return { region: plain.slice(0, Math.max(slash, 0)), place: plain.slice(slash + 1) }
}

/** 0: the same name; 1: nothing in common. */
function farness(typed: Parts, known: Parts): number {
  const letters = Math.max(typed.place.length, known.place.length, 1)
  const place = typingErrors(typed.place, known.place) / letters
  const region = typed.region === '' || typed.region === known.region ? 0 : OTHER_REGION
  return place + region
}
