// Takes an import back as long as nothing rests on it. What it added is deleted, what it changed
// gets its old values; `changes` keeps both. What stands in the way is named, and then nothing is
// undone.

import type { PoolClient } from 'pg'
import { createStage } from './stage.ts'
import { changeMeters, removeApproved, removeMeters } from '../../../readings/db/bulk-entries.ts'
import { type Author, writeRecorded } from '../../../store/changes.ts'

/** Something that rests on a row of the import: `contract K000012: has a bill`. */
export interface Obstacle {
  readonly what: string
  readonly key: string
  readonly why: string
}

/** How many are named; the rest is a number. */
const OBSTACLES_SHOWN = 20

const GATHER = `
  insert into s_undo select id as change_id, what, row_id, before is null as made, before, after
  from changes where import_id = $1 and after is not null`

const made = (what: string): string => `(select row_id from s_undo where made and what = '${what}')`

const OBSTACLES = `
  select u.what, u.after->>'number' as key, 'was changed afterwards by ' || c.who as why
    from s_undo u join changes c on c.what = u.what and c.row_id = u.row_id and c.id > u.change_id
      and c.import_id is distinct from $1
  union all
  select 'customer', c.number, 'has contract ' || k.number from customers c
    join contracts k on k.customer_id = c.id
    where c.id in ${made('customer')} and k.id not in ${made('contract')}
  union all
  select 'service point', p.code, 'has contract ' || k.number from service_points p
    join contracts k on k.service_point_id = p.id
    where p.id in ${made('service point')} and k.id not in ${made('contract')}
  union all
  select 'service point', p.code, 'has meter ' || m.number from service_points p
    join installations i on i.service_point_id = p.id join meters m on m.id = i.meter_id
    where p.id in ${made('service point')} and i.id not in ${made('installation')}
  union all
  select 'meter', m.number, 'is installed at ' || p.code from meters m
    join installations i on i.meter_id = m.id join service_points p on p.id = i.service_point_id
    where m.id in ${made('meter')} and i.id not in ${made('installation')}
  union all
  select 'meter', m.number, 'has readings' from meters m where m.id in ${made('meter')}
    and (m.device_id is not null or exists (select from last_values v where v.meter_id = m.id)
      or exists (select from manual_readings r where r.meter_id = m.id
        and r.id not in ${made('manual reading')}))
  union all
  select 'contract', k.number, 'has a bill' from contracts k
    where k.id in (select row_id from s_undo where what = 'contract')
      and exists (select from bills b where b.contract_id = k.id)
  union all
  select 'term', k.number, 'was billed' from contracts k join contract_terms t
    on t.contract_id = k.id where t.id in (select row_id from s_undo where what = 'term')
      and exists (select from bills b where b.contract_id = k.id and b.period_to > t.from_date)
  union all
  select 'contract', k.number, 'has a period that was taken out of billing by hand' from contracts k
    where k.id in ${made('contract')} and exists (select from bill_periods b
      where b.contract_id = k.id and b.state = 'exempt')
  union all
  select 'installation', m.number, 'was billed' from installations i
    join meters m on m.id = i.meter_id join service_points p on p.id = i.service_point_id
    where i.id in (select row_id from s_undo where what = 'installation')
      and exists (select from bills b where b.service_point_id = i.service_point_id
        and b.period_to > (i.from_ts at time zone p.zone)::date)
  union all
  select 'manual reading', m.number, 'was billed' from manual_readings r
    join meters m on m.id = r.meter_id join installations i on i.meter_id = m.id
    join service_points p on p.id = i.service_point_id
    where r.id in ${made('manual reading')} and exists (select from bills b
      where b.service_point_id = i.service_point_id
        and b.period_to >= (r.ts at time zone p.zone)::date)`

/** What stands in the way of undoing an import, and how much of it there is. */
export async function findObstacles(
  client: PoolClient,
  importId: number,
): Promise<{ readonly count: number; readonly first: readonly Obstacle[] }> {
  await createStage(client)
  await client.query(GATHER, [importId])
  const { rows } = await client.query<Obstacle & { readonly count: number }>(
    `select what, coalesce(key, '') as key, why, count(*) over () as count from (${OBSTACLES}) o
     order by what, key limit ${OBSTACLES_SHOWN}`,
    [importId],
  )
  return {
    count: rows[0]?.count ?? 0,
    first: rows.map(({ what, key, why }) => ({ what, key, why })),
  }
}

const gone = (what: string): string =>
  `select row_id as id, after as before from s_undo where made and what = '${what}'`
const changed = (what: string): string => `select * from s_undo where not made and what = '${what}'`

const DELETIONS = [
  ['installation', 'installations'],
  ['term', 'contract_terms'],
  ['contract', 'contracts'],
] as const
const LAST_DELETIONS = [
  ['service point', 'service_points'],
  ['customer', 'customers'],
] as const

const RESTORED = [
  [
    'customer',
    `update customers c set name = u.before->>'name', address = u.before->>'address',
       email = u.before->>'email', phone = u.before->>'phone', language = u.before->>'language',
       version = version + 1
     from (${changed('customer')}) u where c.id = u.row_id
     returning c.id, u.after as before, u.before as after`,
  ],
  [
    'service point',
    `update service_points p set address = u.before->>'address', zone = u.before->>'zone',
       version = version + 1
     from (${changed('service point')}) u where p.id = u.row_id
     returning p.id, u.after as before, u.before as after`,
  ],
  [
    'installation',
    `update installations i set to_ts = (u.before->>'to_ts')::timestamptz,
       main_meter_id = (select id from meters where number = u.before->>'main_meter')
     from (${changed('installation')}) u where i.id = u.row_id
     returning i.id, u.after as before, u.before as after`,
  ],
  [
    'contract',
    `update contracts k set to_date = (u.before->>'to_date')::date,
       billed_from = (u.before->>'billed_from')::date, version = version + 1
     from (${changed('contract')}) u where k.id = u.row_id
     returning k.id, u.after as before, u.before as after`,
  ],
  [
    'term',
    `update contract_terms t set missing = u.before->>'missing',
       tariff_id = (select id from tariffs where code = u.before->>'tariff')
     from (${changed('term')}) u where t.id = u.row_id
     returning t.id, u.after as before, u.before as after`,
  ],
] as const

const METERS_BEFORE = `
  select u.row_id as id, m.version, u.after as before, u.before->>'make' as make,
    u.before->>'medium' as medium, (u.before->>'digits')::smallint as digits,
    (u.before->>'multiplier')::integer as multiplier,
    string_to_array(u.before->>'billed_by', ' ') as billed_by
  from (${changed('meter')}) u join meters m on m.id = u.row_id`

/** Undoes what findObstacles has gathered and found nothing against; returns how many rows. */
export async function undoImport(client: PoolClient, author: Author): Promise<number> {
  let rows = await removeApproved(client, author, gone('manual reading'))
  const remove = async (
    what: (typeof DELETIONS | typeof LAST_DELETIONS)[number][0],
    table: string,
  ) =>
    writeRecorded(
      client,
      { ...author, what },
      {
        made: `delete from ${table} t using (${gone(what)}) u where t.id = u.id
          returning t.id, u.before, null::jsonb as after`,
      },
    )
  for (const [what, table] of DELETIONS) rows += await remove(what, table)
  rows += await removeMeters(client, author, gone('meter'))
  for (const [what, table] of LAST_DELETIONS) rows += await remove(what, table)
  for (const [what, restore] of RESTORED) {
    rows += await writeRecorded(client, { ...author, what }, { made: restore })
  }
  return rows + (await changeMeters(client, author, METERS_BEFORE))
}
