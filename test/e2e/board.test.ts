// The bill-run board on a real database: its sums, its lists, what is done from it, and its looks.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { type Browser, chromium } from 'playwright-core'
import { boardOf } from '../../services/billing/bills/db/board.ts'
import { boardStore } from '../../services/billing/bills/db/board-store.ts'
import { ordersOf } from '../../services/billing/bills/db/orders.ts'
import { lookAtDue } from '../../services/billing/bills/db/looking.ts'
import { tileMarked, tileMonths } from '../../services/billing/bills/db/tiling.ts'
import { boardRoutes } from '../../services/billing/bills/http/board-routes.ts'
import { openOf, withoutPeriod } from '../../services/billing/bills/core/board.ts'
import type { Utility } from '../../services/billing/bills/core/bill-content.ts'
import { axeFaults } from '../fixtures/axe.ts'
import { openDoorApp } from '../fixtures/open-door.ts'
import { addHousehold, HOUSEHOLD, NOW, openUtility, UTILITY } from './bill-fixture.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const CHROMIUM = '/usr/bin/chromium'
const SKIP =
  existsSync(CHROMIUM) || process.env['REQUIRE_PEERS'] === '1' ? false : `${CHROMIUM} is absent`
const SHOTS = process.env['TICKLOCK_SHOTS'] ?? ''
const MONTH = '/board/2026-05'

let postgres: TestPostgres
let app: FastifyInstance
let utility: Utility | null = UTILITY

before(async () => {
  postgres = await testPostgres()
  const { db } = postgres
  const ids = await openUtility(postgres)
  const home = (n: number, changed: Partial<typeof HOUSEHOLD> = {}) =>
    addHousehold(db, { ...HOUSEHOLD, ...changed }, { ...ids, n })
  for (let n = 1; n <= 4; n += 1) await home(n, { closing: 25_100_000 + n * 50_000 })
  await home(5, { closing: null })
  await home(6, { closing: null })
  await home(7, { tariff: false })
  // Nobody lives there, and the meter counts.
  await home(8, { customer: false })
  await db.pool.query("update contracts set billed_from = '2026-05-01'")
  await db.pool.query("update contracts set billed_from = '2026-04-01' where id = 1")
  await db.pool.query(
    `insert into last_values (meter_id, register_id, ts, value, quality, clock_state,
      clock_bound_ms, stored_at) select id, $1, $2, 1, 0, 'S', 5, $2 from meters`,
    [ids.register, new Date(NOW)],
  )
  await tileMonths(db.kysely, NOW)
  await tileMarked(db.kysely, NOW)
  while ((await lookAtDue(db.kysely, { now: NOW, fresh: true })).looked > 0);
  app = await openDoorApp((routes, page) =>
    boardRoutes(
      routes,
      {
        board: boardStore(db.kysely),
        billOrders: async () => ({ utility, issuing: 'by hand' }),
        now: () => NOW,
      },
      page,
    ),
  )
})
after(async () => {
  await app?.close()
  await postgres.close()
})

const get = async (url: string): Promise<string> => {
  const answer = await app.inject({ url })
  assert.equal(answer.statusCode, 200, url)
  return answer.body
}
const post = (fields: Record<string, string>) =>
  app.inject({
    method: 'POST',
    url: `${MONTH}/bulk`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams(fields).toString(),
  })
const all = async <T extends object>(text: string): Promise<T[]> =>
  (await postgres.owner.query<T>(text)).rows
const contract = async (n: number): Promise<string> => {
  const [row] = await all<{ id: number }>(
    `select c.id from contracts c join service_points p on p.id = c.service_point_id
      where p.code = 'SP-${n}'`,
  )
  return String(row?.id)
}
const board = () => boardOf(postgres.db.kysely, { now: NOW })

