// A device with 304 meters over a real PostgreSQL and in a real browser without JavaScript: found,
// assigned, looked at; on a desk, on a phone and in the dark.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { type Browser, chromium, type Page } from 'playwright-core'
import { createPasswords } from '../../services/billing/access/shell/passwords.ts'
import { addOperator } from '../../services/billing/access/db/operators.ts'
import { openAccessWatch } from '../../services/billing/access/shell/watch.ts'
import { giveCommand } from '../../services/billing/fleet/db/commands.ts'
import { webStores } from '../../services/billing/site/db/stores.ts'
import { buildApp } from '../../services/billing/site/http/app.ts'
import { openLog } from '../../shared/node/log.ts'
import { shiftMs, spanMs, unixMs } from '../../shared/units.ts'
import { Browser as PlainBrowser } from '../fixtures/web-browser.ts'
import { axeFaults } from '../fixtures/axe.ts'
import { createWorld } from '../fixtures/web-world.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const CHROMIUM = '/usr/bin/chromium'
const SKIP =
  existsSync(CHROMIUM) || process.env['REQUIRE_PEERS'] === '1' ? false : `${CHROMIUM} is absent`
const FLAGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']
const PASSWORD = 'correct horse battery'
const METERS = 304
/** What a page with 304 meters may be long, pixels: it was 33,000, on a phone 113,000. */
const DESK_MAX = 4_500
const PHONE_MAX = 9_000
/** Where screenshots go, for whoever wants to look at them. */
const SHOTS = process.env['TICKLOCK_SHOTS']

let postgres: TestPostgres
let app: FastifyInstance
let baseUrl = ''
const DEVICE = '00000000000000a0'
const NOW = unixMs(Date.now())

before(async () => {
  postgres = await testPostgres()
  const { kysely, pool } = postgres.db
  await addMeters()
  const watch = openAccessWatch(openLog({ pretty: false, nowMs: () => NOW, write: () => {} }))
  const password = await createPasswords().hash(PASSWORD, randomBytes(16))
  await addOperator(kysely, { name: 'ada', password })
  app = await buildApp({
    ...createWorld().deps,
    ...webStores(kysely),
    giveCommand: (command) =>
      giveCommand(kysely, { ...command, now: NOW, expires: shiftMs(NOW, spanMs(60_000)) }),
    now: () => NOW,
    random: randomBytes,
    backfill: async () => null,
    demo: false,
    inbox: null,
    attacks: null,
    watch,
  })
  baseUrl = await app.listen({ host: '127.0.0.1', port: 0 })
  assert.equal((await pool.query('select count(*)::integer as n from meters')).rows[0]?.n, METERS)
})
after(async () => {
  await app.close()
  await postgres.close()
})

/** Of 304 meters on the device 4 are silent, 2 have wrong clocks, 10 hang nowhere. */
async function addMeters(): Promise<void> {
  const { owner } = postgres
  await owner.query("insert into devices (id, name, static_key) values ($1, 'Old Town', 'key')", [
    DEVICE,
  ])
  await owner.query(
    `insert into device_status (device_id, transport, connected_at, reported_at, clock_state,
       clock_offset_us, clock_bound_us, backlog_frames, meters, faults)
     values ($1, 'tcp', now(), now(), 'S', 412, 3100, 0, 304, '{"MTR-02": 3}')`,
    [DEVICE],
  )
  await owner.query(
    "insert into registers (obis, exponent, unit) values ('1-0:1.8.0*255', 0, 30), ('1-0:16.7.0*255', 0, 27)",
  )
  await owner.query(
    `insert into meters (number, device_id, adopted_at, adopted_by, make)
     select 'G-' || lpad(n::text, 4, '0'), $1, case when n > 10 then now() end,
       case when n > 10 then 'ada' end, 'SEM-16' from generate_series(1, $2::integer) n`,
    [DEVICE, METERS],
  )
  await owner.query(`
    insert into service_points (code, address, zone)
    select 'SP-' || number, 'Lake Road', 'Asia/Kolkata' from meters where number like 'G-%'`)
  await owner.query(`
    insert into installations (meter_id, service_point_id, from_ts)
    select m.id, p.id, now() - interval '60 days' from meters m
    join service_points p on p.code = 'SP-' || m.number
    where number like 'G-%' and number > 'G-0010'`)
  await owner.query(`
    insert into last_values (meter_id, register_id, ts, value, quality, clock_state, clock_bound_ms,
      stored_at, usual_s, due_at)
    select m.id, r.id, now() - ago, 12701033, 0, 'S', 7, now() - ago, 900,
      now() - ago + interval '45 min'
    from (select id, case when number > 'G-0300' then interval '30 h' else interval '9 min' end
      as ago from meters where number like 'G-%') m, registers r`)
  await owner.query(
    `insert into clocks (device_id, meter, at, state, offset_us, bound_us, skew_ppb, holdover_ms,
       steps, last_step_us, point_until, point_at, point_state, point_offset_us)
     select $1, number, now(), case when number = 'G-0020' then 'X' else 'V' end::"char",
       case when number = 'G-0021' then 18000000000 else 400000 end, 500000, 0, 0, 0, 0,
       now(), now(), 'V', 0 from meters where number like 'G-%'`,
    [DEVICE],
  )
  // Two days of quarter hours of one meter, with two hours missing.
  await owner.query(
    "select make_readings_month(12 * extract(year from t)::integer + extract(month from t)::integer - 1) from (select distinct date_trunc('month', now() - make_interval(days => d)) as t from generate_series(0, 3) d) m",
  )
  await owner.query(`
    insert into readings (ts, meter_id, register_id, value, source, quality, agent_ts, clock_state,
      clock_bound_ms)
    select t, m.id, r.id, 12600000 + (extract(epoch from t)::bigint / 900 % 100000) * 90
      + (30 * sin(extract(epoch from t) / 9000))::bigint, 1, 0, t, 'S', 7
    from generate_series(date_trunc('hour', now()) - interval '2 days', now(), '15 min') t,
      meters m, registers r
    where number = 'G-0007' and (t < now() - interval '6 h' or t > now() - interval '4 h')`)
}

