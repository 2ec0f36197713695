// A tariff is a document, not code: a versioned list of charges that a utility can read, publish
// and have checked. Slab tables are independent of each other (energy, wheeling and fuel adjustment
// each have their own), and a tax names the lines it is levied on, as in the published Indian
// schedules. docs/billing.md describes every field.

import { unreachable } from '../../../../shared/assert.ts'
import {
  Document,
  type DocumentFault,
  type PlacedFault,
} from '../../../../shared/documents/document.ts'
import { hashOf, type JsonObject } from '../../../../shared/documents/canonical.ts'
import {
  compare,
  type Decimal,
  decimalText,
  parseDecimal,
  type Rounding,
  ROUNDINGS,
  ZERO,
} from '../../civil/money.ts'

/** One price step: `rate` per kWh for consumption above the previous slab, up to `upTo` kWh. */
export interface Slab {
  /** kWh, included; null in the last slab: everything above. */
  readonly upTo: Decimal | null
  readonly rate: Decimal
}

interface ChargeName {
  /** The name by which a tax refers to it. */
  readonly code: string
  /** What the customer reads. */
  readonly label: string
}
/** Telescopic: each kWh costs what its own slab says. */
export interface SlabCharge extends ChargeName {
  readonly kind: 'slabs'
  readonly slabs: readonly Slab[]
}
/** One amount for a month: whole in every bill, or by days (`fixedProration`). */
export interface FixedCharge extends ChargeName {
  readonly kind: 'fixed'
  readonly amount: Decimal
}
/** A percentage of the rounded amounts of the lines named in `on`, which are all above it. */
export interface TaxCharge extends ChargeName {
  readonly kind: 'tax'
  readonly percent: Decimal
  readonly on: readonly string[]
}
export type Charge = SlabCharge | FixedCharge | TaxCharge

/** How slab limits follow the length of the period. `none`: as printed. `days/30`: limits times
 * days / 30, that quotient rounded half away from zero to `monthDigits` places (31 days: 1.03, a
 * slab of 100 ends at 103. Source: MSEDCL LT bill calculation examples). */
export type SlabProration =
  | { readonly basis: 'none' }
  | { readonly basis: 'days/30'; readonly monthDigits: number }

/** What a bill of part of a month pays of a fixed charge. `none`: all of it. `days/month`: its days
 * out of those of the calendar month, 10/31 of it, as an exact fraction that is rounded once. */
export const FIXED_PRORATIONS = ['none', 'days/month'] as const
export type FixedProration = (typeof FIXED_PRORATIONS)[number]

export interface Tariff {
  readonly code: string
  readonly name: string
  /** ISO 4217. */
  readonly currency: string
  /** Digits of the smallest coin: 2 for rupees and paise. */
  readonly minorDigits: number
  /** How each line is rounded, once, to the smallest coin. */
  readonly rounding: Rounding
  readonly slabProration: SlabProration
  readonly fixedProration: FixedProration
  readonly charges: readonly Charge[]
  /** Days from issue until the bill is due. */
  readonly dueDays: number
  /** Where the rates come from: an order, a link, or "example". */
  readonly source: string
}

export interface TariffVersion {
  readonly tariff: Tariff
  /** Local date. */
  readonly validFrom: string
  readonly hash: string
}

export const TARIFF_FORMAT = 'ticklock-tariff/1'

/** Most fraction digits of a currency in ISO 4217 (CLF). */
const MINOR_DIGITS_MAX = 4
/** No more decimal places than a quotient of days needs. */
const MONTH_DIGITS_MAX = 6
/** A bill due after more than four months is a typing error. */
const DUE_DAYS_MAX = 120
const CODE = /^[A-Za-z0-9._-]{1,32}$/
const CODE_RULE = 'a code of 1 to 32 letters, digits, . _ -'

export type TariffVerdict =
  | {
      readonly ok: true
      readonly tariff: Tariff
      readonly document: JsonObject
      readonly hash: string
    }
  | {
      readonly ok: false
      readonly fault: 'BIL-20'
      /** The first mistake. */
      readonly at: DocumentFault
      readonly faults: readonly PlacedFault[]
    }

/** Reads a tariff document. BIL-20 with the path of every mistake. The returned document is in
 * normal form (decimals without trailing zeros, no rule that says what is so without it), and its
 * hash is of that form: writing 3.50 for 3.5 does not make another tariff. */
export function parseTariff(value: unknown): TariffVerdict {
  const document = new Document(value)
  const tariff = tariffIn(document)
  const { fault, faults } = document
  if (fault !== null || tariff === null) {
    return { ok: false, fault: 'BIL-20', at: fault ?? { path: 'document', why: '' }, faults }
  }
  const normal = tariffDocument(tariff)
  return { ok: true, tariff, document: normal, hash: hashOf(normal) }
}

/** Null when there is no object to read, or it names another language: nothing in it would mean
 * what it means here. */
function tariffIn(document: Document): Tariff | null {
  if (!document.isObject) {
    document.refuse('not an object')
    return null
  }
  const format = document.field('format')
  if (format.chosen([TARIFF_FORMAT]) === null && !format.absent) return null
  document.only(
    'format',
    'code',
    'name',
    'currency',
    'minorDigits',
    'rounding',
    'slabProration',
    'monthDigits',
    'fixedProration',
    'charges',
    'dueDays',
    'source',
  )
  return {
    code: document.field('code').matching(CODE, CODE_RULE),
    name: label(document.field('name')),
    currency: document.field('currency').matching(/^[A-Z]{3}$/, 'three capital letters'),
    minorDigits: document.field('minorDigits').integer(0, MINOR_DIGITS_MAX),
    rounding: document.field('rounding').choice(ROUNDINGS),
    slabProration: parseProration(document),
    fixedProration: fixedProrationOf(document.field('fixedProration')),
    charges: parseCharges(document.field('charges')),
    dueDays: document.field('dueDays').integer(0, DUE_DAYS_MAX),
    source: label(document.field('source')),
  }
}

