// A customer's own rows, and nobody else's: the customer's id is part of every statement. Usage
// begins on the day they moved in; the previous tenant's is not their business.

import type { Kysely } from 'kysely'
import { ACTIVE_IMPORT_TOTAL } from '../../../../shared/meter/obis.ts'
import { UNIT } from '../../../../shared/meter/reading.ts'
import { type UnixMs, unixMs } from '../../../../shared/units.ts'
import { type BoundaryReading, boundariesOf, usageMonths } from '../../readings/core/usage.ts'
import type { HomeView, UsageView } from '../../site/pages/views.ts'
import type { CustomerReads } from '../../site/db/browse.ts'
import { billRow, billRows, billView } from '../../bills/db/reads.ts'
import type { Database } from '../../store/schema.ts'

/** Ten years of monthly bills. */
const BILLS_MAX = 120
/** Service points of one customer that are shown; a shop chain has a handful. */
const PLACES_MAX = 20
const HOME_BILLS = 6

export function customerReads(db: Kysely<Database>): CustomerReads {
  const billsOf = async (customer: number, limit: number) => {
    const rows = await billRows(db)
      .where('bills.customer_id', '=', customer)
      .orderBy('bills.period_from', 'desc')
      .orderBy('bills.id', 'desc')
      .limit(limit)
      .execute()
    return rows.map(billRow)
  }
  return {
    home: async (customer) => {
      const [bills, who, places] = await Promise.all([
        billsOf(customer, HOME_BILLS),
        db
          .selectFrom('customers')
          .select(['name', 'number'])
          .where('id', '=', customer)
          .executeTakeFirst(),
        placesOf(db, customer),
      ])
      if (who === undefined) return null
      return { ...who, bills, lastBill: bills[0] ?? null, places } satisfies HomeView
    },
    bills: (customer) => billsOf(customer, BILLS_MAX),
    bill: (customer, id) => billView(db, id, customer),
    async usage(customer, now) {
      const places = await placesOf(db, customer)
      const views = await Promise.all(places.map((place) => usageOf(db, place, now)))
      return views.filter((view) => view !== null)
    },
  }
}

const placesOf = (db: Kysely<Database>, customer: number) =>
  db
    .selectFrom('occupancies')
    .innerJoin('service_points', 'service_points.id', 'occupancies.service_point_id')
    .leftJoin('installations', (join) =>
      join
        .onRef('installations.service_point_id', '=', 'service_points.id')
        .on('installations.to_ts', 'is', null),
    )
    .leftJoin('meters', 'meters.id', 'installations.meter_id')
    .select([
      'address',
      'zone',
      'from_date',
      'meters.number as meter',
      'meters.id as meter_id',
      'digits',
      'multiplier',
    ])
    .where('customer_id', '=', customer)
    .where('to_date', 'is', null)
    .orderBy('service_points.code')
    .limit(PLACES_MAX)
    .execute()

type Place = Awaited<ReturnType<typeof placesOf>>[number]

async function usageOf(db: Kysely<Database>, place: Place, now: UnixMs): Promise<UsageView | null> {
  const { meter, meter_id, digits, multiplier, zone } = place
  if (meter === null || meter_id === null || multiplier === null) return null
  const span = { zone, now, movedIn: place.from_date }
  const midnights = boundariesOf(span)
  const [stored, newest] = await Promise.all([
    readingsAt(db, meter_id, midnights),
    newestOf(db, meter_id),
  ])
  const months = usageMonths({ ...span, meter: { digits, multiplier }, stored, newest })
  return { meter, unit: 'kWh', zone, months }
}

/** The total import register at exactly these instants: the key starts with the time, so each
 * instant is one index probe; a range over one meter would read everybody's rows. */
async function readingsAt(
  db: Kysely<Database>,
  meter: number,
  instants: readonly UnixMs[],
): Promise<readonly BoundaryReading[]> {
  if (instants.length === 0) return []
  const rows = await db
    .selectFrom('timed_readings')
    .innerJoin('registers', 'registers.id', 'timed_readings.register_id')
    .select(['ts', 'value', 'exponent'])
    .where(
      'ts',
      'in',
      instants.map((at) => new Date(at)),
    )
    .where('meter_id', '=', meter)
    .where('obis', '=', ACTIVE_IMPORT_TOTAL)
    .where('unit', '=', UNIT.Wh)
    .execute()
  return rows.map(({ ts, ...row }) => ({ ...row, at: unixMs(ts.getTime()) }))
}

async function newestOf(db: Kysely<Database>, meter: number): Promise<BoundaryReading | null> {
  const row = await db
    .selectFrom('last_values')
    .innerJoin('registers', 'registers.id', 'last_values.register_id')
    .select(['ts', 'value', 'exponent'])
    .where('meter_id', '=', meter)
    .where('obis', '=', ACTIVE_IMPORT_TOTAL)
    .where('unit', '=', UNIT.Wh)
    .orderBy('ts', 'desc')
    .executeTakeFirst()
  if (row === undefined) return null
  return { at: unixMs(row.ts.getTime()), value: row.value, exponent: row.exponent }
}
