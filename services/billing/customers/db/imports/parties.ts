// What the staged lines say about customers, service points and meters, held against those that
// exist. A customer may stand on many lines: they become one row, with what any of them says.

import type { PoolClient } from 'pg'
import { analyseStage } from './stage.ts'
import { KIND_PLANS, type Kind } from '../../core/imports/kinds.ts'
import { contradictions, refuse } from './refuse.ts'

const CUSTOMERS = `
  insert into s_customer
  select g.number, g.line, coalesce(g.name, c.name),
    coalesce(g.address, c.address, g.elsewhere), coalesce(g.email, c.email),
    coalesce(g.phone, c.phone), coalesce(g.language, c.language, 'en'), c.id, c.version,
    case when c.id is null then 'new'
      when (coalesce(g.name, c.name), coalesce(g.address, c.address), coalesce(g.email, c.email),
        coalesce(g.phone, c.phone), coalesce(g.language, c.language))
        is distinct from (c.name, c.address, c.email, c.phone, c.language)
      then 'changed' else 'equal' end,
    case when c.id is not null then jsonb_build_object('number', c.number, 'name', c.name,
      'address', c.address, 'email', c.email, 'phone', c.phone, 'language', c.language) end
  from (select customer as number, min(line) as line, min(name) as name, min(address) as address,
      min(email) as email, min(phone) as phone, min(language) as language,
      (array_agg(point_address order by line) filter (where point_address is not null))[1]
        as elsewhere
    from s_line where customer is not null group by customer) g
  left join customers c on c.number = g.number`

const POINTS = `
  insert into s_point
  select g.code, g.line, coalesce(g.address, p.address, g.elsewhere),
    coalesce(g.zone, p.zone, nullif($1, '')), p.id, p.version,
    case when p.id is null then 'new'
      when (coalesce(g.address, p.address), coalesce(g.zone, p.zone))
        is distinct from (p.address, p.zone) then 'changed' else 'equal' end,
    case when p.id is not null then
      jsonb_build_object('code', p.code, 'address', p.address, 'zone', p.zone) end
  from (select point as code, min(line) as line, min(point_address) as address, min(zone) as zone,
      (array_agg(address order by line) filter (where address is not null))[1] as elsewhere
    from s_line where point is not null group by point) g
  left join service_points p on p.code = g.code`

const METERS = `
  insert into s_meter
  select g.number, g.line, coalesce(g.make, m.make, ''), coalesce(g.medium, m.medium, 'electricity'),
    coalesce(g.digits, m.digits), coalesce(g.multiplier, m.multiplier, 1),
    coalesce(string_to_array(g.billed_by, ' '), m.billed_by), m.id, m.version,
    case when m.id is null then 'new'
      when (coalesce(g.make, m.make), coalesce(g.medium, m.medium), coalesce(g.digits, m.digits),
        coalesce(g.multiplier, m.multiplier),
        coalesce(string_to_array(g.billed_by, ' '), m.billed_by))
        is distinct from (m.make, m.medium, m.digits, m.multiplier, m.billed_by)
      then 'changed' else 'equal' end,
    case when m.id is not null then jsonb_build_object('number', m.number, 'make', m.make,
      'medium', m.medium, 'digits', m.digits, 'multiplier', m.multiplier,
      'billed_by', array_to_string(m.billed_by, ' ')) end
  from (select meter as number, min(line) as line, min(make) as make, min(medium) as medium,
      min(digits) as digits, min(multiplier) as multiplier, min(billed_by) as billed_by
    from s_line where meter is not null group by meter) g
  left join meters m on m.number = g.number`

/** Fills s_customer, s_point and s_meter anew. `zone`: of new service points that name none. */
export async function gatherParties(client: PoolClient, zone: string): Promise<void> {
  await client.query('truncate s_customer, s_point, s_meter')
  await client.query(CUSTOMERS)
  await client.query(POINTS, [zone])
  await client.query(METERS)
  await analyseStage(client, 'parties')
}

