// A utility of any size in a database, made by SQL alone: contracts with their customers, places
// and meters, a year of billing periods, bills of two months, and readings.

import type { Pool } from 'pg'
import { canonicalJson, hashOf } from '../../shared/documents/canonical.ts'
import { DEMO_TARIFF } from '../../services/simulator/demo-tariff.ts'
import { contentFor } from '../fixtures/bill-content.ts'

export interface UtilitySize {
  readonly contracts: number
  readonly devices: number
  /** In all; the newest fifteen minutes apart, the same number for each meter. */
  readonly readings: number
  /** Closed months with periods; the last two of them have bills of their own. Of the last one a
   * hundredth is blocked and a twenty-fifth waits. */
  readonly months: number
}

const ZONE = 'Asia/Kolkata'
/** The first day of this month there. */
const MONTH = `date_trunc('month', now() at time zone '${ZONE}')::date`

/** Fills an empty, migrated database as the owner of its tables; `say` hears what it does. */
export async function fillUtility(
  owner: Pool,
  size: UtilitySize,
  say: (line: string) => void,
): Promise<void> {
  for (const [what, sql, values] of statements(size)) {
    const from = performance.now()
    await owner.query(sql, values)
    say(`${what}: ${((performance.now() - from) / 1_000).toFixed(1)} s`)
  }
}

type Statement = readonly [what: string, sql: string, values?: unknown[]]

function statements({ contracts, devices, readings, months }: UtilitySize): readonly Statement[] {
  const perMeter = Math.max(1, Math.round(readings / contracts))
  return [
    [
      'devices',
      `insert into devices (id, name, static_key)
       select lpad(to_hex(n), 16, '0'), 'Cabinet ' || n, decode(lpad(to_hex(n), 64, '0'), 'hex')
       from generate_series(1, $1::integer) n`,
      [devices],
    ],
    [
      'device status',
      `insert into device_status (device_id, transport, connected_at, reported_at, clock_state,
         clock_offset_us, clock_bound_us, backlog_frames, meters)
       select id, 'tcp', now() - interval '1 day', now(), 'S', 100, 3000, 0, 100 from devices`,
    ],
    [
      'customers',
      `insert into customers (number, name, address, email, phone)
       select 'C-' || n, 'Family ' || md5(n::text), n % 400 || ' Lake Road ' || n % 977,
         'family' || n || '@customers.example', '+9198' || lpad(n::text, 8, '0')
       from generate_series(1, $1::integer) n`,
      [contracts],
    ],
    [
      'service points',
      `insert into service_points (code, address, zone)
       select 'SP-' || n, n % 400 || ' Lake Road ' || n % 977, $2
       from generate_series(1, $1::integer) n`,
      [contracts, ZONE],
    ],
    [
      'meters',
      `insert into meters (number, device_id, digits, adopted_at, adopted_by)
       select 'M' || n, lpad(to_hex(1 + n % $2), 16, '0'), 9, now(), 'bench'
       from generate_series(1, $1::integer) n`,
      [contracts, devices],
    ],
    [
      'installations',
      `insert into installations (meter_id, service_point_id, from_ts)
       select m.id, p.id, '2025-01-01' from meters m
       join service_points p on p.code = 'SP-' || substr(m.number, 2)`,
    ],
    [
      'tariff',
      `with t as (insert into tariffs (code, name) values ('B', 'Bench') returning id)
       insert into tariff_versions (tariff_id, valid_from, content, hash)
       select id, '2025-01-01', $1, $2 from t`,
      [canonicalJson(DEMO_TARIFF), hashOf(DEMO_TARIFF)],
    ],
    [
      'contracts',
      `insert into contracts (customer_id, service_point_id, from_date, billed_from)
       select c.id, p.id, '2025-01-01', ${MONTH} - make_interval(months => $1::integer)
       from customers c join service_points p on p.code = 'SP-' || substr(c.number, 3)`,
      [months],
    ],
    [
      'terms',
      `insert into contract_terms (contract_id, from_date, tariff_id)
       select c.id, '2025-01-01', t.id from contracts c, tariffs t`,
    ],
    ['registers', `insert into registers (obis, exponent, unit) values ('1-0:1.8.0*255', 0, 30)`],
    [
      'months of readings',
      `select make_readings_month(extract(year from t)::integer * 12
         + extract(month from t)::integer - 1)
       from (values (now()), (now() - $1::integer * interval '15 minutes')) v(t)`,
      [perMeter],
    ],
    [
      `${perMeter * contracts} readings`,
      `insert into readings (ts, meter_id, register_id, value, source, quality, agent_ts,
         clock_state, clock_bound_ms, device_no)
       select t, m.id, r.id, 1000000 + n * 100, 1, 0, t, 'S', 20, d.no
       from generate_series($1::integer - 1, 0, -1) n
       cross join lateral (select date_trunc('hour', now()) - n * interval '15 minutes' as t) at
       cross join registers r cross join meters m join devices d on d.id = m.device_id`,
      [perMeter],
    ],
    [
      'last values',
      `insert into last_values (meter_id, register_id, ts, value, quality, clock_state,
         clock_bound_ms, stored_at, device_no)
       select m.id, r.id, date_trunc('hour', now()), 1000000, 0, 'S', 20, now(), d.no
       from meters m join devices d on d.id = m.device_id cross join registers r`,
    ],
    ...bills(months),
    ['analyze', 'vacuum analyze'],
  ]
}

