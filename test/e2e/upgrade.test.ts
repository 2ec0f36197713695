// A database of the time before contracts, brought to today: who lived where, under which tariff
// and billed for what is what it was, and no bill has changed by a byte.

import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readBill } from '../../services/billing/bills/core/bill-reading.ts'
import { boardOf } from '../../services/billing/bills/db/board.ts'
import { tileMarked, tileMonths } from '../../services/billing/bills/db/tiling.ts'
import { prepareSchema } from '../../services/billing/store/migrate.ts'
import { migrate } from '../../services/billing/store/migrate.ts'
import { hashOf } from '../../shared/documents/canonical.ts'
import { packageRoot } from '../../shared/node/root.ts'
import { unixMs } from '../../shared/units.ts'
import { FIRST } from '../fixtures/first-bill.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

/** The last migration before contracts. */
const LAST_BEFORE = 15
const NOW = unixMs(Date.parse('2026-06-10T06:00:00Z'))

let postgres: TestPostgres
const all = async <T extends object>(text: string, values: unknown[] = []): Promise<T[]> =>
  (await postgres.owner.query<T>(text, values)).rows

/** Customer n at service point n since January; the third moved out on 15 April, the fourth has no
 * tariff, the fifth another one from May on, and the first two have a bill of May. */
async function fillOldDatabase(): Promise<void> {
  await all(`
    insert into customers (number, name, address)
      select 'C-' || n, 'Name ' || n, n || ' Lake Road' from generate_series(1, 6) n;
    insert into service_points (code, address, zone)
      select 'SP-' || n, n || ' Lake Road', 'Asia/Kolkata' from generate_series(1, 5) n;
    insert into tariffs (code, name) values ('LT', 'LT'), ('NEW', 'NEW');
    insert into tariff_versions (tariff_id, valid_from, content, hash)
      select id, '2026-01-01', '{}', 'h' || id from tariffs;
    insert into devices (id, name) values ('00000000000000b1', 'reader');
    insert into meters (number, device_id, adopted_at, adopted_by)
      select 'M' || n, '00000000000000b1', now(), 'x' from generate_series(1, 5) n;
    -- Hung on 10 February, in the morning.
    insert into installations (meter_id, service_point_id, from_ts)
      select n, n, '2026-02-10T03:00:00Z' from generate_series(1, 5) n;
    insert into occupancies (customer_id, service_point_id, from_date, to_date)
      select n, n, '2026-01-01', case when n = 3 then date '2026-04-15' end
      from generate_series(1, 5) n;
    insert into occupancies (customer_id, service_point_id, from_date) values (6, 3, '2026-04-15');
    insert into tariff_assignments (service_point_id, tariff_id, from_date, to_date)
      select n, 1, '2026-01-01', case when n = 5 then date '2026-05-01' end
      from unnest(array[1, 2, 3, 5]) n;
    insert into tariff_assignments (service_point_id, tariff_id, from_date)
      values (5, 2, '2026-05-01')`)
  for (const n of [1, 2]) {
    const content = { ...FIRST, number: `202605-00000${n}` }
    await all(
      `insert into bills (number, customer_id, service_point_id, period_from, period_to,
        tariff_version_id, currency, total, content, hash, issued_at, due_on)
       values ($1, $2, $2, '2026-05-01', '2026-06-01', 1, 'INR', 500, $3, $4,
        '2026-06-02T06:00:00Z', '2026-06-17')`,
      [content.number, n, JSON.stringify(content), hashOf(content)],
    )
  }
  await all("insert into bill_series values ('202605', 3)")
}

const billRows = () =>
  all<{ number: string; content: unknown; hash: string }>(
    `select number, customer_id, service_point_id, period_from, period_to, total, content, hash,
      issued_at, due_on from bills order by number`,
  )
let billsBefore: Awaited<ReturnType<typeof billRows>>

