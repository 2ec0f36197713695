// The clerk (services/billing/bills/shell/bill-clerk.ts): who gets a bill, when, and what is said
// of the others.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { startOfDay } from '../../services/billing/civil/calendar.ts'
import { orderMonth } from '../../services/billing/bills/db/orders.ts'
import type { BillOrders } from '../../services/billing/bills/core/issuer.ts'
import { startBillClerk } from '../../services/billing/bills/shell/bill-clerk.ts'
import type { Log } from '../../shared/node/log.ts'
import { type UnixMs, unixMs } from '../../shared/units.ts'
import { addHousehold, addReading, HOUSEHOLD, NOW, openUtility, UTILITY } from './bill-fixture.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const ZONE = 'Asia/Kolkata'
const LONGEST_MS = 20_000
const OCTOBER = unixMs(Date.parse('2026-10-03T06:00:00Z'))

let postgres: TestPostgres
let ids: { register: number; tariff: number }
let lines: string[] = []
let now: UnixMs = NOW
let orders: BillOrders
before(async () => {
  postgres = await testPostgres()
  ids = await openUtility(postgres)
})
beforeEach(async () => {
  lines = []
  now = NOW
  orders = { utility: UTILITY, issuing: 'automatic' }
})
after(() => postgres.close())

const all = async <T extends object>(text: string, values: unknown[] = []): Promise<T[]> =>
  (await postgres.owner.query<T>(text, values)).rows

const log: Log = {
  info: (text, fields) => lines.push(`${text} ${JSON.stringify(fields ?? {})}`),
  fault: (code, detail) => lines.push(`${code} ${detail}`),
  child: () => log,
}

/** Runs a clerk until `done` holds. */
async function clerkUntil(done: () => Promise<boolean>): Promise<void> {
  const clerk = startBillClerk({
    db: postgres.db.kysely,
    orders: async () => orders,
    now: () => now,
    worker: { wake: () => {} },
    log,
  })
  const until = performance.now() + LONGEST_MS
  try {
    while (!(await done())) {
      assert.ok(performance.now() < until, `not so after ${LONGEST_MS} ms: ${lines.join('\n')}`)
      await wait(50)
    }
  } finally {
    await clerk.stop()
  }
}

const home = async (n: number, from: string, changed: Partial<typeof HOUSEHOLD> = {}) => {
  const meter = await addHousehold(
    postgres.db,
    { ...HOUSEHOLD, opening: null, closing: null, ...changed },
    { ...ids, n },
  )
  await all(
    `update contracts c set billed_from = $2 from service_points p
      where p.id = c.service_point_id and p.code = $1`,
    [`SP-${n}`, from],
  )
  return meter
}

const reading = (meter: number, day: string, value: number): Promise<void> =>
  addReading(postgres.db, { ts: startOfDay(day, ZONE), meter, register: ids.register }, value)

const stateOf = async (n: number, from: string) => {
  const [row] = await all<{ state: string; code: string | null; since: Date; number: string }>(
    `select bp.state, bp.code, bp.since, b.number from bill_periods bp
      join contracts c on c.id = bp.contract_id join service_points p on p.id = c.service_point_id
      left join bills b on b.id = bp.bill_id where p.code = $1 and bp.period_from = $2`,
    [`SP-${n}`, from],
  )
  return row
}
const isState = async (n: number, from: string, state: string): Promise<boolean> =>
  (await stateOf(n, from))?.state === state

test('one silent meter holds back nobody, from the first round on (newcomer 6)', async () => {
  await home(1, '2026-05-01', { opening: 25_001_000, closing: 25_222_000 })
  await home(2, '2026-05-01', { opening: 25_001_000, closing: null })
  await clerkUntil(async () => (await isState(1, '2026-05-01', 'billed')) && lines.length > 0)
  const silent = await stateOf(2, '2026-05-01')
  assert.deepEqual([silent?.state, silent?.code], ['waiting', 'BIL-04'])
  assert.equal(lines.filter((line) => line.startsWith('BIL-04')).length, 1)
})

