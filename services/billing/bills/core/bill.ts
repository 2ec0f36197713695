// A bill is a pure function of its facts: two readings, a tariff version, the customer and the
// place. The same facts give the same bytes and the same hash, years later, on another machine.
// Issuing it adds a number and dates; nothing in it is recomputed afterwards.

import { hashOf } from '../../../../shared/documents/canonical.ts'
import type { FaultCode } from '../../../../shared/faults.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import {
  BILL_FORMAT,
  type BillContent,
  type BilledLine,
  type BilledReading,
  type Utility,
} from './bill-content.ts'
import {
  addDays,
  civilDateAt,
  type CivilPeriod,
  daysIn,
  instantsOf,
  utcText,
} from '../../civil/calendar.ts'
import { type Line, linesOf, monthsFactor } from '../../tariffs/core/charges.ts'
import {
  consumptionOf,
  kilowattHours,
  type RegisterReading,
} from '../../readings/core/consumption.ts'
import { type Decimal, decimalText, minorText } from '../../civil/money.ts'
import type { TariffVersion } from '../../tariffs/core/tariff.ts'

/** All that a bill is made from; null where the database has nothing. */
export interface BillFacts {
  readonly period: CivilPeriod
  readonly customer: BillContent['customer'] | null
  readonly servicePoint: BillContent['servicePoint']
  readonly meter: {
    readonly number: string
    readonly register: string
    readonly digits: number | null
    readonly multiplier: number
    /** An operator said which device reads it. */
    readonly adopted: boolean
  }
  /** The register at the first instant of the period, and at the first instant after it. */
  readonly opening: RegisterReading | null
  readonly closing: RegisterReading | null
  readonly tariff: TariffVersion | null
}

/** A bill that is computed but not yet issued. */
export interface BillDraft {
  readonly facts: BillFacts
  readonly tariff: TariffVersion
  readonly customer: BillContent['customer']
  readonly opening: RegisterReading
  readonly closing: RegisterReading
  readonly energy: Decimal
  readonly rolledOver: boolean
  readonly lines: readonly Line[]
  /** Minor units: exactly the sum of the lines. */
  readonly total: bigint
}

export type BillVerdict =
  | { readonly ok: true; readonly draft: BillDraft }
  | {
      readonly ok: false
      readonly fault: FaultCode
      readonly detail: string
      /** It may come by itself, or somebody has to mend it. */
      readonly kind: 'waiting' | 'blocked'
    }

/** Largest total either way, minor units: what a column of the database and a program that reads it
 * hold exactly. Readings that say more come from no meter. */
const TOTAL_MAX = BigInt(Number.MAX_SAFE_INTEGER)

/** BIL-08 without a customer, BIL-07 without a tariff, BIL-14 while nobody has adopted the meter,
 * BIL-04 without a boundary reading, BIL-01 when the register went backwards, BIL-03 when the sum
 * is no sum of money. */
export function draftBill(facts: BillFacts): BillVerdict {
  const { customer, tariff, opening, closing, period } = facts
  const missing = (fault: FaultCode, detail: string): BillVerdict => {
    return { ok: false, fault, detail, kind: fault === 'BIL-04' ? 'waiting' : 'blocked' }
  }
  if (customer === null) return missing('BIL-08', facts.servicePoint.code)
  if (tariff === null) return missing('BIL-07', facts.servicePoint.code)
  if (!facts.meter.adopted) return missing('BIL-14', facts.meter.number)
  if (opening === null) return missing('BIL-04', `${facts.meter.number} at ${period.from}`)
  if (closing === null) return missing('BIL-04', `${facts.meter.number} at ${period.to}`)
  const consumption = consumptionOf(facts.meter, { opening, closing })
  if (!consumption.ok) return missing(consumption.fault, consumption.detail)
  const { energy, rolledOver } = consumption
  const lines = linesOf(tariff.tariff, energy, period)
  const total = lines.reduce((sum, line) => sum + line.amount, 0n)
  if (total > TOTAL_MAX || total < -TOTAL_MAX) {
    return missing('BIL-03', `${facts.meter.number}: ${opening.value} to ${closing.value}`)
  }
  return {
    ok: true,
    draft: { facts, tariff, customer, opening, closing, energy, rolledOver, lines, total },
  }
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
  const { servicePoint, period, meter } = facts
  const { currency, minorDigits, rounding, slabProration, code, name, source } = tariff.tariff
  const instants = instantsOf(period, servicePoint.zone)
  const issuedOn = civilDateAt(issue.at, servicePoint.zone)
  const content: BillContent = {
    format: BILL_FORMAT,
    number: issue.number,
    issuedAt: utcText(issue.at),
    issuedOn,
    dueOn: addDays(issuedOn, tariff.tariff.dueDays),
    utility: issue.utility,
    customer: draft.customer,
    servicePoint,
    meter: {
      number: meter.number,
      register: meter.register,
      multiplier: String(meter.multiplier),
      digits: meter.digits === null ? '' : String(meter.digits),
    },
    period: { ...period, days: String(daysIn(period)) },
    opening: billedReading(draft.opening, instants.from),
    closing: billedReading(draft.closing, instants.to),
    energy: { kWh: decimalText(draft.energy), rolledOver: draft.rolledOver ? 'yes' : 'no' },
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

const billedReading = (reading: RegisterReading, at: UnixMs): BilledReading => ({
  at: utcText(at),
  value: String(reading.value),
  exponent: String(reading.exponent),
  // The register's own resolution, as its display shows it.
  kWh: decimalText(kilowattHours(reading), Math.max(0, 3 - reading.exponent)),
})

const billedLine = ({ charge, parts, amount }: Line, minorDigits: number): BilledLine => ({
  code: charge.code,
  label: charge.label,
  kind: charge.kind,
  parts: parts.map((part) => ({
    quantity: decimalText(part.quantity),
    rate: decimalText(part.rate),
    amount: decimalText(part.amount, minorDigits),
  })),
  amount: minorText(amount, minorDigits),
})
