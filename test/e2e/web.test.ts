// The whole web side over a real PostgreSQL and a real socket, in a real browser without
// JavaScript.

import { DEMO_UTILITY } from '../../services/simulator/demo-tariff.ts'
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { openImportDesk } from '../../services/billing/customers/shell/imports/desk.ts'
import { importOffice } from '../../services/billing/customers/shell/imports/office.ts'
import { type Browser, chromium } from 'playwright-core'
import { addOperator, hasOperator } from '../../services/billing/access/db/operators.ts'
import { createPasswords } from '../../services/billing/access/shell/passwords.ts'
import { webStores } from '../../services/billing/site/db/stores.ts'
import {
  COMMAND_LIFE,
  giveCommand,
  openCommands,
} from '../../services/billing/fleet/db/commands.ts'
import { queueAgain } from '../../services/billing/notices/db/notices.ts'
import { readClockFigures } from '../../services/billing/clocks/db/figures.ts'
import { readSummary } from '../../services/billing/site/db/summary.ts'
import { serverMetrics } from '../../services/billing/site/shell/metrics.ts'
import { buildApp } from '../../services/billing/site/http/app.ts'
import {
  customerLink,
  type LinkSource,
  setupLink,
} from '../../services/billing/access/shell/links.ts'
import { openAccessWatch } from '../../services/billing/access/shell/watch.ts'
import { openLog } from '../../shared/node/log.ts'
import { shiftMs } from '../../shared/units.ts'
import { settingsDeps } from '../fixtures/settings-deps.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'
import { NOON, seed } from './web-seed.ts'

const CHROMIUM = '/usr/bin/chromium'
const SKIP =
  existsSync(CHROMIUM) || process.env['REQUIRE_PEERS'] === '1' ? false : `${CHROMIUM} is absent`
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const PASSWORD = 'correct horse battery'

let postgres: TestPostgres
let app: FastifyInstance
let links: LinkSource
let seeded: Awaited<ReturnType<typeof seed>>

before(async () => {
  postgres = await testPostgres()
  const { kysely, pool } = postgres.db
  seeded = await seed(postgres.db)
  const log = openLog({ pretty: false, nowMs: () => NOON, write: () => {} })
  const watch = openAccessWatch(log)
  app = await buildApp({
    ...webStores(kysely),
    ...settingsDeps(),
    billOrders: async () => ({ utility: DEMO_UTILITY, issuing: 'automatic' }),
    imports: importOffice(kysely, {
      desk: openImportDesk({ pool, db: kysely }, log),
      zone: async () => 'Asia/Kolkata',
    }),
    giveCommand: (command) =>
      giveCommand(kysely, { ...command, now: NOON, expires: shiftMs(NOON, COMMAND_LIFE) }),
    now: () => NOON,
    random: randomBytes,
    queueAgain: (id) => queueAgain(kysely, { id, now: NOON }),
    renderPdf: async () => ({ ok: true, pdf: Buffer.from('%PDF-1.7') }),
    summary: () => readSummary(pool),
    clockFigures: () => readClockFigures(pool),
    health: async () => ({ ok: true, parts: {} }),
    metrics: serverMetrics(pool, watch),
    backfill: async () => null,
    trustedProxies: [],
    inbox: null,
    attacks: null,
    baseUrl: 'http://127.0.0.1',
    demo: false,
    watch,
  })
  const baseUrl = await app.listen({ host: '127.0.0.1', port: 0 })
  links = { db: kysely, random: randomBytes, baseUrl }
})
after(async () => {
  await app.close()
  await postgres.close()
})

test('the summary counts from the database, with its six keys', async () => {
  const answer = await app.inject({ url: '/api/v1/summary' })
  const { bills, readings } = answer.json()
  assert.deepEqual({ bills, readings }, { bills: 2, readings: 0 })
})

