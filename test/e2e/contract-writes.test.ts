// Move-in, move-out, exchange and terms as an operator enters them (services/billing/customers/db).

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { startOfDay } from '../../services/billing/civil/calendar.ts'
import {
  deleteContract,
  editContract,
  endContract,
  openContract,
  undoEnd,
} from '../../services/billing/customers/db/contracts.ts'
import {
  createCustomer,
  deleteCustomer,
  editCustomer,
} from '../../services/billing/customers/db/customers.ts'
import {
  deleteInstallation,
  exchangeMeter,
  installMeter,
  removeMeter,
  undoRemoval,
} from '../../services/billing/customers/db/installations.ts'
import {
  createServicePoint,
  deleteServicePoint,
  editServicePoint,
} from '../../services/billing/customers/db/service-points.ts'
import { deleteTerm, setTerms } from '../../services/billing/customers/db/terms.ts'
import { type Trx, trying, writing } from '../../services/billing/customers/db/writing.ts'
import type { Written } from '../../services/billing/customers/core/written.ts'
import { changesOf } from '../../services/billing/store/changes.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

let postgres: TestPostgres

before(async () => {
  postgres = await testPostgres()
})
after(() => postgres.close())

const ZONE = 'Europe/Berlin'
const author = { who: 'Ravi', why: 'as the form says', importId: null }
const registers = (value: number) => [{ obis: '1-0:1.8.0*255', unit: 30, value, exponent: 0 }]
const write = (work: (trx: Trx) => Promise<Written>) => writing(postgres.db.kysely, work)

async function stored(work: (trx: Trx) => Promise<Written>): Promise<number> {
  const written = await write(work)
  assert.ok(written.is === 'done', JSON.stringify(written))
  return written.id
}

async function refusedFor(work: (trx: Trx) => Promise<Written>): Promise<readonly string[]> {
  const written = await write(work)
  assert.ok(written.is === 'refused', JSON.stringify(written))
  return written.refusals.flatMap(({ field, code, text }) => [field, code ?? 'none', text])
}

const person = (name: string) => ({
  number: null,
  name,
  address: '12 Lake Road',
  email: null,
  phone: null,
  language: 'en',
})
const contract = (customerId: number, servicePointId: number, from: string) => ({
  number: null,
  customerId,
  servicePointId,
  tariffId: null,
  missing: 'wait' as const,
  from,
  billedFrom: from,
})

let asha: number
let point: number
let tariff: number

async function meter(number: string): Promise<number> {
  const { rows } = await postgres.owner.query<{ id: number }>(
    'insert into meters (number) values ($1) returning id',
    [number],
  )
  return rows[0]?.id ?? 0
}

beforeEach(async () => {
  await postgres.owner.query(
    `set session_replication_role = replica;
     truncate customers, service_points, meters, tariffs, bills, contracts restart identity cascade;
     reset session_replication_role`,
  )
  asha = await stored((trx) => createCustomer(trx, author, person('Asha')))
  const place = { code: 'SP-1', address: '12 Lake Road', zone: ZONE }
  point = await stored((trx) => createServicePoint(trx, author, place))
  const { rows } = await postgres.owner.query<{ id: number }>(
    "insert into tariffs (code, name) values ('T', 'T') returning id",
  )
  tariff = rows[0]?.id ?? 0
})

/** A bill of a contract for October, as the run would have made it. */
async function bill(contractId: number): Promise<void> {
  await postgres.owner.query(
    `insert into tariff_versions (tariff_id, valid_from, content, hash) values ($1, '2026-01-01', '{}', 'h')`,
    [tariff],
  )
  await postgres.owner.query(
    `insert into bills (number, customer_id, service_point_id, contract_id, period_from, period_to,
       tariff_version_id, currency, total, content, hash, issued_at, due_on)
     select 'B-1', customer_id, service_point_id, id, '2026-10-01', '2026-11-01',
       (select max(id) from tariff_versions), 'INR', 1, '{}', 'h', now(), '2026-11-15'
     from contracts where id = $1`,
    [contractId],
  )
}

