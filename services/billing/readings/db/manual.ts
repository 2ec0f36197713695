// Readings by hand: the meter they are of, what else is known of the register around an instant,
// and the lists of them. Reading across to who lives where is a join; nothing of it is written.

import { type Kysely, type RawBuilder, sql } from 'kysely'
import { type UnixMs, unixMs } from '../../../../shared/units.ts'
import { addDays, civilDateAt, startOfDay } from '../../civil/calendar.ts'
import type { ListQuery } from '../../kit/list.ts'
import { countUpTo } from '../../store/count-up-to.ts'
import { instant } from '../../store/instants.ts'
import { instantKey, keyset } from '../../store/keyset.ts'
import type { Database } from '../../store/schema.ts'
import { type Around, type PlaceOfMeter, type Shown, TYPED_TO_MS, zoneOf } from '../core/manual.ts'
import type {
  KnownRegister,
  ManualMeterView,
  ManualRow,
  ManualState,
  OwnRow,
} from '../core/manual-views.ts'

/** Readings by hand are counted so far; then there are more. */
export const MANUAL_COUNT_MAX = 1_000
/** A customer's own readings that are shown. */
const OWN_ROWS_MAX = 30
/** Places of a meter that are looked at: it is exchanged every few years. */
const PLACES_MAX = 50
/** Meters of a customer that a form offers; a shop chain has a handful. */
const OWN_METERS_MAX = 50
/** So far on both sides of an instant everybody's readings are read for the meter's: a load profile
 * has one in every quarter hour. */
const BESIDE_MS = 16 * 60_000
/** Midnights before and after that are looked up, each an index probe. */
const MIDNIGHTS = 40
/** An approved reading by hand that far away still says something. */
const HAND_MS = 800 * 86_400_000

/** The meter of that id or number; null: there is none. */
export async function manualMeter(
  db: Kysely<Database>,
  which: { readonly id: number } | { readonly number: string },
): Promise<ManualMeterView | null> {
  const row = await db
    .selectFrom('meters')
    .select(['id', 'number', 'digits', 'medium', 'billed_by as billedBy'])
    .where('id' in which ? 'id' : 'number', '=', 'id' in which ? which.id : which.number)
    .executeTakeFirst()
  if (row === undefined) return null
  const [registers, places] = await Promise.all([registersOf(db, row.id), placesOf(db, row.id)])
  return { ...row, registers, places }
}

/** Registers that only grow, as the meter has shown them or somebody has entered them. */
async function registersOf(db: Kysely<Database>, meter: number): Promise<readonly KnownRegister[]> {
  const { rows } = await sql<{
    obis: string
    unit: number
    exponent: number
    value: number
    ts: Date
    by: Shown['by']
  }>`
    select distinct on (obis, unit) obis, unit, exponent, value, ts, by from (
      select r.obis, r.unit, r.exponent, v.value, v.ts, 'device' as by, 1 as rank
      from standing_values v join registers r on r.id = v.register_id
      where v.meter_id = ${meter} and (r.obis ~ '^[0-9-]+:[0-9]+[.]8[.]' or r.unit in (13, 25))
      union all
      select obis, unit, exponent, value, ts, kind, 2
      from manual_readings where meter_id = ${meter} and state = 'approved') known
    order by obis, unit, rank, ts desc`.execute(db)
  return rows.map(({ obis, unit, exponent, value, ts, by }) => ({
    obis,
    unit,
    // A device says how finely the register counts; a person only how many digits they typed.
    exponent: by === 'device' ? exponent : null,
    newest: { at: instant(ts), value, exponent, by },
  }))
}

interface PlaceRow {
  readonly address: string
  readonly code: string
  readonly zone: string
  readonly from_ts: Date
  readonly to_ts: Date | null
}

const placeOf = (row: PlaceRow, contract: PlaceOfMeter['contract']): PlaceOfMeter => ({
  address: row.address,
  servicePoint: row.code,
  zone: row.zone,
  from: instant(row.from_ts),
  to: row.to_ts === null ? null : instant(row.to_ts),
  contract,
})