test('the figures of clocks: as JSON and for Prometheus, without a name', async () => {
  const answer = await app.inject({ url: '/api/v1/clock' })
  const { head, slaves, meters, events } = answer.json()
  assert.deepEqual(
    [head.state, head.boundMs, head.frequencyPpm, head.sources],
    ['S', 9.4, -3.214, { '*': 1, '+': 1, '-': 0, x: 1, '~': 0, '?': 1 }],
  )
  assert.deepEqual(slaves, {
    states: { S: 1, R: 0, I: 0, U: 0 },
    boundMedianMs: 2.5,
    boundMaxMs: 2.5,
    heldOver: 0,
  })
  assert.deepEqual(meters, { known: 2, off: 1, invalid: 1 })
  assert.deepEqual([events['step'], events['falseticker'], events['10']], [1, 1, 1])
  assert.doesNotMatch(answer.body, /example|M-1|00a0/)
  const { body } = await app.inject({ url: '/metrics' })
  for (const line of [
    'ticklock_head_clock_state{state="S"} 1',
    'ticklock_head_clock_state{state="R"} 0',
    'ticklock_head_clock_bound_ms 9.4',
    'ticklock_head_clock_frequency_ppm -3.214',
    'ticklock_head_clock_sources{mark="x"} 1',
    'ticklock_slave_clocks{state="S"} 1',
    'ticklock_clock_bound_median_ms 2.5',
    'ticklock_slave_clocks_held_over 0',
    'ticklock_meter_clocks_off 1',
    'ticklock_meter_clocks_invalid 1',
    'ticklock_clock_events_total{code="step"} 1',
  ]) {
    assert.ok(body.includes(`\n${line}\n`), line)
  }
})

test('customer A reads A’s bill from the database and not B’s, by any way in', async () => {
  const { bills } = webStores(postgres.db.kysely)
  const [a, b] = seeded.customers
  const [billA, billB] = seeded.bills
  assert.equal((await bills.billOf(a, billA))?.bill.customer, 'Asha Kulkarni')
  assert.equal(await bills.billOf(a, billB), null)
  assert.equal(await bills.billOf(b, billA), null)
  assert.deepEqual(
    (await bills.ofCustomer(a, 10)).map(({ id }) => id),
    [billA],
  )
})

test('a bill says that a meter’s clock was not compared; usage begins with moving in', async () => {
  const { bills, usage: usageOf } = webStores(postgres.db.kysely)
  const [a] = seeded.customers
  const view = await bills.billOf(a, seeded.bills[0])
  const [register] = view?.content.segments[0]?.registers ?? []
  assert.deepEqual(register?.opening.clock, {
    of: 'never compared',
    offsetMs: '',
    boundMs: '',
    comparedAt: '',
  })
  const [usage] = await usageOf(a, NOON)
  const [, may] = usage?.months ?? []
  assert.equal(may?.days.length, 31)
  assert.equal(may?.total, '221.000')
})

test('a bill whose stored text was changed is not shown', async () => {
  const { owner: pool } = postgres
  const { bills } = webStores(postgres.db.kysely)
  await pool.query('alter table bills disable trigger bills_are_final')
  const change = (from: string, to: string) =>
    pool.query('update bills set content = replace(content::text, $1, $2)::jsonb where id = $3', [
      from,
      to,
      seeded.bills[1],
    ])
  await change('12 Lake Road', '13 Lake Road')
  await assert.rejects(bills.bill(seeded.bills[1]), /does not match the hash/)
  await change('13 Lake Road', '12 Lake Road')
  assert.notEqual(await bills.bill(seeded.bills[1]), null)
  await pool.query('alter table bills enable trigger bills_are_final')
})

test('two people who use one set-up link at once make one operator', async () => {
  const { access } = webStores(postgres.db.kysely)
  const hash = randomBytes(32)
  const expiresAt = seeded.later
  await postgres.owner.query(
    "insert into links (hash, purpose, expires_at) values ($1, 'setup', $2)",
    [hash, new Date(expiresAt)],
  )
  const made = await Promise.all(
    ['one', 'two'].map((name) => access.setUp({ hash, name, password: 'x', now: NOON })),
  )
  assert.equal(made.filter((each) => each === 'spent').length, 1)
  await postgres.owner.query("delete from operators where name in ('one', 'two')")
})

test('every page in a browser without JavaScript, at 1280 and 375 wide', {
  skip: SKIP,
}, async (t) => {
  const browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS })
  t.after(() => browser.close())
  for (const width of [1280, 375]) {
    await operatorWalk(browser, width)
    await customerWalk(browser, width)
  }
})

async function openPage(browser: Browser, width: number, javaScriptEnabled = false) {
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    javaScriptEnabled,
  })
  return context.newPage()
}

type Page = Awaited<ReturnType<typeof openPage>>

/** Nothing may reach beyond a phone's screen. */
async function assertFits(page: Page, width: number, path: string): Promise<void> {
  const body = await page.locator('main').boundingBox()
  assert.ok(body !== null && body.x >= 0 && body.x + body.width <= width, `${path} at ${width}`)
}

