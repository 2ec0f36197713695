// The newest value of every register, by pages: those first that are longest without news, or the
// newest, or by meter. A page goes on behind a time, a meter and a register together, because
// thousands of registers are stored in one instant.

import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { UnixMs } from '../../../../shared/units.ts'
import type { ListQuery } from '../../kit/list.ts'
import { instant } from '../../store/instants.ts'
import type { Database } from '../../store/schema.ts'
import type { LiveRow } from '../core/views.ts'

/** Orders of the list; a place in each is a text (`orderOf`). */
export const LIVE_SORTS = { overdue: 'text', heard: 'text', meter: 'text' } as const

export interface LiveChoice {
  /** Part of a meter's number, whatever its case. */
  readonly q: string
  /** Only those whose news is overdue. */
  readonly silent: boolean
}

export type LiveList = Pick<ListQuery, 'sort' | 'down' | 'after' | 'before' | 'limit'>

/** For LIKE: any text that has this in it; what is typed stands for itself. */
export const containing = (part: string): string =>
  `%${part.replaceAll(/[\\%_]/g, (found) => `\\${found}`)}%`

interface LiveRecord {
  readonly meter_id: number
  readonly number: string
  readonly device_id: string | null
  readonly register_id: number
  readonly obis: string
  readonly exponent: number
  readonly unit: number
  readonly value: number
  readonly ts: Date
  readonly quality: number
  readonly clock_state: string
  readonly clock_bound_ms: number
  readonly due_at: Date
  /** The time that the list is ordered by, to the microsecond. */
  readonly place: string
}

const TIMES = { overdue: sql`v.due_at`, heard: sql`v.stored_at` } as const
const PLACE = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (\d{1,9})$/

/** The columns of an order, and their values in the row that a page begins behind; null: at the
 * beginning. */
function orderOf({ sort, after, before }: LiveList): {
  readonly columns: readonly RawBuilder<unknown>[]
  readonly place: readonly RawBuilder<unknown>[] | null
} {
  const place = after ?? before
  if (sort === 'meter') {
    const columns = [sql`m.number`, sql`v.register_id`]
    const key = place === null ? null : [sql`${place.key}::text`, sql`${place.id}::integer`]
    return { columns, place: key }
  }
  const time = sort === 'heard' ? TIMES.heard : TIMES.overdue
  const [, at, meter] = PLACE.exec(place?.key ?? '') ?? []
  const isPlace = place !== null && at !== undefined && !Number.isNaN(Date.parse(at))
  return {
    columns: [time, sql`v.meter_id`, sql`v.register_id`],
    place: isPlace
      ? [sql`${at}::timestamptz`, sql`${Number(meter)}::integer`, sql`${place.id}::integer`]
      : null,
  }
}

export async function livePage(
  db: Kysely<Database>,
  { q, silent }: LiveChoice,
  list: LiveList,
  now: UnixMs,
): Promise<readonly LiveRow[]> {
  const { columns, place } = orderOf(list)
  const falling = (list.before === null) === list.down
  const beyond: RawBuilder<SqlBool> =
    place === null
      ? sql`true`
      : sql`(${sql.join(columns)}) ${falling ? sql`<` : sql`>`} (${sql.join(place)})`
  const direction = falling ? sql`desc` : sql`asc`
  const order = sql.join(columns.map((column) => sql`${column} ${direction}`))
  // The fence: the few meters of a search are found first.
  const found =
    q === ''
      ? sql`true`
      : sql`v.meter_id in (select id from meters
          where search_fold(number) like search_fold(${containing(q)}) offset 0)`
  const time = list.sort === 'heard' ? TIMES.heard : TIMES.overdue
  const { rows } = await sql<LiveRecord>`
    select v.meter_id, m.number, m.device_id, v.register_id, r.obis, r.exponent, r.unit, v.value,
      v.ts, v.quality, v.clock_state, v.clock_bound_ms, v.due_at,
      to_char(${time} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as place
    from standing_values v join meters m on m.id = v.meter_id
    join registers r on r.id = v.register_id
    where ${found} and ${silent ? sql`v.due_at < ${new Date(now)}` : sql`true`} and ${beyond}
    order by ${order} limit ${list.limit + 1}`.execute(db)
  return rows.map((row) => liveRow(row, list.sort))
}

const liveRow = (row: LiveRecord, sort: string): LiveRow => ({
  meterId: row.meter_id,
  meter: row.number,
  device: row.device_id,
  obis: row.obis,
  value: row.value,
  exponent: row.exponent,
  unit: row.unit,
  at: instant(row.ts),
  quality: row.quality,
  clockState: row.clock_state,
  clockBoundMs: row.clock_bound_ms,
  dueAt: instant(row.due_at),
  place: {
    key: sort === 'meter' ? row.number : `${row.place} ${row.meter_id}`,
    id: row.register_id,
  },
})
