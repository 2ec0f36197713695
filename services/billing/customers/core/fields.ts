// One field at a time: from what somebody typed, in a form or in a cell of a table, to a value, or
// to what is wrong with it and what to do about it. Forms and imports share these checks, so that
// no way in lets through what another refuses.

import { isMeterNumber, METER_NUMBER_LENGTH_MAX } from '../../../../shared/meter/reading.ts'
import { ACTIVE_IMPORT_TOTAL, type Obis, parseObis } from '../../../../shared/meter/obis.ts'
import { isCivilDate } from '../../civil/calendar.ts'
import { isPlainText } from '../../../../shared/documents/plain-text.ts'
import { mailProblem, phoneOf, phoneProblem } from '../../utility/core/addresses.ts'
import { nearestZones } from '../../civil/zones.ts'
import { zoneNamed } from './zones.ts'

/** What is wrong with a field, and what to do about it: both parts of a sentence. */
export interface FieldError {
  readonly reason: string
  readonly remedy: string
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: FieldError }

export interface Field<T> {
  /** The text is trimmed and not blank. */
  readonly parse: (text: string) => Parsed<T>
  /** The value of a blank field; undefined: it may not be blank. */
  readonly blank: T | undefined
  /** What stands for a value that was refused, so that the rest can be checked. */
  readonly harmless: T
}

/** `has no @: write name@domain`. */
export const errorText = ({ reason, remedy }: FieldError): string => `${reason}: ${remedy}`

const good = <T>(value: T): Parsed<T> => ({ ok: true, value })
const bad = (reason: string, remedy: string): { ok: false; error: FieldError } => ({
  ok: false,
  error: { reason, remedy },
})

/** What a field without a default says when it is blank. */
export const BLANK: FieldError = { reason: 'is blank', remedy: 'fill it in' }

/** Longest name, number or code, characters: a window's address line has room for 80. */
const SHORT_CHARS_MAX = 80
/** Longest address or note, characters: ten lines of an envelope. */
const LONG_CHARS_MAX = 500

/** Text as people write it. `lines`: it may have several. */
const words =
  (charsMax: number, lines = false): Field<string>['parse'] =>
  (text) => {
    if (!isPlainText(text) || (!lines && /[\t\n\r]/.test(text))) {
      return bad('holds a character that nobody can see', 'type it anew')
    }
    if (text.length > charsMax) {
      return bad(`is ${text.length} characters long`, `shorten it to ${charsMax}`)
    }
    return good(text.normalize('NFC'))
  }

/** A name, number or code that may not be blank. */
export const SHORT: Field<string> = {
  parse: words(SHORT_CHARS_MAX),
  blank: undefined,
  harmless: '',
}
/** An address: lines, not blank. */
export const LONG: Field<string> = {
  parse: words(LONG_CHARS_MAX, true),
  blank: undefined,
  harmless: '',
}
export const SHORT_OR_NONE: Field<string> = { ...SHORT, blank: '' }
export const LONG_OR_NONE: Field<string> = { ...LONG, blank: '' }

/** The same field, blank when there is none. */
export const optional = <T>({ parse, harmless }: Field<T>): Field<T | null> => ({
  parse,
  harmless,
  blank: null,
})

export const EMAIL: Field<string | null> = {
  parse: (text) => {
    const problem = mailProblem(text)
    return problem === null ? good(text) : bad(problem, 'write one address as name@domain')
  },
  blank: null,
  harmless: null,
}

export const PHONE: Field<string | null> = {
  parse: (text) => {
    const number = phoneOf(text)
    if (/^[0-9]+$/.test(number)) {
      return bad('has no country', 'begin it with + and the code of the country (+91 for India)')
    }
    const problem = phoneProblem(number)
    if (problem === null) return good(number)
    return bad(problem, 'write + and the code of the country, then the number')
  },
  blank: null,
  harmless: null,
}

/** Languages by their tag (BCP 47): `en`, `pt-BR`. */
const LANGUAGE_TAG = /^[a-z]{2,3}(-[A-Z][A-Za-z]{1,3})?$/
export const LANGUAGE: Field<string> = {
  parse: (text) =>
    LANGUAGE_TAG.test(text)
      ? good(text)
      : bad('is no tag of a language', 'write it as en or pt-BR'),
  blank: 'en',
  harmless: 'en',
}

export const ZONE: Field<string> = {
  parse: (text) => {
    const zone = zoneNamed(text)
    if (zone !== null) return good(zone)
    const near = nearestZones(text)
    const remedy = near.length === 0 ? 'write it as Europe/Berlin' : `write ${near.join(' or ')}`
    return bad('is no time zone', remedy)
  },
  blank: undefined,
  harmless: 'UTC',
}

