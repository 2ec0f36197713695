// One search over everything that has a number or a name.

import { type Kysely, sql } from 'kysely'
import { partOf } from '../../customers/db/lists.ts'
import type { Database } from '../../store/schema.ts'
import type { Hit } from '../core/search.ts'

/** Hits of a group: who needs more narrows the search, or opens the list. */
const GROUP_HITS = 8

export interface SearchReads {
  search(q: string): Promise<readonly Hit[]>
}

export const searchReads = (db: Kysely<Database>): SearchReads => ({
  search: async (q) => {
    const part = partOf(q)
    const exact = sql`search_fold(${q})`
    const { rows } = await sql<Hit>`
      (select 'accounts' as "group", c.id::text as key, c.number as title,
        cu.name || ', ' || p.address as note, search_fold(c.number) = ${exact} as exact
      from contracts c join customers cu on cu.id = c.customer_id
      join service_points p on p.id = c.service_point_id
      where search_fold(c.number) like ${part}
        or c.customer_id in (select id from customers where search like ${part})
        or c.service_point_id in (select id from service_points where search like ${part})
      order by exact desc, c.number limit ${GROUP_HITS})
      union all (select 'customers', id::text, name, number || ', ' || address,
        search_fold(number) = ${exact} or search_fold(name) = ${exact} as exact
      from customers where search like ${part} order by exact desc, name limit ${GROUP_HITS})
      union all (select 'service points', id::text, code, address,
        search_fold(code) = ${exact} as exact
      from service_points where search like ${part} order by exact desc, code limit ${GROUP_HITS})
      union all (select 'meters', m.id::text, m.number, coalesce((
          select 'at ' || p.code || ', ' || p.address from installations i
          join service_points p on p.id = i.service_point_id
          where i.meter_id = m.id and i.to_ts is null limit 1), 'installed nowhere'),
        search_fold(m.number) = ${exact} as exact
      from meters m where search_fold(m.number) like ${part}
      order by exact desc, m.number limit ${GROUP_HITS})
      union all (select 'bills', b.id::text, b.number, cu.name, b.number = ${q} as exact
      from bills b join customers cu on cu.id = b.customer_id
      where b.number like ${beginning(q)} order by exact desc, b.number desc limit ${GROUP_HITS})
      union all (select 'devices', d.id, d.name, d.id, d.id = ${q} or
        search_fold(d.name) = ${exact} as exact
      from devices d where search_fold(d.name || ' ' || d.id) like ${part}
      order by exact desc, d.name limit ${GROUP_HITS})`.execute(db)
    return rows
  },
})

/** Bills are too many to look into each number: theirs are known from the first letter on. */
const beginning = (q: string) => sql`regexp_replace(${q}, '([\\\\%_])', '\\\\\\1', 'g') || '%'`
