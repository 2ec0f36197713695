// What the checklist asks of the whole database, each count bounded.

import { type Kysely, sql } from 'kysely'
import { type ChecklistFacts, COUNTED_MAX } from '../core/checklist.ts'
import type { Database } from '../../store/schema.ts'

export type StoredFacts = Pick<
  ChecklistFacts,
  'tariffs' | 'slaves' | 'meters' | 'customers' | 'periods'
>

interface Row {
  readonly tariffs: number
  readonly enrolled: number
  readonly awaited: number
  readonly awaitedName: string | null
  readonly awaitedId: string | null
  readonly seen: number
  readonly unassigned: number
  readonly placed: number
  readonly entered: number
  readonly contracts: number
  readonly ready: number
  readonly billed: number
  readonly held: number
}

/** Rows of a query, counted up to the limit and one more. */
const upTo = (from: ReturnType<typeof sql>) =>
  sql`(select count(*)::int from (select 1 ${from} limit ${COUNTED_MAX + 1}) as counted)`

export async function checklistFacts(db: Kysely<Database>): Promise<StoredFacts> {
  const placed = sql`exists (select from installations i where i.meter_id = m.id and i.to_ts is null)`
  const awaited = sql`from enrolment_tokens t join devices d on d.id = t.device_id
    where t.burnt_by is null and t.expires_at > now() and d.static_key is null`
  const { rows } = await sql<Row>`select
    ${upTo(sql`from tariff_versions`)} as tariffs,
    ${upTo(sql`from devices where static_key is not null and revoked_at is null`)} as enrolled,
    ${upTo(awaited)} as awaited,
    (select d.name ${awaited} order by t.expires_at desc limit 1) as "awaitedName",
    (select d.id ${awaited} order by t.expires_at desc limit 1) as "awaitedId",
    ${upTo(sql`from meters`)} as seen,
    ${upTo(sql`from meters m where not ${placed}`)} as unassigned,
    ${upTo(sql`from meters m where ${placed}`)} as placed,
    ${upTo(sql`from customers`)} as entered,
    ${upTo(sql`from contracts`)} as contracts,
    ${upTo(sql`from bill_periods where state = 'ready'`)} as ready,
    ${upTo(sql`from bill_periods where state = 'billed'`)} as billed,
    ${upTo(sql`from bill_periods where state in ('waiting', 'blocked')`)} as held`.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('broken promise: a select without from has one row')
  const { tariffs, enrolled, awaited: waiting, awaitedName, awaitedId, seen, unassigned } = row
  return {
    tariffs,
    slaves: { enrolled, awaited: waiting, awaitedName, awaitedId },
    meters: { seen, unassigned, placed: row.placed },
    customers: { entered: row.entered, contracts: row.contracts },
    periods: { ready: row.ready, billed: row.billed, held: row.held },
  }
}
