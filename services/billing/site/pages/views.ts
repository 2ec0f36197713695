// What the pages show, as plain values: the db files fill them, the TSX prints them, tests invent
// them.

import type { FaultCode } from '../../../../shared/faults.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import type { Order, ReceiptOutcome } from '../../../../shared/wire/orders.ts'
import type { BillContent } from '../../bills/core/bill-content.ts'
import type { CivilDate, CivilPeriod } from '../../civil/calendar.ts'
import type { UsageMonth } from '../../readings/core/usage.ts'

export interface FleetRow {
  readonly id: string
  readonly name: string
  readonly enrolled: boolean
  readonly revoked: boolean
  readonly transport: string | null
  /** Since when the link has been up; null while it is down. */
  readonly connectedAt: UnixMs | null
  readonly lastReadingAt: UnixMs | null
  readonly clockState: string | null
  /** Microseconds, the device's clock minus UTC. */
  readonly clockOffsetUs: number | null
  readonly clockBoundUs: number | null
  /** No sample for long: the clock runs on its own. */
  readonly heldOver: boolean
  readonly backlogFrames: number | null
  readonly meters: number
  /** How often it gave up frames, or sent some that do not open, in the last 30 days. */
  readonly givenUp: number
}

/** How much of the meters' history has arrived, while it is still arriving. */
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

/** A reading taken under an unsure clock: what its stamp said, and when it really was. */
export interface RetimedRow {
  readonly meter: string
  readonly obis: string
  readonly value: number
  readonly exponent: number
  readonly unit: number
  readonly saidAt: UnixMs
  readonly clockState: string
  readonly clockBoundMs: number
  /** Null while unknown. */
  readonly retimed: {
    readonly at: UnixMs
    readonly boundMs: number
    readonly way: 'anchor' | 'between'
  } | null
}

export interface RefusalRow {
  /** A code of shared/faults.ts, or text from an older or newer program. */
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

export interface CommandRow {
  readonly number: number
  readonly what: Order
  readonly askedBy: string
  readonly createdAt: UnixMs
  readonly expiresAt: UnixMs
  readonly sentAt: UnixMs | null
  /** Null: no receipt yet. */
  readonly outcome: ReceiptOutcome | null
  /** Fault code of a refusal, or empty. */
  readonly detail: string
  readonly receiptAt: UnixMs | null
}

export interface DeviceView {
  readonly device: FleetRow
  readonly createdAt: UnixMs
  readonly historyFrom: UnixMs | null
  readonly reportedAt: UnixMs | null
  readonly roundTripUs: number | null
  readonly disconnectedAt: UnixMs | null
  /** What the slave itself has counted since its process started. */
  readonly faults: readonly { readonly code: string; readonly count: number }[]
  readonly live: readonly LiveRow[]
  readonly refusals: readonly RefusalRow[]
  /** Newest first. */
  readonly commands: readonly CommandRow[]
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
  /** Exact decimal text, as stored in the bill. */
  readonly total: string
  readonly dueOn: CivilDate
  readonly issuedAt: UnixMs
  readonly notices: readonly NoticeState[]
}

/** How good the clock was when a billed reading was taken, and what the checks said about it. */
export interface ReadingTrust {
  readonly clockState: string
  readonly clockBoundMs: number
  readonly quality: number
}

/** The stored document, and what the database still knows about its two readings (null: no such
 * row). */
export interface BillView {
  readonly bill: BillRow
  readonly content: BillContent
  readonly hash: string
  readonly opening: ReadingTrust | null
  readonly closing: ReadingTrust | null
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

/** One attack of the demo's attacker and what it came to. */
export interface AttackLine {
  readonly name: string
  readonly tries: string
  readonly sent: number
  /** Fault codes, or what stopped it, in words. */
  readonly refusedBy: readonly string[]
  readonly rowsAdded: number
  readonly moved: boolean
  /** Microseconds; null: not measured. */
  readonly microsEach: number | null
  readonly ok: boolean
  readonly note: string
}

export interface AttackRun {
  readonly running: boolean
  readonly lines: readonly AttackLine[]
}
