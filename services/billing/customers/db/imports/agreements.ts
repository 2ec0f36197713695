// Who is supplied where and under which tariff, as the staged lines say it.

import type { PoolClient } from 'pg'
import { analyseStage } from './stage.ts'
import { contradictions, refuse } from './refuse.ts'

// Found by its number, else by its place and first day, else as the customer's open contract
// there.
const CONTRACTS = `
  insert into s_contract (line, number, customer, point, from_date, to_date, billed_from, tariff,
    tariff_from, missing, point_id, id, version, state, before)
  select g.line, coalesce(g.number, k.number), g.customer, g.point, coalesce(g.from_date, k.from_date),
    coalesce(g.to_date, k.to_date), coalesce(g.billed_from, k.billed_from, g.from_date), g.tariff,
    coalesce(g.tariff_from, k.from_date, g.from_date), g.missing, p.id, k.id, k.version,
    case when k.id is null then 'new'
      when coalesce(g.to_date, k.to_date) is distinct from k.to_date
        or coalesce(g.billed_from, k.billed_from) <> k.billed_from then 'changed' else 'equal' end,
    case when k.id is not null then jsonb_build_object('number', k.number,
      'customer', k.customer, 'service_point', k.point, 'from_date', k.from_date,
      'to_date', k.to_date, 'billed_from', k.billed_from) end
  from (select contract as number, min(customer) as customer, point, from_date, min(line) as line,
      min(to_date) as to_date, min(billed_from) as billed_from, min(tariff) as tariff,
      min(tariff_from) as tariff_from, min(missing) as missing
    from s_line where customer is not null and point is not null
    group by contract, point, from_date) g
  join s_customer c on c.number = g.customer
  join s_point p on p.code = g.point
  left join contracts n on n.number = g.number
  left join lateral (
    select id from contracts o where g.number is null and o.service_point_id = p.id
      and (o.from_date = g.from_date
        or (g.from_date is null and o.to_date is null and o.customer_id = c.id))
    order by o.from_date desc limit 1) o on true
  left join lateral (
    select k.*, kc.number as customer, kp.code as point from contracts k
    join customers kc on kc.id = k.customer_id join service_points kp on kp.id = k.service_point_id
    where k.id = coalesce(n.id, o.id)) k on true`

/** The lines of a contract. */
const LINES_OF = `s_contract s join s_line l on l.point = s.point and l.customer = s.customer
  and (l.from_date is null or l.from_date = s.from_date or s.id is not null)`
/** Up to which day a contract is billed. */
const BILLED = `(select max(b.period_to) from bills b where b.contract_id = s.id)`

const WRONG = [
  `select l.line, 'contract.from', 'is blank, and the contract is new', 'fill it in'
    from ${LINES_OF} where s.from_date is null`,
  `select l.line, 'customer.number', 'is another customer than that of contract ' || s.number,
    'end that contract and begin another one' from ${LINES_OF}
    where s.id is not null and s.before->>'customer' <> s.customer`,
  `select l.line, 'point.code', 'is another service point than that of contract ' || s.number,
    'end that contract and begin another one' from ${LINES_OF}
    where s.id is not null and s.before->>'service_point' <> s.point`,
  `select l.line, 'contract.from', 'is another first day than that of contract ' || s.number,
    'leave it blank, or correct it' from ${LINES_OF}
    where s.id is not null and s.before->>'from_date' <> l.from_date::text`,
  `select l.line, 'contract.to', 'is another end than contract ' || s.number || ' has',
    'correct it on the page of the account' from ${LINES_OF}
    where s.id is not null and s.before->>'to_date' is not null
      and s.before->>'to_date' <> s.to_date::text`,
  `select l.line, 'contract.to', 'is not after the first day', 'correct one of the two dates'
    from ${LINES_OF} where s.to_date <= s.from_date or s.to_date <= s.billed_from`,
  `select l.line, 'contract.billedFrom', 'is before the contract begins',
    'leave it blank, or correct it' from ${LINES_OF} where s.billed_from < s.from_date`,
  `select l.line, 'contract.billedFrom', 'cannot change: contract ' || s.number || ' is billed',
    'leave it blank' from ${LINES_OF} where s.id is not null
    and s.billed_from::text <> s.before->>'billed_from' and ${BILLED} is not null`,
  `select l.line, 'contract.to', 'is billed already, up to ' || ${BILLED}, 'choose a later day'
    from ${LINES_OF} where s.id is not null and s.state = 'changed' and s.to_date < ${BILLED}`,
  `select l.line, 'contract.number', 'is on several lines with different first days or places',
    'make the lines agree' from ${LINES_OF}
    where s.number in (select number from s_contract group by number having count(*) > 1)
      or s.id in (select id from s_contract group by id having count(*) > 1)`,
  `select l.line, 'contract.tariff', 'is no tariff that exists', coalesce('write '
    || (select string_agg(code, ' or ' order by code) from (select code from tariffs
    order by code limit 5) t), 'publish the tariff first')
    from s_line l where l.tariff is not null and l.tariff not in (select code from tariffs)`,
]

