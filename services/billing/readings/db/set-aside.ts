// What a device sealed from some instant on, set aside by an operator with a reason: bills, usage
// and last values no longer use it. The readings themselves stay as they came; lifting a range
// makes them count again. The views of migrations/0013_standing.sql apply the ranges.

import { type Kysely, sql } from 'kysely'
import type { DeviceId } from '../../../../shared/handover/sink.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import type { SetAsideRow } from '../core/views.ts'
import { instant, instantOrNull } from '../../store/instants.ts'
import type { Database } from '../../store/schema.ts'

/** Ranges shown of one device; the table keeps them all. */
const ROWS_MAX = 50

/** Sets aside what the device sealed in [from, to); `to` null: without an end. Returns the range's
 * number, and how many readings it covers now; null: no such device. */
export async function setAside(
  db: Kysely<Database>,
  range: {
    readonly device: DeviceId
    readonly from: UnixMs
    readonly to: UnixMs | null
    readonly reason: string
    readonly by: string
  },
): Promise<{ readonly number: number; readonly readings: number } | null> {
  const { device, reason, by } = range
  const from = new Date(range.from)
  const to = range.to === null ? null : new Date(range.to)
  const { rows } = await sql<{ number: number; device_no: number }>`
    insert into set_aside (device_id, device_no, from_at, to_at, reason, set_by)
    select id, no, ${from}, ${to}, ${reason}, ${by} from devices where id = ${device}
    returning number, device_no`.execute(db)
  const [made] = rows
  if (made === undefined) return null
  // Looks at every reading: an operator waits for it, and nobody else.
  const counted = await sql<{ readings: number }>`
    select (select count(*) from readings where device_no = ${made.device_no}
        and sealed_at >= ${from} and (${to}::timestamptz is null or sealed_at < ${to}))
      + (select count(*) from rival_readings where device_no = ${made.device_no}
        and sealed_at >= ${from} and (${to}::timestamptz is null or sealed_at < ${to}))
      as readings`.execute(db)
  return { number: made.number, readings: counted.rows[0]?.readings ?? 0 }
}

/** Lets a device's range count again; false when it has none of that number, or it was lifted
 * before. */
export async function liftSetAside(
  db: Kysely<Database>,
  range: {
    readonly device: DeviceId
    readonly number: number
    readonly reason: string
    readonly by: string
  },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('set_aside')
    .set({ lifted_at: sql`now()`, lifted_by: range.by, lifted_reason: range.reason })
    .where('device_id', '=', range.device)
    .where('number', '=', range.number)
    .where('lifted_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** The ranges of a device, newest first. */
export async function setAsideOf(
  db: Kysely<Database>,
  device: DeviceId,
): Promise<readonly SetAsideRow[]> {
  const rows = await db
    .selectFrom('set_aside')
    .leftJoin('meters', 'meters.id', 'set_aside.meter_id')
    .select([
      'set_aside.number',
      'meters.number as meter',
      'from_at',
      'to_at',
      'reason',
      'set_by',
      'set_at',
      'lifted_at',
    ])
    .where('set_aside.device_id', '=', device)
    .orderBy('set_aside.number', 'desc')
    .limit(ROWS_MAX)
    .execute()
  return rows.map((row) => ({
    number: row.number,
    meter: row.meter,
    from: instantOrNull(row.from_at),
    to: instantOrNull(row.to_at),
    reason: row.reason,
    by: row.set_by,
    at: instant(row.set_at),
    liftedAt: instantOrNull(row.lifted_at),
  }))
}

/** Meters that a device reported first and that nobody adopted: no bill is made from them. */
export async function unadoptedOf(
  db: Kysely<Database>,
  device: DeviceId,
): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('meters')
    .select('number')
    .where('device_id', '=', device)
    .where('adopted_at', 'is', null)
    .orderBy('number')
    .limit(ROWS_MAX)
    .execute()
  return rows.map(({ number }) => number)
}
