// The list of all meters, by pages, and one meter with everything about it.

import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely'
import { type UnixMs, unixMs } from '../../../../shared/units.ts'
import { METER_FAR_OFF_US } from '../../clocks/core/clock-marks.ts'
import type { ListQuery } from '../../kit/list.ts'
import { silentSince, silentTable } from '../../readings/db/silence.ts'
import { instantOrNull } from '../../store/instants.ts'
import { keyset } from '../../store/keyset.ts'
import type { Database } from '../../store/schema.ts'
import type { MeterListRow, MeterState } from '../core/meters.ts'

/** Sort orders of the list, as its page names them. */
export const METER_SORTS = { number: 'text', seen: 'timestamptz' } as const

interface ListRecord {
  readonly id: number
  readonly number: string
  readonly make: string
  readonly medium: string
  readonly created_at: Date
  readonly device_id: string | null
  readonly device: string | null
  readonly adopted_at: Date | null
  readonly point_id: number | null
  readonly point: string | null
  readonly obis: string | null
  readonly value: number | null
  readonly exponent: number | null
  readonly unit: number | null
  readonly ts: Date | null
  readonly silent_since: Date | null
  readonly clock_state: string | null
  readonly clock_offset_us: number | null
  readonly clock_bound_us: number | null
  readonly clock_at: Date | null
}

/** The installation that holds at the moment. `m` is the meter. */
const hanging = sql`select i.service_point_id from installations i
  where i.meter_id = m.id and i.from_ts <= now() and (i.to_ts is null or i.to_ts > now())
  order by i.from_ts desc limit 1`

const isHanging = sql<SqlBool>`exists (select from installations i where i.meter_id = m.id
  and i.from_ts <= now() and (i.to_ts is null or i.to_ts > now()))`

/** The register that people look at first: the total, else the first that counts, else any. */
const shownValue = sql`select r.obis, r.exponent, r.unit, v.value, v.ts
  from standing_values v join registers r on r.id = v.register_id where v.meter_id = m.id
  order by r.obis <> '1-0:1.8.0*255', r.obis not like '%.8.%', r.obis limit 1`

/** Columns and joins of the list. A meter is silent where silentTable says so. */
export const meterColumns = (now: UnixMs): RawBuilder<unknown> => sql`
  select m.id, m.number, m.make, m.medium, m.created_at, m.device_id, d.name as device,
    m.adopted_at, p.id as point_id, p.code as point, v.obis, v.value, v.exponent, v.unit, v.ts,
    ${silentSince(now)} as silent_since, c.state as clock_state, c.offset_us as clock_offset_us,
    c.bound_us as clock_bound_us, c.at as clock_at
  from (select * from chosen) m
  left join devices d on d.id = m.device_id
  left join lateral (${hanging}) i on true
  left join service_points p on p.id = i.service_point_id
  left join lateral (${shownValue}) v on true
  left join clocks c on c.device_id = m.device_id and c.meter = m.number`

const STATES: Readonly<Record<MeterState, (now: UnixMs) => RawBuilder<SqlBool>>> = {
  // The fence makes it one join: few of many hang nowhere, and asking each would take longer.
  unassigned: () => sql`m.id in (select u.id from meters u where not exists (
    select from installations i where i.meter_id = u.id and i.from_ts <= now()
      and (i.to_ts is null or i.to_ts > now())) offset 0)`,
  installed: () => isHanging,
  silent: (now) => sql`m.id in (select meter_id from ${silentTable(now)} s)`,
  'clock-wrong': () => sql`(m.device_id, m.number) in (select c.device_id, c.meter from clocks c
    where c.meter <> '' and (c.state = 'X'
      or abs(c.offset_us) - coalesce(c.bound_us, 0) > ${METER_FAR_OFF_US}))`,
  'not-adopted': () => sql`(m.adopted_at is null and m.device_id is not null)`,
}

/** What a list of meters is narrowed to. */
export interface MeterChoice {
  /** Part of a number or a make, whatever its case. */
  readonly q: string
  readonly state: MeterState | null
  readonly medium: string
  /** Of one device; null: of all. */
  readonly device: string | null
}

export function chosenMeters(choice: MeterChoice, now: UnixMs): RawBuilder<SqlBool> {
  const { q, state, medium, device } = choice
  const parts: RawBuilder<SqlBool>[] = [sql`true`]
  if (q !== '') parts.push(sql`(m.number ilike ${likeText(q)} or m.make ilike ${likeText(q)})`)
  // The meters of one device are asked one by one; all together are gathered in one go.
  if (state === 'silent' && device !== null) parts.push(sql`${silentSince(now)} is not null`)
  else if (state !== null) parts.push(STATES[state](now))
  if (medium !== '') parts.push(sql`m.medium = ${medium}`)
  if (device !== null) parts.push(sql`m.device_id = ${device}`)
  return sql.join(parts, sql` and `)
}

/** What is typed stands for itself: % and _ too. */
const likeText = (text: string): string =>
  `%${text.replaceAll(/[\\%_]/g, (found) => `\\${found}`)}%`

/** A page of meters, as kit/list.ts wants it. */
export async function meterPage(
  db: Kysely<Database>,
  choice: MeterChoice,
  list: Pick<ListQuery, 'sort' | 'down' | 'after' | 'before' | 'limit'>,
  now: UnixMs,
): Promise<readonly MeterListRow[]> {
  const bySeen = list.sort === 'seen'
  const order = keyset({
    query: list,
    key: bySeen ? sql`m.created_at` : sql`m.number`,
    type: bySeen ? METER_SORTS.seen : METER_SORTS.number,
    id: sql`m.id`,
  })
  const { rows } = await sql<ListRecord>`
    with chosen as materialized (
      select m.* from meters m where ${chosenMeters(choice, now)} and ${order.where}
      order by ${order.orderBy} limit ${order.limit})
    ${meterColumns(now)} order by ${order.orderBy}`.execute(db)
  return rows.map(meterRow)
}

/** The meters of these ids, by number. */
export async function metersNamed(
  db: Kysely<Database>,
  ids: readonly number[],
  now: UnixMs,
): Promise<readonly MeterListRow[]> {
  const { rows } = await sql<ListRecord>`
    with chosen as materialized (select m.* from meters m where m.id = any(${ids}::integer[]))
    ${meterColumns(now)} order by m.number`.execute(db)
  return rows.map(meterRow)
}

export function meterRow(row: ListRecord): MeterListRow {
  const { device_id: device, obis, value, exponent, unit, ts } = row
  return {
    id: row.id,
    number: row.number,
    make: row.make,
    medium: row.medium,
    createdAt: unixMs(row.created_at.getTime()),
    device: device === null ? null : { id: device, name: row.device ?? device },
    adopted: row.adopted_at !== null,
    place: row.point_id === null ? null : { id: row.point_id, code: row.point ?? '' },
    newest:
      obis === null || value === null || exponent === null || unit === null || ts === null
        ? null
        : { obis, value, exponent, unit, at: unixMs(ts.getTime()) },
    silentSince: instantOrNull(row.silent_since),
    clock:
      row.clock_state === null || row.clock_at === null
        ? null
        : {
            state: row.clock_state,
            offsetUs: row.clock_offset_us ?? 0,
            boundUs: row.clock_bound_us,
            at: unixMs(row.clock_at.getTime()),
          },
  }
}

export type { ListRecord as MeterListRecord }
