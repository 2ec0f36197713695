// Devices by pages, and the totals of the fleet. A device is well only while everything behind it
// is: silent meters, wrong clocks and open exceptions of its meters count as its own.

import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { UnixMs } from '../../../../shared/units.ts'
import { GIVEN_UP_DAYS } from '../../../../shared/wire/limits.ts'
import { HELD_OVER, METER_FAR_OFF_US } from '../../clocks/core/clock-marks.ts'
import type { ListQuery } from '../../kit/list.ts'
import { GIVING_UP_CODES } from '../../readings/db/rows.ts'
import { silentSince, silentTable } from '../../readings/db/silence.ts'
import { instant, instantOrNull } from '../../store/instants.ts'
import { keyset } from '../../store/keyset.ts'
import type { Database } from '../../store/schema.ts'
import type { DeviceState, FleetRow, FleetTotals } from '../core/views.ts'

export interface DeviceRecord {
  readonly id: string
  readonly no: number
  readonly name: string
  readonly enrolled: boolean
  readonly revoked_at: Date | null
  readonly created_at: Date
  readonly history_from: Date | null
  readonly transport: string | null
  readonly connected_at: Date | null
  readonly disconnected_at: Date | null
  readonly reported_at: Date | null
  readonly clock_state: string | null
  readonly clock_offset_us: number | null
  readonly clock_bound_us: number | null
  readonly round_trip_us: number | null
  readonly holdover_ms: number | null
  readonly backlog_frames: number | null
  readonly meters: number | null
  readonly faults: Readonly<Record<string, number>> | null
  readonly last_ts: Date | null
  readonly seen: number
  readonly given_up: number
  readonly silent: number | null
  readonly clocks_wrong: number | null
  readonly not_adopted: number
  readonly exceptions: number | null
}

/** Written out, so that the planner sees that the index of migrations/0007_retimed.sql applies. */
const GIVING_UP = sql.join(GIVING_UP_CODES.map((code) => sql.lit(code)))

/** A link is up while it was connected later than it was last disconnected. `s`: its status. */
const isUp = sql<SqlBool>`(s.connected_at is not null
  and (s.disconnected_at is null or s.connected_at > s.disconnected_at))`

const wrongClocks = sql`select c.device_id, count(*)::integer as n from clocks c
  where c.meter <> '' and (c.state = 'X'
    or abs(c.offset_us) - coalesce(c.bound_us, 0) > ${METER_FAR_OFF_US}) group by c.device_id`

/** Exceptions that nobody closed or muted, as the list of what needs attention has them. */
const openExceptions = (now: UnixMs) => sql`select substr(a.href, 8) as device_id,
    sum(a.count)::integer as n from attention a
  where a.key like 'exception:%' and a.closed_at is null
    and coalesce(a.muted_until <= ${new Date(now)}, true) group by a.href`

const silentOnes = (now: UnixMs) => sql`select m.device_id, count(*)::integer as n
  from ${silentTable(now)} t join meters m on m.id = t.meter_id group by m.device_id`

/** The same of one device: its meters are asked one by one. */
const silentOf = (device: string, now: UnixMs) => sql`
  select m.device_id, count(*)::integer as n from meters m
  where m.device_id = ${device} and ${silentSince(now)} is not null group by m.device_id`

/** What is wrong behind devices, once for all of them. `of`: of that one only. */
const troubles = (now: UnixMs, of: string | null = null): RawBuilder<unknown> => sql`
  silent as materialized (${of === null ? silentOnes(now) : silentOf(of, now)}), wrong as materialized (${wrongClocks}),
  excepted as materialized (${openExceptions(now)})`

/** All columns of the devices in `chosen`. */
const deviceColumns = sql`
  select d.id, d.no, d.name, d.static_key is not null as enrolled, d.revoked_at, d.created_at,
    d.history_from, s.transport, s.connected_at, s.disconnected_at, s.reported_at, s.clock_state,
    s.clock_offset_us, s.clock_bound_us, s.round_trip_us, c.holdover_ms, s.backlog_frames,
    s.meters, s.faults, newest.ts as last_ts, own.seen, own.not_adopted,
    (select count(*)::integer from exceptions e where e.device_id = d.id
      and e.code in (${GIVING_UP}) and e.at > now() - make_interval(days => ${GIVEN_UP_DAYS}))
      as given_up,
    silent.n as silent, wrong.n as clocks_wrong, excepted.n as exceptions
  from chosen d
  left join device_status s on s.device_id = d.id
  left join clocks c on c.device_id = d.id and c.meter = ''
  left join silent on silent.device_id = d.id
  left join wrong on wrong.device_id = d.id
  left join excepted on excepted.device_id = d.id
  left join lateral (select count(*)::integer as seen,
      count(*) filter (where m.adopted_at is null)::integer as not_adopted
    from meters m where m.device_id = d.id) own on true
  left join lateral (select max(v.ts) as ts from meters m join standing_values v
    on v.meter_id = m.id where m.device_id = d.id) newest on true`

