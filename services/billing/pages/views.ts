// What the pages show, as plain values: db/browse-*.ts fills them, the TSX prints them, tests make them up.

import type { FaultCode } from '../../../shared/faults.ts'
import type { UnixMs } from '../../../shared/units.ts'
import type { CivilDate, CivilPeriod } from '../core/calendar.ts'

export interface FleetRow {
  readonly id: string
  readonly name: string
  readonly enrolled: boolean
  readonly revoked: boolean
  readonly transport: string | null
  /** Since when the link is up; null while it is down. */
  readonly connectedAt: UnixMs | null
  readonly lastReadingAt: UnixMs | null
  readonly clockState: string | null
  /** Microseconds, device minus master. */
  readonly clockOffsetUs: number | null
  readonly clockBoundUs: number | null
  readonly backlogFrames: number | null
  readonly meters: number
}

/** How far the history of the meters has come in, while it still does. */
export interface Backfill {
  readonly done: number
  readonly total: number
  readonly from: UnixMs
}

export interface LiveRow {
  readonly meter: string
  readonly device: string | null
  readonly obis: string
  readonly value: number
  readonly exponent: number
  readonly unit: number
  readonly at: UnixMs
  readonly quality: number
  readonly clockState: string
  readonly clockBoundMs: number
}

export interface RefusalRow {
  /** A code of shared/faults.ts, or text of an older or newer program. */
  readonly code: string
  /** Empty when nobody authenticated on that link. */
  readonly device: string
  readonly count: number
  readonly lastAt: UnixMs
}

export interface ExceptionRow {
  readonly id: number
  readonly at: UnixMs
  readonly device: string
  readonly code: string
  readonly meter: string | null
  readonly detail: string
}

export interface DeviceView {
  readonly device: FleetRow
  readonly createdAt: UnixMs
  readonly historyFrom: UnixMs | null
  readonly reportedAt: UnixMs | null
  readonly roundTripUs: number | null
  readonly disconnectedAt: UnixMs | null
  /** What the slave itself counted since its process started. */
  readonly faults: readonly { readonly code: string; readonly count: number }[]
  readonly live: readonly LiveRow[]
  readonly refusals: readonly RefusalRow[]
}

export const NOTICE_STATES = ['queued', 'sent', 'failed'] as const
export type NoticeState = (typeof NOTICE_STATES)[number]

export interface NoticeRow {
  readonly id: number
  readonly billId: number
  readonly billNumber: string
  readonly channel: 'email' | 'sms'
  readonly address: string
  readonly state: NoticeState
  readonly attempts: number
  readonly nextAttemptAt: UnixMs
  readonly sentAt: UnixMs | null
  readonly lastFault: string | null
}

export interface BillRow {
  readonly id: number
  readonly number: string
  readonly customer: string
  readonly period: CivilPeriod
  readonly currency: string
  readonly total: bigint
  readonly dueOn: CivilDate
  readonly issuedAt: UnixMs
  readonly notices: readonly NoticeState[]
}

/** One reading a bill rests on, ready to print. */
export interface BillReading {
  readonly at: string
  readonly value: string
  readonly clock: string
  /** What the checks said of it; empty when nothing. */
  readonly marks: string
}

export interface BillMeter {
  readonly meter: string
  readonly opening: BillReading
  readonly closing: BillReading
  readonly multiplier: number
  readonly consumption: string
  /** Rollover or exchange, in words; empty when neither. */
  readonly remark: string
}

export interface BillLine {
  readonly title: string
  readonly quantity: string
  readonly rate: string
  /** Exact text in the bill's currency, as stored. */
  readonly amount: string
}

export interface BillView {
  readonly bill: BillRow
  readonly customerNumber: string
  readonly address: string
  readonly servicePoint: string
  readonly zone: string
  readonly tariff: string
  readonly tariffHash: string
  readonly hash: string
  readonly meters: readonly BillMeter[]
  readonly lines: readonly BillLine[]
  readonly rules: readonly string[]
}

export interface TariffRow {
  readonly code: string
  readonly name: string
  readonly validFrom: CivilDate
  readonly hash: string
  readonly content: string
}

export interface HomeView {
  readonly name: string
  readonly number: string
  readonly lastBill: BillRow | null
  readonly bills: readonly BillRow[]
  readonly places: readonly { readonly address: string; readonly meter: string | null }[]
}

/** One local day; `used` is an exact decimal text, null while a reading is missing. */
export interface UsageDay {
  readonly date: CivilDate
  readonly used: string | null
  /** Still running: counts up to the newest reading. */
  readonly open: boolean
}

export interface UsageMonth {
  readonly period: CivilPeriod
  readonly days: readonly UsageDay[]
  /** Sum of the days that are known. */
  readonly total: string
}

export interface UsageView {
  readonly meter: string
  readonly unit: string
  readonly zone: string
  readonly months: readonly UsageMonth[]
}

export interface InboxMessage {
  readonly id: string
  readonly channel: 'email' | 'sms'
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly at: UnixMs
}

export interface Trouble {
  readonly status: number
  readonly title: string
  readonly text: string
  readonly fault: FaultCode | null
}
