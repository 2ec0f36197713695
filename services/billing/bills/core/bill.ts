// A bill is a pure function of its facts: readings, meters, a tariff version, the customer and the
// place. The same facts give the same bytes and the same hash, years later, on another machine.
// Issuing it adds a number and dates; nothing in it is recomputed afterwards.

import { hashOf } from '../../../../shared/documents/canonical.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import {
  BILL_FORMAT,
  type BillContent,
  type BilledLine,
  type BilledReading,
  type BilledSample,
  type BilledSegment,
  type Utility,
} from './bill-content.ts'
import {
  addDays,
  civilDateAt,
  dateText,
  daysIn,
  instantsOf,
  utcText,
} from '../../civil/calendar.ts'
import { type Line, linesOf, monthsFactor } from '../../tariffs/core/charges.ts'
import { kilowattHours, type RegisterReading } from '../../readings/core/consumption.ts'
import { type Decimal, decimalText, minorText, plus, ZERO } from '../../civil/money.ts'
import type { TariffVersion } from '../../tariffs/core/tariff.ts'
import type { BillFacts, Boundary, BoundaryClock, Sample, TariffFact } from './facts.ts'
import { type Refusal, refusal, type Segment, segmentsOf } from './segments.ts'

export type { BillFacts }

/** A bill that is computed but not yet issued. */
export interface BillDraft {
  readonly facts: BillFacts
  readonly tariff: TariffVersion
  readonly segments: readonly Segment[]
  /** kWh of all meters. */
  readonly energy: Decimal
  /** A reading at an edge is an estimate. */
  readonly estimated: boolean
  readonly lines: readonly Line[]
  /** Minor units: exactly the sum of the lines. */
  readonly total: bigint
}

export type BillVerdict = { readonly ok: true; readonly draft: BillDraft } | Refusal

/** Largest total either way, minor units: what a column of the database and a program that reads it
 * hold exactly. Readings that say more come from no meter. */
const TOTAL_MAX = BigInt(Number.MAX_SAFE_INTEGER)

/** BIL-22 when no tariff was agreed, BIL-07 when no version of it holds for the whole period,
 * OPS-16 when the bill next to it was changed since; what segmentsOf() refuses; BIL-03 when the sum
 * is no sum of money. */
export function draftBill(facts: BillFacts): BillVerdict {
  const { period, servicePoint } = facts
  if (facts.tariff.is !== 'in force') return tariffRefusal(facts.tariff, facts)
  const tariff = facts.tariff.version
  if (facts.spoilt !== null) return refusal('OPS-16', `bill ${facts.spoilt}`)
  const { now, missing } = facts
  const rule = { ...instantsOf(period, servicePoint.zone), zone: servicePoint.zone, now, missing }
  const verdict = segmentsOf(facts.stretches, rule)
  if (!verdict.ok) return verdict
  const { segments } = verdict
  const energy = segments.reduce((sum, segment) => plus(sum, segment.energy), ZERO)
  const lines = linesOf(tariff.tariff, energy, period)
  const total = lines.reduce((sum, line) => sum + line.amount, 0n)
  if (total > TOTAL_MAX || total < -TOTAL_MAX) {
    return refusal('BIL-03', `${servicePoint.code}: ${decimalText(energy)} kWh`)
  }
  const estimated = segments.some(({ registers }) =>
    registers.some(({ opening, closing }) =>
      [opening, closing].some(({ way }) => way === 'estimated'),
    ),
  )
  return { ok: true, draft: { facts, tariff, segments, energy, estimated, lines, total } }
}

function tariffRefusal(
  tariff: Exclude<TariffFact, { readonly is: 'in force' }>,
  { servicePoint, period }: BillFacts,
): Refusal {
  const { code } = servicePoint
  if (tariff.is === 'none agreed') return refusal('BIL-22', code)
  if (tariff.is === 'not published') {
    return refusal('BIL-07', `${code}: ${tariff.code} has no version on ${dateText(period.from)}`)
  }
  const inside = `${tariff.code} begins on ${dateText(tariff.on)}, inside the period`
  return refusal('BIL-07', `${code}: ${inside}`)
}

