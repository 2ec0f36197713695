// A contract as the writes see it: with what people call its parts, and held against others.

import type { CivilDate } from '../../civil/calendar.ts'
import type { RowFields, Written } from '../core/written.ts'
import type { Trx } from './writing.ts'

/** A contract with what people call its parts. */
export interface ContractRow {
  readonly id: number
  readonly number: string
  readonly customerId: number
  readonly customer: string
  readonly servicePointId: number
  readonly servicePoint: string
  readonly from: CivilDate
  readonly to: CivilDate | null
  readonly billedFrom: CivilDate
  readonly version: number
}

/** The contract, held until the transaction ends; null: there is none. */
export async function lockContract(trx: Trx, id: number): Promise<ContractRow | null> {
  const row = await contractRows(trx).where('contracts.id', '=', id).executeTakeFirst()
  if (row === undefined) return null
  // The place first, then the contract: everybody takes them in this order.
  await lockPoint(trx, row.servicePointId)
  const held = await contractRows(trx)
    .where('contracts.id', '=', id)
    .forUpdate(['contracts'])
    .executeTakeFirst()
  return held ?? null
}

export const contractRows = (trx: Trx) =>
  trx
    .selectFrom('contracts')
    .innerJoin('customers', 'customers.id', 'contracts.customer_id')
    .innerJoin('service_points', 'service_points.id', 'contracts.service_point_id')
    .select([
      'contracts.id as id',
      'contracts.number as number',
      'customers.id as customerId',
      'customers.number as customer',
      'service_points.id as servicePointId',
      'service_points.code as servicePoint',
      'from_date as from',
      'to_date as to',
      'billed_from as billedFrom',
      'contracts.version as version',
    ])

export const contractFields = (row: ContractRow): RowFields => ({
  number: row.number,
  customer: row.customer,
  service_point: row.servicePoint,
  from_date: row.from,
  to_date: row.to,
  billed_from: row.billedFrom,
})

/** Holds the place: who else begins or ends something there waits. False: there is none. */
export async function lockPoint(trx: Trx, id: number): Promise<boolean> {
  const row = await trx
    .selectFrom('service_points')
    .select('id')
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst()
  return row !== undefined
}

/** `shown` null: whoever changes it for a selection has not looked at a version. */
export const overtakenBy = (row: ContractRow, shown: number | null): Written | null =>
  shown === null || row.version === shown
    ? null
    : { is: 'overtaken', version: row.version, now: contractFields(row) }
