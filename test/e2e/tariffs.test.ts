// Publishing a tariff from the page and from the command line, over a real PostgreSQL with the
// rights of the working role.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { runBills } from '../../services/billing/bills/db/run.ts'
import { tariffText } from '../../services/billing/tariffs/core/print.ts'
import { tariffStore } from '../../services/billing/tariffs/db/reads.ts'
import { exampleTariffs } from '../../services/billing/tariffs/shell/examples.ts'
import { packageRoot } from '../../shared/node/root.ts'
import { unixMs } from '../../shared/units.ts'
import { DEMO_TARIFF } from '../../services/simulator/demo-tariff.ts'
import { MSEDCL, tariffOf } from '../fixtures/bill-facts.ts'
import { DESK_PASSWORD, tariffDesk } from '../fixtures/tariff-desk.ts'
import { Browser } from '../fixtures/web-browser.ts'
import { addHousehold, HOUSEHOLD, MAY, NOW, openUtility, UTILITY } from './bill-fixture.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const TEXT = tariffText(tariffOf(MSEDCL))
const DEMO = tariffText(tariffOf(DEMO_TARIFF))

let postgres: TestPostgres
let app: FastifyInstance
const browsers: Record<'ada' | 'meera', Browser | null> = { ada: null, meera: null }

before(async () => {
  postgres = await testPostgres()
  const { db } = postgres
  const ids = await openUtility(postgres)
  await addHousehold(db, HOUSEHOLD, { ...ids, n: 1 })
  const run = { month: MAY.from, now: NOW, utility: UTILITY, by: 'the test' }
  assert.equal((await runBills(db.kysely, run)).issued, 1)
  app = await tariffDesk(db, 'http://127.0.0.1')
  for (const name of ['ada', 'meera'] as const) {
    const browser = new Browser(app)
    browsers[name] = browser
    await browser.post('/login', { name, password: DESK_PASSWORD })
  }
})
after(async () => {
  await app.close()
  await postgres.close()
})

function of(name: 'ada' | 'meera'): Browser {
  const browser = browsers[name]
  assert.ok(browser !== null)
  return browser
}

const seenIn = (body: string): string => /name="version" value="(\d+)"/.exec(body)?.[1] ?? ''
const plain = (body: string): string =>
  body
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll('&quot;', '"')
    .replaceAll(/\s+/g, ' ')

const DRAFT = {
  document: TEXT,
  kWh: '221',
  begin: '2026-05-01',
  end: '2026-06-01',
  from: '2026-07-01',
  why: 'order 322',
  version: '0',
}

test('checking shows the price list, a worked bill with its parts, and publishes nothing', async () => {
  const shown = await of('ada').post('/tariffs/new', { ...DRAFT, do: 'check' })
  assert.equal(shown.statusCode, 200)
  const text = plain(shown.body)
  for (const said of [
    'LT-I-B is new: LT-I(B) residential',
    '101 to 300',
    '103 kWh × ₹3.46 = 356.38',
    '16 % of ₹1,814.19',
    '₹2,104.46',
    '31 days; slab limits times 1.03',
  ])
    assert.ok(text.includes(said), said)
  assert.deepEqual(await tariffStore(postgres.db.kysely).versions('LT-I-B'), [])
})

test('mistakes come back at their line and column, and the text stays as it was typed', async () => {
  const document = TEXT.replace('"3.46"', '3.46').replace('"16"', '"16 %"')
  const shown = await of('ada').post('/tariffs/new', { ...DRAFT, document, do: 'publish' })
  assert.equal(shown.statusCode, 422)
  const text = plain(shown.body)
  assert.match(text, /BIL-20 Not a tariff yet: 2 mistakes/)
  assert.match(text, /Line 18, column 34, charges\[0\]\.slabs\[0\]\.rate : not in quotes/)
  assert.match(text, /Line 46, column 18, charges\[4\]\.percent : not a decimal/)
  assert.ok(shown.body.includes('{ "upTo": "100", "rate": 3.46 },\n'.replaceAll('"', '&quot;')))
})

test('a day inside a month, no reason, and fields of the worked bill are refused beside their fields', async () => {
  const fields = { ...DRAFT, from: '2026-07-15', why: '', kWh: '22o', do: 'publish' }
  const shown = await of('ada').post('/tariffs/new', fields)
  assert.equal(shown.statusCode, 422)
  const text = plain(shown.body)
  assert.match(text, /First day : A bill covers a month.*2026-07-01 or 2026-08-01/)
  assert.match(text, /Why : Say why/)
  assert.match(text, /Consumption : Not a consumption/)
})

