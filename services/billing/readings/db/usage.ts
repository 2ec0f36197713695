// Usage per day, from the stored readings at midnight.

import type { Kysely } from 'kysely'
import { ACTIVE_IMPORT_TOTAL } from '../../../../shared/meter/obis.ts'
import { UNIT } from '../../../../shared/meter/reading.ts'
import { type UnixMs, unixMs } from '../../../../shared/units.ts'
import type { CivilDate } from '../../civil/calendar.ts'
import type { Database } from '../../store/schema.ts'
import type { RegisterMeter } from '../core/consumption.ts'
import { type BoundaryReading, boundariesOf, usageMonths } from '../core/usage.ts'
import type { UsageView } from '../core/views.ts'

/** A meter, the zone of its days, and the first day that is the customer's own: usage begins with
 * the day they moved in; the previous tenant's usage is not their business. */
export interface UsagePlace {
  readonly zone: string
  readonly movedIn: CivilDate
  readonly meter: RegisterMeter & { readonly id: number; readonly number: string }
}

/** Usage per day at one place, this month and last month. */
export async function usageAt(
  db: Kysely<Database>,
  { zone, movedIn, meter }: UsagePlace,
  now: UnixMs,
): Promise<UsageView> {
  const span = { zone, now, movedIn }
  const midnights = boundariesOf(span)
  const [stored, newest] = await Promise.all([
    readingsAt(db, meter.id, midnights),
    newestOf(db, meter.id),
  ])
  const months = usageMonths({ ...span, meter, stored, newest })
  return { meter: meter.number, unit: 'kWh', zone, months }
}

/** The total import register at exactly these instants. The key starts with the time, so each
 * instant is one index probe; a range for one meter would read everybody's rows. */
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
    .selectFrom('standing_values')
    .innerJoin('registers', 'registers.id', 'standing_values.register_id')
    .select(['ts', 'value', 'exponent'])
    .where('meter_id', '=', meter)
    .where('obis', '=', ACTIVE_IMPORT_TOTAL)
    .where('unit', '=', UNIT.Wh)
    .orderBy('ts', 'desc')
    .executeTakeFirst()
  if (row === undefined) return null
  return { at: unixMs(row.ts.getTime()), value: row.value, exponent: row.exponent }
}
