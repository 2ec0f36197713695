// The document of an issued bill.

import type { Kysely } from 'kysely'
import { FaultError } from '../../../../shared/node/fault-error.ts'
import type { Database } from '../../store/schema.ts'
import { storedBill } from '../db/stored.ts'
import type { BillContent } from '../core/bill-content.ts'
import { logoContent } from '../../utility/db/profile.ts'
import type { Drawn, Press } from './press.ts'

const IS_HASH = /^[0-9a-f]{64}$/

/** The page of a stored bill, by its row's id, for this viewer; null when there is no such bill.
 * Rejects with OPS-16 when its content is not what was issued: such a bill is never shown. */
export async function storedBillPdf(
  { db, press }: { readonly db: Kysely<Database>; readonly press: Press },
  id: number,
  viewer: string,
): Promise<Drawn | null> {
  const bill = await storedBill(db, { id })
  if (bill === null) return null
  if (!bill.ok) throw new FaultError('OPS-16', `bill ${id}, ${bill.fault.path}: ${bill.fault.why}`)
  return press.draw(bill.content, viewer, await logoOf(db, bill.content))
}

/** The picture that a bill names; it is kept for ever. */
export async function logoOf(
  db: Kysely<Database>,
  { utility: { logo } }: BillContent,
): Promise<Uint8Array | null> {
  if (logo === undefined || !IS_HASH.test(logo)) return null
  return (await logoContent(db, logo))?.content ?? null
}
