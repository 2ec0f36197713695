// A customer's own rows, and nobody else's: the customer's id is part of every statement. Usage
// begins on the day they moved in; the previous tenant's is not their business.

import { type Kysely, sql } from 'kysely'
import type { CustomerName, Place } from '../core/views.ts'
import type { Database } from '../../store/schema.ts'

/** Service points of one customer that are shown; a shop chain has a handful. */
const PLACES_MAX = 20

/** Every query names the customer: there is no way to ask for somebody else's rows. */
export interface CustomerReads {
  who(customer: number): Promise<CustomerName | null>
  /** The service points that the customer occupies now. */
  places(customer: number): Promise<readonly Place[]>
}

export function customerReads(db: Kysely<Database>): CustomerReads {
  return {
    who: async (customer) =>
      (await db
        .selectFrom('customers')
        .select(['name', 'number'])
        .where('id', '=', customer)
        .executeTakeFirst()) ?? null,
    places: async (customer) => (await placeRows(db, customer).execute()).map(placeOf),
  }
}

const placeRows = (db: Kysely<Database>, customer: number) =>
  db
    .selectFrom('contracts')
    .innerJoin('service_points', 'service_points.id', 'contracts.service_point_id')
    .leftJoin('installations', (join) =>
      join
        .onRef('installations.service_point_id', '=', 'service_points.id')
        .on('installations.to_ts', 'is', null),
    )
    .leftJoin('meters', 'meters.id', 'installations.meter_id')
    .select([
      'address',
      'zone',
      'contracts.from_date',
      'meters.number as meter',
      'meters.id as meter_id',
      'digits',
      'multiplier',
    ])
    .where('customer_id', '=', customer)
    .where(sql<boolean>`(to_date is null or to_date > current_date)`)
    .orderBy('service_points.code')
    .limit(PLACES_MAX)

type PlaceRecord = Awaited<ReturnType<ReturnType<typeof placeRows>['execute']>>[number]

function placeOf(row: PlaceRecord): Place {
  const { address, zone, from_date: movedIn, meter: number, meter_id: id, digits, multiplier } = row
  const none = number === null || id === null || multiplier === null
  return { address, zone, movedIn, meter: none ? null : { id, number, digits, multiplier } }
}

/** The time zones of all service points. */
export async function zonesOf(db: Kysely<Database>): Promise<readonly string[]> {
  const rows = await db.selectFrom('service_points').select('zone').distinct().execute()
  return rows.map(({ zone }) => zone)
}

/** The customer who was registered first; null while there is none. */
export async function firstCustomer(db: Kysely<Database>): Promise<number | null> {
  const row = await db.selectFrom('customers').select('id').orderBy('id').executeTakeFirst()
  return row?.id ?? null
}
