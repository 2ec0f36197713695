// Totals by name, counted as things happen, so that nobody ever counts rows. Every domain counts
// through these: as a statement of its own inside a transaction, or as the last part of one that
// writes its rows.

import { type Kysely, sql } from 'kysely'
import type { Database } from './schema.ts'

/** What is counted; beside these, `exception <code>` by a trigger and `clock <code>`. */
export type CounterName =
  | 'readings'
  | 'refused'
  | 'bills'
  | 'notices'
  /** Revisions: a master that sees another number reads the roster, or the commands, again. */
  | 'roster'
  | 'commands'

/** Adds to a total, when the transaction commits. */
export async function count(db: Kysely<Database>, name: CounterName, added = 1): Promise<void> {
  await db
    .updateTable('counters')
    .set({ count: sql`count + ${added}::bigint` })
    .where('name', '=', name)
    .execute()
}

export async function counted(db: Kysely<Database>, name: CounterName): Promise<number> {
  const row = await db
    .selectFrom('counters')
    .select('count')
    .where('name', '=', name)
    .executeTakeFirstOrThrow()
  return row.count
}

/** The text that adds `select ... as added` to a total: part of a larger statement. */
export const countSql = (name: CounterName, added: string): string =>
  `update counters set count = count + added from (${added}) as new
  where name = '${name}' and added > 0`

/** The text that counts the rows of `from` by their column `code`, as `<kind> <code>`. */
export const countCodesSql = (kind: 'clock', from: string): string =>
  `insert into counters (name, count) select '${kind} ' || code, count(*) from ${from} group by code
  on conflict (name) do update set count = counters.count + excluded.count`
