// A stored bill read back, of either format, and checked against the hash it was issued with.

import { hashOf } from '../../../../shared/documents/canonical.ts'
import { Document, type DocumentFault } from '../../../../shared/documents/document.ts'
import {
  BILL_FORMAT,
  BILL_FORMAT_1,
  type BillContent,
  type BilledLine,
  type BilledReading,
  type BilledRegister,
  type BilledSample,
  type BilledSegment,
  CLOCKS,
  ESTIMATES,
  READ_BY,
  WAYS,
} from './bill-content.ts'

export type BillReading =
  | { readonly ok: true; readonly content: BillContent }
  | { readonly ok: false; readonly fault: DocumentFault }

/** A changed row is noticed: its hash is another one. A bill of the first format comes back as what
 * the second says of it, and still names the first. */
export function readBill(value: unknown, hash: string): BillReading {
  const document = new Document(value)
  const format = document.field('format').choice([BILL_FORMAT, BILL_FORMAT_1])
  const { issued, content } = format === BILL_FORMAT ? second(document) : first(document)
  if (document.fault !== null) return { ok: false, fault: document.fault }
  if (hashOf(issued) === hash) return { ok: true, content }
  return {
    ok: false,
    fault: { path: 'document', why: 'does not match the hash it was issued with' },
  }
}

interface Read {
  /** Exactly what was hashed. */
  readonly issued: Parameters<typeof hashOf>[0]
  readonly content: BillContent
}

function second(document: Document): Read {
  const energy = document.field('energy')
  const content: BillContent = {
    ...headOf(document),
    format: BILL_FORMAT,
    segments: document.field('segments').list().map(segmentOf),
    energy: {
      kWh: energy.field('kWh').text(),
      estimated: energy.field('estimated').choice(['yes', 'no']),
    },
  }
  return { issued: content, content }
}

/** One meter with one register, both readings at the exact instants by its load profile. */
function first(document: Document): Read {
  const head = headOf(document)
  const { text } = at(document.field('meter'))
  const meter = {
    number: text('number'),
    register: text('register'),
    multiplier: text('multiplier'),
    digits: text('digits'),
  }
  const opening = plainReading(document.field('opening'))
  const closing = plainReading(document.field('closing'))
  const kWh = document.field('energy').field('kWh').text()
  const rolledOver = document.field('energy').field('rolledOver').choice(['yes', 'no'])
  const format = BILL_FORMAT_1
  const issued = { ...head, format, meter, opening, closing, energy: { kWh, rolledOver } }
  const { register, ...segmentMeter } = meter
  const registers = [
    { register, opening: bare(opening), closing: bare(closing), kWh, rolledOver } as const,
  ]
  const segment = { meter: segmentMeter, from: opening.at, to: closing.at, registers, kWh }
  return {
    issued,
    content: { ...head, format, segments: [segment], energy: { kWh, estimated: 'no' } },
  }
}

type PlainReading = Omit<BilledSample, 'by'>

function plainReading(document: Document): PlainReading {
  const { text } = at(document)
  return { at: text('at'), value: text('value'), exponent: text('exponent'), kWh: text('kWh') }
}

const bare = (reading: PlainReading): BilledReading => ({
  ...reading,
  way: 'exact',
  estimate: '',
  basis: [{ ...reading, by: 'profile' }],
  clock: { of: 'not kept', offsetMs: '', boundMs: '', comparedAt: '' },
  bill: '',
})

/** A text that the bill may be without: then its hash is that of a content without it. */
const optional = <const Name extends string>(
  document: Document,
  name: Name,
): { readonly [N in Name]?: string } | null =>
  document.field(name).absent ? null : keyed(name, document.field(name).text())

const keyed = <const Name extends string>(name: Name, text: string) => {
  const entry: { [N in Name]?: string } = {}
  entry[name] = text
  return entry
}

function headOf(document: Document): Omit<BillContent, 'format' | 'segments' | 'energy'> {
  const { text, sub } = at(document)
  const utility = sub('utility')
  const customer = sub('customer')
  const servicePoint = sub('servicePoint')
  const period = sub('period')
  return {
    number: text('number'),
    issuedAt: text('issuedAt'),
    issuedOn: text('issuedOn'),
    dueOn: text('dueOn'),
    utility: {
      name: utility.text('name'),
      address: utility.text('address'),
      contact: utility.text('contact'),
      payment: utility.list('payment').map((entry) => entry.text()),
      ...optional(document.field('utility'), 'legal'),
      ...optional(document.field('utility'), 'logo'),
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
    period: { from: period.text('from'), to: period.text('to'), days: period.text('days') },
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

function segmentOf(document: Document): BilledSegment {
  const { text } = at(document)
  const meter = at(document.field('meter'))
  return {
    meter: {
      number: meter.text('number'),
      multiplier: meter.text('multiplier'),
      digits: meter.text('digits'),
    },
    from: text('from'),
    to: text('to'),
    registers: document.field('registers').list().map(registerOf),
    kWh: text('kWh'),
  }
}

function registerOf(document: Document): BilledRegister {
  const { text } = at(document)
  return {
    register: text('register'),
    opening: readingOf(document.field('opening')),
    closing: readingOf(document.field('closing')),
    kWh: text('kWh'),
    rolledOver: document.field('rolledOver').choice(['yes', 'no']),
  }
}

function readingOf(document: Document): BilledReading {
  const clock = document.field('clock')
  return {
    ...plainReading(document),
    way: document.field('way').choice(WAYS),
    estimate: document.field('estimate').choice(['', ...ESTIMATES]),
    basis: document.field('basis').list().map(sampleOf),
    clock: {
      of: clock.field('of').choice(CLOCKS),
      offsetMs: clock.field('offsetMs').text(),
      boundMs: clock.field('boundMs').text(),
      comparedAt: clock.field('comparedAt').text(),
    },
    bill: document.field('bill').text(),
  }
}

const sampleOf = (document: Document): BilledSample => ({
  ...plainReading(document),
  by: document.field('by').choice(READ_BY),
})

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
        ...(entry.field('of').absent ? {} : { of: part.text('of') }),
      }
    }),
    amount: text('amount'),
  }
}
