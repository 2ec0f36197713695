// The readings of one register next to given instants. A month that is over has an index by meter:
// one probe for each instant. The month that is being written has none (partitions.ts), and its key
// begins with the time: so exact instants are asked for first, where a load profile has its values;
// a meter that sends at odd seconds is looked for in a short window behind each instant, in which
// others' readings are passed over too. How long all that may take is limited.

import { type Kysely, sql } from 'kysely'
import { errorCode } from '../../../../shared/node/fault-error.ts'
import { type UnixMs, unixMs } from '../../../../shared/units.ts'
import type { HistoryPoint } from '../core/history.ts'
import type { Database } from '../../store/schema.ts'
import { indexedMonths, monthOf } from './partitions.ts'

/** Longest that one picture may keep the database busy, milliseconds. */
const HISTORY_MS_MAX = 2_000
/** Window behind an instant in the month that is being written, seconds: twice the usual wait,
 * within these. */
const WINDOW_MIN_S = 3
const WINDOW_MAX_S = 5 * 60
const QUERY_CANCELED = '57014'

export interface RegisterId {
  readonly meter: number
  readonly register: number
}

/** Points, oldest first; null: it would have taken too long. */
export async function historyPoints(
  db: Kysely<Database>,
  which: RegisterId,
  edges: readonly UnixMs[],
): Promise<readonly HistoryPoint[] | null> {
  try {
    return await db.transaction().execute(async (trx) => {
      await sql`select set_config('statement_timeout', ${String(HISTORY_MS_MAX)}, true)`.execute(
        trx,
      )
      const found = await pointsNear(trx, which, edges)
      const byTime = new Map(found.map((point) => [Number(point.at), point]))
      return [...byTime.values()].toSorted((a, b) => a.at - b.at)
    })
  } catch (error) {
    if (errorCode(error) === QUERY_CANCELED) return null
    throw error
  }
}

async function pointsNear(
  db: Kysely<Database>,
  which: RegisterId,
  edges: readonly UnixMs[],
): Promise<readonly HistoryPoint[]> {
  const indexed = await indexedMonths(db)
  const windows = edges.slice(0, -1).map((at, index) => ({ at, until: edges[index + 1] ?? at }))
  // A window that reaches into an open month would read everybody's rows there.
  const closed = windows.filter(
    ({ at, until }) => indexed.has(monthOf(at)) && indexed.has(monthOf(unixMs(until - 1))),
  )
  const open = edges.filter((at) => !closed.some((window) => window.at === at))
  const [past, exact] = [await firstWithin(db, which, closed), await exactly(db, which, open)]
  const newest = await newestBetween(db, which, edges)
  const odd = exact.length > 0 ? [] : await firstWithin(db, which, await windowsOf(db, which, open))
  return [...past, ...exact, ...odd, ...newest]
}

interface PointRow {
  readonly ts: Date
  readonly value: number
  readonly quality: number
  readonly clock_state: string
}

const pointOf = ({ ts, value, quality, clock_state: clockState }: PointRow): HistoryPoint => ({
  at: unixMs(ts.getTime()),
  value,
  quality,
  clockState,
})

/** At exactly these instants: one probe each. */
async function exactly(
  db: Kysely<Database>,
  { meter, register }: RegisterId,
  instants: readonly UnixMs[],
): Promise<readonly HistoryPoint[]> {
  if (instants.length === 0) return []
  const rows = await db
    .selectFrom('timed_readings')
    .select(['ts', 'value', 'quality', 'clock_state'])
    .where(
      'ts',
      'in',
      instants.map((at) => new Date(at)),
    )
    .where('meter_id', '=', meter)
    .where('register_id', '=', register)
    .execute()
  return rows.map(pointOf)
}

interface Window {
  readonly at: UnixMs
  readonly until: UnixMs
}

/** The first reading in each window. */
async function firstWithin(
  db: Kysely<Database>,
  { meter, register }: RegisterId,
  windows: readonly Window[],
): Promise<readonly HistoryPoint[]> {
  if (windows.length === 0) return []
  const from = windows.map(({ at }) => new Date(at))
  const until = windows.map((window) => new Date(window.until))
  const { rows } = await sql<PointRow>`
    select r.ts, r.value, r.quality, r.clock_state
    from unnest(${from}::timestamptz[], ${until}::timestamptz[]) as w(at, until)
    cross join lateral (
      select ts, value, quality, clock_state from timed_readings
      where meter_id = ${meter} and register_id = ${register} and ts >= w.at and ts < w.until
      order by ts limit 1) r`.execute(db)
  return rows.map(pointOf)
}

async function windowsOf(
  db: Kysely<Database>,
  { meter, register }: RegisterId,
  instants: readonly UnixMs[],
): Promise<readonly Window[]> {
  const known = await db
    .selectFrom('last_values')
    .select(['usual_s', 'ts'])
    .where('meter_id', '=', meter)
    .where('register_id', '=', register)
    .executeTakeFirst()
  if (known === undefined) return []
  const usual = 2 * (known.usual_s ?? WINDOW_MAX_S)
  const length = Math.min(WINDOW_MAX_S, Math.max(WINDOW_MIN_S, usual)) * 1_000
  return instants
    .filter((at) => at <= known.ts.getTime())
    .map((at) => ({ at, until: unixMs(at + length) }))
}

/** The newest value, if it lies within: the picture goes up to it. */
async function newestBetween(
  db: Kysely<Database>,
  { meter, register }: RegisterId,
  edges: readonly UnixMs[],
): Promise<readonly HistoryPoint[]> {
  const [from, to] = [edges[0], edges.at(-1)]
  if (from === undefined || to === undefined) return []
  const rows = await db
    .selectFrom('standing_values')
    .select(['ts', 'value', 'quality', 'clock_state'])
    .where('meter_id', '=', meter)
    .where('register_id', '=', register)
    .where('ts', '>=', new Date(from))
    .where('ts', '<=', new Date(to))
    .execute()
  return rows.map(pointOf)
}