test('numbers are given where none is typed, and a number that is taken says by whom', async () => {
  const { rows } = await postgres.owner.query('select number from customers')
  assert.deepEqual(rows, [{ number: 'C000001' }])
  const again = { ...person('Ravi'), number: 'C000001' }
  const said = await refusedFor((trx) => createCustomer(trx, author, again))
  assert.deepEqual(said.slice(0, 2), ['number', 'OPS-41'])
  assert.match(said[2] ?? '', /Asha has the number C000001/)
})

test('a move-in while somebody lives there is BIL-30 and names the contract and its dates', async () => {
  const ravi = await stored((trx) => createCustomer(trx, author, person('Ravi')))
  const first = await stored((trx) =>
    openContract(trx, author, contract(asha, point, '2026-10-01')),
  )
  const work = (from: string) => (trx: Trx) =>
    openContract(trx, author, contract(ravi, point, from))
  const said = await refusedFor(work('2026-11-15'))
  assert.deepEqual(said, [
    'from',
    'BIL-30',
    'Contract K000001 of Asha has this service point since 1 October 2026: end it first, or ' +
      'choose another service point.',
  ])
  const end = { id: first, version: 1, to: '2026-11-16' }
  await stored((trx) => endContract(trx, author, end))
  const later = await refusedFor(work('2026-11-15'))
  assert.match(later[2] ?? '', /from 1 October 2026 to 15 November 2026: begin on 16 November 2026/)
  await stored(work('2026-11-16'))
  const undone = await refusedFor((trx) => undoEnd(trx, author, { id: first, version: null }))
  assert.match(
    undone[2] ?? '',
    /Contract K00000\d of Ravi has this service point since 16 November/,
  )
})

test('of two operators who move two customers in at one moment one is told of the other', async () => {
  const ravi = await stored((trx) => createCustomer(trx, author, person('Ravi')))
  for (let round = 0; round < 10; round += 1) {
    const place = { code: null, address: `Flat ${round}`, zone: ZONE }
    const flat = await stored((trx) => createServicePoint(trx, author, place))
    const both = await Promise.all(
      [asha, ravi].map((who) =>
        write((trx) => openContract(trx, author, contract(who, flat, '2026-10-01'))),
      ),
    )
    const refusals = both.flatMap((each) => (each.is === 'refused' ? each.refusals : []))
    assert.deepEqual(
      [both.filter(({ is }) => is === 'done').length, refusals.map(({ code }) => code)],
      [1, ['BIL-30']],
    )
  }
})

test('of two who install one meter at two places at one moment one is told of the other', async () => {
  const place = { code: 'SP-2', address: 'Flat 2', zone: ZONE }
  const second = await stored((trx) => createServicePoint(trx, author, place))
  const at = startOfDay('2026-10-01', ZONE)
  for (let round = 0; round < 10; round += 1) {
    const meterId = await meter(`M-${round}`)
    const both = await Promise.all(
      [point, second].map((servicePointId) =>
        write((trx) =>
          installMeter(trx, author, {
            meterId,
            servicePointId,
            at,
            opening: [],
            mainMeterId: null,
          }),
        ),
      ),
    )
    const refusals = both.flatMap((each) => (each.is === 'refused' ? each.refusals : []))
    assert.deepEqual(
      refusals.map(({ code }) => code),
      ['BIL-31'],
    )
  }
})

test('the second of two editors is told what the row is now, and may then decide', async () => {
  const entry = { ...person('Asha K.'), number: 'C000001' }
  await stored((trx) => editCustomer(trx, author, { id: asha, version: 1, entry }))
  const mine = { ...entry, name: 'Asha Kulkarni' }
  const late = await write((trx) =>
    editCustomer(trx, author, { id: asha, version: 1, entry: mine }),
  )
  assert.ok(late.is === 'overtaken')
  assert.deepEqual([late.version, late.now['name']], [2, 'Asha K.'])
  await stored((trx) => editCustomer(trx, author, { id: asha, version: 2, entry: mine }))
  const changes = await changesOf(postgres.db.kysely, [{ what: 'customer', id: asha }], 1)
  assert.deepEqual(
    changes.map(({ who, before: was, after: is }) => [who, was, is]),
    [['Ravi', { ...entry, name: 'Asha K.' }, mine]],
  )
})