test('a reading of 1 September that comes on 3 October bills two months (case 52)', async () => {
  const meter = await home(3, '2026-08-01')
  await reading(meter, '2026-08-01', 25_001_000)
  await reading(meter, '2026-10-01', 25_443_000)
  now = unixMs(Date.parse('2026-09-02T06:00:00Z'))
  await clerkUntil(() => isState(3, '2026-08-01', 'waiting'))
  now = OCTOBER
  await clerkUntil(() => isState(3, '2026-09-01', 'waiting'))
  const before = await stateOf(3, '2026-08-01')
  await reading(meter, '2026-09-01', 25_222_000)
  // A process that has just started knows no more than the database.
  now = unixMs(now + 3_600_000)
  await clerkUntil(
    async () =>
      (await isState(3, '2026-08-01', 'billed')) && (await isState(3, '2026-09-01', 'billed')),
  )
  assert.equal(before?.since.toISOString(), '2026-09-02T06:00:00.000Z')
  assert.match((await stateOf(3, '2026-08-01'))?.number ?? '', /^202608-/)
  assert.match((await stateOf(3, '2026-09-01'))?.number ?? '', /^202609-/)
})

test('what is entered counts within seconds, however long the period has waited', async () => {
  await home(4, '2026-05-01', { opening: 1_000, closing: 2_000, tariff: false })
  now = unixMs(NOW + 3_600_000)
  await clerkUntil(async () => (await stateOf(4, '2026-05-01'))?.code === 'BIL-22')
  await all(
    `update contract_terms t set tariff_id = $1 from contracts c, service_points p
      where c.id = t.contract_id and p.id = c.service_point_id and p.code = 'SP-4'`,
    [ids.tariff],
  )
  await clerkUntil(() => isState(4, '2026-05-01', 'billed'))
})

test('by hand: ready bills wait for an order; what is ready later is not part of it', async () => {
  orders = { utility: UTILITY, issuing: 'by hand' }
  now = unixMs(NOW + 7_200_000)
  await home(5, '2026-05-01', { opening: 1_000, closing: 2_000 })
  await clerkUntil(() => isState(5, '2026-05-01', 'ready'))
  const { kysely } = postgres.db
  await orderMonth(kysely, { month: '2026-05-01', at: now, by: 'Ravi' })
  now = unixMs(now + 60_000)
  await home(6, '2026-05-01', { opening: 1_000, closing: 2_000 })
  await clerkUntil(async () => (await all('select 1 from bill_orders')).length === 0)
  assert.equal(await isState(6, '2026-05-01', 'ready'), true)
  const issued = await all(
    `select b.issued_by from bills b join service_points p on p.id = b.service_point_id
      where p.code = 'SP-5'`,
  )
  assert.deepEqual(issued, [{ issued_by: 'Ravi' }])
})

test('by hand: a bill of another sum than the one shown is held back (BIL-28)', async () => {
  orders = { utility: UTILITY, issuing: 'by hand' }
  now = unixMs(NOW + 9_000_000)
  const meter = await home(7, '2026-05-01', { opening: 1_000, closing: 2_000 })
  await clerkUntil(() => isState(7, '2026-05-01', 'ready'))
  await all('update readings set value = 9000 where meter_id = $1 and value = 2000', [meter])
  await orderMonth(postgres.db.kysely, { month: '2026-05-01', at: now, by: 'Ravi' })
  await clerkUntil(async () => (await all('select 1 from bill_orders')).length === 0)
  assert.equal(await isState(7, '2026-05-01', 'ready'), true)
  assert.ok(lines.includes('BIL-28 SP-7'), lines.join('\n'))
})

test('a utility without a name issues nothing, and says so once (BIL-19)', async () => {
  orders = { utility: null, issuing: 'automatic' }
  now = unixMs(NOW + 10_000_000)
  await home(8, '2026-05-01', { opening: 1_000, closing: 2_000 })
  await clerkUntil(async () => {
    await wait(3_000)
    return isState(8, '2026-05-01', 'ready')
  })
  assert.equal(lines.filter((line) => line.startsWith('BIL-19')).length, 1)
  orders = { utility: UTILITY, issuing: 'automatic' }
  await clerkUntil(() => isState(8, '2026-05-01', 'billed'))
})