function bills(months: number): readonly Statement[] {
  const content = contentFor({})
  const month = MONTH
  const rows = (from: number, to: number): string =>
    `select c.id as contract_id, c.customer_id, c.service_point_id, n,
       (${month} - make_interval(months => n))::date as period_from,
       (${month} - make_interval(months => n - 1))::date as period_to
     from contracts c cross join generate_series(${from}, ${to}) n`
  return [
    [
      'bills',
      `insert into bills (number, customer_id, service_point_id, contract_id, period_from,
         period_to, tariff_version_id, currency, total, content, hash, issued_at, due_on)
       select to_char(period_from, 'YYYYMM') || '-' || lpad(contract_id::text, 6, '0'),
         customer_id, service_point_id, contract_id, period_from, period_to, v.id, 'INR', 12345,
         $1, $2, period_to, period_to + 14 from (${rows(1, 2)}) b cross join tariff_versions v`,
      [canonicalJson(content), hashOf(content)],
    ],
    [
      'notices',
      `insert into notices (bill_id, channel, address, subject, body, state, sent_at)
       select id, channel, 'a@customers.example', 's', 'b', 'sent', now()
       from bills cross join (values ('email'), ('sms')) c(channel)`,
    ],
    [
      'numbers of bills',
      `insert into bill_series (series, next)
       select to_char(period_from, 'YYYYMM'), count(*) + 1 from bills group by 1`,
    ],
    [
      'periods that are billed',
      `insert into bill_periods (contract_id, period_from, period_to, state, bill_id)
       select p.contract_id, p.period_from, p.period_to, 'billed', b.id
       from (${rows(2, months)}) p
       join bills b on b.contract_id = p.contract_id and b.period_from = ${month} - interval '2 months'`,
    ],
    [
      'periods of the last month',
      `insert into bill_periods (contract_id, period_from, period_to, state, code, detail, due_at,
         bill_id)
       select p.contract_id, p.period_from, p.period_to,
         case when p.contract_id % 100 = 0 then 'blocked'
           when p.contract_id % 20 = 0 then 'waiting' else 'billed' end,
         case when p.contract_id % 100 = 0 then 'BIL-22'
           when p.contract_id % 20 = 0 then 'BIL-04' end,
         'x', now() + interval '1 day', case when p.contract_id % 20 > 0 then b.id end
       from (${rows(1, 1)}) p join bills b using (contract_id, period_from)`,
    ],
  ]
}
