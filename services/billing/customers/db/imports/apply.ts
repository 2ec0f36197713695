// Writes what was planned, set by set, in the transaction that planned it. Every write counts what
// it wrote: if somebody else was faster (a number taken, a row changed), the counts differ and
// nothing of the import stays.

import type { PoolClient } from 'pg'
import type { Kind } from '../../core/imports/kinds.ts'
import type { Entity, ImportCounts, Tally } from '../../core/imports/outcome.ts'
import {
  addApproved,
  addMeters,
  adoptReported,
  changeMeters,
} from '../../../readings/db/bulk-entries.ts'
import { type Author, writeRecorded } from '../../../store/changes.ts'
import { entitiesOf } from './plan.ts'

const CUSTOMER_AFTER = `jsonb_build_object('number', c.number, 'name', c.name, 'address', c.address,
  'email', c.email, 'phone', c.phone, 'language', c.language) as after`
const POINT_AFTER =
  "jsonb_build_object('code', p.code, 'address', p.address, 'zone', p.zone) as after"
/** Rows that name others by their ids are recorded with what people call those. */
const INSTALLATION_ROWS = `
  select i.id, i.before, jsonb_build_object('meter', m.number, 'service_point', p.code,
    'from_ts', i.from_ts, 'to_ts', i.to_ts, 'main_meter', main.number) as after
  from made i join meters m on m.id = i.meter_id join service_points p on p.id = i.service_point_id
  left join meters main on main.id = i.main_meter_id`
const CONTRACT_ROWS = `
  select k.id, k.before, jsonb_build_object('number', k.number, 'customer', c.number,
    'service_point', p.code, 'from_date', k.from_date, 'to_date', k.to_date,
    'billed_from', k.billed_from) as after
  from made k join customers c on c.id = k.customer_id
  join service_points p on p.id = k.service_point_id`
const TERM_ROWS = `
  select t.id, t.before, jsonb_build_object('contract', k.number, 'from_date', t.from_date,
    'tariff', f.code, 'missing', t.missing) as after
  from made t join contracts k on k.id = t.contract_id left join tariffs f on f.id = t.tariff_id`
const NEW = 'null::jsonb as before'

/** What each kind of row takes to be added and to be changed. */
interface Writes {
  add(client: PoolClient, author: Author): Promise<number>
  change(client: PoolClient, author: Author): Promise<number>
}

function written(what: Entity, add: string, change: string, rows?: string): Writes {
  const named = rows === undefined ? {} : { rows }
  return {
    add: (client, author) => writeRecorded(client, { ...author, what }, { made: add, ...named }),
    change: (client, author) =>
      writeRecorded(client, { ...author, what }, { made: change, ...named }),
  }
}

const METER_FIELDS = 'make, medium, digits, multiplier, billed_by'

