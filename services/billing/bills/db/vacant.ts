// Service points that nobody has a contract for and whose meter goes on counting (BIL-08): there is
// no period, so no bill is missing, and still somebody uses what nobody pays for.

import { type Kysely, sql } from 'kysely'
import { unixMs, type UnixMs } from '../../../../shared/units.ts'
import { type CivilDate, civilDateAt } from '../../civil/calendar.ts'
import { type ListQuery, type Page, pageOf } from '../../kit/list.ts'
import { countUpTo } from '../../store/count-up-to.ts'
import { keyset } from '../../store/keyset.ts'
import type { Database } from '../../store/schema.ts'
import type { VacantRow } from '../core/board.ts'

/** A meter that was not heard of for so long counts nothing that we know of. */
const HEARD_DAYS = 30
/** They are counted up to here. */
export const VACANT_MOST = 1_000

const vacant = (now: UnixMs) => sql`
  from installations i join service_points p on p.id = i.service_point_id
  join meters m on m.id = i.meter_id
  cross join lateral (select max(ts) as ts from last_values where meter_id = m.id) seen
  where i.to_ts is null
    and seen.ts > ${new Date(now)}::timestamptz - interval '1 day' * ${HEARD_DAYS}
    and not exists (select from contracts c where c.service_point_id = p.id
      and c.from_date <= ${civilDateAt(now, 'UTC')}::date
      and (c.to_date is null or c.to_date > ${civilDateAt(now, 'UTC')}::date))`

/** At most VACANT_MOST, and one more when there are more. */
export const vacantCount = (db: Kysely<Database>, now: UnixMs): Promise<number> =>
  countUpTo(db, vacant(now), VACANT_MOST)

interface Row {
  readonly id: number
  readonly code: string
  readonly address: string
  readonly meter: string
  readonly seen: Date
  readonly since: CivilDate | null
}

export async function vacantList(
  db: Kysely<Database>,
  query: ListQuery,
  now: UnixMs,
): Promise<Page<VacantRow>> {
  const k = keyset({ query, key: sql`p.code`, id: sql`p.id`, type: 'text' })
  const { rows } = await sql<Row>`
    select p.id, p.code, p.address, m.number as meter, seen.ts as seen,
      (select max(to_date) from contracts where service_point_id = p.id
        and to_date <= ${civilDateAt(now, 'UTC')}::date) as since
    ${vacant(now)} and ${k.where} order by ${k.orderBy} limit ${k.limit}`.execute(db)
  const page = rows.map((row) => ({
    servicePointId: row.id,
    servicePoint: row.code,
    address: row.address,
    meter: row.meter,
    lastSeen: unixMs(row.seen.getTime()),
    since: row.since,
  }))
  return pageOf(page, query, (row) => ({ key: row.servicePoint, id: row.servicePointId }))
}
