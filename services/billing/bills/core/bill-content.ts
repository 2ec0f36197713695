// What is stored of a bill. A page, a PDF or a notice shows this and nothing else, and recomputes
// nothing. Every number is a string, so that no float can come between the database and the paper.

import { hashOf } from '../../../../shared/documents/canonical.ts'
import { Document, type DocumentFault } from '../../../../shared/documents/document.ts'

export const BILL_FORMAT = 'ticklock-bill/1'

// Type aliases, not interfaces: these are JSON objects, and only an alias fits the type of one.
export type BilledReading = {
  /** UTC, `2026-04-30T18:30:00Z`. */
  readonly at: string
  /** As the register holds it, and its power of ten of Wh. */
  readonly value: string
  readonly exponent: string
  readonly kWh: string
}
export type BilledPart = {
  readonly quantity: string
  readonly rate: string
  /** Exact, every digit. */
  readonly amount: string
}
export type BilledLine = {
  readonly code: string
  readonly label: string
  readonly kind: 'slabs' | 'fixed' | 'tax'
  readonly parts: readonly BilledPart[]
  /** Rounded once; these add up to the total. */
  readonly amount: string
}
export type Utility = {
  readonly name: string
  readonly address: string
  readonly contact: string
  /** How to pay, one sentence per entry. */
  readonly payment: readonly string[]
}
export type BillContent = {
  readonly format: typeof BILL_FORMAT
  readonly number: string
  readonly issuedAt: string
  readonly issuedOn: string
  readonly dueOn: string
  readonly utility: Utility
  readonly customer: { readonly number: string; readonly name: string; readonly address: string }
  readonly servicePoint: { readonly code: string; readonly address: string; readonly zone: string }
  /** digits: '' when the register never rolls over. */
  readonly meter: {
    readonly number: string
    readonly register: string
    readonly multiplier: string
    readonly digits: string
  }
  readonly period: { readonly from: string; readonly to: string; readonly days: string }
  readonly opening: BilledReading
  readonly closing: BilledReading
  readonly energy: { readonly kWh: string; readonly rolledOver: 'yes' | 'no' }
  readonly tariff: {
    readonly code: string
    readonly name: string
    readonly validFrom: string
    readonly hash: string
    readonly rounding: string
    readonly slabProration: string
    /** What slab limits were multiplied by. */
    readonly months: string
    readonly source: string
  }
  readonly currency: string
  readonly minorDigits: string
  readonly lines: readonly BilledLine[]
  readonly total: string
}

export type BillReading =
  | { readonly ok: true; readonly content: BillContent }
  | { readonly ok: false; readonly fault: DocumentFault }

/** Reads a stored bill back; checks it against its stored hash, so that a changed row is
 * noticed. */
export function readBill(value: unknown, hash: string): BillReading {
  const document = new Document(value)
  const content = contentOf(document)
  if (document.fault !== null) return { ok: false, fault: document.fault }
  if (hashOf(content) === hash) return { ok: true, content }
  return {
    ok: false,
    fault: { path: 'document', why: 'does not match the hash it was issued with' },
  }
}

function contentOf(document: Document): BillContent {
  const { text, sub } = at(document)
  const utility = sub('utility')
  const customer = sub('customer')
  const servicePoint = sub('servicePoint')
  const meter = sub('meter')
  const period = sub('period')
  return {
    format: document.field('format').choice([BILL_FORMAT]),
    number: text('number'),
    issuedAt: text('issuedAt'),
    issuedOn: text('issuedOn'),
    dueOn: text('dueOn'),
    utility: {
      name: utility.text('name'),
      address: utility.text('address'),
      contact: utility.text('contact'),
      payment: utility.list('payment').map((entry) => entry.text()),
    },
    customer: {
      number: customer.text('number'),
      name: customer.text('name'),
      address: customer.text('address'),
    },
    servicePoint: {
      code: servicePoint.text('code'),
      address: servicePoint.text('address'),
      zone: servicePoint.text('zone'),
    },
    meter: {
      number: meter.text('number'),
      register: meter.text('register'),
      multiplier: meter.text('multiplier'),
      digits: meter.text('digits'),
    },
    period: { from: period.text('from'), to: period.text('to'), days: period.text('days') },
    opening: readingOf(document.field('opening')),
    closing: readingOf(document.field('closing')),
    energy: {
      kWh: sub('energy').text('kWh'),
      rolledOver: document.field('energy').field('rolledOver').choice(['yes', 'no']),
    },
    tariff: tariffOf(document.field('tariff')),
    currency: text('currency'),
    minorDigits: text('minorDigits'),
    lines: document.field('lines').list().map(lineOf),
    total: text('total'),
  }
}

interface Place {
  readonly text: (name: string) => string
  readonly list: (name: string) => readonly Document[]
  readonly sub: (name: string) => Place
}

const at = (document: Document): Place => ({
  text: (name) => document.field(name).text(),
  list: (name) => document.field(name).list(),
  sub: (name) => at(document.field(name)),
})

function readingOf(document: Document): BilledReading {
  const { text } = at(document)
  return { at: text('at'), value: text('value'), exponent: text('exponent'), kWh: text('kWh') }
}

function tariffOf(document: Document): BillContent['tariff'] {
  const { text } = at(document)
  return {
    code: text('code'),
    name: text('name'),
    validFrom: text('validFrom'),
    hash: text('hash'),
    rounding: text('rounding'),
    slabProration: text('slabProration'),
    months: text('months'),
    source: text('source'),
  }
}

function lineOf(line: Document): BilledLine {
  const { text, list } = at(line)
  return {
    code: text('code'),
    label: text('label'),
    kind: line.field('kind').choice(['slabs', 'fixed', 'tax']),
    parts: list('parts').map((entry) => {
      const part = at(entry)
      return {
        quantity: part.text('quantity'),
        rate: part.text('rate'),
        amount: part.text('amount'),
      }
    }),
    amount: text('amount'),
  }
}