const CONTRADICTIONS = [
  contradictions(
    'customer',
    ['customer'],
    [
      ['name', 'customer.name'],
      ['address', 'customer.address'],
      ['email', 'customer.email'],
      ['phone', 'customer.phone'],
      ['language', 'customer.language'],
    ],
  ),
  contradictions(
    'service point',
    ['point'],
    [
      ['point_address', 'point.address'],
      ['zone', 'point.zone'],
    ],
  ),
  contradictions(
    'meter',
    ['meter'],
    [
      ['make', 'meter.make'],
      ['medium', 'meter.medium'],
      ['digits', 'meter.digits'],
      ['multiplier', 'meter.multiplier'],
      ['billed_by', 'meter.billedBy'],
    ],
  ),
]

/** Refuses lines that contradict each other about one customer, service point or meter. */
export async function refuseContradictions(client: PoolClient): Promise<number> {
  let refused = 0
  for (const rows of CONTRADICTIONS) refused += await refuse(client, rows)
  return refused
}

const UNKNOWN = {
  customer: `select l.line, 'customer.number', 'is no customer that exists',
    'import customers first, or correct the number'
    from s_customer s join s_line l on l.customer = s.number where s.id is null`,
  point: `select l.line, 'point.code', 'is no service point that exists',
    'import service points first, or correct the code'
    from s_point s join s_line l on l.point = s.code where s.id is null`,
  meter: `select l.line, 'meter.number', 'is no meter that exists',
    'import meters first, or correct the number'
    from s_meter s join s_line l on l.meter = s.number where s.id is null`,
} as const

const BLANK_ON_NEW = [
  `select l.line, 'customer.name', 'is blank, and there is no customer of this number yet',
    'fill it in, or correct the number'
    from s_customer s join s_line l on l.customer = s.number where s.id is null and s.name is null`,
  `select l.line, 'customer.address', 'is blank, and the customer is new', 'fill it in'
    from s_customer s join s_line l on l.customer = s.number
    where s.id is null and s.address is null`,
  `select l.line, 'point.address', 'is blank, and the service point is new', 'fill it in'
    from s_point s join s_line l on l.point = s.code where s.id is null and s.address is null`,
  `select l.line, 'point.zone', 'is blank, and the service point is new',
    'fill it in, or choose the zone of such lines above'
    from s_point s join s_line l on l.point = s.code where s.id is null and s.zone is null`,
  // This machine's zones and the database's come from two editions of one list.
  `select l.line, 'point.zone', 'is a zone that the database does not know',
    'write its usual name, as Europe/Berlin'
    from s_point s join s_line l on l.point = s.code
    where s.zone is not null and s.zone not in (select name from pg_timezone_names)`,
  `select l.line, 'installation.mainMeter', 'is no meter that exists',
    'import meters first, or correct the number'
    from s_line l left join s_meter s on s.number = l.main_meter
    left join meters m on m.number = l.main_meter
    where l.main_meter is not null and s.number is null and m.id is null`,
  // What was billed was billed in that zone, by that ratio.
  `select l.line, 'point.zone', 'is another one than that of bills already made',
    'leave it blank, or add a new service point'
    from s_point s join s_line l on l.point = s.code
    where s.state = 'changed' and s.zone <> s.before->>'zone'
      and exists (select from bills b where b.service_point_id = s.id)`,
]

/** Refuses lines that name what does not exist and what their kind does not bring, and new rows
 * that lack what they need. */
export async function refuseUnknown(client: PoolClient, kind: Kind): Promise<number> {
  let refused = 0
  const { creates } = KIND_PLANS[kind]
  for (const what of ['customer', 'point', 'meter'] as const) {
    if (!creates.includes(what)) refused += await refuse(client, UNKNOWN[what])
  }
  if (refused > 0) return refused
  for (const rows of BLANK_ON_NEW) refused += await refuse(client, rows)
  return refused
}
