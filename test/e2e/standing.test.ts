// Which readings count: those that say when they were taken and came first, unless an operator set
// them aside; of a meter, those of the device that an operator named. Nothing is lost on the way.

import assert from 'node:assert/strict'
import { after, beforeEach, before, test } from 'node:test'
import { register } from '../../services/billing/customers/db/registry.ts'
import { adoptMeter } from '../../services/billing/readings/db/meters.ts'
import {
  liftSetAside,
  setAside,
  setAsideOf,
  unadoptedOf,
} from '../../services/billing/readings/db/set-aside.ts'
import { readingReads } from '../../services/billing/readings/db/reads.ts'
import { ReadingSink } from '../../services/billing/readings/db/sink.ts'
import type { AcceptedFrame } from '../../shared/handover/sink.ts'
import { ACTIVE_IMPORT_TOTAL, obisOf } from '../../shared/meter/obis.ts'
import { type Reading, UNIT } from '../../shared/meter/reading.ts'
import { second, spanMs, type UnixMs, unixMs } from '../../shared/units.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const [THIEF, HONEST, THIRD] = ['00000000000000d1', '00000000000000d2', '00000000000000d3']
const NOON = Date.UTC(2026, 2, 15, 12)
const MINUTE = 60_000

let postgres: TestPostgres
before(async () => {
  postgres = await testPostgres()
})
after(() => postgres.close())
beforeEach(async () => {
  const pool = postgres.owner
  await pool.query('alter table commands disable trigger commands_stay')
  await pool.query(`truncate devices, epochs, stream_positions, meters, readings, last_values,
    exceptions, device_status, enrolment_tokens, slave_processes, retimed_readings, registers,
    rival_readings, set_aside, clocks cascade`)
  for (const device of [THIEF, HONEST, THIRD]) {
    await pool.query('insert into devices (id, name) values ($1, $1)', [device])
    await pool.query(
      "insert into epochs (device_id, id, origin, transcript, keys) values ($1, 1, now(), '', '')",
      [device],
    )
  }
})

const all = async (text: string, values: unknown[] = []): Promise<unknown[]> =>
  (await postgres.owner.query(text, values)).rows

interface Sealed {
  /** When it was sealed and came. */
  readonly at?: number
  readonly device?: string
  readonly taken?: number
  readonly sequence?: number
}
let sequence = 0
/** A frame of readings; they are taken when it is sealed, unless they say otherwise. */
function frame(readings: readonly Partial<Reading>[], sealed: Sealed = {}): AcceptedFrame {
  const at = unixMs(sealed.at ?? NOON)
  sequence += 1
  const agentTime = unixMs(sealed.taken ?? at)
  const stamp = { agentTime, clockState: 'S' as const, clockBound: spanMs(7), processMs: 1 }
  return {
    position: {
      device: sealed.device ?? THIEF,
      epoch: 1,
      run: 1,
      sequence: sealed.sequence ?? sequence,
      second: second(1),
      hash: new Uint8Array(32),
      salt: new Uint8Array(16),
      opener: null,
    },
    receivedAt: at,
    sealedAt: at,
    latest: unixMs(at + 10_000),
    late: false,
    content: {
      kind: 'readings',
      groups: [{ stamp, readings: readings.map((changed) => ({ ...READING, ...changed })) }],
    },
  }
}
const READING: Reading = {
  meter: 'M1',
  register: ACTIVE_IMPORT_TOTAL,
  value: 1_000,
  exponent: 0,
  unit: UNIT.Wh,
  source: 'live',
  meterTime: null,
  checked: true,
}
/** From the load profile, for noon unless another time is given. */
const profile = (value: number, at: number = NOON): Partial<Reading> => ({
  value,
  source: 'profile',
  meterTime: unixMs(at),
})

/** Stores frames one after the other, by a sink that starts anew. */
async function store(...frames: readonly AcceptedFrame[]): Promise<void> {
  const sink = new ReadingSink(postgres.db.pool)
  for (const one of frames) await sink.append([one])
  await sink.close()
}

const codes = () => all("select code, device_id from exceptions where code <> 'BIL-05' order by id")
/** What bills are made from. */
const counting = async (meter = 'M1'): Promise<unknown[]> => {
  const rows = await postgres.db.pool.query<{ value: number }>(
    `select value from timed_readings join meters on id = meter_id where number = $1
     order by ts, value`,
    [meter],
  )
  return rows.rows.map(({ value }) => value)
}
const values = async (table: string): Promise<unknown[]> =>
  (
    await postgres.db.pool.query<{ value: number }>(`select value from ${table} order by value`)
  ).rows.map(({ value }) => value)
async function aside(from: number, to: number | null = null, device = THIEF) {
  const at = (time: number): UnixMs => unixMs(time)
  const range = { from: at(from), to: to === null ? null : at(to), reason: 'stolen', by: 'test' }
  return setAside(postgres.db.kysely, { device, ...range })
}
const adopt = (number: string, device: string | null): Promise<string> =>
  adoptMeter(postgres.db.pool, { number, device, by: 'test' })