/** As the first operator by a set-up link, later ones by the log-in page. */
async function enter(page: Page, name: string): Promise<void> {
  const { kysely } = postgres.db
  if (await hasOperator(kysely)) {
    const password = await createPasswords().hash(PASSWORD, randomBytes(16))
    await addOperator(kysely, { name, password })
    await page.goto(`${links.baseUrl}/login`)
  } else {
    await page.goto(await setupLink(links, NOON))
  }
  await page.fill('[name=name]', name)
  await page.fill('[name=password]', PASSWORD)
  await page.click('main button')
  assert.match(page.url(), /\/(?:start|attention)$/)
}

async function operatorWalk(browser: Browser, width: number): Promise<void> {
  const page = await openPage(browser, width)
  const name = `ada-${width}`
  await enter(page, name)
  const expected = [
    ['/fleet', 'Old Town'],
    [`/fleet/${seeded.device}`, 'Back-fills from'],
    [`/fleet/${seeded.device}`, 'Commands'],
    [`/fleet/${seeded.device}`, 'Corrected by more than a slew'],
    [`/fleet/${seeded.device}?span=7d`, 'Clocks of its meters'],
    [`/fleet/${seeded.device}/clock/M-2`, 'Event 10: readings invalid'],
    ['/clock', 'falseticker'],
    ['/readings', '12700.000 kWh'],
    ['/readings?q=nothing', 'No meter has “nothing” in its number'],
    ['/readings?q=m-1', 'M-1'],
    ['/refused', 'SEC-05'],
    ['/bills', '202605-000001'],
    ['/bills?state=failed', 'No bill matches'],
    [`/bills/${seeded.bills[0]}`, 'Asha Kulkarni'],
    ['/notices', 'asha@example.com'],
    ['/tariffs', 'valid from'],
    ['/access', 'Open sessions'],
  ] as const
  for (const [path, text] of expected) {
    await page.goto(links.baseUrl + path)
    assert.match(
      (await page.locator('body').innerText()).replaceAll('\n', ' '),
      new RegExp(text),
      path,
    )
    await assertFits(page, width, path)
  }
  // PostgreSQL would refuse it with an error.
  const odd = await page.goto(`${links.baseUrl}/fleet/${seeded.device}/clock/%00`)
  assert.equal(odd?.status(), 400)
  await commandWalk(page, width, name)
  await page.context().close()
}

/** Gives a command by the button, and reads its outcome on the page. */
async function commandWalk(page: Page, width: number, name: string): Promise<void> {
  const path = `/fleet/${seeded.device}`
  const text = async () => (await page.locator('main').innerText()).replaceAll('\n', ' ')
  await page.goto(links.baseUrl + path)
  await page.getByRole('button', { name: 'Read now' }).click()
  assert.equal(page.url(), links.baseUrl + path)
  assert.match(await text(), new RegExp(`Read every meter now.* by ${name} .*waits for the link`))
  const commands = openCommands(postgres.db.kysely, () => NOON)
  const [open] = await commands.open()
  assert.ok(open !== undefined)
  await commands.receipt(open.device, {
    number: open.number,
    outcome: width === 375 ? 'refused' : 'done',
    detail: width === 375 ? 'MTR-01' : '',
  })
  await page.reload()
  assert.match(await text(), width === 375 ? /MTR-01 .*refused/i : /done/)
  await assertFits(page, width, path)
}

async function customerWalk(browser: Browser, width: number): Promise<void> {
  const page = await openPage(browser, width)
  await page.goto(await customerLink(links, seeded.customers[0], NOON))
  await page.click('main button')
  assert.match(page.url(), /\/home$/)
  for (const path of ['/home', '/home/usage', '/home/bills', `/home/bills/${seeded.bills[0]}`]) {
    await page.goto(links.baseUrl + path)
    assert.equal(await page.locator('h1').count(), 1, path)
    await assertFits(page, width, path)
  }
  await page.goto(`${links.baseUrl}/home/usage`)
  assert.ok((await page.locator('svg.chart rect').count()) >= 31)
  const other = await page.goto(`${links.baseUrl}/home/bills/${seeded.bills[1]}`)
  assert.equal(other?.status(), 404)
  await page.context().close()
}

test('with JavaScript the fleet renews itself under the same policy', { skip: SKIP }, async (t) => {
  const browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS })
  t.after(() => browser.close())
  const page = await openPage(browser, 1280, true)
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  await enter(page, 'grace')
  await page.goto(`${links.baseUrl}/fleet`)
  await postgres.owner.query("update devices set name = 'New Town'")
  await page.getByText('New Town').waitFor({ timeout: 30_000 })
  await postgres.owner.query("update devices set name = 'Old Town'")
  assert.deepEqual(complaints, [])
})