test('the states of each month add up to its contracts, counted apart', async () => {
  const { months, running } = await board()
  assert.deepEqual(
    months.map((row) => [row.month, row.contracts, row.billed, openOf(row), withoutPeriod(row)]),
    [
      ['2026-05-01', 7, 0, 7, 0],
      ['2026-04-01', 1, 0, 1, 0],
    ],
  )
  assert.deepEqual(running, { month: '2026-06-01', contracts: 7 })
  const may = months[0]?.cells.map(({ state, code, count }) => [state, code, count])
  assert.deepEqual(may, [
    ['blocked', 'BIL-22', 1],
    ['ready', null, 4],
    ['waiting', 'BIL-04', 2],
  ])
  const page = await get('/board')
  for (const words of ['May 2026', '7 contracts have no period in it yet', 'BIL-04']) {
    assert.ok(page.includes(words), words)
  }
})

test('a cell leads to its contracts, each with its reason and the page that mends it', async () => {
  const page = await get(`${MONTH}?state=blocked&code=BIL-22`)
  assert.ok(page.includes('SP-7'))
  assert.ok(!page.includes('SP-5'))
  assert.ok(page.includes(`<a href="/accounts/${await contract(7)}">Agree on a tariff</a>`))
  const waiting = await get(`${MONTH}?state=waiting`)
  assert.ok(waiting.includes(`<a href="/accounts/${await contract(5)}">Enter a reading</a>`))
  assert.ok((await get(`${MONTH}?q=SP-6`)).includes('SP-6'))
  assert.ok(!(await get(`${MONTH}?q=SP-6`)).includes('SP-5'))
  assert.ok(!(await get(`${MONTH}?q=%25`)).includes('SP-5'))
  const file = await get(`${MONTH}.csv?state=waiting`)
  assert.equal(file.trim().split('\r\n').length, 3)
  assert.match(file, /"waiting","BIL-04"/)
})

test('a dry run issues nothing and says what all would come to', async () => {
  const page = await get(`${MONTH}/dry-run`)
  assert.ok(page.includes('DEMO-LT1') || page.includes('Issue all 4'))
  assert.deepEqual(await all('select 1 from bills'), [])
  const shown = /₹[\d,.]+/.exec(page)?.[0] ?? ''
  const [sum] = await all<{ text: string }>(
    "select sum(amount)::text as text from bill_periods where state = 'ready'",
  )
  assert.equal(shown.replaceAll(/[₹,]/g, ''), sum?.text)
})

test('exempt asks why, records it, and is taken back the same way', async () => {
  const id = await contract(6)
  const asked = await post({ do: 'exempt', id })
  assert.equal(asked.statusCode, 200)
  assert.match(asked.body, /Issue no bill of May 2026\?/)
  const blank = await post({ do: 'exempt', id, sure: 'yes', why: ' ' })
  assert.equal(blank.statusCode, 422)
  const done = await post({ do: 'exempt', id, sure: 'yes', why: 'meter was stolen' })
  assert.deepEqual([done.statusCode, done.headers.location], [303, `${MONTH}?done=exempt&count=1`])
  const recorded = await all(
    "select who, why, row_id, after ->> 'state' as state from changes where what = 'period'",
  )
  assert.deepEqual(recorded, [
    { who: 'Ravi', why: 'meter was stolen', row_id: Number(id), state: 'exempt' },
  ])
  assert.ok((await get(`${MONTH}?state=exempt`)).includes('meter was stolen'))
  assert.equal((await board()).months[0]?.contracts, 7)
  await post({ do: 'unexempt', id, sure: 'yes', why: 'it was found' })
  const [row] = await all<{ state: string }>(
    `select state from bill_periods where contract_id = ${id} and period_from = '2026-05-01'`,
  )
  assert.equal(row?.state, 'unseen')
})

