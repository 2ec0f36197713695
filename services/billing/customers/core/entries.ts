// What somebody enters about customers, service points, meters, contracts and installations: from
// typed texts to a row, or to what is wrong with which field. Pure; what only the database knows
// (a number that exists already, a period that is taken) is checked there.

import { ACTIVE_IMPORT_TOTAL, type Obis } from '../../../../shared/meter/obis.ts'
import type { UnitCode } from '../../../../shared/meter/reading.ts'
import { REGISTER_UNITS, registerUnit, registerValue } from '../../readings/core/typed-register.ts'
import {
  BILLED_BY,
  BLANK,
  DATE,
  DIGITS,
  EMAIL,
  errorText,
  type Field,
  type FieldError,
  LANGUAGE,
  LOCAL,
  LONG,
  LONG_OR_NONE,
  METER_NUMBER,
  MULTIPLIER,
  OBIS,
  oneOf,
  optional,
  PHONE,
  SHORT,
  SHORT_OR_NONE,
  ZONE,
} from './fields.ts'

/** Texts by field, as a form or a line of a table holds them. */
export type Typed = Readonly<Record<string, string>>
/** What is wrong, by field. */
export type FieldErrors = Readonly<Record<string, FieldError>>
export type Checked<Entry> =
  | { readonly ok: true; readonly entry: Entry }
  | { readonly ok: false; readonly errors: FieldErrors }

/** The same as a form shows it: reason and remedy in one sentence. */
export const errorTexts = (errors: FieldErrors): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(errors).map(([name, error]) => [name, errorText(error)]))

/** Reads typed fields one by one and keeps what is wrong with each. */
export class Sheet {
  readonly #typed: Typed
  readonly #errors: Record<string, FieldError> = {}

  constructor(typed: Typed) {
    this.#typed = typed
  }