test('published: who and why are recorded, and the document can be downloaded', async () => {
  const done = await of('ada').post('/tariffs/new', { ...DRAFT, do: 'publish' })
  assert.equal(done.statusCode, 303)
  assert.equal(done.headers.location, '/tariffs/LT-I-B?published=2026-07-01')
  const page = plain((await of('ada').get('/tariffs/LT-I-B?published=2026-07-01')).body)
  assert.match(page, /Published\. Bills .* from 1 July 2026 on/)
  assert.match(page, /by Ada: order 322/)
  const file = await of('ada').get('/tariffs/LT-I-B/2026-07-01.json')
  assert.equal(file.headers['content-type'], 'application/json; charset=utf-8')
  assert.equal(file.body, TEXT)
  const { rows } = await postgres.owner.query(
    "select who, why, before, after from changes where what = 'tariff' order by id desc limit 1",
  )
  const [version] = await tariffStore(postgres.db.kysely).versions('LT-I-B')
  const after = { code: 'LT-I-B', validFrom: '2026-07-01', hash: version?.hash }
  assert.deepEqual(rows[0], { who: 'Ada', why: 'order 322', before: null, after })
})

test('the same day with other content is refused; the same again is named', async () => {
  const other = TEXT.replace('"7.43"', '"7.60"')
  const version = seenIn((await of('ada').get('/tariffs/LT-I-B/edit')).body)
  for (const [document, why] of [
    [other, /Another version is published from 1 July 2026/],
    [TEXT, /This very document is already published/],
  ] as const) {
    const fields = { ...DRAFT, document, version, do: 'publish' }
    const shown = await of('ada').post('/tariffs/LT-I-B/edit', fields)
    assert.equal(shown.statusCode, 422)
    assert.match(plain(shown.body), why)
  }
})

test('of two people who publish at once the second is told what the first changed', async () => {
  const [ada, meera] = [of('ada'), of('meera')]
  const both = [ada, meera].map(async (browser) => (await browser.get('/tariffs/LT-I-B/edit')).body)
  const [seen = '', same = ''] = (await Promise.all(both)).map(seenIn)
  assert.equal(seen, same)
  const mine = { ...DRAFT, version: seen, from: '2026-08-01', do: 'publish' }
  const first = { ...mine, document: TEXT.replace('"7.43"', '"7.60"'), why: 'ada was faster' }
  assert.equal((await ada.post('/tariffs/LT-I-B/edit', first)).statusCode, 303)
  const second = { ...mine, document: TEXT.replace('"110"', '"120"'), from: '2026-09-01' }
  const told = await meera.post('/tariffs/LT-I-B/edit', second)
  assert.equal(told.statusCode, 409)
  const text = plain(told.body)
  assert.match(text, /OPS-34 .*: Ada/)
  assert.match(text, /Energy, 101 to 300 kWh: stored now ₹7\.60 , typed by you ₹7\.43/)
  // Having seen it, she may publish hers as the next version.
  const again = await meera.send('/tariffs/LT-I-B/edit', {
    ...second,
    version: seenIn(told.body),
    form_token: /name="form_token" value="([^"]+)"/.exec(told.body)?.[1] ?? '',
  })
  assert.equal(again.statusCode, 303)
})

test('really at once: of two who publish on what they saw one is stale, whatever the order', async () => {
  const store = tariffStore(postgres.db.kysely)
  const newest = await store.newest('LT-I-B')
  const author = { who: 'x', why: 'y', importId: null }
  const both = await Promise.all(
    ['2027-01-01', '2027-02-01'].map((validFrom, i) =>
      store.publish({
        document: { ...MSEDCL, dueDays: 20 + i },
        validFrom,
        now: unixMs(NOW),
        author,
        seen: newest?.id ?? null,
      }),
    ),
  )
  assert.equal(both.filter(({ ok }) => ok).length, 1)
  const refused = both.find(({ ok }) => !ok)
  assert.ok(refused !== undefined && !refused.ok && 'newest' in refused, 'BIL-34 with the newest')
})

test('a day before bills that are issued needs a tick, and the bills stay as they are', async () => {
  const bill = async () => (await postgres.owner.query('select content, hash from bills')).rows
  const before = await bill()
  const version = seenIn((await of('ada').get(`/tariffs/${DEMO_TARIFF.code}/edit`)).body)
  const fields = {
    ...DRAFT,
    document: DEMO.replace('"7.25"', '"8"'),
    from: '2026-05-01',
    version,
    do: 'publish',
  }
  const url = `/tariffs/${DEMO_TARIFF.code}/edit`
  const warned = await of('ada').post(url, fields)
  assert.equal(warned.statusCode, 422)
  assert.match(plain(warned.body), /1 bill for periods after 1 May 2026 is already issued/)
  const done = await of('ada').post(url, { ...fields, sure: 'yes' })
  assert.equal(done.statusCode, 303)
  assert.deepEqual(await bill(), before)
})

