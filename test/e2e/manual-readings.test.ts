// Readings by hand over a real PostgreSQL: entered, compared with what devices and people said,
// decided, and kept.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser } from '../fixtures/web-browser.ts'
import { manualWaiting } from '../../services/billing/readings/db/manual.ts'
import { decideManual } from '../../services/billing/readings/db/manual-writes.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'
import { type TestApp, testApp } from './web-app.ts'
import { NOON, seed } from './web-seed.ts'

const OBIS = '1-0:1.8.0*255'
/** What the fields of the form hold, with `more` of them changed. 18 June 2026, 12:00 is now. */
const fields = (more: Record<string, string> = {}): Record<string, string> => ({
  meter: '1',
  register: OBIS,
  value: '12340.5',
  unit: 'kWh',
  at: '2026-06-17T12:00',
  kind: 'technician',
  photo: 'IMG_0417.jpg',
  note: 'cellar, left board',
  ...more,
})

let postgres: TestPostgres
let site: TestApp
let operator: Browser
let asha: Browser
let seeded: Awaited<ReturnType<typeof seed>>

before(async () => {
  postgres = await testPostgres()
  seeded = await seed(postgres.db)
  site = await testApp(postgres)
  operator = await site.operator()
  asha = await site.customer(seeded.customers[0])
})
after(async () => {
  await site.app.close()
  await postgres.close()
})

const sql = async <Row extends object>(text: string, values: unknown[] = []) =>
  (await postgres.db.pool.query<Row>(text, values)).rows
const stored = () =>
  sql<{ n: number }>('select count(*)::integer as n from manual_readings').then(([row]) => row?.n)
/** What stands beside the fields of a form that came back. */
const errorsIn = (body: string): readonly string[] =>
  [...body.matchAll(/<p class="error" id="f-(\w+)-error">([^<]*)/g)].map(
    ([, name, text]) => `${name}: ${text}`,
  )

test('bad input stands beside its field, what was typed is kept, nothing is stored', async () => {
  for (const [more, error] of [
    [{ value: '' }, /^value: Write what the display shows/],
    [{ value: '12.345,6' }, /^value: Write digits alone/],
    [{ value: '12340,5' }, /^value: Write a point/],
    [{ value: '-5' }, /^value: Write digits alone/],
    [{ value: '12340.5678' }, /^value: This register has 3 digits behind the point/],
    [{ value: '1234567' }, /^value: This register has 9 digits in all/],
    [{ unit: 'm3' }, /^unit: This register does not count in that/],
    [{ register: '1-0:99.8.0*255' }, /^register: Choose one/],
    [{ at: '2026-06-31T10:00' }, /^at: Write the date and time/],
    [{ at: '2026-06-19T10:00' }, /^at: That is still to come/],
    [{ at: '2025-12-31T23:59' }, /^at: The meter was not there at that time/],
    [{ kind: '' }, /^kind: Say who/],
    [{ note: 'x'.repeat(501) }, /^note: Shorten/],
    [{ value: '12334.9' }, /^value: BIL-32 It is less than .* Read the display again/],
    [{ value: '12500', at: '2026-06-10T12:00' }, /^value: BIL-32 It is more than/],
    [{ value: '912340.5' }, /^value: BIL-32 Since .* no meter can have counted so much/],
  ] as const) {
    const form = fields(more)
    const answer = await operator.post('/readings/manual/new', form, '/readings/manual/new?meter=1')
    const errors = errorsIn(answer.body)
    assert.equal(answer.statusCode, 422, JSON.stringify(more))
    assert.equal(errors.length, 1, errors.join(' '))
    assert.match(errors[0] ?? '', error)
    assert.ok(answer.body.includes('IMG_0417.jpg'), 'what was typed is kept')
  }
  assert.equal(await stored(), 0)
})

test('what is unusual is stored once whoever was there confirms it', async () => {
  const far = fields({ value: '12700', at: '2026-06-18T11:00' })
  const asked = await operator.post('/readings/manual/new', far, '/readings/manual/new?meter=1')
  assert.equal(asked.statusCode, 422)
  assert.match(asked.body, /times the usual/)
  assert.equal(await stored(), 0)
  const sure = { ...far, sure: 'yes' }
  const kept = await operator.post('/readings/manual/new', sure, '/readings/manual/new?meter=1')
  assert.deepEqual([kept.statusCode, kept.headers.location], [303, '/readings/manual?done=entered'])
  await postgres.owner.query(
    `update manual_readings set state = 'refused', decided_at = now(), decided_by = 'test', decided_why = 'test'`,
  )
})

