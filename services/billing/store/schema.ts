// The database as Kysely sees it. Each domain adds its own tables in its db/tables.ts, by module
// augmentation: only that folder may write them. bigint columns that hold safe integers are read as
// number (see pool.ts); money is read as bigint.

import type { ColumnType, Generated } from 'kysely'

export type Timestamp = ColumnType<Date, Date | string, Date | string>
export type Defaulted<T> = ColumnType<T, T | undefined, T>
export type Json = ColumnType<unknown, string, string>

export interface Database {
  /** Totals by name; only counters.ts writes them. */
  counters: { name: string; count: number }
  /** Who changed what; only changes.ts writes them. */
  changes: {
    id: Generated<number>
    at: Defaulted<Date>
    who: string
    why: string
    what: string
    row_id: number
    import_id: number | null
    before: Json | null
    after: Json | null
  }
  schema_migrations: { number: number; name: string; hash: string; applied_at: Defaulted<Date> }
}