test('an uploaded file fills the editor; one that is no text is named', async () => {
  const load = async (bytes: Uint8Array) => {
    const token = /name="form_token" value="([^"]+)"/.exec(
      (await of('ada').get('/tariffs/new')).body,
    )
    const form = new FormData()
    form.set('form_token', token?.[1] ?? '')
    form.set('code', '')
    form.set('file', new Blob([new Uint8Array(bytes)]), 'tariff.json')
    const request = new Request('http://x/', { method: 'POST', body: form })
    return app.inject({
      method: 'POST',
      url: '/tariffs/upload',
      headers: {
        'content-type': request.headers.get('content-type') ?? '',
        cookie: [...of('ada').cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      },
      payload: Buffer.from(await request.arrayBuffer()),
    })
  }
  const good = await load(Buffer.from(`\uFEFF${TEXT}`, 'utf16le'))
  assert.equal(good.statusCode, 200)
  assert.ok(good.body.includes(TEXT.slice(0, 200).replaceAll('"', '&quot;')))
  const latin = await load(Buffer.from(TEXT.replace('Wheeling', 'M\xFChl'), 'latin1'))
  assert.equal(latin.statusCode, 422)
  assert.match(plain(latin.body), /Line 27, column 18: byte FC is not UTF-8/)
  assert.match(plain((await load(Buffer.alloc(0))).body), /no file, or an empty/)
  const large = await load(Buffer.alloc(1_048_576, '[1,'))
  assert.equal(large.statusCode, 422)
  assert.match(plain(large.body), /longer than 65536 characters/)
  const form = { ...DRAFT, document: ' '.repeat(1_048_576), do: 'check' }
  assert.equal((await of('ada').post('/tariffs/new', form)).statusCode, 413)
})

test('every example opens in the editor, checked, at one click', async () => {
  const list = (await of('ada').get('/tariffs')).body
  for (const { id, tariff } of exampleTariffs()) {
    assert.ok(list.includes(`/tariffs/new?example=${id}`), id)
    const text = plain((await of('ada').get(`/tariffs/new?example=${id}`)).body)
    assert.ok(text.includes(`${tariff.code} is new`), id)
    assert.match(text, /Total/)
  }
})

function ticklock(...args: readonly string[]) {
  const { host, port, user, password, database } = postgres.server.connection
  const url = new URL('postgres://localhost')
  url.searchParams.set('host', String(host))
  url.port = String(port)
  url.username = String(user)
  url.password = String(password)
  url.pathname = `/${String(database)}`
  const { NODE_TEST_CONTEXT: _, ...ours } = process.env
  const env = { ...ours, DATABASE_URL: url.href, TICKLOCK_DATA: postgres.folder }
  const program = join(packageRoot(), 'bin/ticklock.js')
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, ...args], {
    env,
    encoding: 'utf8',
  })
  return { stdout, stderr, status }
}

test('ticklock tariff: mistakes with file, line and column; a dry run; publish; list; show', () => {
  const file = join(postgres.folder, 'kwd.json')
  const text = TEXT.replace('"LT-I-B"', '"CLI"')
  writeFileSync(file, text.replace('"3.46"', '3.46'))
  const wrong = ticklock('tariff', 'publish', file)
  assert.equal(wrong.status, 1)
  assert.match(wrong.stdout, /kwd\.json:18:34: charges\[0\]\.slabs\[0\]\.rate: not in quotes/)
  assert.match(wrong.stderr, /BIL-20/)
  writeFileSync(file, text)
  const dry = ticklock(
    'tariff',
    'publish',
    file,
    '--from',
    '2026-07-01',
    '--kwh',
    '221',
    '--dry-run',
  )
  assert.equal(dry.status, 0, dry.stderr)
  assert.match(dry.stdout, /CLI is new/)
  assert.match(dry.stdout, /Total for 221 kWh in 31 days: ₹2,104\.46/)
  assert.doesNotMatch(ticklock('tariff', 'list').stdout, /CLI/)
  assert.match(ticklock('tariff', 'publish', file, '--from', '2026-07-09').stderr, /BIL-34/)
  const from = ['--from', '2026-07-01', '--why', 'the order']
  assert.equal(ticklock('tariff', 'publish', file, ...from).status, 0)
  assert.match(ticklock('tariff', 'publish', file, ...from).stdout, /already published/)
  writeFileSync(file, text.replace('"7.43"', '"7.60"'))
  assert.match(ticklock('tariff', 'publish', file, ...from).stderr, /BIL-34/)
  const next = ticklock('tariff', 'publish', file, '--from', '2026-08-01')
  assert.match(next.stdout, /Energy, 101 to 300 kWh: ₹7\.43 -> ₹7\.60/)
  assert.match(ticklock('tariff', 'list').stdout, /^CLI {2}LT-I\(B\) residential .* versions: 2$/m)
  assert.match(ticklock('tariff', 'show', 'CLI').stdout, /"code": "CLI"/)
  assert.equal(ticklock('tariff', 'show', 'NONE').status, 1)
  assert.match(ticklock('tariff', 'publish', '/nowhere.json').stderr, /OPS-05/)
})
