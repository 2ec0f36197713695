// The periods of contracts (services/billing/bills/db/tiling.ts): whatever happens to a contract,
// what is billed, exempt and open of it covers its months exactly once.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { runBills } from '../../services/billing/bills/db/run.ts'
import { tileMarked, tileMonths, tilePeriods } from '../../services/billing/bills/db/tiling.ts'
import { type UnixMs, unixMs } from '../../shared/units.ts'
import { addHousehold, HOUSEHOLD, MAY, NOW, openUtility, UTILITY } from './bill-fixture.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

let postgres: TestPostgres
let ids: { register: number; tariff: number }
before(async () => {
  postgres = await testPostgres()
  ids = await openUtility(postgres)
})
after(() => postgres.close())

const all = async <T extends object>(text: string, values: unknown[] = []): Promise<T[]> =>
  (await postgres.owner.query<T>(text, values)).rows

const contractOf = async (n: number): Promise<number> => {
  const [row] = await all<{ id: number }>(
    `select c.id from contracts c join service_points p on p.id = c.service_point_id
      where p.code = $1`,
    [`SP-${n}`],
  )
  return row?.id ?? 0
}

const periodsOf = async (contract: number): Promise<string[]> =>
  (
    await all<{ text: string }>(
      `select concat(period_from, '..', period_to, ' ', state) as text from bill_periods
        where contract_id = $1 order by period_from`,
      [contract],
    )
  ).map(({ text }) => text)

const household = async (n: number, zone = 'Asia/Kolkata'): Promise<number> => {
  await addHousehold(postgres.db, { ...HOUSEHOLD, zone }, { ...ids, n })
  return contractOf(n)
}

const at = (text: string): UnixMs => unixMs(Date.parse(text))

test('a month has a period once it is over in its own zone, not before', async () => {
  const { kysely } = postgres.db
  const [kolkata, london] = [await household(1), await household(2, 'Europe/London')]
  // 1 June in Kolkata, still 31 May in London.
  await tileMonths(kysely, at('2026-05-31T18:30:00Z'))
  await tileMarked(kysely, at('2026-05-31T18:30:00Z'))
  assert.equal((await periodsOf(kolkata)).at(-1), '2026-05-01..2026-06-01 unseen')
  assert.equal((await periodsOf(london)).at(-1), '2026-04-01..2026-05-01 unseen')
  const turned = await tileMonths(kysely, at('2026-05-31T23:00:00Z'))
  assert.deepEqual(turned, ['Europe/London'])
  assert.equal((await periodsOf(london)).at(-1), '2026-05-01..2026-06-01 unseen')
  assert.deepEqual(await tileMonths(kysely, NOW), [])
})

test('a month that ended while nobody looked gets its periods later, all of them', async () => {
  const { kysely } = postgres.db
  const contract = await contractOf(1)
  await tileMonths(kysely, at('2026-09-15T00:00:00Z'))
  assert.equal((await periodsOf(contract)).length, 8)
  assert.equal((await periodsOf(contract)).at(-1), '2026-08-01..2026-09-01 unseen')
})

test('an end cuts its month; when it is undone after the bill, the rest follows', async () => {
  const { kysely } = postgres.db
  const contract = await household(3)
  const now = at('2026-09-15T00:00:00Z')
  await all(
    "update contracts set to_date = '2026-05-15', billed_from = '2026-05-01' where id = $1",
    [contract],
  )
  await tileMarked(kysely, now)
  assert.deepEqual(await periodsOf(contract), ['2026-05-01..2026-05-15 unseen'])
  // Billed until the 15th: only then somebody finds that nobody moved out.
  const meter = (await all<{ id: number }>("select id from meters where number = 'M3'"))[0]?.id ?? 0
  await all(
    `insert into readings (ts, meter_id, register_id, value, source, quality, agent_ts, clock_state,
      clock_bound_ms) values ('2026-05-14T18:30:00Z', $1, $2, 25100000, 1, 0, now(), 'S', 20)`,
    [meter, ids.register],
  )
  const run = { month: MAY.from, now, utility: UTILITY, by: 'the test' }
  assert.equal((await runBills(kysely, run)).issued >= 1, true)
  assert.deepEqual(await periodsOf(contract), ['2026-05-01..2026-05-15 billed'])
  await all("update contracts set to_date = '2026-07-01' where id = $1", [contract])
  await tileMarked(kysely, now)
  assert.deepEqual(await periodsOf(contract), [
    '2026-05-01..2026-05-15 billed',
    '2026-05-15..2026-06-01 unseen',
    '2026-06-01..2026-07-01 unseen',
  ])
  await assert.rejects(
    all("update contracts set to_date = '2026-05-10' where id = $1", [contract]),
    (error: Error & { constraint?: string }) => {
      assert.match(error.message, /^BIL-26: contract K\d+ is billed from 2026-05-01 to 2026-05-15/)
      return error.constraint === 'contracts_keep_billed'
    },
  )
  await assert.rejects(
    all("update contracts set billed_from = '2026-05-02' where id = $1", [contract]),
    /BIL-26/,
  )
  await all("update contracts set to_date = '2026-05-15' where id = $1", [contract])
  await tileMarked(kysely, now)
  assert.deepEqual(await periodsOf(contract), ['2026-05-01..2026-05-15 billed'])
})