before(async () => {
  postgres = await testPostgres()
  const { owner, db } = postgres
  await all('drop schema public cascade')
  await all('create schema public')
  const old = join(postgres.folder, 'old-migrations')
  mkdirSync(old)
  const folder = join(packageRoot(), 'migrations')
  for (const file of readdirSync(folder)) {
    if (Number(file.slice(0, 4)) <= LAST_BEFORE) cpSync(join(folder, file), join(old, file))
  }
  assert.equal(await migrate(owner, old), LAST_BEFORE)
  await fillOldDatabase()
  billsBefore = await billRows()
  await prepareSchema({ owner, runtime: db.pool })
})
after(() => postgres.close())

test('no bill has changed by a byte, and each reads back against its hash', async () => {
  const bills = await billRows()
  assert.deepEqual(bills, billsBefore)
  for (const { content, hash } of bills) assert.ok(readBill(content, hash).ok)
})

test('occupancies are contracts, billed from the first day a meter hung there', async () => {
  const contracts = await all(
    `select k.number, p.code, c.from_date, c.to_date, c.billed_from from contracts c
      join customers k on k.id = c.customer_id join service_points p on p.id = c.service_point_id
      order by k.number`,
  )
  const since = { from_date: '2026-01-01', to_date: null, billed_from: '2026-02-11' }
  assert.deepEqual(contracts, [
    { number: 'C-1', code: 'SP-1', ...since },
    { number: 'C-2', code: 'SP-2', ...since },
    { number: 'C-3', code: 'SP-3', ...since, to_date: '2026-04-15' },
    { number: 'C-4', code: 'SP-4', ...since },
    { number: 'C-5', code: 'SP-5', ...since },
    {
      number: 'C-6',
      code: 'SP-3',
      from_date: '2026-04-15',
      to_date: null,
      billed_from: '2026-04-15',
    },
  ])
})

test('tariff assignments are terms, with their dates', async () => {
  const terms = await all(
    `select k.number, t.from_date, r.code from contract_terms t
      join contracts c on c.id = t.contract_id join customers k on k.id = c.customer_id
      left join tariffs r on r.id = t.tariff_id order by 1, 2`,
  )
  assert.deepEqual(
    terms.map((term) => Object.values(term).join(' ')),
    [
      'C-1 2026-01-01 LT',
      'C-2 2026-01-01 LT',
      'C-3 2026-01-01 LT',
      'C-4 2026-01-01 ',
      'C-5 2026-01-01 LT',
      'C-5 2026-05-01 NEW',
      'C-6 2026-04-15 LT',
    ],
  )
})

test('what was billed is billed, and every other month of a contract is on the board', async () => {
  const { kysely } = postgres.db
  await tileMonths(kysely, NOW)
  while ((await tileMarked(kysely, NOW)) > 0);
  const periods = await all<{ number: string; text: string }>(
    `select k.number, string_agg(concat(bp.period_from, '..', bp.period_to, ' ', bp.state), ', '
        order by bp.period_from) as text
      from bill_periods bp join contracts c on c.id = bp.contract_id
      join customers k on k.id = c.customer_id group by 1 order by 1`,
  )
  const text = Object.fromEntries(periods.map((row) => [row.number, row.text]))
  const early = '2026-02-11..2026-03-01 unseen, 2026-03-01..2026-04-01 unseen'
  const april = '2026-04-01..2026-05-01 unseen'
  assert.equal(text['C-1'], `${early}, ${april}, 2026-05-01..2026-06-01 billed`)
  assert.equal(text['C-4'], `${early}, ${april}, 2026-05-01..2026-06-01 unseen`)
  assert.equal(text['C-3'], `${early}, 2026-04-01..2026-04-15 unseen`)
  assert.equal(text['C-6'], '2026-04-15..2026-05-01 unseen, 2026-05-01..2026-06-01 unseen')
  const [may] = (await boardOf(kysely, { now: NOW })).months
  assert.deepEqual([may?.month, may?.contracts, may?.billed], ['2026-05-01', 5, 2])
})
