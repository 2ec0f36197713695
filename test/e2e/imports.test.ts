// A file becomes customers, service points, meters, installations, contracts and readings
// (services/billing/customers/shell/imports): dry run, once and for all, again, and taken back.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { register } from '../../services/billing/customers/db/registry.ts'
import {
  findImport,
  moveImport,
  previewsOf,
  refusalsOf,
} from '../../services/billing/customers/db/imports/log.ts'
import {
  applyImport,
  checkImport,
  undoById,
} from '../../services/billing/customers/shell/imports/run.ts'
import { emptyRegistry, type GivenFile, importStore, prepared } from './import-fixture.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

let postgres: TestPostgres

before(async () => {
  postgres = await testPostgres()
})
after(() => postgres.close())
beforeEach(() => emptyRegistry(postgres))

const HEADER =
  'customer number,customer name,customer address,e-mail,phone,service point code,' +
  'service point address,time zone,meter number,digits,installed on,opening reading,unit,' +
  'supplied from,tariff'
const line = (n: number, more: Readonly<Record<string, string>> = {}): string => {
  const cells = {
    customer: `C-${n}`,
    name: `Customer ${n}`,
    address: `"${n} Lake Road, Pune"`,
    email: `c${n}@example.org`,
    phone: `+9199000000${String(n).padStart(2, '0')}`,
    point: `P-${n}`,
    place: `Flat ${n}`,
    zone: 'Asia/Kolkata',
    meter: `M-${n}`,
    digits: '9',
    installed: '2026-05-01',
    value: '100.5',
    unit: 'kWh',
    from: '2026-05-01',
    tariff: '',
    ...more,
  }
  return Object.values(cells).join(',')
}
const flat = (...lines: readonly string[]): GivenFile => ({
  kind: 'flat',
  text: [HEADER, ...lines].join('\n'),
})

const store = () => importStore(postgres)
const count = async (table: string): Promise<number> => {
  const { rows } = await postgres.owner.query<{ count: string }>(`select count(*) from ${table}`)
  return Number(rows[0]?.count)
}
const TABLES = ['customers', 'service_points', 'meters', 'installations', 'contracts'] as const
const counts = () => Promise.all([...TABLES, 'manual_readings', 'contract_terms'].map(count))

/** Dry run; what it says. */
async function checked(file: GivenFile) {
  const id = await prepared(postgres, file)
  await checkImport(store(), id)
  const view = await findImport(postgres.db.kysely, id)
  const refusals = await refusalsOf(postgres.db.kysely, id, { after: 0, limit: null })
  return { id, view, refusals, previews: await previewsOf(postgres.db.kysely, id) }
}

async function applied(file: GivenFile): Promise<number> {
  const { id, refusals } = await checked(file)
  assert.deepEqual(refusals, [])
  await apply(id)
  const view = await findImport(postgres.db.kysely, id)
  assert.equal(view?.state, 'applied', view?.detail ?? '')
  return id
}

async function apply(id: number): Promise<void> {
  assert.ok(await moveImport(postgres.db.kysely, id, { from: ['checked'], to: 'applying' }))
  await applyImport(store(), id, 'ola')
}

test('a dry run of the flat file says what would be new and writes nothing', async () => {
  const { view, refusals, previews } = await checked(flat(line(1), line(2)))
  assert.equal(view?.state, 'checked', view?.detail ?? '')
  assert.deepEqual(refusals, [])
  assert.deepEqual(view?.counts, {
    lines: 2,
    refused: 0,
    rows: {
      customer: { new: 2, changed: 0, equal: 0 },
      'service point': { new: 2, changed: 0, equal: 0 },
      meter: { new: 2, changed: 0, equal: 0 },
      installation: { new: 2, changed: 0, equal: 0 },
      contract: { new: 2, changed: 0, equal: 0 },
      term: { new: 2, changed: 0, equal: 0 },
      'manual reading': { new: 2, changed: 0, equal: 0 },
    },
  })
  assert.equal(previews.length, 14)
  assert.deepEqual(await counts(), [0, 0, 0, 0, 0, 0, 0])
  assert.equal(await count('changes'), 0)
})

test('what is applied is there with its record of changes; the same file again is all equal', async () => {
  const id = await applied(flat(line(1), line(2)))
  assert.deepEqual(await counts(), [2, 2, 2, 2, 2, 2, 2])
  const { rows } = await postgres.owner.query(
    `select i.from_ts, r.value, r.exponent, r.unit, r.kind, r.state, r.decided_by
     from installations i join manual_readings r using (meter_id) where r.ts = i.from_ts limit 1`,
  )
  assert.deepEqual(rows, [
    {
      from_ts: new Date('2026-04-30T18:30:00Z'),
      value: 1005,
      exponent: 2,
      unit: 30,
      kind: 'opening',
      state: 'approved',
      decided_by: 'ola',
    },
  ])
  const { rows: changes } = await postgres.owner.query(
    'select who, why, import_id, count(*)::integer from changes group by 1, 2, 3',
  )
  assert.deepEqual(changes, [
    { who: 'ola', why: `import ${id}: flat.csv`, import_id: id, count: 14 },
  ])
  const again = await checked(flat(line(1), line(2)))
  for (const tally of Object.values(again.view?.counts?.rows ?? {})) {
    assert.deepEqual(tally, { new: 0, changed: 0, equal: 2 })
  }
})