export interface Issue {
  readonly number: string
  readonly at: UnixMs
  readonly utility: Utility
}

export interface IssuedBill {
  readonly content: BillContent
  readonly hash: string
}

/** Fixes number and dates; the content is final from here on. */
export function issueBill(draft: BillDraft, issue: Issue): IssuedBill {
  const { facts, tariff } = draft
  const { servicePoint, period } = facts
  const { currency, minorDigits, rounding, slabProration, code, name, source } = tariff.tariff
  const issuedOn = civilDateAt(issue.at, servicePoint.zone)
  const content: BillContent = {
    format: BILL_FORMAT,
    number: issue.number,
    issuedAt: utcText(issue.at),
    issuedOn,
    dueOn: addDays(issuedOn, tariff.tariff.dueDays),
    utility: issue.utility,
    customer: facts.customer,
    servicePoint,
    period: { ...period, days: String(daysIn(period)) },
    segments: draft.segments.map(billedSegment),
    energy: { kWh: decimalText(draft.energy), estimated: draft.estimated ? 'yes' : 'no' },
    tariff: {
      code,
      name,
      validFrom: tariff.validFrom,
      hash: tariff.hash,
      rounding,
      slabProration: slabProration.basis,
      months: decimalText(monthsFactor(slabProration, daysIn(period))),
      source,
    },
    currency,
    minorDigits: String(minorDigits),
    lines: draft.lines.map((line) => billedLine(line, minorDigits)),
    total: minorText(draft.total, minorDigits),
  }
  return { content, hash: hashOf(content) }
}

const billedSegment = ({ meter, from, to, registers, energy }: Segment): BilledSegment => ({
  meter: {
    number: meter.number,
    multiplier: String(meter.multiplier),
    digits: meter.digits === null ? '' : String(meter.digits),
  },
  from: utcText(from),
  to: utcText(to),
  registers: registers.map((each) => ({
    register: each.register,
    opening: billedReading(each.opening),
    closing: billedReading(each.closing),
    kWh: decimalText(each.energy),
    rolledOver: each.rolledOver ? 'yes' : 'no',
  })),
  kWh: decimalText(energy),
})

const billedReading = (boundary: Boundary): BilledReading => ({
  ...shown(boundary),
  way: boundary.way,
  estimate: boundary.estimate ?? '',
  basis: boundary.basis.map(billedSample),
  clock: billedClock(boundary.clock),
  bill: boundary.bill ?? '',
})

const billedSample = (sample: Sample): BilledSample => ({ ...shown(sample), by: sample.by })

const shown = (reading: RegisterReading & { readonly at: UnixMs }) => ({
  at: utcText(reading.at),
  value: String(reading.value),
  exponent: String(reading.exponent),
  // The register's own resolution, as its display shows it.
  kWh: decimalText(kilowattHours(reading), Math.max(0, 3 - reading.exponent)),
})

const billedClock = ({
  of,
  offsetMs,
  boundMs,
  comparedAt,
}: BoundaryClock): BilledReading['clock'] => ({
  of,
  offsetMs: offsetMs === null ? '' : String(Math.round(offsetMs)),
  boundMs: boundMs === null ? '' : String(Math.ceil(boundMs)),
  comparedAt: comparedAt === null ? '' : utcText(comparedAt),
})

const billedLine = ({ charge, parts, amount }: Line, minorDigits: number): BilledLine => ({
  code: charge.code,
  label: charge.label,
  kind: charge.kind,
  parts: parts.map((part) => ({
    quantity: decimalText(part.quantity),
    rate: decimalText(part.rate),
    amount: decimalText(part.amount, minorDigits),
    ...(part.of === undefined ? {} : { of: String(part.of) }),
  })),
  amount: minorText(amount, minorDigits),
})