test('no day of a contract is billed twice, whatever periods say (bills_once)', async () => {
  const contract = await contractOf(3)
  await assert.rejects(
    all(
      `insert into bills (number, customer_id, service_point_id, contract_id, period_from,
        period_to, tariff_version_id, currency, total, content, hash, issued_at, due_on)
       select number || 'X', customer_id, service_point_id, contract_id, '2026-05-14',
        '2026-06-01', tariff_version_id, currency, total, content, hash, issued_at, due_on
       from bills where contract_id = $1`,
      [contract],
    ),
    /bills_once/,
  )
})

/** A small generator, so that a failure can be repeated. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

test('whatever is entered, taken back and exempted: each day is in one period', async () => {
  const { kysely } = postgres.db
  const now = at('2026-09-15T00:00:00Z')
  const contract = await household(4)
  for (let seed = 1; seed <= 40; seed += 1) {
    const draw = random(seed)
    const day = () => `2026-0${1 + draw(9)}-${String(1 + draw(28)).padStart(2, '0')}`
    const [from, until, billed] = [day(), draw(3) === 0 ? null : day(), day()]
    await all(
      `update contracts set from_date = $2, billed_from = greatest($2::date, $3::date),
        to_date = case when $4::date > $2::date then $4::date end where id = $1`,
      [contract, from, billed, until],
    )
    if (draw(3) === 0) {
      await all(
        `update bill_periods set state = 'exempt' where contract_id = $1 and period_from =
          (select period_from from bill_periods where contract_id = $1 order by random() limit 1)`,
        [contract],
      )
    }
    await (draw(2) === 0 ? tileMarked(kysely, now) : tilePeriods(kysely, [contract], now))
    const [row] = await all<{ covered: string; wanted: string; days: number; sum: number }>(
      `select coalesce(range_agg(daterange(bp.period_from, bp.period_to)), '{}')::text as covered,
        (select case when greatest(c.from_date, c.billed_from) < least(c.to_date, '2026-09-01')
          then datemultirange(daterange(greatest(c.from_date, c.billed_from),
            least(c.to_date, '2026-09-01'))) else '{}' end::text
          from contracts c where c.id = $1) as wanted,
        coalesce(sum(bp.period_to - bp.period_from), 0)::int as sum,
        coalesce((select sum(upper(r) - lower(r)) from unnest((select
          range_agg(daterange(period_from, period_to)) from bill_periods
          where contract_id = $1)) as r), 0)::int as days
       from bill_periods bp where bp.contract_id = $1`,
      [contract],
    )
    assert.equal(row?.covered, row?.wanted, `seed ${seed}`)
    assert.equal(row?.sum, row?.days, `seed ${seed}: a day twice`)
  }
})

test('a contract that was removed goes with its periods, and its marks with it', async () => {
  const { kysely } = postgres.db
  const contract = await household(5)
  await tileMarked(kysely, NOW)
  assert.ok((await periodsOf(contract)).length > 0)
  await all('update contracts set version = 2 where id = $1', [contract])
  await all('delete from contracts where id = $1', [contract])
  assert.equal(await tileMarked(kysely, NOW), 1)
  assert.deepEqual(await periodsOf(contract), [])
})
