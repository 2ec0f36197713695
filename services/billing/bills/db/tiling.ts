// Cuts the time of a contract into the periods that bills are made for: calendar months in the
// zone of its service point, from the first day that is billed here to its end. What is billed
// stays as it is, what was exempted stays exempt while the contract covers it, and the rest is cut
// anew around both, so that all of it together covers the contract's months exactly once.
//
// Two things make new periods: a month ends (`tileMonths`), or a contract changes (`tileMarked`,
// by the marks that triggers leave in the changing transaction itself: bills stand above customers,
// and customers need not know them).

import { type Kysely, sql } from 'kysely'
import { civilDateAt, isZone, monthOf } from '../../civil/calendar.ts'
import { zonesOf } from '../../customers/db/reads.ts'
import type { Database } from '../../store/schema.ts'
import type { UnixMs } from '../../../../shared/units.ts'

/** Contracts cut in one transaction: some tenths of a second. */
const CONTRACTS_MAX = 2_000
/** Marks taken at once: an import leaves three for each contract. */
const MARKS_MAX = 3_000

/** Of each zone, the first day of the month that runs there. A zone that this machine does not
 * know counts as UTC: its periods exist, and their bills are blocked. */
function runningMonths(zones: readonly string[], now: UnixMs) {
  const months = zones.map((zone) => monthOf(civilDateAt(now, isZone(zone) ? zone : 'UTC')).from)
  return { zones: [...zones], months }
}

type Months = ReturnType<typeof runningMonths>

/** The periods that contracts should have in months from `from` on, as a common table expression
 * named `tiles`. */
const tilesOf = (contracts: readonly number[], { zones, months }: Months, from: string) => sql`
  asked as (
    select c.id, greatest(c.from_date, c.billed_from, ${from}::date) as first,
      least(c.to_date, z.month) as until
    from contracts c join service_points p on p.id = c.service_point_id
    join unnest(${zones}::text[], ${months}::date[]) as z(zone, month) on z.zone = p.zone
    where c.id = any(${[...contracts]}::integer[])
  ), kept as (
    select contract_id, range_agg(daterange(period_from, period_to)) as days from bill_periods
    where contract_id = any(${[...contracts]}::integer[]) and state in ('billed', 'exempt')
    group by contract_id
  ), tiles as (
    select a.id as contract_id, lower(tile) as period_from, upper(tile) as period_to
    from asked a left join kept k on k.contract_id = a.id
    cross join lateral generate_series(date_trunc('month', a.first::timestamp),
      a.until::timestamp - interval '1 day', interval '1 month') as m(start)
    cross join lateral unnest(datemultirange(daterange(greatest(m.start::date, a.first),
      least((m.start + interval '1 month')::date, a.until)))
      - coalesce(k.days, '{}'::datemultirange)) as tile
    where a.first < a.until
  )`

/** Before every date of ours. */
const EVER = '0001-01-01'

const insertTiles = (
  contracts: readonly number[],
  months: Months,
  { from, now }: { readonly from: string; readonly now: UnixMs },
) => sql`
  with ${tilesOf(contracts, months, from)}
  insert into bill_periods (contract_id, period_from, period_to, since, due_at)
  select contract_id, period_from, period_to, ${new Date(now)}, ${new Date(now)} from tiles
  on conflict do nothing`

/** An exempt period that the contract no longer covers wholly. */
const outside = sql`(bp.period_from < greatest(c.from_date, c.billed_from)
  or bp.period_to > c.to_date)`

/** Cuts some contracts anew, in the transaction given, and has what is left of them looked at. */
async function retile(
  trx: Kysely<Database>,
  contracts: readonly number[],
  now: UnixMs,
): Promise<void> {
  const ids = [...contracts]
  // In one order, as everybody locks them.
  await sql`select 1 from bill_periods where contract_id = any(${ids}::integer[])
    and state <> 'billed' order by period_from, contract_id for update`.execute(trx)
  const { rows: zones } = await sql<{ zone: string }>`
    select distinct p.zone from contracts c join service_points p on p.id = c.service_point_id
    where c.id = any(${ids}::integer[])`.execute(trx)
  const months = runningMonths(
    zones.map(({ zone }) => zone),
    now,
  )
  await sql`
    delete from bill_periods bp using contracts c where c.id = bp.contract_id
      and c.id = any(${ids}::integer[]) and bp.state = 'exempt'
      and (bp.period_to <= greatest(c.from_date, c.billed_from) or bp.period_from >= c.to_date
        or greatest(c.from_date, c.billed_from) >= c.to_date)`.execute(trx)
  await sql`
    update bill_periods bp set
      period_from = greatest(bp.period_from, c.from_date, c.billed_from),
      period_to = least(bp.period_to, c.to_date)
    from contracts c where c.id = bp.contract_id and c.id = any(${ids}::integer[])
      and bp.state = 'exempt' and ${outside}`.execute(trx)
  await sql`
    with ${tilesOf(ids, months, EVER)}
    delete from bill_periods bp where bp.contract_id = any(${ids}::integer[])
      and bp.state not in ('billed', 'exempt') and not exists (select from tiles t
        where t.contract_id = bp.contract_id and t.period_from = bp.period_from
          and t.period_to = bp.period_to)`.execute(trx)
  await insertTiles(ids, months, { from: EVER, now }).execute(trx)
  await sql`
    update bill_periods set due_at = ${new Date(now)}, looked_at = null
    where contract_id = any(${ids}::integer[]) and state not in ('billed', 'exempt')`.execute(trx)
}

