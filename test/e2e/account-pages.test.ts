// The pages of accounts, customers and service points, used as a person uses them: forms are
// fetched, filled in and posted, without a script, over a real PostgreSQL.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { setOperator } from '../../services/billing/access/db/operators.ts'
import { createPasswords } from '../../services/billing/access/shell/passwords.ts'
import { ACCOUNTS, CUSTOMERS, SERVICE_POINTS } from '../../services/billing/customers/core/lists.ts'
import { buildApp } from '../../services/billing/site/http/app.ts'
import { webStores } from '../../services/billing/site/db/stores.ts'
import { publishTariff } from '../../services/billing/tariffs/db/tariffs.ts'
import { DEMO_TARIFF } from '../../services/simulator/demo-tariff.ts'
import { unixMs } from '../../shared/units.ts'
import { Browser } from '../fixtures/web-browser.ts'
import { createWorld } from '../fixtures/web-world.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const PASSWORD = 'correct horse battery'
const NOW = unixMs(Date.UTC(2026, 10, 30, 12))

let postgres: TestPostgres
let app: FastifyInstance
let meera: Browser

before(async () => {
  postgres = await testPostgres()
  const { kysely } = postgres.db
  const tariff = { document: DEMO_TARIFF, validFrom: '2026-01-01', now: NOW }
  await publishTariff(kysely, tariff)
  app = await buildApp({ ...createWorld().deps, ...webStores(kysely), now: () => NOW })
  const password = await createPasswords().hash(PASSWORD, randomBytes(16))
  await setOperator(kysely, { name: 'Meera', password })
  meera = new Browser(app)
  await meera.post('/login', { name: 'Meera', password: PASSWORD })
})
after(async () => {
  await app.close()
  await postgres.close()
})

/** Posts the form of a page and follows it to where it leads. */
async function posted(url: string, fields: Record<string, string>, from = url): Promise<string> {
  const answer = await meera.post(url, fields, from)
  assert.equal(answer.statusCode, 303, `${url}: ${answer.body.slice(-2_000)}`)
  return String(answer.headers.location)
}

async function refusedWith(url: string, fields: Record<string, string>): Promise<string> {
  const answer = await meera.post(url, fields)
  assert.equal(answer.statusCode, 422, `${url}: ${answer.body.slice(-2_000)}`)
  return answer.body
}

const shown = async (url: string): Promise<string> => {
  const answer = await meera.get(url)
  assert.equal(answer.statusCode, 200, url)
  return answer.body
}

const version = async (url: string): Promise<string> =>
  /name="version" value="(\d+)"/.exec(await shown(url))?.[1] ?? ''

const moveIn = {
  servicePoint: 'SP-1',
  from: '2026-10-15',
  tariff: DEMO_TARIFF.code,
  missing: 'wait',
}

test('from an empty database to an account: a place, a move-in, a meter', async () => {
  assert.match(await shown('/accounts'), /Open the first one/)
  const bad = await refusedWith('/service-points/new', { address: 'Flat 1', zone: 'Asia/Nashik' })
  assert.match(bad, /is no time zone/)
  assert.match(bad, /value="Asia\/Nashik"/, 'what was typed is kept')
  const place = { code: 'SP-1', address: 'Flat 1, Lake Road', zone: 'Asia/Kolkata' }
  const point = await posted('/service-points/new', place)
  const lost = await refusedWith('/accounts/new', { ...moveIn, name: 'Jürgen Müller', phone: '98' })
  assert.match(lost, /has no country/)
  const account = await posted('/accounts/new', { ...moveIn, name: 'Jürgen Müller' })
  assert.equal(account, '/accounts/1')
  const unknown = { meter: 'M-1', at: '2026-10-15T10:30', 'opening_1-0:1.8.0*255': '12.5' }
  assert.match(await refusedWith(`${point}/install`, unknown), /No meter is like that/)
  await posted(`${point}/install`, { ...unknown, create: 'yes' })
  const view = await shown(account)
  for (const words of ['Jürgen Müller', 'Flat 1, Lake Road', 'M-1', '12.5 kWh', 'Meera']) {
    assert.ok(view.includes(words), words)
  }
})

test('an account that overlaps another is refused beside its day, with the remedy', async () => {
  const body = await refusedWith('/accounts/new', { ...moveIn, name: 'Asha', from: '2026-11-01' })
  assert.match(body, /Contract K000001 of Jürgen Müller has this service point since 15 October/)
  assert.match(body, /\(BIL-30\)/)
  assert.match(body, /href="#f-from"/)
  const { rows } = await postgres.owner.query("select id from customers where name = 'Asha'")
  assert.deepEqual(rows, [], 'nothing was stored, the new customer neither')
})

test('of two people who edit a customer the second is told what changed, and may decide', async () => {
  const shownTo = await version('/customers/1/edit')
  const fields = { number: 'C000001', address: 'Flat 1, Lake Road', language: 'en' }
  const first = { ...fields, name: 'J. Müller', version: shownTo }
  await posted('/customers/1/edit', first)
  const second = { ...fields, name: 'Jürgen Mueller', version: shownTo }
  const late = await meera.post('/customers/1/edit', second)
  assert.equal(late.statusCode, 409)
  assert.match(late.body, /OPS-34/)
  assert.match(late.body, /stored now <q>J. Müller<\/q>, typed by you <q>Jürgen Mueller<\/q>/)
  const now = /name="version" value="(\d+)"/.exec(late.body)?.[1] ?? ''
  await posted('/customers/1/edit', { ...second, version: now })
  const history = await shown('/customers/1')
  assert.match(history, /Name: J. Müller → Jürgen Mueller/)
})