async function placesOf(db: Kysely<Database>, meter: number): Promise<readonly PlaceOfMeter[]> {
  const rows = await db
    .selectFrom('installations')
    .innerJoin('service_points', 'service_points.id', 'installations.service_point_id')
    .select(['address', 'code', 'zone', 'from_ts', 'to_ts'])
    .where('meter_id', '=', meter)
    .orderBy('from_ts', 'desc')
    .limit(PLACES_MAX)
    .execute()
  return rows.map((row) => placeOf(row, null))
}

/** The meters that hang, or hung, where the customer is supplied, each with those places alone. */
export async function metersOfCustomer(
  db: Kysely<Database>,
  customer: number,
): Promise<readonly ManualMeterView[]> {
  const { rows } = await sql<
    PlaceRow & { meter_id: number; from_date: string; to_date: string | null }
  >`
    select i.meter_id, p.address, p.code, p.zone, i.from_ts, i.to_ts, c.from_date, c.to_date
    from contracts c
    join service_points p on p.id = c.service_point_id
    join installations i on i.service_point_id = p.id
    where c.customer_id = ${customer}
      and (i.to_ts is null or i.to_ts > c.from_date)
      and (c.to_date is null or i.from_ts < c.to_date + 1)
    order by i.to_ts desc nulls first, p.code, i.from_ts desc
    limit ${OWN_METERS_MAX}`.execute(db)
  const byMeter = Map.groupBy(rows, ({ meter_id }) => meter_id)
  const views = await Promise.all(
    [...byMeter].map(async ([id, own]) => {
      const meter = await manualMeter(db, { id })
      if (meter === null) return null
      const places = own.map((row) => placeOf(row, { from: row.from_date, to: row.to_date }))
      return { ...meter, places }
    }),
  )
  return views.filter((view) => view !== null)
}

export interface RegisterAt {
  readonly meterId: number
  readonly obis: string
  readonly unit: number
  readonly at: UnixMs
  /** Of the days whose midnights are looked up. */
  readonly zone: string
  /** A reading by hand that is left out: the one that is judged. */
  readonly but: number | null
}

/** What is known of a register around an instant. */
export async function aroundOf(db: Kysely<Database>, asked: RegisterAt): Promise<Around> {
  const { at } = asked
  const known = [...(await byDevices(db, asked)), ...(await byHand(db, asked))].toSorted(
    (a, b) => a.at - b.at,
  )
  const before = known.findLast((shown) => shown.at <= at) ?? null
  const after = known.find((shown) => shown.at >= at + TYPED_TO_MS) ?? null
  const earlier = before === null ? null : (known.find((shown) => shown.at < before.at) ?? null)
  return { before, after, earlier }
}

/** The key of `readings` begins with the time: exact instants are probed, a range is kept short. */
async function byDevices(
  db: Kysely<Database>,
  { meterId, obis, unit, at, zone }: RegisterAt,
): Promise<readonly Shown[]> {
  const day = civilDateAt(at, zoneOf({ zone }))
  const midnights = Array.from({ length: 2 * MIDNIGHTS + 1 }, (_day, index) =>
    startOfDay(addDays(day, index - MIDNIGHTS), zoneOf({ zone })),
  )
  const registers = sql`select id from registers where obis = ${obis} and unit = ${unit}`
  const beside = (from: UnixMs, to: UnixMs, order: RawBuilder<unknown>) => sql`
    (select ts, register_id, value from timed_readings
     where meter_id = ${meterId} and register_id in (${registers})
       and ts between ${new Date(from)} and ${new Date(to)}
     order by ts ${order} limit 1)`
  const { rows } = await sql<{ ts: Date; value: number; exponent: number }>`
    select ts, value, exponent from (
      ${beside(unixMs(at - BESIDE_MS), at, sql`desc`)}
      union all ${beside(unixMs(at + 1), unixMs(at + BESIDE_MS), sql`asc`)}
      union all
      select t.ts, t.register_id, t.value
      from unnest(${midnights.map((midnight) => new Date(midnight))}::timestamptz[]) as m(ts)
      cross join (${registers}) as r
      join timed_readings t on t.ts = m.ts and t.meter_id = ${meterId} and t.register_id = r.id
      union all
      select ts, register_id, value from standing_values
      where meter_id = ${meterId} and register_id in (${registers})
    ) found join registers on registers.id = found.register_id`.execute(db)
  return rows.map(({ ts, value, exponent }) => ({
    at: instant(ts),
    value,
    exponent,
    by: 'device',
  }))
}