test('a technician’s reading waits, is approved with a reason, and is exact', async () => {
  const sent = await operator.post('/readings/manual/new', fields(), '/readings/manual/new?meter=1')
  assert.equal(sent.statusCode, 303)
  const [row] = await sql<{ id: number; value: string }>(
    `select id, value, exponent, unit, ts, kind, state, entered_by from manual_readings
     where state = 'waiting'`,
  )
  assert.deepEqual(row, {
    id: row?.id,
    value: 123_405,
    exponent: 2,
    unit: 30,
    ts: new Date('2026-06-17T06:30:00Z'),
    kind: 'technician',
    state: 'waiting',
    entered_by: 'ada',
  })
  assert.equal(await manualWaiting(postgres.db.kysely), 1)
  const url = `/readings/manual/${row?.id}`
  const shown = (await operator.get(url)).body
  assert.match(shown, /12 ?340\.5 kWh/)
  assert.match(shown, /from the device/)
  const without = await operator.post(url, { decision: 'approved', why: '' })
  assert.deepEqual([without.statusCode, errorsIn(without.body).length], [422, 1])
  const approved = await operator.post(url, { decision: 'approved', why: 'photo compared' })
  assert.equal(approved.statusCode, 303)
  const again = await operator.post(url, { decision: 'refused', why: 'changed my mind' }, '/access')
  assert.equal(again.statusCode, 409)
  assert.match(again.body, /ada has decided already/)
  const history = await sql(
    `select who, why, before->>'state' as was, after->>'state' as is from changes
     where what = 'manual reading' and row_id = $1 order by id`,
    [row?.id],
  )
  assert.deepEqual(history, [
    { who: 'ada', why: 'read by hand', was: null, is: 'waiting' },
    { who: 'ada', why: 'photo compared', was: 'waiting', is: 'approved' },
  ])
})

test('a customer reads their own meters alone, once a day and register', async () => {
  const own = fields({ value: '12345.0', at: '2026-06-18T08:00', kind: 'technician' })
  const page = '/home/readings'
  for (const [meter, status] of [
    ['2', 404],
    ['999', 404],
    ['0', 404],
    ['1', 303],
  ] as const) {
    assert.equal((await asha.post(page, { ...own, meter })).statusCode, status, meter)
  }
  const [row] = await sql(
    "select kind, entered_by, state from manual_readings where state = 'waiting'",
  )
  const who = `customer ${seeded.customers[0]}`
  assert.deepEqual(row, { kind: 'customer', entered_by: who, state: 'waiting' })
  const twice = await asha.post(page, { ...own, value: '12346.0', at: '2026-06-18T09:00' })
  assert.match(errorsIn(twice.body)[0] ?? '', /^at: One of this register and day waits/)
  const before = await asha.post(page, { ...own, at: '2026-04-30T12:00' })
  assert.match(errorsIn(before.body)[0] ?? '', /^at: .* yours it is from 2026-05-01/)
  assert.match((await asha.get(page)).body, /waiting/)
  assert.equal((await asha.get('/readings/manual')).statusCode, 404)
  const other = await site.customer(seeded.customers[1])
  assert.doesNotMatch((await other.get(page)).body, /12 ?345\.0/)
})

test('a selection is asked about, then each is decided; what contradicts waits on', async () => {
  const ids = (await sql<{ id: number }>("select id from manual_readings where state = 'waiting'"))
    .map(({ id }) => id)
    .join()
  assert.match(ids, /^\d+$/)
  const list = '/readings/manual'
  const question = await operator.post(`${list}/decide`, { do: 'refuse', id: ids }, list)
  assert.equal(question.statusCode, 200)
  assert.match(question.body, /Refuse 1 readings\?/)
  const bare = { do: 'refuse', id: ids, sure: 'yes', why: ' ' }
  assert.equal((await operator.post(`${list}/decide`, bare, list)).statusCode, 422)
  const done = await operator.post(`${list}/decide`, { ...bare, why: 'blurred photo' }, list)
  assert.equal(done.headers.location, `${list}?done=refused&n=1&left=0`)
  assert.match((await asha.get('/home/readings')).body, /blurred photo/)
  assert.match((await operator.get(`${list}?state=refused`)).body, /blurred photo/)
  assert.match((await operator.get(list)).body, /Nothing waits/)
})

test('of two that contradict each other only one is approved, whoever is faster', async () => {
  const insert = `insert into manual_readings (meter_id, obis, unit, ts, value, exponent, kind, entered_by)
    values (1, $1, 30, $2, $3, 0, 'technician', 'x') returning id`
  const made = await Promise.all(
    [
      ['2026-06-17T10:00:00Z', 12_341_500],
      ['2026-06-17T11:00:00Z', 12_341_400],
    ].map(([ts, value]) => sql<{ id: number }>(insert, [OBIS, ts, value])),
  )
  const author = { who: 'ada', why: 'race', importId: null }
  const decided = await Promise.all(
    made.map(([row]) =>
      decideManual(postgres.db.kysely, author, {
        id: row?.id ?? 0,
        decision: 'approved',
        now: NOON,
      }),
    ),
  )
  assert.deepEqual(decided.map(({ is }) => is).toSorted(), ['done', 'odd'])
})

test('the list as a file has every row, and no formula', async () => {
  await sql(
    `insert into manual_readings (meter_id, obis, unit, ts, value, exponent, kind, entered_by, note)
     select 2, $1, 30, timestamptz '2026-06-01' + i * interval '1 second', i, 0, 'technician', 'ada',
       '=cmd()' from generate_series(1, 2500) i`,
    [OBIS],
  )
  const answer = await operator.get('/readings/manual.csv')
  const lines = answer.body.trimEnd().split('\r\n')
  assert.equal(lines.filter((line) => line.startsWith('"M-2"')).length, 2_500)
  assert.doesNotMatch(answer.body, /,"=|^"=/)
  assert.ok(lines.some((line) => line.startsWith('"M-2","1-0:1.8.0*255",0.001,"kWh",')))
  const page = await operator.get('/readings/manual')
  assert.match(page.body, /more than 1 ?000/)
})

test('no page answered with an error of ours', () => {
  assert.deepEqual(
    site.lines.filter((line) => /OPS-28|OPS-08/.test(line)),
    [],
  )
})
