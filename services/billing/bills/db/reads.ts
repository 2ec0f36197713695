// Bills, notices and tariffs as the pages show them. A bill is shown from its stored document
// alone; its hash is checked on the way, so that a changed row is noticed whenever it is shown.

import { type ExpressionBuilder, type Kysely, sql } from 'kysely'
import { unixMs } from '../../../../shared/units.ts'
import { readBill } from '../core/bill-reading.ts'
import { partOf } from '../../customers/db/lists.ts'
import type { BillRow, BillSlice, BillView } from '../core/views.ts'
import { monthOf } from '../../civil/calendar.ts'
import { type NoticeState, SLICE_ROWS } from '../../notices/core/views.ts'
import type { Database } from '../../store/schema.ts'

export interface BillReads {
  bills(slice: BillSlice, limit?: number): Promise<readonly BillRow[]>
  bill(id: number): Promise<BillView | null>
  /** A customer's own bills, newest first. */
  ofCustomer(customer: number, limit: number): Promise<readonly BillRow[]>
  /** The bills of one contract, newest first. */
  ofContract(contract: number, limit: number): Promise<readonly BillRow[]>
  /** Also null when the bill is somebody else's. */
  billOf(customer: number, id: number): Promise<BillView | null>
}

export function billReads(db: Kysely<Database>): BillReads {
  return {
    async bills({ notice, before, month, q }, limit = SLICE_ROWS) {
      let query = billRows(db).orderBy('bills.id', 'desc').limit(limit)
      if (before !== null) query = query.where('bills.id', '<', before)
      if (notice !== null) query = query.where((is) => hasNotice(is, notice))
      if (month !== null) {
        query = query
          .where('bills.period_from', '>=', month)
          .where('bills.period_from', '<', monthOf(month).to)
      }
      if (BILL_NUMBER.test(q)) query = query.where('bills.number', '=', q)
      else if (q !== '') {
        query = query.where('bills.customer_id', 'in', await customersLike(db, q))
      }
      return (await query.execute()).map(billRow)
    },
    bill: (id) => billView(db, id, null),
    ofCustomer: async (customer, limit) => {
      const rows = await billRows(db)
        .where('bills.customer_id', '=', customer)
        .orderBy('bills.period_from', 'desc')
        .orderBy('bills.id', 'desc')
        .limit(limit)
        .execute()
      return rows.map(billRow)
    },
    ofContract: async (contract, limit) => {
      const rows = await billRows(db)
        .where('bills.contract_id', '=', contract)
        .orderBy('bills.period_from', 'desc')
        .limit(limit)
        .execute()
      return rows.map(billRow)
    },
    billOf: (customer, id) => billView(db, id, customer),
  }
}

/** Whatever has this form is taken for the whole number of a bill. */
const BILL_NUMBER = /^\d{6}-\d{6,}$/
/** Customers that a search takes in: more than anybody reads through. */
const CUSTOMERS_MAX = 1_000
/** No customer has it. */
const NOBODY = -1

/** Customers whose number, name or address holds the text. Theirs are found by an index; a join
 * would look through every bill there is. */
async function customersLike(db: Kysely<Database>, q: string): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    select id from customers where search like ${partOf(q)} limit ${CUSTOMERS_MAX}`.execute(db)
  return rows.length === 0 ? [NOBODY] : rows.map(({ id }) => id)
}

const hasNotice = (is: ExpressionBuilder<Database, 'bills'>, state: NoticeState) =>
  is.exists(
    is
      .selectFrom('notices')
      .select('notices.id')
      .whereRef('notices.bill_id', '=', 'bills.id')
      .where('notices.state', '=', state),
  )

const billRows = (db: Kysely<Database>) =>
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
      sql<string>`bills.content ->> 'minorDigits'`.as('minorDigits'),
      sql<
        NoticeState[]
      >`array(select state from notices where bill_id = bills.id order by channel)`.as('notices'),
    ])

type BillRecord = Awaited<ReturnType<ReturnType<typeof billRows>['execute']>>[number]

const billRow = (row: BillRecord): BillRow => ({
  id: row.id,
  number: row.number,
  customer: row.customer,
  period: { from: row.period_from, to: row.period_to },
  currency: row.currency,
  minorDigits: row.minorDigits,
  total: row.total,
  dueOn: row.due_on,
  issuedAt: unixMs(row.issued_at.getTime()),
  notices: row.notices,
})

/** `customer` null: anybody's bill (operators). Otherwise only that customer's own. */
async function billView(
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
  return { bill: billRow(row), content: read.content, hash: row.hash }
}