async function open(browser: Browser, width: number, colorScheme: 'light' | 'dark' = 'light') {
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    javaScriptEnabled: true,
    bypassCSP: true,
    colorScheme,
  })
  const page = await context.newPage()
  await page.goto(`${baseUrl}/login`)
  await page.fill('[name=name]', 'ada')
  await page.fill('[name=password]', PASSWORD)
  await page.click('main button')
  return page
}

const heightOf = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollHeight')

async function shoot(page: Page, name: string): Promise<void> {
  if (SHOTS === undefined) return
  mkdirSync(SHOTS, { recursive: true })
  await page.screenshot({ path: `${SHOTS}/${name}.png`, fullPage: true })
}

test('304 meters: short pages, nothing sideways, no fault of axe; desk, phone, dark', {
  skip: SKIP,
}, async (t) => {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS })
  t.after(() => browser.close())
  const { rows } = await postgres.owner.query<{ id: number }>(
    "select id from meters where number = 'G-0007'",
  )
  const meter = `/meters/${rows[0]?.id}`
  const pages = [
    ['fleet', '/fleet'],
    ['device', `/fleet/${DEVICE}`],
    ['device-meters', `/fleet/${DEVICE}/meters?state=silent`],
    ['meters', '/meters'],
    ['meter', meter],
    ['meter-week', `${meter}?span=week`],
    ['edit', `${meter}/edit`],
    ['assign', `${meter}/assign`],
    ['assign-many', '/meters/assign'],
    ['readings', '/readings'],
    ['readings-none', '/readings?q=nothing'],
  ] as const
  for (const [width, scheme] of [
    [1280, 'light'],
    [375, 'light'],
    [375, 'dark'],
  ] as const) {
    const page = await open(browser, width, scheme)
    for (const [name, path] of pages) {
      await page.goto(baseUrl + path)
      const where = `${path} at ${width}, ${scheme}`
      assert.deepEqual(await axeFaults(page), [], where)
      assert.ok(
        (await page.evaluate<number>('document.documentElement.scrollWidth')) <= width,
        where,
      )
      const height = await heightOf(page)
      t.diagnostic(`${where}: ${height} px`)
      if (name === 'device')
        assert.ok(height <= (width > 400 ? DESK_MAX : PHONE_MAX), `${where}: ${height}`)
      await shoot(page, `${name}-${width}-${scheme}`)
    }
    await page.context().close()
  }
})

test('on a phone the first button of a device stays in reach of a thumb', {
  skip: SKIP,
}, async (t) => {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS })
  t.after(() => browser.close())
  const page = await open(browser, 375)
  await page.goto(`${baseUrl}/fleet/${DEVICE}`)
  for (const at of [0, 1_500, 100_000]) {
    await page.evaluate(`scrollTo(0, ${at})`)
    const box = await page.getByRole('button', { name: 'Read now' }).boundingBox()
    assert.ok(box !== null && box.y > 600 && box.y + box.height <= 800, `${at}: ${box?.y}`)
    assert.ok(box.height >= 40)
    const groups = await page.locator('.top .groups').boundingBox()
    assert.ok(groups !== null && groups.y >= box.y + box.height, 'the groups of pages stay free')
  }
})