async function byHand(
  db: Kysely<Database>,
  { meterId, obis, unit, at, but }: RegisterAt,
): Promise<readonly Shown[]> {
  const rows = await db
    .selectFrom('manual_readings')
    .select(['ts', 'value', 'exponent', 'kind as by'])
    .where('meter_id', '=', meterId)
    .where('obis', '=', obis)
    .where('unit', '=', unit)
    .where('state', '=', 'approved')
    .where('id', '<>', but ?? 0)
    .where('ts', '>=', new Date(at - HAND_MS))
    .where('ts', '<=', new Date(at + HAND_MS))
    .execute()
  return rows.map(({ ts, ...row }) => ({ ...row, at: instant(ts) }))
}

const ROW_COLUMNS = sql`
  r.id, r.meter_id as "meterId", m.number as meter, m.digits, r.obis, r.unit, r.value, r.exponent,
  r.ts, r.kind, r.photo, r.note, r.state, r.entered_at, r.entered_by as "enteredBy",
  r.decided_at, r.decided_by as "decidedBy", r.decided_why as "decidedWhy",
  coalesce((select p.zone from installations i join service_points p on p.id = i.service_point_id
    where i.meter_id = r.meter_id and i.from_ts <= r.ts and (i.to_ts is null or i.to_ts > r.ts)
    limit 1), 'UTC') as zone`

type Record = Omit<ManualRow, 'at' | 'enteredAt' | 'decidedAt' | 'key'> & {
  readonly ts: Date
  readonly entered_at: Date
  readonly decided_at: Date | null
  readonly key: string
}

const rowOf = ({ ts, entered_at, decided_at, ...row }: Record): ManualRow => ({
  ...row,
  zone: zoneOf(row),
  at: instant(ts),
  enteredAt: instant(entered_at),
  decidedAt: decided_at === null ? null : instant(decided_at),
})

const KEYS = { entered: sql`r.entered_at`, read: sql`r.ts` } as const

/** A page of the list, one row more than it has, and how many there are. */
export async function manualList(
  db: Kysely<Database>,
  query: ListQuery,
): Promise<{ readonly rows: readonly ManualRow[]; readonly count: number }> {
  const key = query.sort === 'read' ? KEYS.read : KEYS.entered
  const k = keyset({ query, key, type: 'timestamptz', id: sql`r.id` })
  const state = query.filters['state'] ?? ''
  const found = sql`from manual_readings r join meters m on m.id = r.meter_id
    where ${state === '' ? sql`true` : sql`r.state = ${state}`}
      and ${query.q === '' ? sql`true` : sql`m.number ^@ ${query.q}`}`
  const [{ rows }, count] = await Promise.all([
    sql<Record>`select ${ROW_COLUMNS}, ${instantKey(key)} as key ${found}
      and ${k.where} order by ${k.orderBy} limit ${k.limit}`.execute(db),
    countUpTo(db, found, MANUAL_COUNT_MAX),
  ])
  return { rows: rows.map(rowOf), count }
}

/** One of them; null: there is none of that number. */
export async function manualRow(db: Kysely<Database>, id: number): Promise<ManualRow | null> {
  const { rows } = await sql<Record>`select ${ROW_COLUMNS}, '' as key
    from manual_readings r join meters m on m.id = r.meter_id where r.id = ${id}`.execute(db)
  return rows[0] === undefined ? null : rowOf(rows[0])
}

/** What a customer has entered, the newest first. */
export async function ownReadings(
  db: Kysely<Database>,
  enteredBy: string,
): Promise<readonly OwnRow[]> {
  const { rows } = await sql<Record>`select ${ROW_COLUMNS}, '' as key
    from manual_readings r join meters m on m.id = r.meter_id
    where r.entered_by = ${enteredBy} order by r.entered_at desc limit ${OWN_ROWS_MAX}`.execute(db)
  return rows.map(rowOf)
}

/** How many wait for a decision, counted up to `MANUAL_COUNT_MAX`. */
export const manualWaiting = (db: Kysely<Database>): Promise<number> =>
  countUpTo(
    db,
    sql`from manual_readings where state = ${'waiting' satisfies ManualState}`,
    MANUAL_COUNT_MAX,
  )
