// One search over everything that has a number or a name.

import { type Kysely, type RawBuilder, sql } from 'kysely'
import { partOf } from '../../customers/db/lists.ts'
import type { Database } from '../../store/schema.ts'
import type { Hit } from '../core/search.ts'

/** Hits of a group: who needs more narrows the search, or opens the list. */
const GROUP_HITS = 8
/** Rows that are looked at for each way to be a hit; an exact number is found besides. To rank all
 * that have an "a" in them would mean to read everything. */
const LOOKED_AT = 50

export interface SearchReads {
  search(q: string): Promise<readonly Hit[]>
}

export const searchReads = (db: Kysely<Database>): SearchReads => ({
  search: async (q) => {
    const part = partOf(q)
    const numbers = [...new Set([q, q.toUpperCase(), q.toLowerCase()])]
    const groups = [
      accounts(part, numbers),
      customers(part, numbers),
      servicePoints(part, numbers),
      meters(part, numbers),
      bills(q),
      devices(part, q),
    ]
    const exact = sql`search_fold(${q})`
    const parts = groups.map(
      (group) => sql`(select "group", key, title, note, ${exact} = any(names) as exact
        from (${group}) g order by exact desc, title limit ${GROUP_HITS})`,
    )
    return (await sql<Hit>`${sql.join(parts, sql` union all `)}`.execute(db)).rows
  },
})

type Part = RawBuilder<string>
type Numbers = readonly string[]

const some = (ids: RawBuilder<unknown>) => sql`(select * from (${ids}) s limit ${LOOKED_AT})`

/** Rows of a table by their number, or by a part of what is searched in them. */
const found = (
  table: string,
  number: string,
  searched: string,
  part: Part,
  numbers: Numbers,
) => sql`
  select id from ${sql.table(table)} where ${sql.ref(number)} = any(${[...numbers]}::text[])
  union ${some(sql`select id from ${sql.table(table)} where ${sql.raw(searched)} like ${part}`)}`

const accounts = (part: Part, numbers: Numbers) => sql`
  select 'accounts' as "group", c.id::text as key, c.number as title,
    cu.name || ', ' || p.address as note, array[search_fold(c.number)] as names
  from contracts c join customers cu on cu.id = c.customer_id
  join service_points p on p.id = c.service_point_id
  where c.id in (${found('contracts', 'number', 'search_fold(number)', part, numbers)}
    union ${some(sql`select id from contracts where customer_id in
      ${some(sql`select id from customers where search like ${part}`)}`)}
    union ${some(sql`select id from contracts where service_point_id in
      ${some(sql`select id from service_points where search like ${part}`)}`)})`

const customers = (part: Part, numbers: Numbers) => sql`
  select 'customers' as "group", id::text as key, name as title,
    number || ', ' || address as note, array[search_fold(number), search_fold(name)] as names
  from customers where id in (${found('customers', 'number', 'search', part, numbers)})`

const servicePoints = (part: Part, numbers: Numbers) => sql`
  select 'service points' as "group", id::text as key, code as title, address as note,
    array[search_fold(code)] as names
  from service_points where id in (${found('service_points', 'code', 'search', part, numbers)})`

const meters = (part: Part, numbers: Numbers) => sql`
  select 'meters' as "group", m.id::text as key, m.number as title, coalesce((
      select 'at ' || p.code || ', ' || p.address from installations i
      join service_points p on p.id = i.service_point_id
      where i.meter_id = m.id and i.to_ts is null limit 1), 'installed nowhere') as note,
    array[search_fold(m.number)] as names
  from meters m where m.id in (${found('meters', 'number', 'search_fold(number)', part, numbers)})`

/** Bills are too many to look into each number: theirs are known from the first letter on. */
const bills = (q: string) => sql`
  select 'bills' as "group", b.id::text as key, b.number as title, cu.name as note,
    array[search_fold(b.number)] as names
  from bills b join customers cu on cu.id = b.customer_id
  where b.id in ${some(sql`select id from bills where number like ${beginning(q)}`)}`

const devices = (part: Part, q: string) => sql`
  select 'devices' as "group", d.id as key, d.name as title, d.id as note,
    array[search_fold(d.id), search_fold(d.name)] as names
  from devices d where d.id in (select id from devices where id = ${q}
    union ${some(sql`select id from devices
      where search_fold(name || ' ' || id) like ${part}`)})`

const beginning = (q: string) => sql`regexp_replace(${q}, '([\\\\%_])', '\\\\\\1', 'g') || '%'`