test('a reading ahead of its arrival is an exception with its content, whatever sealed it (BIL-12)', async () => {
  const ahead = NOON + 10_001
  await store(
    frame([{ value: 1 }], { taken: ahead }),
    frame([profile(2, ahead), profile(3, NOON + 10_000)]),
  )
  assert.deepEqual(await values('readings'), [3])
  const { rows } = await postgres.db.pool.query<{ code: string; content: Buffer }>(
    "select code, content from exceptions where code = 'BIL-12' order by id",
  )
  const kept = rows.map(({ content }) => JSON.parse(content.toString()).reading.value)
  assert.deepEqual(kept, [1, 2])
  // The true ones come when their time has come.
  await store(frame([profile(20, ahead)], { at: ahead }))
  assert.deepEqual(await counting(), [3, 20])
})

test('the same key with another value is an exception with both; the same again is silent', async () => {
  const first = frame([profile(10)])
  const other = frame([profile(11)])
  await store(first, other, first, other)
  assert.deepEqual(await codes(), [{ code: 'BIL-13', device_id: THIEF }])
  const { rows } = await postgres.db.pool.query<{ detail: string; content: Buffer; meter: string }>(
    "select detail, content, meter from exceptions where code = 'BIL-13'",
  )
  const [said] = rows
  assert.equal(said?.meter, 'M1')
  assert.match(
    said?.detail ?? '',
    /^1-0:1\.8\.0\*255 at 2026-03-15 12:00:00 UTC: 11 came, 10 is stored$/,
  )
  const { came, stored } = JSON.parse(said?.content.toString() ?? '')
  assert.deepEqual([came.value, stored.value], [11, 10])
  assert.deepEqual(await values('readings'), [10])
  assert.deepEqual(await values('rival_readings'), [11])
  assert.deepEqual(await counting(), [10])
})

test('two values of one register and time in one frame: neither is lost (wire.md 8.2)', async () => {
  await store(frame([profile(10), profile(12), profile(10), { meter: 'M2' }]))
  assert.deepEqual(await codes(), [{ code: 'BIL-13', device_id: THIEF }])
  assert.deepEqual(await counting(), [10])
  assert.deepEqual(await counting('M2'), [1_000])
  assert.deepEqual(await values('rival_readings'), [12])
})

test('a reading under a dead clock does not take the place of the true one of the same value', async () => {
  const guessed = frame([profile(10)])
  const { content } = guessed
  assert.ok(content.kind === 'readings')
  const stamp = {
    agentTime: unixMs(NOON),
    clockState: 'U',
    clockBound: spanMs(9),
    processMs: 1,
  } as const
  const live = { ...READING, value: 10 }
  await store({ ...guessed, content: { kind: 'readings', groups: [{ stamp, readings: [live] }] } })
  assert.deepEqual(await counting(), [])
  await store(frame([profile(10)]))
  assert.deepEqual(await counting(), [10])
})

test('what a thief sealed is set aside by its second; the true reading behind it counts then', async () => {
  const stolen = NOON - 60 * MINUTE
  await store(
    // Before the theft, and in its very second.
    frame([profile(1, NOON - 90 * MINUTE)], { at: stolen - 1 }),
    frame([profile(66, NOON - 75 * MINUTE), profile(666)], { at: stolen, taken: NOON }),
  )
  await adopt('M1', null)
  // The slave had read these too; they come late, sealed before the theft.
  await store({
    ...frame([profile(2, NOON - 75 * MINUTE)], { at: stolen - 2 }),
    receivedAt: unixMs(NOON),
  })
  assert.deepEqual(await counting(), [1, 66])
  const made = await aside(stolen)
  assert.equal(made?.readings, 1, 'one was ahead: an exception')
  assert.deepEqual(await counting(), [1, 2])
  assert.deepEqual(await values('readings'), [1, 66], 'nothing is deleted')
  assert.deepEqual(await values('standing_values'), [])
  const shown = await setAsideOf(postgres.db.kysely, THIEF)
  assert.deepEqual(
    shown.map(({ meter, from, to, reason, by, liftedAt }) => [
      meter,
      from,
      to,
      reason,
      by,
      liftedAt,
    ]),
    [[null, stolen, null, 'stolen', 'test', null]],
  )
  const number = made?.number ?? 0
  const lift = { device: THIEF, number, reason: 'found again', by: 'test' }
  assert.equal(await liftSetAside(postgres.db.kysely, lift), true)
  assert.equal(await liftSetAside(postgres.db.kysely, lift), false)
  assert.deepEqual(await counting(), [1, 66])
})

test('a range ends where it ends, and is of one device', async () => {
  const to = NOON + 5 * MINUTE
  await store(
    frame([profile(1)], { at: NOON + MINUTE }),
    frame([profile(2, NOON + MINUTE)], { at: to }),
    frame([{ ...profile(3), meter: 'M2' }], { at: NOON + MINUTE, device: HONEST }),
  )
  await aside(NOON, to)
  assert.deepEqual(await counting(), [2])
  assert.deepEqual(await counting('M2'), [3])
})

