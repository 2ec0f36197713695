// kill -9 in the middle of a bill run, again and again: nothing half, numbers without a gap, and in
// the end everybody has one bill. TICKLOCK_KILL_ROUNDS kills more often.

import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { boardMonth } from '../../services/billing/bills/db/board.ts'
import { openOf, withoutPeriod } from '../../services/billing/bills/core/board.ts'
import { runBills } from '../../services/billing/bills/db/run.ts'
import { addHousehold, HOUSEHOLD, MAY, NOW, openUtility, UTILITY } from './bill-fixture.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const ROUNDS = Number(process.env['TICKLOCK_KILL_ROUNDS'] ?? '3')
const HOUSEHOLDS = 400
const CHILD = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? './bill-run-child.ts' : './bill-run-child.js',
    import.meta.url,
  ),
)

let postgres: TestPostgres
before(async () => {
  postgres = await testPostgres({ durable: true })
  const ids = await openUtility(postgres)
  for (let n = 1; n <= HOUSEHOLDS; n += 1) {
    const closing = n % 40 === 0 ? null : 25_100_000 + n * 1_000
    await addHousehold(postgres.db, { ...HOUSEHOLD, closing }, { ...ids, n })
  }
})
after(() => postgres.close())

const count = async (text: string): Promise<number> =>
  (await postgres.owner.query<{ n: number }>(`select ${text} as n`)).rows[0]?.n ?? -1

/** What must hold after whatever happened. */
async function checkWhole(): Promise<number> {
  const bills = await count('(select count(*) from bills)')
  const numbers = await postgres.owner.query<{ number: string }>(
    'select number from bills order by number',
  )
  assert.deepEqual(
    numbers.rows.map(({ number }) => number),
    Array.from({ length: bills }, (_bill, at) => `202605-${String(at + 1).padStart(6, '0')}`),
  )
  const next = await count("coalesce((select next from bill_series where series = '202605'), 1)")
  assert.equal(next, bills + 1, 'the series and its bills')
  assert.equal(await count("(select count from counters where name = 'bills')"), bills)
  assert.equal(await count('(select count(*) from notices)'), bills * 2, 'two notices each')
  const states = `(select count(*) from bill_periods bp full join bills b on b.id = bp.bill_id
    where b.id is null and bp.state = 'billed' or bp.contract_id is null
      or b.contract_id <> bp.contract_id or b.period_from <> bp.period_from)`
  assert.equal(await count(states), 0, 'a bill without its period, or the other way round')
  const may = await boardMonth(postgres.db.kysely, MAY.from)
  assert.equal(may.billed, bills)
  return bills
}

async function begin(): Promise<ChildProcess> {
  const child = fork(CHILD, { serialization: 'advanced' })
  await once(child, 'message')
  child.send(postgres.server.connection)
  return child
}

test('a bill run that is killed leaves nothing half, and the next one goes on', async () => {
  let killed = 0
  for (let round = 1; round <= ROUNDS; round += 1) {
    const child = await begin()
    const ended = once(child, 'exit')
    const before = await count('(select count(*) from bills)')
    // Somewhere between its first bill and its last.
    const until = performance.now() + 10_000
    while (child.exitCode === null && performance.now() < until) {
      if ((await count('(select count(*) from bills)')) > before) break
      await wait(1)
    }
    await wait(Math.random() * 15)
    if (child.kill('SIGKILL')) killed += 1
    await ended
    await wait(100)
    await checkWhole()
  }
  assert.ok(killed >= 1, 'no run was killed while it worked')
  const run = await runBills(postgres.db.kysely, {
    month: MAY.from,
    now: NOW,
    utility: UTILITY,
    by: 'the test',
  })
  assert.deepEqual(Object.fromEntries(run.faults), { 'BIL-04': HOUSEHOLDS / 40 })
  assert.equal(await checkWhole(), HOUSEHOLDS - HOUSEHOLDS / 40)
  const may = await boardMonth(postgres.db.kysely, MAY.from)
  assert.deepEqual([openOf(may), withoutPeriod(may)], [HOUSEHOLDS / 40, 0])
})
