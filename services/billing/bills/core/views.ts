// What the pages show of bills, as plain values.

import type { UnixMs } from '../../../../shared/units.ts'
import type { CivilDate, CivilPeriod } from '../../civil/calendar.ts'
import type { NoticeState } from '../../notices/core/views.ts'
import type { BillContent } from './bill-content.ts'

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
