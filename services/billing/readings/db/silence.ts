// Which meters are silent (core/silence.ts), read from last values and their index by due_at: the
// readings themselves are not looked at.

import { type Kysely, type RawBuilder, sql } from 'kysely'
import { type UnixMs, unixMs } from '../../../../shared/units.ts'
import type { SilentDevice, SilentMeter } from '../core/views.ts'
import { SILENT_AFTER_MAX_S } from '../core/silence.ts'
import type { Database } from '../../store/schema.ts'

/** Meters of a page, at most. */
export const SILENT_ROWS_MAX = 500

/** A meter is expected to speak while its device may and while it hangs somewhere, or nowhere yet.
 * One that was taken down has said what it had to say. `m` is the meter. Written so that it is
 * asked for each meter in question and not gathered for all. */
const expected = sql<boolean>`(m.device_id is not null
  and (select d.revoked_at is null from devices d where d.id = m.device_id)
  and coalesce((select max(coalesce(i.to_ts, 'infinity')) from installations i
    where i.meter_id = m.id), 'infinity') > now())`

/** When the meter, `m`, became silent; null: it is not. */
export const silentSince = (now: UnixMs): RawBuilder<Date | null> => sql`(
  select due.at from (select coalesce(
    (select max(r.due_at) from last_values r where r.meter_id = m.id),
    coalesce(m.adopted_at, m.created_at) + make_interval(secs => ${SILENT_AFTER_MAX_S})) as at) due
  where due.at < ${new Date(now)} and ${expected})`

/** Of the registers of one meter the one that is due last: one row for each silent meter. */
const heard = (at: Date): RawBuilder<unknown> => sql`
  select r.meter_id, r.ts, r.stored_at as heard_at, r.due_at, r.usual_s
  from last_values r
  where r.due_at < ${at} and not exists (select from last_values o
    where o.meter_id = r.meter_id and (o.due_at, o.register_id) > (r.due_at, r.register_id))`

/** Named by an operator or a device and never heard, although that is long ago. */
const neverHeard = (at: Date): RawBuilder<unknown> => sql`
  select m.id as meter_id, null::timestamptz as ts, null::timestamptz as heard_at,
    coalesce(m.adopted_at, m.created_at) + make_interval(secs => ${SILENT_AFTER_MAX_S}) as due_at,
    null::integer as usual_s
  from meters m
  where m.device_id is not null and coalesce(m.adopted_at, m.created_at) < ${at}::timestamptz
      - make_interval(secs => ${SILENT_AFTER_MAX_S})
    and not exists (select from last_values r where r.meter_id = m.id)`

/** All silent meters as a table: meter_id, ts (newest value), heard_at, due_at, usual_s. */
export const silentTable = (now: UnixMs): RawBuilder<unknown> => {
  const at = new Date(now)
  // A page is asked for by its last row's milliseconds.
  return sql`(select s.meter_id, s.ts, s.heard_at, s.usual_s,
      date_trunc('milliseconds', s.due_at) as due_at
    from (${heard(at)} union all ${neverHeard(at)}) s
    join meters m on m.id = s.meter_id where ${expected})`
}

export interface SilentPage {
  /** The last row of the page before; null: the first page. */
  readonly after: Pick<SilentMeter, 'dueAt' | 'id'> | null
  readonly limit: number
}

/** Silent meters, the longest overdue first. */
export async function silentMeters(
  db: Kysely<Database>,
  now: UnixMs,
  { after, limit }: SilentPage,
): Promise<readonly SilentMeter[]> {
  const beyond =
    after === null
      ? sql`true`
      : sql`(s.due_at, s.meter_id) > (${new Date(after.dueAt)}, ${after.id})`
  const { rows } = await sql<{
    id: number
    number: string
    device_id: string
    device: string
    ts: Date | null
    heard_at: Date | null
    due_at: Date
    usual_s: number | null
  }>`
    select m.id, m.number, m.device_id, d.name as device, s.ts, s.heard_at, s.due_at, s.usual_s
    from ${silentTable(now)} s join meters m on m.id = s.meter_id
    join devices d on d.id = m.device_id
    where ${beyond} order by s.due_at, s.meter_id limit ${Math.min(limit, SILENT_ROWS_MAX)}
  `.execute(db)
  return rows.map((row) => ({
    id: row.id,
    number: row.number,
    deviceId: row.device_id,
    device: row.device,
    newestAt: row.ts === null ? null : unixMs(row.ts.getTime()),
    heardAt: row.heard_at === null ? null : unixMs(row.heard_at.getTime()),
    dueAt: unixMs(row.due_at.getTime()),
    usualS: row.usual_s,
  }))
}

/** How many meters of each device are silent, and since when the first of them is. */
export async function silentByDevice(
  db: Kysely<Database>,
  now: UnixMs,
): Promise<readonly SilentDevice[]> {
  const { rows } = await sql<{ device: string; count: number; since: Date }>`
    select m.device_id as device, count(*)::integer as count, min(s.due_at) as since
    from ${silentTable(now)} s join meters m on m.id = s.meter_id
    group by m.device_id`.execute(db)
  return rows.map(({ since, ...row }) => ({ ...row, since: unixMs(since.getTime()) }))
}