  /** The value of a field; a harmless one when it is wrong. */
  take<T>(name: string, field: Field<T>): T {
    const text = (Object.hasOwn(this.#typed, name) ? (this.#typed[name] ?? '') : '').trim()
    if (text === '') {
      if (field.blank !== undefined) return field.blank
      this.refuse(name, BLANK)
      return field.harmless
    }
    const parsed = field.parse(text)
    if (parsed.ok) return parsed.value
    this.refuse(name, parsed.error)
    return field.harmless
  }

  /** The first thing that is wrong with a field is kept. */
  refuse(name: string, error: FieldError): void {
    if (!Object.hasOwn(this.#errors, name)) this.#errors[name] = error
  }

  /** Two fields of a period, unless one of them is wrong already. */
  inOrder(names: readonly [string, string], from: string, to: string | null): void {
    if (to === null || from < to || names.some((name) => Object.hasOwn(this.#errors, name))) return
    const [first, last] = names
    this.refuse(last, { reason: `is not after ${first}`, remedy: 'correct one of the two dates' })
  }

  checked<Entry>(entry: Entry): Checked<Entry> {
    const errors = this.#errors
    return Object.keys(errors).length === 0 ? { ok: true, entry } : { ok: false, errors }
  }
}

export interface CustomerEntry {
  readonly number: string
  readonly name: string
  readonly address: string
  readonly email: string | null
  /** E.164: `+919900000001`. */
  readonly phone: string | null
  readonly language: string
}

/** Fields: number, name, address, email, phone, language (blank: en). */
export function customerEntry(typed: Typed): Checked<CustomerEntry> {
  const sheet = new Sheet(typed)
  return sheet.checked({
    number: sheet.take('number', SHORT),
    name: sheet.take('name', SHORT),
    address: sheet.take('address', LONG),
    email: sheet.take('email', EMAIL),
    phone: sheet.take('phone', PHONE),
    language: sheet.take('language', LANGUAGE),
  })
}

export interface ServicePointEntry {
  readonly code: string
  readonly address: string
  /** Name of an IANA zone. */
  readonly zone: string
}

/** Fields: code, address, zone. */
export function servicePointEntry(typed: Typed): Checked<ServicePointEntry> {
  const sheet = new Sheet(typed)
  return sheet.checked({
    code: sheet.take('code', SHORT),
    address: sheet.take('address', LONG),
    zone: sheet.take('zone', ZONE),
  })
}

export const MEDIA = ['electricity', 'water', 'heat', 'gas'] as const
export const MEDIUM = oneOf(MEDIA, 'electricity')

export interface MeterEntry {
  readonly number: string
  readonly make: string
  readonly medium: (typeof MEDIA)[number]
  /** The register rolls over at 10^digits of its own resolution; null: not known. */
  readonly digits: number | null
  readonly multiplier: number
  /** Null: by the total, or the sum of the tariff registers. */
  readonly billedBy: readonly Obis[] | null
}

/** Fields: number, make, medium (blank: electricity), digits, multiplier (blank: 1), billedBy. */
export function meterEntry(typed: Typed): Checked<MeterEntry> {
  const sheet = new Sheet(typed)
  return sheet.checked({
    number: sheet.take('number', METER_NUMBER),
    make: sheet.take('make', SHORT_OR_NONE),
    medium: sheet.take('medium', MEDIUM),
    digits: sheet.take('digits', DIGITS),
    multiplier: sheet.take('multiplier', MULTIPLIER),
    billedBy: sheet.take('billedBy', BILLED_BY),
  })
}

export const CYCLE = oneOf(['month'], 'month')
export const MISSING = oneOf(['wait', 'estimate'], 'wait')

export interface ContractEntry {
  /** Null: the next free number is given. */
  readonly number: string | null
  readonly customer: string
  readonly servicePoint: string
  readonly from: string
  /** First local day that is no longer supplied; null: open. */
  readonly to: string | null
  readonly billedFrom: string
  /** Code; null: none agreed yet, and then there is no bill. */
  readonly tariff: string | null
  readonly cycle: 'month'
  readonly missing: 'wait' | 'estimate'
}

/** Fields: number, customer (its number), servicePoint (its code), from, to, billedFrom (blank:
 * from), tariff (its code), cycle (blank: month), missing (blank: wait). */
export function contractEntry(typed: Typed): Checked<ContractEntry> {
  const sheet = new Sheet(typed)
  const from = sheet.take('from', DATE)
  const to = sheet.take('to', optional(DATE))
  const billedFrom = sheet.take('billedFrom', optional(DATE)) ?? from
  sheet.inOrder(['from', 'to'], from, to)
  sheet.inOrder(['billedFrom', 'to'], billedFrom, to)
  if (billedFrom < from) {
    sheet.refuse('billedFrom', {
      reason: 'is before the contract begins',
      remedy: 'leave it blank, or write the first day that is billed here',
    })
  }
  return sheet.checked({
    number: sheet.take('number', optional(SHORT)),
    customer: sheet.take('customer', SHORT),
    servicePoint: sheet.take('servicePoint', SHORT),
    from,
    to,
    billedFrom,
    tariff: sheet.take('tariff', optional(SHORT)),
    cycle: sheet.take('cycle', CYCLE),
    missing: sheet.take('missing', MISSING),
  })
}

export interface InstallationEntry {
  readonly meter: string
  readonly servicePoint: string
  /** `2026-05-31T10:30:00` on the clocks of the service point. */
  readonly from: string
  readonly to: string | null
  /** Number of the meter that it stands behind. */
  readonly mainMeter: string | null
}

/** Fields: meter (its number), servicePoint (its code), from, to, mainMeter (its number). Dates may
 * carry a time of day. */
export function installationEntry(typed: Typed): Checked<InstallationEntry> {
  const sheet = new Sheet(typed)
  const from = sheet.take('from', LOCAL)
  const to = sheet.take('to', optional(LOCAL))
  const meter = sheet.take('meter', METER_NUMBER)
  const mainMeter = sheet.take('mainMeter', optional(METER_NUMBER))
  sheet.inOrder(['from', 'to'], from, to)
  if (mainMeter === meter) {
    sheet.refuse('mainMeter', {
      reason: 'is the meter itself',
      remedy: 'name the meter before it, or leave it blank',
    })
  }
  return sheet.checked({
    meter,
    servicePoint: sheet.take('servicePoint', SHORT),
    from,
    to,
    mainMeter,
  })
}

export interface RegisterEntry {
  readonly obis: Obis
  readonly unit: UnitCode
  /** value * 10^exponent unit, every typed digit kept. */
  readonly value: number
  readonly exponent: number
}

/** A register as it was read, for an opening, a closing or a reading in between. Fields: obis
 * (blank: 1.8.0), value (with a decimal point), unit (blank: kWh). */
export function registerEntry(typed: Typed): Checked<RegisterEntry> {
  const sheet = new Sheet(typed)
  const obis = sheet.take('obis', { ...OBIS, blank: ACTIVE_IMPORT_TOTAL })
  const { unit, power } = sheet.take('unit', UNIT_FIELD)
  const text = sheet.take('value', SHORT)
  const value = registerValue(text, power)
  if (value === null) {
    sheet.refuse('value', {
      reason: 'is not what a register shows',
      remedy: 'write up to 15 digits, then a decimal point and up to nine more',
    })
  }
  return sheet.checked({ obis, unit, value: value?.value ?? 0, exponent: value?.exponent ?? 0 })
}

const KWH = registerUnit('kWh') ?? { unit: 30, power: 3 }
const UNIT_FIELD: Field<{ readonly unit: UnitCode; readonly power: number }> = {
  parse: (text) => {
    const unit = registerUnit(text)
    if (unit !== null) return { ok: true, value: unit }
    const remedy = `write ${REGISTER_UNITS.join(' or ')}`
    return { ok: false, error: { reason: 'is no unit of a register', remedy } }
  },
  blank: KWH,
  harmless: KWH,
}

/** A manual reading: fields meter (its number), at (local date or time), obis, value, unit, kind,
 * photo, note. */
export interface ManualReadingEntry extends RegisterEntry {
  readonly meter: string
  /** `2026-05-31T10:30:00` where the meter hangs. */
  readonly at: string
  readonly kind: (typeof READING_KINDS)[number]
  readonly photo: string
  readonly note: string
}

export const READING_KINDS = ['opening', 'closing', 'technician', 'customer'] as const
export const READING_KIND = oneOf(READING_KINDS, 'technician')

export function manualReadingEntry(typed: Typed): Checked<ManualReadingEntry> {
  const sheet = new Sheet(typed)
  const register = registerEntry(typed)
  if (!register.ok) {
    for (const [name, error] of Object.entries(register.errors)) sheet.refuse(name, error)
  }
  const read = register.ok ? register.entry : { obis: OBIS.harmless, ...KWH, value: 0, exponent: 0 }
  return sheet.checked({
    meter: sheet.take('meter', METER_NUMBER),
    at: sheet.take('at', LOCAL),
    obis: read.obis,
    unit: read.unit,
    value: read.value,
    exponent: read.exponent,
    kind: sheet.take('kind', READING_KIND),
    photo: sheet.take('photo', SHORT_OR_NONE),
    note: sheet.take('note', LONG_OR_NONE),
  })
}