/** A year outside these is a slip of the keyboard. */
const YEAR_MIN = '1950'
const YEAR_MAX = '2200'

/** A local date, `2026-05-31`. */
export const DATE: Field<string> = {
  parse: (text) => {
    if (!isCivilDate(text)) return bad('is no date', 'write it as 2026-05-31')
    if (text < YEAR_MIN || text >= YEAR_MAX) return bad('has an unlikely year', 'correct the year')
    return good(text)
  },
  blank: undefined,
  harmless: '2000-01-01',
}

const LOCAL_TIME = /^(\d{4}-\d{2}-\d{2})(?:[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?)?$/

/** A local date with or without a time of day: `2026-05-31` (its 00:00) or `2026-05-31 10:30`. The
 * value is `2026-05-31T10:30:00`, on the clocks of the service point. */
export const LOCAL: Field<string> = {
  parse: (text) => {
    const [, date = '', hour = '00', minute = '00', second = '00'] = LOCAL_TIME.exec(text) ?? []
    if (date === '') return bad('is no date', 'write it as 2026-05-31 or 2026-05-31 10:30')
    const day = DATE.parse(date)
    return day.ok ? good(`${date}T${hour}:${minute}:${second}`) : day
  },
  blank: undefined,
  harmless: '2000-01-01T00:00:00',
}

export const METER_NUMBER: Field<string> = {
  parse: (text) =>
    isMeterNumber(text)
      ? good(text)
      : bad(
          'is not the number of a meter',
          `use 1 to ${METER_NUMBER_LENGTH_MAX} of A-Z a-z 0-9 . _ - and leave out blanks`,
        ),
  blank: undefined,
  harmless: '0',
}

const whole =
  (min: number, max: number): Field<number>['parse'] =>
  (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    return value >= min && value <= max
      ? good(value)
      : bad('is out of range', `write a whole number from ${min} to ${max}`)
  }

/** Fewest digits of a register: below, it rolls over within days. */
const DIGITS_MIN = 3
/** Most: more are not exact in a safe integer. */
const DIGITS_MAX = 15
export const DIGITS: Field<number | null> = {
  parse: whole(DIGITS_MIN, DIGITS_MAX),
  blank: null,
  harmless: null,
}

/** Largest ratio of current and voltage transformers together: 2,000 A / 1 A at 500 kV / 100 V is
 * 10 million, at 110 kV 2.2 million; the meters read here stand far below. */
const MULTIPLIER_MAX = 1_000_000
/** Spreadsheets write a whole number as 1,0 or 1.00. Of 1.000 nobody knows what it means. */
const NO_DECIMALS = /[.,]0{1,2}$/
export const MULTIPLIER: Field<number> = {
  parse: (text) => whole(1, MULTIPLIER_MAX)(text.replace(NO_DECIMALS, '')),
  blank: 1,
  harmless: 1,
}

export const OBIS: Field<Obis> = {
  parse: (text) => {
    const code = parseObis(text)
    return code === null ? bad('is no OBIS code', 'write it as 1.8.0 or 1-0:1.8.0*255') : good(code)
  },
  blank: undefined,
  harmless: ACTIVE_IMPORT_TOTAL,
}

/** Most registers whose sum is billed (the check of meters.billed_by). */
const BILLED_BY_MAX = 8

/** OBIS codes whose sum is billed: `1.8.1 + 1.8.2`. */
export const BILLED_BY: Field<readonly Obis[] | null> = {
  parse: (text) => {
    const parts = text.split(/[\s+,;]+/).filter((part) => part !== '')
    const codes = parts.flatMap((part) => parseObis(part) ?? [])
    if (codes.length !== parts.length) {
      return bad('holds what is no OBIS code', 'write them as 1.8.1 + 1.8.2')
    }
    if (codes.length > BILLED_BY_MAX) {
      return bad('names too many registers', `name at most ${BILLED_BY_MAX}`)
    }
    if (new Set(codes).size < codes.length) return bad('names a register twice', 'name it once')
    return good(codes)
  },
  blank: null,
  harmless: null,
}

/** One of a few words; case does not count. */
export function oneOf<const Word extends string>(
  choices: readonly Word[],
  blank: Word | undefined,
): Field<Word> {
  const [first] = choices
  if (first === undefined) throw new RangeError('a choice of nothing')
  return {
    parse: (text) => {
      const found = choices.find((word) => word.toLowerCase() === text.toLowerCase())
      return found === undefined
        ? bad('is none of the choices', `write ${choices.join(' or ')}`)
        : good(found)
    },
    blank,
    harmless: first,
  }
}