test('a cell left blank leaves what exists as it is; a changed one is shown and recorded', async () => {
  await applied(flat(line(1)))
  const blank = await checked(flat(line(1, { email: '', phone: '', digits: '', unit: '' })))
  assert.equal(blank.view?.counts?.rows.customer?.changed, 0)
  const { id, previews } = await checked(flat(line(1, { address: 'Moved 3' })))
  assert.deepEqual(previews, [
    {
      what: 'customer',
      state: 'changed',
      key: 'C-1',
      line: 2,
      fields: [{ field: 'address', before: '1 Lake Road, Pune', after: 'Moved 3' }],
    },
  ])
  await apply(id)
  const { rows } = await postgres.owner.query(
    `select who, why, import_id, before->>'address' as was, after->>'address' as is
     from changes where before is not null`,
  )
  const why = `import ${id}: flat.csv`
  assert.deepEqual(rows, [
    { who: 'ola', why, import_id: id, was: '1 Lake Road, Pune', is: 'Moved 3' },
  ])
})

test('a flat without meter and one without tariff or customer is taken for what it is', async () => {
  const noMeter = line(1, { meter: '', digits: '', installed: '', value: '', unit: '' })
  const noCustomer = line(2, {
    customer: '',
    name: '',
    address: '',
    email: '',
    phone: '',
    from: '',
  })
  await applied(flat(noMeter, noCustomer))
  assert.deepEqual(await counts(), [1, 2, 1, 1, 1, 1, 1])
  const { rows } = await postgres.owner.query('select tariff_id from contract_terms')
  assert.deepEqual(rows, [{ tariff_id: null }])
})

/** `3 contract.from overlaps ...` */
const said = (rows: readonly { line: number; target: string | null; reason: string }[]) =>
  rows.map(({ line: at, target, reason }) => `${at} ${target ?? '-'} ${reason}`)

test('each mistake is refused with line and column; the other lines go in', async () => {
  const { refusals, view, id } = await checked(
    flat(
      line(1),
      line(2, { phone: '99000' }),
      line(3, { zone: 'Asia/Kolkatta' }),
      line(4, { tariff: 'NONE' }),
      line(5, { meter: 'M-1' }),
      line(6, { point: 'P-7', place: 'Flat 7' }),
      line(7),
      line(8, { name: '' }),
      `${line(9)},surplus`,
      line(10, { customer: 'C-11', name: 'Somebody' }),
      line(11),
      line(12, { installed: '', from: '' }),
    ),
  )
  assert.deepEqual(said(refusals), [
    '2 installation.from is at a time at which the meter is at line 6 (P-5)',
    '3 customer.phone has no country',
    '4 point.zone is no time zone',
    '5 contract.tariff is no tariff that exists',
    '6 installation.from is at a time at which the meter is at line 2 (P-1)',
    '7 customer.number differs from another line about the same contract',
    '8 customer.number differs from another line about the same contract',
    '9 customer.name is blank, and there is no customer of this number yet',
    '10 - has 16 cells where the header has 15',
    '11 customer.name differs from another line about the same customer',
    '12 customer.name differs from another line about the same customer',
    '13 installation.from is blank, and the meter is not installed there yet',
    '13 contract.from is blank, and the contract is new',
  ])
  assert.deepEqual([view?.counts?.lines, view?.counts?.refused], [12, 12])
  await apply(id)
  assert.deepEqual(await counts(), [0, 0, 0, 0, 0, 0, 0])
})

test('a contract, a place or a reading that stands already is not overwritten', async () => {
  await applied(flat(line(1)))
  const number = `contract ${await contractNumber()}`
  const { refusals } = await checked(
    flat(
      line(1, { customer: 'C-9', name: 'Other', from: '2026-06-01' }),
      line(2, { meter: 'M-1', value: '' }),
    ),
  )
  assert.deepEqual(said(refusals), [
    '2 installation.from is at a time at which the meter is at line 3 (P-2)',
    `2 contract.from overlaps another supply of the service point (${number})`,
    '3 installation.from is at a time at which the meter is at line 2 (P-1)',
  ])
  const changed = await checked(flat(line(1, { value: '100.6' })))
  assert.deepEqual(said(changed.refusals), [
    '2 opening.value differs from an approved reading of the same time',
  ])
})

const contractNumber = async (): Promise<string> => {
  const { rows } = await postgres.owner.query<{ number: string }>('select number from contracts')
  return rows[0]?.number ?? ''
}

