// A page of a list by key: the rows behind a place, or before it, in an order by one key and then
// by id. An index over both answers without a look at the rows in front; the rows come in the order
// of the walk, so those before a place come backwards (kit/list.ts turns them).

import { type RawBuilder, type SqlBool, sql } from 'kysely'

/** What a list asks for; kit/list.ts reads it from the query of a page. */
interface Asked {
  readonly down: boolean
  readonly after: PlaceOfRow | null
  readonly before: PlaceOfRow | null
  readonly limit: number
}
interface PlaceOfRow {
  readonly key: string
  readonly id: number
}

interface Keyset {
  readonly where: RawBuilder<SqlBool>
  readonly orderBy: RawBuilder<unknown>
  /** One more than the page has, which tells whether there is another. */
  readonly limit: RawBuilder<unknown>
}

const TYPES = {
  text: sql`text`,
  integer: sql`integer`,
  bigint: sql`bigint`,
  date: sql`date`,
  timestamptz: sql`timestamptz`,
} as const

/** `key` is never null: coalesce it. Both are compared as they are ordered, collation included. */
export function keyset(list: {
  readonly query: Asked
  readonly key: RawBuilder<unknown>
  readonly type: keyof typeof TYPES
  readonly id: RawBuilder<unknown>
}): Keyset {
  const { query, key, id, type } = list
  const place = query.after ?? query.before
  const falling = (query.before === null) === query.down
  const beyond = falling ? sql`<` : sql`>`
  const direction = falling ? sql`desc` : sql`asc`
  return {
    where:
      place === null
        ? sql<SqlBool>`true`
        : sql<SqlBool>`(${key}, ${id}) ${beyond}
            (cast(${place.key} as ${TYPES[type]}), cast(${place.id} as integer))`,
    orderBy: sql`${key} ${direction}, ${id} ${direction}`,
    limit: sql`${query.limit + 1}`,
  }
}

/** An instant as the key of a place: JavaScript's own text of it drops the microseconds. */
export const instantKey = (instant: RawBuilder<unknown>): RawBuilder<string> =>
  sql<string>`to_char(${instant} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