const OVERLAPS = `
  with periods as (
    select s.point, s.from_date, s.to_date, s.line, s.no,
      coalesce('contract ' || s.number || ', ', '') || 'line ' || s.line as name
    from s_contract s where s.from_date is not null
    union all
    select s.point, k.from_date, k.to_date, null, null, 'contract ' || k.number
    from (select distinct point, point_id from s_contract where point_id is not null) s
    join contracts k on k.service_point_id = s.point_id
    where not exists (select from s_contract o where o.id = k.id)),
  sorted as (
    select line, from_date, coalesce(to_date, 'infinity') as to_date,
      max(coalesce(to_date, 'infinity')) over before as until, lag(name) over w as earlier,
      lead(from_date) over w as next_from, lead(name) over w as later
    from periods
    window w as (partition by point order by from_date, line nulls first),
      before as (partition by point order by from_date, line nulls first
        rows between unbounded preceding and 1 preceding))
  select o.line, 'contract.from', 'overlaps another supply of the service point ('
      || case when o.until > o.from_date then o.earlier else o.later end || ')',
    'end that one first, or correct the dates'
  from sorted o where o.line is not null and (o.until > o.from_date or o.next_from < o.to_date)`

const CONTRADICTED = contradictions(
  'contract',
  ['point', 'from_date', 'contract'],
  [
    ['customer', 'customer.number'],
    ['to_date', 'contract.to'],
    ['billed_from', 'contract.billedFrom'],
    ['tariff', 'contract.tariff'],
    ['tariff_from', 'contract.tariffFrom'],
    ['missing', 'contract.missing'],
  ],
)

// A new contract has terms from its first day; of one that exists only what the line names
// changes.
const TERMS = `
  update s_contract s set tariff_id = t.id, term_id = r.id, term_before = r.before,
    term_state = case when s.id is null then 'new'
      when s.tariff is null and s.missing is null then 'equal'
      when r.id is null then 'new'
      when coalesce(t.id, r.tariff_id) is distinct from r.tariff_id
        or coalesce(s.missing, r.missing) <> r.missing then 'changed' else 'equal' end
  from s_contract o left join tariffs t on t.code = o.tariff
  left join lateral (
    select r.*, jsonb_build_object('contract', o.number, 'from_date', r.from_date,
      'tariff', (select code from tariffs where id = r.tariff_id), 'missing', r.missing) as before
    from contract_terms r where r.contract_id = o.id and r.from_date = o.tariff_from) r on true
  where o.no = s.no`

const WRONG_TERMS = [
  `select l.line, 'contract.tariff', 'is another one than was billed, up to ' || ${BILLED},
    'give the day from which the new one holds (tariff from)' from ${LINES_OF}
    where s.id is not null and s.term_state in ('new', 'changed') and s.tariff_from < ${BILLED}`,
  `select l.line, 'contract.tariffFrom', 'is no day of the contract', 'correct it'
    from ${LINES_OF} where s.tariff_from < s.from_date or s.tariff_from >= s.to_date`,
]

/** Fills s_contract anew and refuses what cannot be; returns how many lines were refused. */
export async function gatherContracts(client: PoolClient): Promise<number> {
  await client.query('truncate s_contract')
  let refused = await refuse(client, CONTRADICTED)
  await client.query(CONTRACTS)
  await analyseStage(client, 'periods')
  await client.query(TERMS)
  for (const rows of [...WRONG, OVERLAPS, ...WRONG_TERMS]) refused += await refuse(client, rows)
  return refused
}
