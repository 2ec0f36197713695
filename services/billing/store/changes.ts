// Who changed what, and why. Every domain that lets people change its rows records it here, in the
// transaction of the change itself; rows are only ever added.

import { type Kysely, sql } from 'kysely'
import type { PoolClient } from 'pg'
import type { Database } from './schema.ts'

/** What kind of row changed, as pages name it. */
export type ChangedRow =
  | 'customer'
  | 'service point'
  | 'meter'
  | 'installation'
  | 'contract'
  | 'term'
  | 'manual reading'
  | 'period'
  | 'tariff'
  | 'utility'
  | 'import'

/** Who makes a change and why; both not blank. */
export interface Author {
  readonly who: string
  readonly why: string
  /** The import that brings it; null: by hand. */
  readonly importId: number | null
}

export interface Change {
  readonly what: ChangedRow
  readonly id: number
  /** The row as it was; null: it is new. */
  readonly before: object | null
  /** The row as it is now; null: it was taken back. */
  readonly after: object | null
}

/** Records a change; call it in the transaction that makes it. */
export async function recordChange(
  db: Kysely<Database>,
  author: Author,
  change: Change,
): Promise<void> {
  const { what, id, before, after } = change
  await db
    .insertInto('changes')
    .values({
      who: author.who,
      why: author.why,
      import_id: author.importId,
      what,
      row_id: id,
      before: before === null ? null : JSON.stringify(before),
      after: after === null ? null : JSON.stringify(after),
    })
    .execute()
}

/** Records many changes of one author, with one statement. */
export async function recordChanges(
  db: Kysely<Database>,
  author: Author,
  changes: readonly Change[],
): Promise<void> {
  if (changes.length === 0) return
  await sql`
    insert into changes (who, why, import_id, what, row_id, before, after)
    select ${author.who}, ${author.why}, ${author.importId}::integer, what, id, before, after
    from jsonb_to_recordset(${JSON.stringify(changes)}::jsonb)
      as c(what text, id integer, before jsonb, after jsonb)`.execute(db)
}

export interface ChangeRow {
  readonly id: number
  readonly at: Date
  readonly who: string
  readonly why: string
  readonly what: string
  readonly before: unknown
  readonly after: unknown
}

/** The newest changes of rows, newest first. */
export async function changesOf(
  db: Kysely<Database>,
  rows: readonly { readonly what: ChangedRow; readonly id: number }[],
  limit: number,
): Promise<readonly ChangeRow[]> {
  if (rows.length === 0) return []
  const { rows: found } = await sql<ChangeRow>`
    select c.id, c.at, c.who, c.why, c.what, c.before, c.after
    from unnest(${rows.map(({ what }) => what)}::text[], ${rows.map(({ id }) => id)}::integer[])
      as r(what, row_id)
    join changes c using (what, row_id) order by c.id desc limit ${limit}`.execute(db)
  return found
}

/** Rows that were written: the statement that writes them, called `made`, and from it their `id`,
 * `before` and `after` (jsonb). */
export interface RecordedWrites {
  /** An insert, update or delete that returns columns; parameters $1 to $4 are who, why, import and
   * what. */
  readonly made: string
  /** A query over `made`; where it is left out, `made` returns the three columns itself. */
  readonly rows?: string
}

/** Writes many rows and records each, in one statement. Returns how many rows it wrote. */
export async function writeRecorded(
  client: PoolClient,
  author: Author & { readonly what: ChangedRow },
  { made, rows = 'select id, before, after from made' }: RecordedWrites,
): Promise<number> {
  const { rowCount } = await client.query(
    `with made as (${made})
     insert into changes (who, why, import_id, what, row_id, before, after)
     select $1, $2, $3::integer, $4, id, before, after from (${rows}) written`,
    [author.who, author.why, author.importId, author.what],
  )
  return rowCount ?? 0
}
