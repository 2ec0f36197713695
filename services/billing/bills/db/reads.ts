// Bills, notices and tariffs as the pages show them. A bill is shown from its stored document
// alone; its hash is checked on the way, so that a changed row is noticed whenever it is shown.

import { type ExpressionBuilder, type Kysely, sql } from 'kysely'
import { unixMs } from '../../../../shared/units.ts'
import { type BillContent, readBill } from '../core/bill-content.ts'
import { parseUtc } from '../../civil/calendar.ts'
import type {
  BillRow,
  BillView,
  NoticeRow,
  NoticeState,
  ReadingTrust,
} from '../../site/pages/views.ts'
import type { OperatorReads } from '../../site/db/browse.ts'
import type { Database } from '../../store/schema.ts'

/** Rows per page of bills and notices; as many as a person scrolls through. */
export const SLICE_ROWS = 100
/** Versions shown on the tariff page: ten years of a few tariffs. */
const TARIFFS_MAX = 200

type BillReads = Pick<OperatorReads, 'bills' | 'bill' | 'billNotices' | 'notices' | 'tariffs'>

export function billReads(db: Kysely<Database>): BillReads {
  return {
    async bills({ state, before }) {
      let query = billRows(db).orderBy('bills.id', 'desc').limit(SLICE_ROWS)
      if (before !== null) query = query.where('bills.id', '<', before)
      if (state !== null) query = query.where((is) => hasNotice(is, state))
      return (await query.execute()).map(billRow)
    },
    bill: (id) => billView(db, id, null),
    async billNotices(id) {
      const rows = await noticeRows(db).where('bill_id', '=', id).orderBy('notices.id').execute()
      return rows.map(noticeRow)
    },
    async notices({ state, before }) {
      let query = noticeRows(db).orderBy('notices.id', 'desc').limit(SLICE_ROWS)
      if (before !== null) query = query.where('notices.id', '<', before)
      if (state !== null) query = query.where('state', '=', state)
      return (await query.execute()).map(noticeRow)
    },
    async tariffs() {
      const rows = await db
        .selectFrom('tariff_versions')
        .innerJoin('tariffs', 'tariffs.id', 'tariff_versions.tariff_id')
        .select(['code', 'name', 'valid_from', 'hash', 'content'])
        .orderBy('code')
        .orderBy('valid_from', 'desc')
        .limit(TARIFFS_MAX)
        .execute()
      return rows.map(({ valid_from, content, ...row }) => ({
        ...row,
        validFrom: valid_from,
        content: JSON.stringify(content, null, 2),
      }))
    },
  }
}

const hasNotice = (is: ExpressionBuilder<Database, 'bills'>, state: NoticeState) =>
  is.exists(
    is
      .selectFrom('notices')
      .select('notices.id')
      .whereRef('notices.bill_id', '=', 'bills.id')
      .where('notices.state', '=', state),
  )

export const billRows = (db: Kysely<Database>) =>
  db
    .selectFrom('bills')
    .innerJoin('customers', 'customers.id', 'bills.customer_id')
    .select([
      'bills.id',
      'bills.number',
      'customers.name as customer',
      'period_from',
      'period_to',
      'currency',
      'due_on',
      'issued_at',
      sql<string>`bills.content ->> 'total'`.as('total'),
      sql<
        NoticeState[]
      >`array(select state from notices where bill_id = bills.id order by channel)`.as('notices'),
    ])

type BillRecord = Awaited<ReturnType<ReturnType<typeof billRows>['execute']>>[number]

export const billRow = (row: BillRecord): BillRow => ({
  id: row.id,
  number: row.number,
  customer: row.customer,
  period: { from: row.period_from, to: row.period_to },
  currency: row.currency,
  total: row.total,
  dueOn: row.due_on,
  issuedAt: unixMs(row.issued_at.getTime()),
  notices: row.notices,
})

/** `customer` null: anybody's bill (operators). Otherwise only that customer's own. */
export async function billView(
  db: Kysely<Database>,
  id: number,
  customer: number | null,
): Promise<BillView | null> {
  let query = billRows(db).select(['content', 'hash']).where('bills.id', '=', id)
  if (customer !== null) query = query.where('bills.customer_id', '=', customer)
  const row = await query.executeTakeFirst()
  if (row === undefined) return null
  const read = readBill(row.content, row.hash)
  if (!read.ok) throw new Error(`bill ${row.number}: ${read.fault.path} ${read.fault.why}`)
  const { content } = read
  const [opening, closing] = await Promise.all([
    trustOf(db, content, content.opening.at),
    trustOf(db, content, content.closing.at),
  ])
  return { bill: billRow(row), content, hash: row.hash, opening, closing }
}

/** The reading's row by its whole key, time first: one index probe. */
async function trustOf(
  db: Kysely<Database>,
  { meter }: BillContent,
  instant: string,
): Promise<ReadingTrust | null> {
  const at = parseUtc(instant)
  if (at === null) return null
  const row = await db
    .selectFrom('timed_readings')
    .innerJoin('registers', 'registers.id', 'timed_readings.register_id')
    .select(['clock_state', 'clock_bound_ms', 'quality'])
    .where('ts', '=', new Date(at))
    .where('meter_id', '=', (is) =>
      is.selectFrom('meters').select('id').where('number', '=', meter.number),
    )
    .where('obis', '=', meter.register)
    .executeTakeFirst()
  if (row === undefined) return null
  const { clock_state, clock_bound_ms, quality } = row
  return { clockState: clock_state, clockBoundMs: clock_bound_ms, quality }
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
  nextAttemptAt: unixMs(row.next_attempt_at.getTime()),
  sentAt: row.sent_at === null ? null : unixMs(row.sent_at.getTime()),
  lastFault: row.last_fault,
})
