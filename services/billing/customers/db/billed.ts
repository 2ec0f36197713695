// How far bills were made. An issued bill never changes, so what it rests on is not entered anew.

import type { CivilDate } from '../../civil/calendar.ts'
import type { Trx } from './writing.ts'

/** The first day of a service point that no bill covers; null: there is no bill yet. */
export async function billedUntil(trx: Trx, servicePointId: number): Promise<CivilDate | null> {
  const row = await trx
    .selectFrom('bills')
    .select('period_to')
    .where('service_point_id', '=', servicePointId)
    .orderBy('period_to', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.period_to ?? null
}

/** The same of one contract. */
export async function contractBilledUntil(trx: Trx, contractId: number): Promise<CivilDate | null> {
  const row = await trx
    .selectFrom('bills')
    .select('period_to')
    .where('contract_id', '=', contractId)
    .orderBy('period_from', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.period_to ?? null
}