const STATES: Readonly<Record<DeviceState, RawBuilder<SqlBool>>> = {
  trouble: sql`(d.revoked_at is null and (not coalesce(${isUp}, false)
    or d.id in (select device_id from silent) or d.id in (select device_id from wrong)
    or d.id in (select device_id from excepted)))`,
  connected: sql`coalesce(${isUp}, false)`,
  away: sql`(d.static_key is not null and d.revoked_at is null and not coalesce(${isUp}, false))`,
  'not-enrolled': sql`(d.static_key is null and d.revoked_at is null)`,
  revoked: sql`d.revoked_at is not null`,
}

export interface DeviceChoice {
  /** Part of a name or an id, whatever its case. */
  readonly q: string
  readonly state: DeviceState | null
}

export async function devicePage(
  db: Kysely<Database>,
  { q, state }: DeviceChoice,
  list: Pick<ListQuery, 'down' | 'after' | 'before' | 'limit'>,
  now: UnixMs,
): Promise<readonly FleetRow[]> {
  const order = keyset({ query: list, key: sql`d.name`, type: 'text', id: sql`d.no` })
  const like = `%${q.replaceAll(/[\\%_]/g, (found) => `\\${found}`)}%`
  const { rows } = await sql<DeviceRecord>`
    with ${troubles(now)}, chosen as materialized (
      select d.* from devices d left join device_status s on s.device_id = d.id
      where ${q === '' ? sql`true` : sql`(d.name ilike ${like} or d.id ilike ${like})`}
        and ${state === null ? sql`true` : STATES[state]} and ${order.where}
      order by ${order.orderBy} limit ${order.limit})
    ${deviceColumns} order by ${order.orderBy}`.execute(db)
  return rows.map(fleetRow)
}

/** One device; null: there is none of that id. */
export async function deviceRecord(
  db: Kysely<Database>,
  id: string,
  now: UnixMs,
): Promise<DeviceRecord | null> {
  const { rows } = await sql<DeviceRecord>`
    with ${troubles(now, id)}, chosen as materialized (select * from devices where id = ${id})
    ${deviceColumns}`.execute(db)
  return rows[0] ?? null
}

/** Over all devices that are not revoked; nothing here depends on how many a page shows. */
export async function fleetTotals(db: Kysely<Database>, now: UnixMs): Promise<FleetTotals> {
  const { rows } = await sql<FleetTotals>`
    with ${troubles(now)}
    select count(*)::integer as devices,
      (count(*) filter (where ${isUp}))::integer as connected,
      (count(*) filter (where ${isUp} and s.clock_state = 'S'))::integer as synchronised,
      coalesce(sum(s.backlog_frames), 0)::bigint as waiting,
      (select count(*) from meters)::integer as meters,
      (select coalesce(sum(n), 0) from silent)::integer as silent,
      (select coalesce(sum(n), 0) from wrong)::integer as "clocksWrong",
      (count(*) filter (where ${STATES.trouble}))::integer as troubled
    from devices d left join device_status s on s.device_id = d.id
    where d.revoked_at is null`.execute(db)
  const [totals] = rows
  if (totals === undefined) throw new Error('an aggregate has a row')
  return totals
}

function upSince({ connected_at, disconnected_at }: DeviceRecord): UnixMs | null {
  if (connected_at === null) return null
  const down = disconnected_at !== null && disconnected_at >= connected_at
  return down ? null : instant(connected_at)
}

export const fleetRow = (row: DeviceRecord): FleetRow => ({
  id: row.id,
  no: row.no,
  name: row.name,
  enrolled: row.enrolled,
  revoked: row.revoked_at !== null,
  transport: row.transport,
  connectedAt: upSince(row),
  lastReadingAt: instantOrNull(row.last_ts),
  clockState: row.clock_state,
  clockOffsetUs: row.clock_offset_us,
  clockBoundUs: row.clock_bound_us,
  heldOver: (row.holdover_ms ?? 0) > HELD_OVER,
  backlogFrames: row.backlog_frames,
  meters: row.meters ?? row.seen,
  givenUp: row.given_up,
  silent: row.silent ?? 0,
  clocksWrong: row.clocks_wrong ?? 0,
  notAdopted: row.not_adopted,
  exceptions: row.exceptions ?? 0,
})
