// How many rows there are, as far as anybody wants to know. Counting a hundred thousand rows for
// each look at a page would cost more than the page.

import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Database } from './schema.ts'

/** The rows of `from` (`from bills b where ...`), counted up to `most`; one more says that there
 * are more. */
export async function countUpTo(
  db: Kysely<Database>,
  from: RawBuilder<unknown>,
  most: number,
): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::integer as n from (select 1 ${from} limit ${most + 1}) counted`.execute(db)
  return rows[0]?.n ?? 0
}
