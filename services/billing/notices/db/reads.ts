// Notices, for operators.

import type { Kysely } from 'kysely'
import { type NoticeRow, type Slice, SLICE_ROWS } from '../core/views.ts'
import { instant, instantOrNull } from '../../store/instants.ts'
import type { Database } from '../../store/schema.ts'

export interface NoticeReads {
  notices(slice: Slice): Promise<readonly NoticeRow[]>
  /** The notices about one bill. */
  aboutBill(bill: number): Promise<readonly NoticeRow[]>
}

export function noticeReads(db: Kysely<Database>): NoticeReads {
  return {
    async notices({ state, before }) {
      let query = noticeRows(db).orderBy('notices.id', 'desc').limit(SLICE_ROWS)
      if (before !== null) query = query.where('notices.id', '<', before)
      if (state !== null) query = query.where('state', '=', state)
      return (await query.execute()).map(noticeRow)
    },
    async aboutBill(bill) {
      const rows = await noticeRows(db).where('bill_id', '=', bill).orderBy('notices.id').execute()
      return rows.map(noticeRow)
    },
  }
}

const noticeRows = (db: Kysely<Database>) =>
  db
    .selectFrom('notices')
    .innerJoin('bills', 'bills.id', 'notices.bill_id')
    .select([
      'notices.id',
      'bill_id',
      'number',
      'channel',
      'address',
      'state',
      'attempts',
      'next_attempt_at',
      'sent_at',
      'last_fault',
    ])

type NoticeRecord = Awaited<ReturnType<ReturnType<typeof noticeRows>['execute']>>[number]

const noticeRow = (row: NoticeRecord): NoticeRow => ({
  id: row.id,
  billId: row.bill_id,
  billNumber: row.number,
  channel: row.channel,
  address: row.address,
  state: row.state,
  attempts: row.attempts,
  nextAttemptAt: instant(row.next_attempt_at),
  sentAt: instantOrNull(row.sent_at),
  lastFault: row.last_fault,
})
