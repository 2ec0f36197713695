// The document of an issued bill.

import type { Kysely } from 'kysely'
import { FaultError } from '../../../../shared/node/fault-error.ts'
import type { Database } from '../../store/schema.ts'
import { storedBill } from '../db/stored.ts'
import type { Drawn, Press } from './press.ts'

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
  return press.draw(bill.content, viewer)
}