test('the selected bills are issued after a question; the others stay', async () => {
  const id = await contract(2)
  const asked = await post({ do: 'issue', id })
  assert.match(asked.body, /Issue 1 bill of May 2026\?/)
  assert.deepEqual(await all('select 1 from bills'), [])
  const done = await post({ do: 'issue', id, sure: 'yes' })
  assert.equal(done.headers.location, `${MONTH}?done=issue&count=1&kept=0`)
  assert.deepEqual(await all('select number, issued_by from bills'), [
    { number: '202605-000001', issued_by: 'Ravi' },
  ])
  const [may] = (await board()).months
  assert.deepEqual([may?.billed, may && withoutPeriod(may)], [1, 0])
  assert.equal(
    (await post({ do: 'issue', id, sure: 'yes' })).headers.location,
    `${MONTH}?done=none`,
  )
})

test('all ready bills of a month are an order that outlives the process', async () => {
  const fields = { do: 'issue', all: 'yes', state: 'ready' }
  assert.match((await post(fields)).body, /Issue 3 bills of May 2026\?/)
  assert.equal((await post({ ...fields, sure: 'yes' })).headers.location, MONTH)
  assert.deepEqual(
    (await ordersOf(postgres.db.kysely)).map(({ month, by }) => [month, by]),
    [['2026-05-01', 'Ravi']],
  )
  assert.match(await get(MONTH), /by order of Ravi/)
})

test('a utility without a name: no button to issue, and the way to its name (BIL-19)', async () => {
  utility = null
  assert.match(await get('/board'), /BIL-19/)
  assert.match(await get(`${MONTH}?state=ready`), /<a href="\/settings">Name the utility<\/a>/)
  assert.doesNotMatch(await get(`${MONTH}/dry-run`), /Issue all/)
  utility = UTILITY
})

test('service points that count and have no contract are listed (BIL-08)', async () => {
  const page = await get('/board/vacant')
  assert.ok(page.includes('SP-8'))
  assert.ok(!page.includes('SP-7'))
})

test('an action that only every object has is none', async () => {
  for (const action of ['constructor', 'toString', '__proto__', 'delete']) {
    const answer = await post({ do: action, all: 'yes' })
    assert.equal(answer.statusCode, 404, action)
  }
})

test('what is typed into an address is no month', async () => {
  for (const url of ['/board/2026-13', '/board/x', '/board/2026-05-01', '/board/2026-05.csvx']) {
    assert.equal((await app.inject({ url })).statusCode, 404, url)
  }
})

test('nothing that axe finds, nothing wider than the screen', { skip: SKIP }, async () => {
  await app.listen({ port: 0, host: '127.0.0.1' })
  const address = app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const args = ['--no-sandbox', '--disable-gpu', '--no-first-run']
  const browser: Browser = await chromium.launch({ executablePath: CHROMIUM, args })
  const paths = ['/board', MONTH, `${MONTH}?state=ready`, `${MONTH}/dry-run`, '/board/vacant']
  for (const [colorScheme, width] of [
    ['light', 1_280],
    ['dark', 1_280],
    ['light', 375],
    ['dark', 375],
  ] as const) {
    const viewport = { width, height: 800 }
    const context = await browser.newContext({ colorScheme, viewport, bypassCSP: true })
    const page = await context.newPage()
    const look = async (name: string): Promise<void> => {
      assert.deepEqual(await axeFaults(page), [], name)
      const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
      assert.ok(Number(over) <= 0, `${name} is ${String(over)} px too wide`)
      if (SHOTS === '') return
      const file = `${name.replaceAll(/\W+/g, '-')}-${colorScheme}-${width}.png`
      await page.screenshot({ path: `${SHOTS}/${file}`, fullPage: true })
    }
    for (const path of paths) {
      await page.goto(`http://127.0.0.1:${port}${path}`)
      await look(path.slice(1))
    }
    await page.goto(`http://127.0.0.1:${port}${MONTH}/dry-run`)
    await page.getByRole('button', { name: /Issue all/ }).click()
    await look('confirm')
    await context.close()
  }
  await browser.close()
})