const inTransaction = <T>(db: Kysely<Database>, work: (trx: Kysely<Database>) => Promise<T>) =>
  db.isTransaction ? work(db) : db.transaction().execute(work)

/** Cuts the periods of some contracts, or of all of them, anew. Of a transaction it becomes a
 * part; otherwise each batch is one. */
export async function tilePeriods(
  db: Kysely<Database>,
  contracts: readonly number[] | 'all',
  now: UnixMs,
): Promise<void> {
  let after = 0
  let batch = contracts === 'all' ? await contractsAfter(db, after, null) : contracts
  let left = contracts === 'all' ? [] : contracts
  while (batch.length > 0) {
    const part = batch.slice(0, CONTRACTS_MAX)
    await inTransaction(db, (trx) => retile(trx, part, now))
    if (contracts === 'all') {
      after = part.at(-1) ?? after
      batch = await contractsAfter(db, after, null)
    } else {
      left = left.slice(CONTRACTS_MAX)
      batch = left
    }
  }
}

async function contractsAfter(
  db: Kysely<Database>,
  after: number,
  zone: string | null,
): Promise<readonly number[]> {
  let query = db
    .selectFrom('contracts')
    .innerJoin('service_points', 'service_points.id', 'contracts.service_point_id')
    .select('contracts.id')
    .where('contracts.id', '>', after)
    .orderBy('contracts.id')
    .limit(CONTRACTS_MAX)
  if (zone !== null) query = query.where('zone', '=', zone)
  return (await query.execute()).map(({ id }) => id)
}

/** Takes the marks that changes left and cuts those contracts anew; returns how many contracts. */
export async function tileMarked(db: Kysely<Database>, now: UnixMs): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const { rows } = await sql<{ contract_id: number }>`
      delete from bill_marks where id in (select id from bill_marks order by id limit ${MARKS_MAX}
        for update skip locked) returning contract_id`.execute(trx)
    const marked = [...new Set(rows.map(({ contract_id: id }) => id))].sort((a, b) => a - b)
    if (marked.length > 0) await retile(trx, marked, now)
    return marked.length
  })
}

/** Makes the periods of every month that ended since the last call, zone by zone: one statement
 * for each batch of contracts. Returns the zones whose month
 * turned: not those that are new. */
export async function tileMonths(db: Kysely<Database>, now: UnixMs): Promise<readonly string[]> {
  const { zones, months } = runningMonths(await zonesOf(db), now)
  const done = await db.selectFrom('bill_tilings').selectAll().execute()
  const tiledTo = new Map(done.map(({ zone, tiled_to: to }) => [zone, to]))
  const turned: string[] = []
  for (const [index, zone] of zones.entries()) {
    const month = months[index] ?? EVER
    const from = tiledTo.get(zone) ?? EVER
    if (from >= month) continue
    await tileZone(db, { zone, month, from }, now)
    if (tiledTo.has(zone)) turned.push(zone)
  }
  return turned
}

async function tileZone(
  db: Kysely<Database>,
  { zone, month, from }: { readonly zone: string; readonly month: string; readonly from: string },
  now: UnixMs,
): Promise<void> {
  let batch = await contractsAfter(db, 0, zone)
  while (batch.length > 0) {
    await insertTiles(batch, { zones: [zone], months: [month] }, { from, now }).execute(db)
    batch = await contractsAfter(db, batch.at(-1) ?? 0, zone)
  }
  await db
    .insertInto('bill_tilings')
    .values({ zone, tiled_to: month })
    .onConflict((conflict) => conflict.column('zone').doUpdateSet({ tiled_to: month }))
    .execute()
}