test('the same value sealed again after a theft counts once the thief’s is set aside', async () => {
  await store(frame([profile(10)], { at: NOON }))
  await store(frame([profile(10)], { at: NOON + 60 * MINUTE }))
  assert.deepEqual(await codes(), [], 'the same value is no exception')
  await aside(NOON, NOON + MINUTE)
  assert.deepEqual(await counting(), [10])
})

test('re-timed readings are set aside as well', async () => {
  await store(frame([{}]))
  await all(
    `insert into retimed_readings (device_id, epoch, run, sequence, item, received_at,
      sealed_at, process_ms, meter_id, register_id, value, source, quality, agent_ts, clock_state,
      clock_bound_ms, ts, bound_ms, way)
    select $1, 1, 1, n, 0, $3, $2, 1, meter_id, register_id, n, 0, 0, $2, 'U', 9, $2, 5, 'anchor'
    from last_values, unnest(array[7, 8]) as n`,
    [THIEF, new Date(NOON - MINUTE), new Date(NOON)],
  )
  assert.deepEqual(await counting(), [7, 8, 1_000])
  await aside(NOON - MINUTE)
  assert.deepEqual(await counting(), [])
})

test('first come is not owned: an operator’s word wins, is an alarm, and old readings follow it', async () => {
  await store(
    frame([profile(666)], { device: THIEF }),
    frame([profile(1)], { device: HONEST }),
    frame([profile(5)], { device: THIRD }),
  )
  assert.deepEqual(await codes(), [
    { code: 'SEC-13', device_id: HONEST },
    { code: 'SEC-13', device_id: THIRD },
  ])
  assert.deepEqual(await unadoptedOf(postgres.db.kysely, THIEF), ['M1'])
  const meters = [{ number: 'M1', device: HONEST, digits: 9 }]
  assert.equal(await register(postgres.db.pool, { meters }), 1)
  assert.equal(await register(postgres.db.pool, { meters }), 0)
  const alarms = await all(`select device_id, meter from exceptions
    where code = 'SEC-13' and epoch = 0 order by device_id`)
  assert.deepEqual(alarms, [
    { device_id: THIEF, meter: 'M1' },
    { device_id: THIRD, meter: 'M1' },
  ])
  assert.deepEqual(await counting(), [1])
  await store(
    frame([profile(2, NOON + MINUTE)], { device: HONEST, at: NOON + MINUTE }),
    frame([profile(667, NOON + MINUTE)], { device: THIEF, at: NOON + MINUTE }),
  )
  assert.deepEqual(await counting(), [1, 2])
  assert.deepEqual(await all('select device_id, adopted_by from meters'), [
    { device_id: HONEST, adopted_by: 'registration' },
  ])
})

test('a meter that is adopted for whoever reported it keeps what came; moving it later is no alarm', async () => {
  await store(frame([profile(1)], { device: HONEST }))
  assert.equal(await adopt('M1', null), HONEST)
  assert.deepEqual(await counting(), [1])
  assert.deepEqual(await all('select device_id, adopted_by from meters'), [
    { device_id: HONEST, adopted_by: 'test' },
  ])
  assert.equal(await adopt('M1', THIRD), THIRD)
  assert.deepEqual(await codes(), [])
  await store(frame([profile(2, NOON + MINUTE)], { device: THIRD, at: NOON + MINUTE }))
  assert.deepEqual(await counting(), [1, 2])
  await assert.rejects(adopt('M9', null), { code: 'BIL-05' })
})

test('one device cannot use up the kinds of register or the meter numbers of all (BIL-15)', async () => {
  const made = (n: number) => ({
    meter: 'S0',
    register: obisOf([1, 0, n % 256, n >> 8, 7, 255]),
    value: n,
  })
  const meters = Array.from({ length: 7_000 }, (_, n) => ({ meter: `S${n}` }))
  const more = Array.from({ length: 7_000 }, (_, n) => ({ meter: `T${n}` }))
  await store(
    frame(meters),
    frame(more),
    frame(Array.from({ length: 8_000 }, (_, n) => made(n))),
    frame(Array.from({ length: 8_000 }, (_, n) => made(n + 8_000))),
    frame(
      [
        { ...made(40_000), meter: 'H1' },
        { ...made(1), meter: 'H2' },
      ],
      { device: HONEST },
    ),
  )
  assert.deepEqual(await all('select brought_by, count(*) from registers group by 1 order by 1'), [
    { brought_by: THIEF, count: 128 },
    { brought_by: HONEST, count: 1 },
  ])
  assert.deepEqual(await all('select device_id, count(*) from meters group by 1 order by 1'), [
    { device_id: THIEF, count: 10_000 },
    { device_id: HONEST, count: 2 },
  ])
  const refused = await all(`select code, device_id, count(*) from exceptions
    where code <> 'BIL-05' group by 1, 2`)
  assert.deepEqual(refused, [{ code: 'BIL-15', device_id: THIEF, count: 4_000 + 16_000 - 127 }])
  const shown = await readingReads(postgres.db.kysely).live(
    { q: 'h', silent: false },
    { sort: 'meter', down: false, after: null, before: null, limit: 50 },
    unixMs(Date.now()),
  )
  assert.deepEqual(
    shown.map(({ meter }) => meter),
    ['H1', 'H2'],
  )
})