const fixedProrationOf = (entry: Document): FixedProration =>
  entry.absent ? 'none' : entry.choice(FIXED_PRORATIONS)

function parseProration(document: Document): SlabProration {
  const basis = document.field('slabProration').choice(['none', 'days/30'])
  const digits = document.field('monthDigits')
  if (basis === 'days/30') return { basis, monthDigits: digits.integer(0, MONTH_DIGITS_MAX) }
  if (!digits.absent) digits.refuse('applies only with slabProration days/30')
  return { basis }
}

function parseCharges(list: Document): readonly Charge[] {
  const charges: Charge[] = []
  const codes: string[] = []
  for (const entry of list.list()) {
    if (!entry.isObject) {
      entry.refuse('not an object')
      continue
    }
    const code = entry.field('code').matching(CODE, CODE_RULE)
    if (codes.includes(code)) entry.field('code').refuse('used twice')
    const charge = parseCharge(entry, { code, label: label(entry.field('label')) }, codes)
    if (charge !== null) charges.push(charge)
    codes.push(code)
  }
  if (codes.length === 0) list.refuse('no charges')
  return charges
}

/** `above`: the codes of the lines that a tax may be levied on. Null for an unknown kind. */
function parseCharge(entry: Document, name: ChargeName, above: readonly string[]): Charge | null {
  const kind = entry.field('kind').chosen(['slabs', 'fixed', 'tax'])
  switch (kind) {
    case null:
      return null
    case 'slabs':
      entry.only('kind', 'code', 'label', 'slabs')
      return { kind, ...name, slabs: parseSlabs(entry.field('slabs')) }
    case 'fixed':
      entry.only('kind', 'code', 'label', 'amount')
      return { kind, ...name, amount: decimalOf(entry.field('amount')) }
    case 'tax':
      entry.only('kind', 'code', 'label', 'percent', 'on')
      return {
        kind,
        ...name,
        percent: decimalOf(entry.field('percent')),
        on: taxedCodes(entry.field('on'), above),
      }
    default:
      return unreachable(kind)
  }
}

function taxedCodes(list: Document, above: readonly string[]): readonly string[] {
  const codes = list.list().map((code) => code.text())
  if (codes.length === 0) list.refuse('names no line')
  const strange = codes.find((code) => !above.includes(code))
  if (strange !== undefined) list.refuse(`"${strange}" is not a charge above this one`)
  if (new Set(codes).size < codes.length) list.refuse('names a line twice')
  return codes
}

function parseSlabs(list: Document): readonly Slab[] {
  const entries = list.list()
  const slabs: Slab[] = []
  let floor = ZERO
  for (const [i, entry] of entries.entries()) {
    if (!entry.isObject) {
      entry.refuse('not an object')
      continue
    }
    entry.only('upTo', 'rate')
    const limit = entry.field('upTo')
    const last = i === entries.length - 1
    if (last !== limit.absent)
      limit.refuse(last ? 'the last slab has no end' : 'only the last slab has no end')
    const upTo = last ? null : decimalOf(limit)
    if (upTo !== null && compare(upTo, floor) <= 0) limit.refuse('not above the previous slab')
    floor = upTo ?? floor
    slabs.push({ upTo, rate: decimalOf(entry.field('rate')) })
  }
  if (entries.length === 0) list.refuse('no slabs')
  return slabs
}

/** Control characters, which no bill can print, and PostgreSQL keeps no NUL. */
const CONTROLS = /[^\P{Cc}\t\n\r]/u

function label(entry: Document): string {
  const text = entry.matching(/\S/, 'a text that is not blank')
  if (CONTROLS.test(text) || !text.isWellFormed()) entry.refuse('not a text that can be printed')
  return text
}

function decimalOf(entry: Document): Decimal {
  if (entry.isNumber) {
    entry.refuse('not in quotes: numbers stand in them, as "3.46", so that no digit is lost')
    return ZERO
  }
  const value = parseDecimal(entry.text())
  if (value === null) entry.refuse('not a decimal number in quotes, such as "3.46"')
  return value ?? ZERO
}

/** The document in normal form, as it is stored and hashed. */
export function tariffDocument(tariff: Tariff): JsonObject {
  const { slabProration, fixedProration, charges, ...rest } = tariff
  return {
    format: TARIFF_FORMAT,
    ...rest,
    slabProration: slabProration.basis,
    ...(slabProration.basis === 'none' ? {} : { monthDigits: slabProration.monthDigits }),
    // Absent where it says nothing: documents of before have the same hash as ever.
    ...(fixedProration === 'none' ? {} : { fixedProration }),
    charges: charges.map(chargeDocument),
  }
}

function chargeDocument(charge: Charge): JsonObject {
  switch (charge.kind) {
    case 'slabs':
      return {
        ...charge,
        slabs: charge.slabs.map(({ upTo, rate }) => ({
          ...(upTo === null ? {} : { upTo: decimalText(upTo) }),
          rate: decimalText(rate),
        })),
      }
    case 'fixed':
      return { ...charge, amount: decimalText(charge.amount) }
    case 'tax':
      return { ...charge, percent: decimalText(charge.percent) }
    default:
      return unreachable(charge)
  }
}