test('what was billed stays: zone, terms, end and first billed day are refused, with the day from which they are not', async () => {
  const id = await stored((trx) => openContract(trx, author, contract(asha, point, '2026-09-01')))
  await bill(id)
  const entry = { code: 'SP-1', address: '12 Lake Road', zone: 'Asia/Kolkata' }
  const zone = await refusedFor((trx) =>
    editServicePoint(trx, author, { id: point, version: 1, entry }),
  )
  const terms = await refusedFor((trx) =>
    setTerms(trx, author, { contractId: id, version: 1, from: '2026-10-31', tariffId: tariff }),
  )
  const end = await refusedFor((trx) =>
    endContract(trx, author, { id, version: 1, to: '2026-10-31' }),
  )
  const change = { id, version: 1, number: null, billedFrom: '2026-09-02' }
  const first = await refusedFor((trx) => editContract(trx, author, change))
  const gone = await refusedFor((trx) => deleteContract(trx, author, id))
  assert.deepEqual(
    [zone, terms, end, first, gone].map(([field, code]) => [field, code]),
    ['zone', 'from', 'lastDay', 'billedFrom', ''].map((field) => [field, 'OPS-41']),
  )
  assert.match(terms[2] ?? '', /up to 31 October 2026.*from 1 November 2026 on/)
  await stored((trx) =>
    setTerms(trx, author, { contractId: id, version: 1, from: '2026-11-01', tariffId: tariff }),
  )
  await stored((trx) => endContract(trx, author, { id, version: 2, to: '2026-11-01' }))
})

test('an exchange ends the old meter and begins the new one at one instant, with both registers', async () => {
  const [old, next] = [await meter('OLD'), await meter('NEW')]
  const from = startOfDay('2026-10-01', ZONE)
  const sub = await meter('SUB')
  const install = { servicePointId: point, at: from, opening: registers(5), mainMeterId: null }
  const id = await stored((trx) => installMeter(trx, author, { ...install, meterId: old }))
  await stored((trx) =>
    installMeter(trx, author, { ...install, meterId: sub, opening: [], mainMeterId: old }),
  )
  const at = startOfDay('2026-10-14', ZONE)
  const exchange = { id, at, closing: registers(900), meterId: next, opening: registers(3) }
  await stored((trx) => exchangeMeter(trx, author, exchange))
  const { rows } = await postgres.owner.query(
    `select m.number, from_ts = $1 as since, to_ts = $1 as until, o.number as main
     from installations i join meters m on m.id = meter_id left join meters o on o.id = main_meter_id
     order by i.id`,
    [new Date(at)],
  )
  assert.deepEqual(rows, [
    { number: 'OLD', since: false, until: true, main: null },
    { number: 'SUB', since: false, until: null, main: 'NEW' },
    { number: 'NEW', since: true, until: null, main: null },
  ])
  const readings = await postgres.owner.query(
    'select kind, value, state from manual_readings where ts = $1 order by id',
    [new Date(at)],
  )
  assert.deepEqual(readings.rows, [
    { kind: 'closing', value: 900, state: 'approved' },
    { kind: 'opening', value: 3, state: 'approved' },
  ])
})

test('an exchange that is refused in its second half leaves nothing of the first', async () => {
  const [old, next] = [await meter('OLD'), await meter('NEW')]
  const place = { code: 'SP-2', address: 'Flat 2', zone: ZONE }
  const second = await stored((trx) => createServicePoint(trx, author, place))
  const from = startOfDay('2026-10-01', ZONE)
  const none = { opening: [], mainMeterId: null, at: from }
  const id = await stored((trx) =>
    installMeter(trx, author, { ...none, meterId: old, servicePointId: point }),
  )
  await stored((trx) =>
    installMeter(trx, author, { ...none, meterId: next, servicePointId: second }),
  )
  const at = startOfDay('2026-10-14', ZONE)
  const exchange = { id, at, closing: registers(900), meterId: next, opening: registers(3) }
  const said = await refusedFor((trx) => exchangeMeter(trx, author, exchange))
  assert.deepEqual(said.slice(0, 2), ['meter', 'BIL-31'])
  assert.match(said[2] ?? '', /NEW is at SP-2 since 1 October 2026, 00:00: remove it there first/)
  const { rows } = await postgres.owner.query('select to_ts from installations where id = $1', [id])
  assert.deepEqual(rows, [{ to_ts: null }])
  const readings = await postgres.owner.query('select id from manual_readings')
  assert.deepEqual(readings.rows, [])
})

