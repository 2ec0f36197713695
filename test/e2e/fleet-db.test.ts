import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Pool } from 'pg'
import { Fleet } from '../../services/billing/fleet/db/board.ts'
import { type Registration, register } from '../../services/billing/customers/db/registry.ts'
import {
  createDevice,
  issueToken,
  listDevices,
  openRoster,
  revokeDevice,
} from '../../services/billing/fleet/db/roster.ts'
import { readSummary } from '../../services/billing/site/db/summary.ts'
import { type EpochRecord, type Roster, RosterConflict } from '../../shared/handover/roster.ts'
import { ppm, spanMs, spanUs, unixMs } from '../../shared/units.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const NOW = unixMs(Date.UTC(2026, 2, 15, 12))
const DISCIPLINE = {
  frequency: ppm(-3.5),
  skew: ppm(0.5),
  holdover: spanMs(4_000),
  steps: 0,
  lastStep: spanUs(0),
}
const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill)
const buffer = (length: number, fill: number) => Buffer.alloc(length, fill)

let postgres: TestPostgres
let roster: Roster
before(async () => {
  postgres = await testPostgres()
  roster = openRoster(postgres.db.kysely)
})
after(() => postgres.close())

const tokenOf = (id: number, device: string) => ({
  id: bytes(8, id),
  device,
  secret: bytes(40, id),
  expiresAt: NOW,
  masterKey: bytes(4, 7),
})
const enrolment = (device: string, key: number, attempt: number, token = 1) => ({
  token: Buffer.alloc(8, token).toString('hex'),
  device,
  staticKey: bytes(32, key),
  psk: bytes(48, attempt),
  attempt,
})

test('a token is burnt by the first key; the highest attempt stands (wire.md 3)', async () => {
  const { kysely } = postgres.db
  const before = await roster.revision()
  const device = await createDevice(kysely, { id: bytes(8, 1), name: 'one', historyFrom: NOW })
  await issueToken(kysely, tokenOf(1, device))
  assert.ok((await roster.revision()) > before)
  await roster.enrol(enrolment(device, 7, 2))
  await roster.enrol(enrolment(device, 7, 2))
  // Below the stored one: nothing changes, and the slave is told ENROLLED all the same.
  await roster.enrol(enrolment(device, 7, 1))
  await assert.rejects(roster.enrol(enrolment(device, 8, 9)), RosterConflict)
  await assert.rejects(roster.enrol(enrolment(device, 7, 9, 200)), RosterConflict)
  await roster.enrol(enrolment(device, 7, 3))
  const { devices, tokens, revision } = await roster.load()
  assert.equal(revision, await roster.revision())
  assert.deepEqual(devices, [
    {
      id: device,
      name: 'one',
      staticKey: buffer(32, 7),
      psk: buffer(48, 3),
      attempt: 3,
      revoked: false,
      historyFrom: NOW,
    },
  ])
  assert.deepEqual(tokens[0]?.burntBy, buffer(32, 7))
})

test('an attempt may be any u32 (wire.md 3)', async () => {
  const { kysely } = postgres.db
  const device = await createDevice(kysely, { id: bytes(8, 9), name: 'nine', historyFrom: null })
  await issueToken(kysely, tokenOf(9, device))
  for (const attempt of [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]) {
    await roster.enrol(enrolment(device, 99, attempt, 9))
    const stored = (await listDevices(kysely)).find(({ id }) => id === device)
    assert.equal(stored?.attempt, attempt)
  }
})

test('one key cannot be two devices', async () => {
  const { kysely } = postgres.db
  const device = await createDevice(kysely, { id: bytes(8, 2), name: 'two', historyFrom: null })
  await issueToken(kysely, tokenOf(2, device))
  await assert.rejects(roster.enrol(enrolment(device, 7, 1, 2)), RosterConflict)
})

test('a revoked device loses its tokens; a new token lets in a new key only', async () => {
  const { kysely } = postgres.db
  const device = await createDevice(kysely, { id: bytes(8, 3), name: 'three', historyFrom: null })
  await issueToken(kysely, tokenOf(3, device))
  await roster.enrol(enrolment(device, 33, 5, 3))
  const before = await roster.revision()
  assert.equal(await revokeDevice(kysely, device), true)
  assert.equal(await revokeDevice(kysely, 'ffffffffffffffff'), false)
  assert.ok((await roster.revision()) > before)
  const find = async () => (await listDevices(kysely)).find(({ id }) => id === device)
  assert.equal((await find())?.revoked, true)
  await assert.rejects(roster.enrol(enrolment(device, 33, 6, 3)), RosterConflict)
  await issueToken(kysely, tokenOf(4, device))
  assert.deepEqual(await find(), {
    id: device,
    name: 'three',
    staticKey: null,
    psk: null,
    attempt: 0,
    revoked: false,
    historyFrom: null,
  })
  await roster.enrol(enrolment(device, 34, 1, 4))
  const epoch = { device, id: 1, origin: NOW, transcript: bytes(32, 1), keys: bytes(64, 1) }
  const stolen = roster.commitEpoch({ ...epoch, closed: false }, bytes(32, 33))
  await assert.rejects(stolen, RosterConflict, 'the key from before the revocation')
  await roster.commitEpoch({ ...epoch, closed: false }, bytes(32, 34))
  await revokeDevice(kysely, device)
  const late = roster.commitEpoch({ ...epoch, id: 2, closed: false }, bytes(32, 34))
  await assert.rejects(late, RosterConflict, 'a revoked device')
})

