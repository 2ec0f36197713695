// Totals by name, counted as things happen, so that no query ever counts rows. Every domain counts
// through these functions: with a statement of its own inside a transaction, or with the last part
// of the statement that writes its rows.

import { type Kysely, sql } from 'kysely'
import type { Database } from './schema.ts'

/** What is counted; besides these, a trigger counts `exception <code>`, and clocks counts
 * `clock <code>`. */
export type CounterName =
  | 'readings'
  | 'refused'
  | 'bills'
  | 'notices'
  /** Revisions: a master that sees a new number rereads the roster, or the commands. */
  | 'roster'
  | 'commands'

/** Adds to a total when the transaction commits. */
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

/** SQL that adds `select ... as added` to a total, as part of a larger statement. */
export const countSql = (name: CounterName, added: string): string =>
  `update counters set count = count + added from (${added}) as new
  where name = '${name}' and added > 0`

/** SQL that counts the rows of `from` by their column `code`, as `<kind> <code>`. */
export const countCodesSql = (kind: 'clock', from: string): string =>
  `insert into counters (name, count) select '${kind} ' || code, count(*) from ${from} group by code
  on conflict (name) do update set count = counters.count + excluded.count`