test('a removal is taken back while the meter hangs nowhere else, and a mistake is deleted', async () => {
  const meterId = await meter('M')
  const at = startOfDay('2026-10-01', ZONE)
  const entry = { meterId, servicePointId: point, at, opening: [], mainMeterId: null }
  const id = await stored((trx) => installMeter(trx, author, entry))
  const removal = { id, at: startOfDay('2026-10-10', ZONE), closing: registers(7) }
  await stored((trx) => removeMeter(trx, author, removal))
  await stored((trx) => undoRemoval(trx, author, id))
  await stored((trx) => deleteInstallation(trx, author, id))
  const what = 'installation' as const
  const changes = await changesOf(postgres.db.kysely, [{ what, id }], 4)
  assert.deepEqual(
    changes.map(({ before: was, after: is }) => [was !== null, is !== null]),
    [
      [true, false],
      [true, true],
      [true, true],
      [false, true],
    ],
  )
})

test('a meter behind itself is refused', async () => {
  const [a, b] = [await meter('A'), await meter('B')]
  const entry = { servicePointId: point, at: startOfDay('2026-10-01', ZONE), opening: [] }
  await stored((trx) => installMeter(trx, author, { ...entry, meterId: a, mainMeterId: b }))
  const said = await refusedFor((trx) =>
    installMeter(trx, author, { ...entry, meterId: b, mainMeterId: a }),
  )
  assert.equal(said[0], 'main')
})

test('what is in use is not deleted and says by what; what is not goes away, and stays on record', async () => {
  const id = await stored((trx) => openContract(trx, author, contract(asha, point, '2026-09-01')))
  const customer = await refusedFor((trx) => deleteCustomer(trx, author, asha))
  const place = await refusedFor((trx) => deleteServicePoint(trx, author, point))
  assert.match(customer[2] ?? '', /has contract K000001/)
  assert.match(place[2] ?? '', /Contract K000001 supplies it/)
  await stored((trx) => deleteContract(trx, author, id))
  await stored((trx) => deleteCustomer(trx, author, asha))
  await stored((trx) => deleteServicePoint(trx, author, point))
  const changes = await changesOf(postgres.db.kysely, [{ what: 'customer', id: asha }], 10)
  assert.deepEqual(changes[0]?.after, null)
})

test('terms hold from their day on; the first stay, later ones can be taken back', async () => {
  const id = await stored((trx) => openContract(trx, author, contract(asha, point, '2026-09-01')))
  const terms = { contractId: id, version: null, from: '2026-10-01' }
  await stored((trx) => setTerms(trx, author, { ...terms, tariffId: tariff }))
  await stored((trx) =>
    setTerms(trx, author, { ...terms, from: '2026-11-01', missing: 'estimate' }),
  )
  const held = () =>
    postgres.owner.query<{ id: number }>(
      'select id, from_date, tariff_id = $1 as agreed, missing from contract_terms order by id',
      [tariff],
    )
  const { rows } = await held()
  assert.deepEqual(
    rows.map(({ id: _id, ...row }) => row),
    [
      { from_date: '2026-09-01', agreed: null, missing: 'wait' },
      { from_date: '2026-10-01', agreed: true, missing: 'wait' },
      { from_date: '2026-11-01', agreed: true, missing: 'estimate' },
    ],
  )
  const take = (index: number) => (trx: Trx) =>
    deleteTerm(trx, author, { contractId: id, termId: rows[index]?.id ?? 0 })
  assert.equal((await refusedFor(take(0)))[1], 'OPS-41')
  await stored(take(2))
  assert.equal((await held()).rows.length, 2)
})

test('what is only tried leaves nothing, and says what would stand in the way', async () => {
  const { kysely } = postgres.db
  const work = (trx: Trx) => openContract(trx, author, contract(asha, point, '2026-09-01'))
  assert.deepEqual(await trying(kysely, work), [])
  assert.deepEqual((await postgres.owner.query('select id from contracts')).rows, [])
  await stored(work)
  assert.deepEqual(
    (await trying(kysely, work)).map(({ code }) => code),
    ['BIL-30'],
  )
})