test('adopts and assigns a meter in one step, and many on one page, all or none', async () => {
  const { meters } = webStores(postgres.db.kysely)
  const author = { who: 'ada', why: 'walked by', importId: null }
  const idOf = async (number: string): Promise<number> => (await meters.idOf(number)) ?? 0
  const [first, second] = [await idOf('G-0001'), await idOf('G-0002')]
  const view = await meters.view(first, NOW)
  assert.deepEqual([view?.adopted, view?.place], [false, null])
  const entry = (meterId: number, point: string) => ({
    meterId,
    point,
    from: shiftMs(NOW, spanMs(-3_600_000)),
    opening: [{ obis: '1-0:1.8.0*255', unit: 30, value: 12_701, exponent: 3 }],
  })
  const refused = await meters.assign(author, [entry(first, 'sp-g-0001'), entry(second, 'NOWHERE')])
  assert.equal(refused.is, 'refused')
  assert.equal((await meters.view(first, NOW))?.place, null)
  const written = await meters.assign(author, [
    entry(first, 'sp-g-0001'),
    entry(second, 'SP-G-0002'),
  ])
  assert.equal(written.is, 'done')
  const then = await meters.view(first, NOW)
  assert.deepEqual([then?.adopted, then?.place?.code, then?.adoptedBy], [true, 'SP-G-0001', 'ada'])
  const { rows } = await postgres.owner.query(
    `select what, who from changes where row_id = $1 and what = 'meter'
     union all select kind, entered_by from manual_readings where meter_id = $1`,
    [first],
  )
  assert.deepEqual(rows, [
    { what: 'meter', who: 'ada' },
    { what: 'opening', who: 'ada' },
  ])
  const twice = await meters.assign(author, [entry(first, 'SP-G-0003')])
  assert.ok(twice.is === 'refused' && twice.refusals[0]?.code === 'BIL-31')
})

test('the list narrows to what is wrong, and goes on by pages without a row twice', async () => {
  const { meters, fleet } = webStores(postgres.db.kysely)
  const place = { sort: 'number', down: false, after: null, before: null, limit: 100 }
  const numbers = async (state: Parameters<typeof meters.page>[0]['state'], q = 'g-') =>
    (await meters.page({ q, state, medium: '', device: null }, place, NOW)).map(
      ({ number }) => number,
    )
  assert.deepEqual(await numbers('silent'), ['G-0301', 'G-0302', 'G-0303', 'G-0304'])
  assert.deepEqual(await numbers('clock-wrong'), ['G-0020', 'G-0021'])
  assert.deepEqual(await numbers('not-adopted', 'g-000'), await numbers('unassigned', 'g-000'))
  assert.deepEqual(await numbers(null, 'g%'), [])
  const seen: string[] = []
  let after: { readonly key: string; readonly id: number } | null = null
  do {
    const asked = { ...place, after, limit: 99 }
    const rows = await meters.page({ q: '', state: null, medium: '', device: DEVICE }, asked, NOW)
    const page = rows.slice(0, 99)
    seen.push(...page.map(({ number }) => number))
    const last = page.at(-1)
    after = rows.length > 99 && last !== undefined ? { key: last.number, id: last.id } : null
  } while (after !== null)
  assert.equal(new Set(seen).size, METERS)
  assert.equal(seen.length, METERS)
  const [row] = await fleet.fleet({ q: 'old', state: 'trouble' }, place, NOW)
  assert.deepEqual([row?.silent, row?.clocksWrong, row?.meters], [4, 2, METERS])
  const totals = await fleet.totals(NOW)
  assert.deepEqual([totals.devices, totals.troubled, totals.meters], [1, 1, METERS])
})

test('a history has its gap; what is old or wrong is said before what was read', async () => {
  const browser = new PlainBrowser(app)
  await browser.post('/login', { name: 'ada', password: PASSWORD })
  const body = async (path: string): Promise<string> => (await browser.get(path)).body
  const week = await body('/meters/G-0007?span=week')
  assert.match(week, /class="hole"/)
  assert.ok((week.match(/class="bar"/g)?.length ?? 0) > 10)
  assert.match(await body('/meters/G-0301'), /Silent: its newest reading is from/)
  assert.match(await body('/meters/G-0021'), /Its clock is 5 h fast/)
})