test('a new epoch closes the older ones; puncturing replaces keys', async () => {
  const device = '0101010101010101'
  const epoch = (id: number, fill: number): EpochRecord => ({
    device,
    id,
    origin: NOW,
    transcript: buffer(32, fill),
    keys: buffer(64, fill),
    closed: false,
  })
  const owner = bytes(32, 7)
  await roster.commitEpoch(epoch(4_294_967_295, 1), owner)
  await roster.commitEpoch(epoch(2, 2), owner)
  await roster.commitEpoch(epoch(4_294_967_295, 1), owner)
  await assert.rejects(roster.commitEpoch(epoch(2, 3), owner), RosterConflict)
  await assert.rejects(roster.commitEpoch(epoch(3, 3), bytes(32, 8)), RosterConflict)
  await roster.rewrap((batch) => batch.map(({ epoch: id }) => (id === 2 ? bytes(64, 9) : null)))
  const { epochs } = await roster.load()
  const own = epochs.filter((stored) => stored.device === device)
  assert.deepEqual(own, [
    { ...epoch(4_294_967_295, 1), closed: true },
    { ...epoch(2, 2), keys: buffer(64, 9) },
  ])
})

test('the fleet board writes links, reports and refusals for the summary', async () => {
  const { pool } = postgres.db
  const device = '0101010101010101'
  const fleet = new Fleet(pool, () => {})
  fleet.connected(device, 'tcp', NOW)
  fleet.status(device, {
    at: NOW,
    clockState: 'S',
    clockOffset: spanUs(-12.4),
    clockBound: spanUs(2_500),
    roundTripDelay: spanUs(800),
    backlogFrames: 3,
    meters: 4,
    faults: new Map([['MTR-02', 6]]),
    discipline: DISCIPLINE,
  })
  fleet.connected('eeeeeeeeeeeeeeee', 'ws', NOW)
  fleet.refused(device, 'SEC-05', NOW)
  fleet.refused(device, 'SEC-05', unixMs(NOW + 5))
  fleet.refused(null, 'WIR-02', NOW)
  await fleet.close()
  const { rows } = await pool.query('select * from device_status')
  assert.deepEqual(rows, [
    {
      device_id: device,
      transport: 'tcp',
      connected_at: new Date(NOW),
      disconnected_at: null,
      reported_at: new Date(NOW),
      clock_state: 'S',
      clock_offset_us: 12,
      clock_bound_us: 2_500,
      round_trip_us: 800,
      backlog_frames: 3,
      meters: 4,
      faults: { 'MTR-02': 6 },
    },
  ])
  const refusals = await pool.query('select device_id, code, count from refusals order by code')
  assert.deepEqual(refusals.rows, [
    { device_id: device, code: 'SEC-05', count: 2 },
    { device_id: '', code: 'WIR-02', count: 1 },
  ])
  const figures = { meters: 0, readings: 0, refused: 3, bills: 0, notices: 0 }
  assert.deepEqual(await readSummary(pool), { ...figures, clockBoundMs: 2.5 })
  const next = new Fleet(pool, () => {})
  await next.begin(NOW)
  assert.deepEqual(await readSummary(pool), { ...figures, clockBoundMs: null })
  next.connected(device, 'ws', NOW)
  await next.close()
  assert.equal((await readSummary(pool)).clockBoundMs, 2.5)
})

test('a fleet board without a database says so and goes on', async () => {
  const lines: string[] = []
  const away = new Pool({ host: '/nowhere' })
  const fleet = new Fleet(away, (line) => lines.push(line))
  fleet.refused(null, 'WIR-02', NOW)
  await fleet.close()
  assert.match(lines.join(), /OPS-08/)
  await away.end()
})

test('a neighbourhood of 100 is registered at once, and again without a change', async () => {
  const { pool } = postgres.db
  await pool.query("insert into tariffs (code, name) values ('T1', 'plain')")
  await pool.query("insert into meters (number, device_id) values ('M7', '0101010101010101')")
  const numbers = Array.from({ length: 100 }, (_, index) => index)
  const entries: Registration = {
    customers: numbers.map((n) => ({
      number: `C${n}`,
      name: `Name ${n}`,
      address: `Street ${n}`,
      email: null,
      phone: null,
    })),
    servicePoints: numbers.map((n) => ({ code: `P${n}`, address: 'a', zone: 'Europe/Berlin' })),
    meters: numbers.map((n) => ({ number: `M${n}`, device: null, digits: 6 })),
    installations: numbers.map((n) => ({ meter: `M${n}`, servicePoint: `P${n}`, from: NOW })),
    contracts: numbers.map((n) => ({
      customer: `C${n}`,
      servicePoint: `P${n}`,
      tariff: 'T1',
      from: '2026-01-01',
    })),
  }
  assert.equal(await register(pool, entries), 500)
  assert.equal(await register(pool, entries), 0)
  const { rows } = await pool.query("select device_id, digits from meters where number = 'M7'")
  assert.deepEqual(rows, [{ device_id: '0101010101010101', digits: 6 }])
  await assert.rejects(
    register(pool, {
      customers: [{ number: 'X', name: 'X', address: '', email: null, phone: null }],
      contracts: [{ customer: 'X', servicePoint: 'nowhere', tariff: null, from: '2026-01-01' }],
    }),
    { code: 'OPS-05' },
  )
  assert.equal((await pool.query("select 1 from customers where number = 'X'")).rowCount, 0)
})
