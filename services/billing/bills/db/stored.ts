// One bill as it was issued, checked against its hash.

import type { Kysely } from 'kysely'
import { type BillReading, readBill } from '../core/bill-reading.ts'
import type { Database } from '../../store/schema.ts'

/** Null when there is no such bill. */
export async function storedBill(
  db: Kysely<Database>,
  by: { readonly id: number } | { readonly number: string },
): Promise<BillReading | null> {
  const query = db.selectFrom('bills').select(['content', 'hash'])
  const row = await ('id' in by
    ? query.where('id', '=', by.id)
    : query.where('number', '=', by.number)
  ).executeTakeFirst()
  return row === undefined ? null : readBill(row.content, row.hash)
}

export interface BillToTell {
  readonly number: string
  readonly customerId: number
  readonly reading: BillReading
}

/** What a notice about a bill needs; null when there is no such bill. */
export async function billToTell(db: Kysely<Database>, id: number): Promise<BillToTell | null> {
  const row = await db
    .selectFrom('bills')
    .select(['number', 'customer_id', 'content', 'hash'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) return null
  const { number, customer_id: customerId, content, hash } = row
  return { number, customerId, reading: readBill(content, hash) }
}
