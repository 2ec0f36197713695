// What the pages show of notices, as plain values.

import type { UnixMs } from '../../../../shared/units.ts'

/** Rows per page of bills and notices; as many as a person scrolls through. */
export const SLICE_ROWS = 100

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

/** Keyset page: rows with an id below `before`, newest first. */
export interface Slice {
  readonly state: NoticeState | null
  readonly before: number | null
}