test('kinds that only name rows do not make them; readings are approved where the meter hung', async () => {
  const contracts = 'customer number;service point;from\nC-1;P-1;01.05.2026'
  const unknown = await checked({ kind: 'contracts', text: contracts })
  assert.deepEqual(said(unknown.refusals), [
    '2 customer.number is no customer that exists',
    '2 point.code is no service point that exists',
  ])
  await applied(flat(line(1)))
  const readings = (at: string, value = '612,25') => ({
    kind: 'readings' as const,
    text: `Zählernummer;Datum;Stand\nM-1;${at};${value}`,
  })
  const early = await checked(readings('30.04.2026'))
  assert.deepEqual(said(early.refusals), [
    '2 reading.at is of a time at which the meter was installed nowhere',
  ])
  await applied(readings('31.05.2026'))
  const { rows } = await postgres.owner.query(
    "select value, exponent, ts, kind from manual_readings where kind = 'technician'",
  )
  const ts = new Date('2026-05-30T18:30:00Z')
  assert.deepEqual(rows, [{ value: 61_225, exponent: 1, ts, kind: 'technician' }])
})

test('what somebody changed since the dry run is not overwritten: the dry run is shown again', async () => {
  await applied(flat(line(1)))
  const { id } = await checked(flat(line(1, { name: 'New Name' })))
  await postgres.owner.query("update customers set email = 'x@example.org', version = version + 1")
  await apply(id)
  const view = await findImport(postgres.db.kysely, id)
  assert.equal(view?.state, 'checked')
  assert.match(view?.detail ?? '', /Something changed since the dry run/)
  const { rows } = await postgres.owner.query('select name from customers')
  assert.deepEqual(rows, [{ name: 'Customer 1' }])
  await apply(id)
  assert.equal((await findImport(postgres.db.kysely, id))?.state, 'applied')
})

async function undone(id: number) {
  assert.ok(await moveImport(postgres.db.kysely, id, { from: ['applied'], to: 'undoing' }))
  await undoById(store(), id, 'ola')
  return findImport(postgres.db.kysely, id)
}

test('an import is taken back while nothing rests on it, what it changed included', async () => {
  await register(postgres.db.pool, {
    customers: [{ number: 'C-1', name: 'Old', address: 'Here', email: null, phone: null }],
  })
  const before = await postgres.owner.query('select name, address, email, phone from customers')
  const id = await applied(flat(line(1), line(2)))
  const view = await undone(id)
  assert.equal(view?.state, 'undone', view?.detail ?? '')
  assert.deepEqual(await counts(), [1, 0, 0, 0, 0, 0, 0])
  const now = await postgres.owner.query('select name, address, email, phone from customers')
  assert.deepEqual(now.rows, before.rows)
  const { rows } = await postgres.owner.query(
    `select count(*)::integer from changes where why like 'undo of import%' and after is null`,
  )
  assert.deepEqual(rows, [{ count: 13 }])
})

test('an import on which something rests is not taken back, and what rests on it is named (OPS-40)', async () => {
  const id = await applied(flat(line(1), line(2)))
  await register(postgres.db.pool, {
    servicePoints: [{ code: 'X', address: 'x', zone: 'UTC' }],
    contracts: [{ customer: 'C-1', servicePoint: 'X', tariff: null, from: '2026-01-01' }],
  })
  await postgres.owner.query("update meters set device_id = null where number = 'M-2'")
  const view = await undone(id)
  assert.deepEqual([view?.state, view?.code], ['applied', 'OPS-40'])
  assert.match(view?.detail ?? '', /^customer C-1 has contract K\d+$/)
  assert.deepEqual(await counts(), [2, 3, 2, 2, 3, 2, 3])
})

test('a meter that one device alone reported is adopted for it when its place is imported', async () => {
  const { owner } = postgres
  await owner.query(`insert into devices (id, name) values ('00000000000000d1', 'block d1'),
    ('00000000000000d2', 'block d2') on conflict do nothing`)
  await owner.query(`insert into meters (number, device_id) values ('M-1', '00000000000000d1'),
    ('M-2', '00000000000000d1')`)
  await owner.query(`
    with r as (insert into registers (obis, exponent, unit) values ('1-0:1.8.0*255', 0, 30)
      returning id)
    insert into rival_readings (ts, meter_id, register_id, value, source, quality, agent_ts,
      clock_state, clock_bound_ms, device_no, sealed_at, epoch, run, sequence, item)
    select now(), m.id, r.id, 7, 1, 0, now(), 'L', 10, d.no, now(), 1, 1, 1, 1
    from meters m, devices d, r where m.number = 'M-2' and d.name = 'block d2'`)
  await applied(flat(line(1), line(2), line(3)))
  const { rows } = await owner.query(
    'select number, adopted_at is not null as adopted, adopted_by as by from meters order by number',
  )
  await owner.query('delete from rival_readings')
  assert.deepEqual(rows, [
    { number: 'M-1', adopted: true, by: 'ola' },
    { number: 'M-2', adopted: false, by: null },
    { number: 'M-3', adopted: false, by: null },
  ])
})
