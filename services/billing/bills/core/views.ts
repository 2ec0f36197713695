// What the pages show of bills, as plain values.

import type { UnixMs } from '../../../../shared/units.ts'
import type { CivilDate, CivilPeriod } from '../../civil/calendar.ts'
import type { NoticeState } from '../../notices/core/views.ts'
import type { BillContent } from './bill-content.ts'

/** What a list of bills asks for: the page behind an id, newest first. */
export interface BillSlice {
  readonly before: number | null
  /** Of a bill's number, or part of a customer's number or name; '': everything. */
  readonly q: string
  /** First day of the month billed; null: every month. */
  readonly month: CivilDate | null
  /** Bills with a notice in that state; null: all. */
  readonly notice: NoticeState | null
}

export interface BillRow {
  readonly id: number
  readonly number: string
  readonly customer: string
  readonly period: CivilPeriod
  readonly currency: string
  readonly minorDigits: string
  /** Exact decimal text, as stored in the bill. */
  readonly total: string
  readonly dueOn: CivilDate
  readonly issuedAt: UnixMs
  readonly notices: readonly NoticeState[]
}

/** The stored document. */
export interface BillView {
  readonly bill: BillRow
  readonly content: BillContent
  readonly hash: string
}