const WRITES: Readonly<Record<Entity, Writes>> = {
  customer: written(
    'customer',
    `insert into customers as c (number, name, address, email, phone, language)
     select number, name, address, email, phone, language from s_customer where state = 'new'
     order by line on conflict (number) do nothing returning c.id, ${NEW}, ${CUSTOMER_AFTER}`,
    `update customers c set name = s.name, address = s.address, email = s.email, phone = s.phone,
       language = s.language, version = c.version + 1
     from s_customer s where s.state = 'changed' and c.id = s.id and c.version = s.version
     returning c.id, s.before, ${CUSTOMER_AFTER}`,
  ),
  'service point': written(
    'service point',
    `insert into service_points as p (code, address, zone)
     select code, address, zone from s_point where state = 'new' order by line
     on conflict (code) do nothing returning p.id, ${NEW}, ${POINT_AFTER}`,
    `update service_points p set address = s.address, zone = s.zone, version = p.version + 1
     from s_point s where s.state = 'changed' and p.id = s.id and p.version = s.version
     returning p.id, s.before, ${POINT_AFTER}`,
  ),
  meter: {
    add: (client, author) =>
      addMeters(
        client,
        author,
        `select number, ${METER_FIELDS} from s_meter where state = 'new' order by line`,
      ),
    change: (client, author) =>
      changeMeters(
        client,
        author,
        `select id, version, before, ${METER_FIELDS} from s_meter where state = 'changed'`,
      ),
  },
  installation: written(
    'installation',
    `insert into installations as i (meter_id, service_point_id, from_ts, to_ts, main_meter_id)
     select m.id, p.id, s.from_ts, s.to_ts, main.id from s_installation s
     join meters m on m.number = s.meter join service_points p on p.code = s.point
     left join meters main on main.number = s.main_meter where s.state = 'new' order by s.line
     returning i.*, ${NEW}`,
    `update installations i set to_ts = s.to_ts, main_meter_id = (select id from meters
       where number = s.main_meter) from s_installation s
     where s.state = 'changed' and i.id = s.id
       and i.to_ts is not distinct from (s.before->>'to_ts')::timestamptz
     returning i.*, s.before`,
    INSTALLATION_ROWS,
  ),
  contract: written(
    'contract',
    `insert into contracts as k (number, customer_id, service_point_id, from_date, to_date,
       billed_from)
     select s.number, c.id, p.id, s.from_date, s.to_date, s.billed_from from s_contract s
     join customers c on c.number = s.customer join service_points p on p.code = s.point
     where s.state = 'new' order by s.line returning k.*, ${NEW}`,
    `update contracts k set to_date = s.to_date, billed_from = s.billed_from,
       version = k.version + 1
     from s_contract s where s.state = 'changed' and k.id = s.id and k.version = s.version
     returning k.*, s.before`,
    CONTRACT_ROWS,
  ),
  // A new contract whose tariff begins later has none until then.
  term: written(
    'term',
    `insert into contract_terms as t (contract_id, from_date, tariff_id, missing)
     select k.id, f.from_date, f.tariff_id, coalesce(s.missing, 'wait') from s_contract s
     join service_points p on p.code = s.point
     join contracts k on k.service_point_id = p.id and k.from_date = s.from_date
     cross join lateral (select s.tariff_from, s.tariff_id union all
       select s.from_date, null where s.id is null and s.tariff_from > s.from_date)
       f(from_date, tariff_id)
     where s.term_state = 'new' order by s.line, f.from_date
     returning t.*, ${NEW}`,
    `update contract_terms t set tariff_id = coalesce(s.tariff_id, t.tariff_id),
       missing = coalesce(s.missing, t.missing)
     from s_contract s where s.term_state = 'changed' and t.id = s.term_id
     returning t.*, s.term_before as before`,
    TERM_ROWS,
  ),
  'manual reading': {
    add: (client, author) =>
      addApproved(
        client,
        author,
        `select m.id as meter_id, s.obis, s.unit, s.ts, s.value, s.exponent, s.kind, s.photo, s.note
         from s_manual s join meters m on m.number = s.meter where s.state = 'new' order by s.line`,
      ),
    // An approved reading never changes: there is nothing to write.
    change: async () => 0,
  },
}

/** Whether what was written is what was planned; a contract may bring one term more. */
const isAsPlanned = (entity: Entity, planned: Tally, made: Omit<Tally, 'equal'>): boolean =>
  made.changed === planned.changed &&
  (entity === 'term' ? made.new >= planned.new : made.new === planned.new)

/** Writes the plan. False: somebody changed something in between, and the transaction must not be
 * committed. */
export async function applyPlan(
  client: PoolClient,
  job: { readonly kind: Kind; readonly counts: ImportCounts; readonly author: Author },
  passed: (entity: Entity) => Promise<void>,
): Promise<boolean> {
  for (const entity of entitiesOf(job.kind)) {
    const planned = job.counts.rows[entity] ?? { new: 0, changed: 0, equal: 0 }
    await passed(entity)
    const made = {
      new: planned.new === 0 ? 0 : await WRITES[entity].add(client, job.author),
      changed: planned.changed === 0 ? 0 : await WRITES[entity].change(client, job.author),
    }
    if (!isAsPlanned(entity, planned, made)) return false
  }
  await adoptReported(
    client,
    job.author,
    "select distinct meter_id as id from s_installation where state in ('new', 'equal', 'changed')",
  )
  // Terms belong to the contract that people look at: they are a change of it.
  await client.query(
    `update contracts k set version = k.version + 1 from s_contract s
     where k.id = s.id and s.state = 'equal' and s.term_state in ('new', 'changed')`,
  )
  return true
}
