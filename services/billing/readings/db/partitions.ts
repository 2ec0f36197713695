// The months of `readings`. A month's table is made when its first reading comes. When the month is
// over, an index by meter is built once, sorted and dense: while a month is being filled, that
// index would cost 60 times the WAL (measured, see migrations/0002_readings.sql).

import { type Kysely, sql } from 'kysely'
import type { Pool } from 'pg'
import type { UnixMs } from '../../../../shared/units.ts'
import type { Database } from '../../store/schema.ts'

/** After a month's end many late readings still arrive for this long, milliseconds (two days). */
const CLOSED_AFTER_MS = 2 * 86_400_000

/** Months since year 0: partitions are numbered by them. */
export function monthOf(at: UnixMs): number {
  const date = new Date(at)
  return date.getUTCFullYear() * 12 + date.getUTCMonth()
}

const startOf = (month: number): Date => new Date(Date.UTC(Math.floor(month / 12), month % 12))

const tableOf = (month: number): string => {
  const start = startOf(month)
  const number = String(start.getUTCMonth() + 1).padStart(2, '0')
  return `readings_${start.getUTCFullYear()}_${number}`
}

/** Makes the table of a month unless it is there. */
export async function ensurePartition(pool: Pool, month: number): Promise<void> {
  const table = tableOf(month)
  const found = await pool.query('select to_regclass($1) is not null as there', [table])
  if (found.rows[0]?.there === true) return
  try {
    // Our own role may create nothing: see store/grants.ts.
    await pool.query('select make_readings_month($1)', [month])
  } catch (error) {
    // Another process made it at the same moment.
    const again = await pool.query('select to_regclass($1) is not null as there', [table])
    if (again.rows[0]?.there !== true) throw error
  }
}

/** The months that have their index by meter, by number. */
export async function indexedMonths(db: Kysely<Database>): Promise<ReadonlySet<number>> {
  const { rows } = await sql<{ year: string; month: string }>`
    select split_part(c.relname, '_', 2) as year, split_part(c.relname, '_', 3) as month
    from pg_inherits h join pg_class c on c.oid = h.inhrelid
    join pg_index i on i.indexrelid = to_regclass(c.relname || '_meter') and i.indisvalid
    where h.inhparent = 'readings'::regclass`.execute(db)
  return new Set(rows.map(({ year, month }) => Number(year) * 12 + Number(month) - 1))
}

/** Builds the by-meter index of every month that is over and has none. Returns the tables it
 * indexed. Writing goes on meanwhile. `pool`: of the tables' owner. */
export async function indexClosedMonths(pool: Pool, now: UnixMs): Promise<readonly string[]> {
  const { rows } = await pool.query<{ name: string; valid: boolean | null }>(
    `select c.relname as name, i.indisvalid as valid
     from pg_inherits h join pg_class c on c.oid = h.inhrelid
     left join pg_index i on i.indexrelid = to_regclass(c.relname || '_meter')
     where h.inhparent = 'readings'::regclass order by c.relname`,
  )
  const closed = tableOf(monthOf(now) - 1)
  const stillOpen = now - startOf(monthOf(now)).getTime() < CLOSED_AFTER_MS ? closed : ''
  const due = rows.filter(({ name, valid }) => valid !== true && name <= closed)
  const built: string[] = []
  for (const { name, valid } of due) {
    if (name === stillOpen) continue
    // Left over from a build that was cut short.
    if (valid === false) await pool.query(`drop index ${name}_meter`)
    await pool.query(
      `create index concurrently ${name}_meter on ${name} (meter_id, register_id, ts)`,
    )
    built.push(name)
  }
  return built
}