test('an exchange in one form; a time that the clocks skip is refused', async () => {
  await posted('/service-points/new', { code: 'SP-2', address: 'Hof 2', zone: 'Europe/Berlin' })
  const install = { meter: 'M-2', create: 'yes', at: '2026-01-01' }
  await posted('/service-points/2/install', install)
  const fields = { meter: 'M-3', create: 'yes', 'closing_1-0:1.8.0*255': '900' }
  const skipped = await refusedWith('/installations/2/exchange', {
    ...fields,
    at: '2026-03-29T02:30',
  })
  assert.match(skipped, /The clocks of Europe\/Berlin skip that time/)
  await posted('/installations/2/exchange', { ...fields, at: '2026-03-29T03:30' })
  const page = await shown('/service-points/2')
  assert.match(page, /removed 29 March 2026, 03:30/)
  assert.match(page, /M-3/)
  const taken = await refusedWith('/service-points/1/install', {
    meter: 'M-3',
    at: '2026-10-01',
  })
  assert.match(taken, /Meter M-3 is at SP-2 since 29 March 2026, 03:30: remove it there first/)
})

test('a move-out with its closing register, and the next customer on the day after', async () => {
  const asha = { name: 'Asha Kulkarni', address: 'Pune', email: 'asha@example.com' }
  await posted('/customers/new', asha)
  const form = await version('/accounts/1/move-out')
  const closing = { 'closing_1_1-0:1.8.0*255': '77.25' }
  const next = await posted('/accounts/1/move-out', {
    version: form,
    lastDay: '2026-11-20',
    next: 'asha',
    ...closing,
  })
  const view = await shown(next)
  assert.match(view, /Asha Kulkarni/)
  assert.match(view, /since 21 November 2026/)
  assert.match(view, /77\.25 kWh/)
  const undo = await meera.post('/accounts/1/undo-end', { sure: 'yes' }, '/accounts/1')
  assert.equal(undo.statusCode, 422)
  assert.match(undo.body, /of Asha Kulkarni has this service point since 21 November 2026/)
})

test('terms for a selection: first what would change, then the change', async () => {
  const bulk = { do: 'missing', all: 'yes', missing: 'estimate', from: '2026-11-25' }
  const ask = await meera.post('/accounts/bulk', { do: 'missing', all: 'yes' }, '/accounts')
  assert.match(ask.body, /See what would change/)
  const tried = await meera.post('/accounts/bulk', { ...bulk, step: 'try' }, '/accounts')
  assert.match(tried.body, /1 account would change, 1 would not/)
  assert.match(tried.body, /Contract K000001 does not hold on 25 November 2026/)
  const held = () =>
    postgres.owner.query("select contract_id from contract_terms where missing = 'estimate'")
  assert.deepEqual((await held()).rows, [])
  await posted('/accounts/bulk', { ...bulk, step: 'do' }, '/accounts')
  assert.equal((await held()).rows.length, 1)
  const none = await meera.post('/accounts/bulk', { do: 'end' }, '/accounts')
  assert.match(none.body, /Nothing is selected/)
})

test('search: one exact hit is opened, accents and case do not matter, an unknown meter is named', async () => {
  const to = async (q: string) =>
    (await meera.get(`/search?q=${encodeURIComponent(q)}`)).headers.location ?? ''
  assert.equal(await to('k000001'), '/accounts/1')
  assert.equal(await to('M-2'), '/meters/2')
  assert.equal(await to('SP-2'), '/service-points/2')
  assert.match(await shown('/search?q=MUELLER'), /Customers/)
  assert.match(await shown('/search?q=77%25_x'), /no meter of that number was ever reported/)
})

test('each filter, order and file of the lists answers, and finds what it should', async () => {
  for (const spec of [ACCOUNTS, CUSTOMERS, SERVICE_POINTS]) {
    for (const [name, choices] of Object.entries(spec.filters)) {
      for (const [value] of choices) await shown(`${spec.path}?${name}=${value}&q=a`)
    }
    for (const sort of Object.keys(spec.sorts)) {
      await shown(`${spec.path}?sort=${sort}`)
      await shown(`${spec.path}?sort=-${sort}`)
    }
  }
  const found = await shown('/customers?q=J%C3%BCRGEN')
  assert.match(found, /Jürgen Mueller/)
  assert.doesNotMatch(found, /Asha/)
  assert.match(await shown('/accounts?state=ended'), /K000001/)
  assert.doesNotMatch(await shown('/accounts?state=ended'), /K000002/)
  assert.match(await shown('/accounts?email=without&q=m-1'), /K000001/)
  const file = await meera.get('/accounts.csv')
  assert.match(file.body, /"K000001","Jürgen Mueller"/)
})

test('what was entered by mistake goes away after a question, what is used does not', async () => {
  const ask = await meera.post('/accounts/1/delete', {}, '/accounts/1')
  assert.match(ask.body, /Delete account K000001\?/)
  const used = await meera.post('/customers/1/delete', { sure: 'yes' }, '/customers')
  assert.equal(used.statusCode, 422)
  assert.match(used.body, /has contract K000001/)
  await posted('/accounts/1/delete', { sure: 'yes', why: 'typed twice' }, '/accounts/2')
  assert.equal((await meera.get('/accounts/1')).statusCode, 404)
})
