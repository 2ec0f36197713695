import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { ReadingSink } from '../../services/billing/readings/db/sink.ts'
import { openRoster } from '../../services/billing/fleet/db/roster.ts'
import type { AcceptedFrame } from '../../shared/handover/sink.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../shared/meter/obis.ts'
import { type Reading, UNIT } from '../../shared/meter/reading.ts'
import { second, spanMs, unixMs } from '../../shared/units.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const DEVICE = '00000000000000d1'
const OTHER = '00000000000000d2'
const PROCESS = '0123456789abcdef'
const NOW = Date.UTC(2026, 2, 15, 12)
const DAY = 86_400_000

let postgres: TestPostgres
let sink: ReadingSink
before(async () => {
  postgres = await testPostgres({ durable: true })
})
after(() => postgres.close())

const sinks: ReadingSink[] = []
/** A sink that is closed with its test. What it still has to write, up to a second later, must not
 * reach the next test's rows. */
function openSink(...given: ConstructorParameters<typeof ReadingSink>): ReadingSink {
  const sink = new ReadingSink(...given)
  sinks.push(sink)
  return sink
}
afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.close()
})

beforeEach(async () => {
  // Commands are never deleted, nor are their devices, unless a test says otherwise.
  await postgres.owner.query('alter table commands disable trigger commands_stay')
  await postgres.owner.query(`truncate devices, epochs, stream_positions, meters, readings,
    last_values, exceptions, device_status, enrolment_tokens cascade`)
  await postgres.owner.query("update counters set count = 0 where name = 'readings'")
  for (const device of [DEVICE, OTHER]) {
    await postgres.owner.query('insert into devices (id, name) values ($1, $1)', [device])
    await postgres.owner.query(
      "insert into epochs (device_id, id, origin, transcript, keys) values ($1, 1, now(), '', '')",
      [device],
    )
  }
  sink = openSink(postgres.db.pool)
})

interface Shape {
  readonly sequence: number
  readonly device?: string
  readonly at?: number
  readonly sealedAt?: number
  readonly epoch?: number
  readonly opener?: Uint8Array
  readonly content?: AcceptedFrame['content']
  readonly readings?: readonly Partial<Reading>[]
}

function frame(shape: Shape): AcceptedFrame {
  const at = unixMs(shape.at ?? NOW + shape.sequence * 1_000)
  const readings = (shape.readings ?? [{}]).map((more) => ({
    meter: 'M1',
    register: ACTIVE_IMPORT_TOTAL,
    value: 1_000 + shape.sequence,
    exponent: 0,
    unit: UNIT.Wh,
    source: 'live' as const,
    meterTime: null,
    checked: true,
    ...more,
  }))
  const stamp = { agentTime: at, clockState: 'S' as const, clockBound: spanMs(7), processMs: 1 }
  return {
    position: {
      device: shape.device ?? DEVICE,
      epoch: shape.epoch ?? 1,
      run: 4_000_000_000,
      sequence: shape.sequence,
      second: second(shape.sequence),
      hash: new Uint8Array(32).fill(shape.sequence),
      salt: new Uint8Array(16).fill(9),
      opener: shape.opener ?? null,
    },
    receivedAt: unixMs(NOW),
    sealedAt: unixMs(shape.sealedAt ?? NOW + shape.sequence),
    latest: unixMs(NOW + DAY),
    late: false,
    content: shape.content ?? { kind: 'readings', groups: [{ stamp, readings }] },
  }
}

const all = async (sql: string): Promise<unknown[]> => (await postgres.owner.query(sql)).rows
const counter = () => all("select count from counters where name = 'readings'")

test('a run’s opener is stored with its first frame and loaded with the roster', async () => {
  const opener = Uint8Array.of(0, 1, 2, 3)
  const openers = async () => {
    const { positions } = await openRoster(postgres.db.kysely).load()
    return positions.map(({ sequence, opener }) => [sequence, opener])
  }
  await sink.append([
    frame({ sequence: 0, opener, content: { kind: 'opener', process: '00112233aabbccdd' } }),
  ])
  assert.deepEqual(await openers(), [[0, Buffer.from(opener)]])
  const next = { opener, readings: [] }
  await sink.append([frame({ sequence: 1, ...next }), frame({ sequence: 2, ...next })])
  assert.deepEqual(await openers(), [[2, Buffer.from(opener)]])
})

test('a frame becomes row, last value, position and count; twice changes nothing', async () => {
  await sink.append([frame({ sequence: 5 })])
  const look = () =>
    Promise.all([
      all(`select ts, value, source, quality, agent_ts, meter_ts, clock_state, clock_bound_ms,
           number, obis, device_id from readings join meters m on m.id = meter_id
           join registers r on r.id = register_id`),
      all('select ts, value, stored_at from last_values'),
      all('select * from stream_positions'),
      counter(),
      all('select code, meter, item from exceptions'),
    ])
  const first = await look()
  const at = new Date(NOW + 5_000)
  assert.deepEqual(first[0], [
    {
      ts: at,
      value: 1_005,
      source: 0,
      quality: 0,
      agent_ts: at,
      meter_ts: null,
      clock_state: 'S',
      clock_bound_ms: 7,
      number: 'M1',
      obis: ACTIVE_IMPORT_TOTAL,
      device_id: DEVICE,
    },
  ])
  assert.deepEqual(first[3], [{ count: 1 }])
  assert.deepEqual(first[4], [{ code: 'BIL-05', meter: 'M1', item: -1 }])
  await sink.append([frame({ sequence: 5 }), frame({ sequence: 5 })])
  await openSink(postgres.db.pool).append([frame({ sequence: 5 })])
  assert.deepEqual(await look(), first)
})

test('a position and a last value only move forward', async () => {
  await sink.append([frame({ sequence: 9 })])
  await sink.append([frame({ sequence: 8 })])
  assert.deepEqual(await all('select sequence, run from stream_positions'), [
    { sequence: 9, run: 4_000_000_000 },
  ])
  assert.deepEqual(await all('select value from last_values'), [{ value: 1_009 }])
  assert.deepEqual(await counter(), [{ count: 2 }])
})

test("another device's meter becomes an exception with its content (SEC-13)", async () => {
  await sink.append([frame({ sequence: 1 })])
  await sink.append([
    frame({ sequence: 1, device: OTHER, readings: [{ value: 7 }, { meter: 'M2' }] }),
  ])
  assert.deepEqual(await counter(), [{ count: 2 }])
  const { rows } = await postgres.owner.query<{ content: Buffer; detail: string }>(
    "select content, detail from exceptions where code = 'SEC-13'",
  )
  assert.deepEqual(
    rows.map(({ content, detail }) => [JSON.parse(content.toString()).reading.value, detail]),
    [[7, 'the meter is not adopted, and was first reported by 00000000000000d1']],
  )
})

test('a meter registered without a device goes to the first that reports it', async () => {
  await postgres.owner.query("insert into meters (number, digits) values ('M1', 6)")
  await sink.append([frame({ sequence: 1 })])
  await sink.append([frame({ sequence: 1, device: OTHER })])
  assert.deepEqual(await all('select device_id from meters'), [{ device_id: DEVICE }])
  assert.deepEqual(await all('select code from exceptions'), [{ code: 'SEC-13' }])
})

test('an implausible time makes an exception (BIL-12) and never a partition', async () => {
  const profile = (meterTime: number | null) => ({
    source: 'profile' as const,
    meterTime: meterTime === null ? null : unixMs(meterTime),
  })
  const partitions = () =>
    all("select inhrelid from pg_inherits where inhparent = 'readings'::regclass")
  const times = [NOW - 800 * DAY, NOW - 800 * DAY - 1, NOW + DAY, NOW + DAY + 1, null]
  await sink.append([frame({ sequence: 1, readings: times.map(profile) })])
  assert.deepEqual(await counter(), [{ count: 2 }])
  assert.deepEqual(await all("select item from exceptions where code = 'BIL-12' order by item"), [
    { item: 1 },
    { item: 3 },
    { item: 4 },
  ])
  const made = await partitions()
  await sink.append([frame({ sequence: 2, readings: [profile(0), profile(NOW + 9_999 * DAY)] })])
  assert.equal((await partitions()).length, made.length)
})

test('an authentic frame that we cannot read is stored as it is (BIL-06)', async () => {
  const plaintext = Uint8Array.of(1, 2, 255)
  await sink.append([frame({ sequence: 3, content: { kind: 'unreadable', plaintext } })])
  await sink.append([frame({ sequence: 4, content: { kind: 'opener', process: PROCESS } })])
  assert.deepEqual(await all('select code, content from exceptions'), [
    { code: 'BIL-06', content: Buffer.from(plaintext) },
  ])
  assert.deepEqual(await all('select sequence from stream_positions'), [{ sequence: 4 }])
})

test('backwards is marked after a restart too; a back-fill has its own chain', async () => {
  await sink.append([frame({ sequence: 1, readings: [{ value: 500 }] })])
  const later = openSink(postgres.db.pool)
  const profile = [490, 495, 480].map((value, index) => ({
    value,
    source: 'profile' as const,
    meterTime: unixMs(NOW - DAY + index * 900_000),
  }))
  await later.append([
    frame({ sequence: 2, readings: [{ value: 499 }] }),
    frame({ sequence: 3, readings: profile }),
  ])
  assert.deepEqual(await all('select value, quality from readings order by ts'), [
    { value: 490, quality: 0 },
    { value: 495, quality: 0 },
    { value: 480, quality: 2 },
    { value: 500, quality: 0 },
    { value: 499, quality: 2 },
  ])
})

test('a reading that is stored already is left as it is, among new ones', async () => {
  await sink.append([frame({ sequence: 1 })])
  const again = frame({ sequence: 1, readings: [{ value: 9 }, { meter: 'M2' }] })
  await sink.append([again, frame({ sequence: 2 })])
  await sink.append([again, frame({ sequence: 3 })])
  assert.deepEqual(
    await all('select value from readings order by ts, meter_id'),
    [1_001, 1_001, 1_002, 1_003].map((value) => ({ value })),
  )
  assert.deepEqual(await counter(), [{ count: 4 }])
  assert.deepEqual(await all('select sequence from stream_positions'), [{ sequence: 3 }])
})

test('a frame that cannot be stored does not take its neighbours with it', async () => {
  const poison = frame({ sequence: 2, epoch: 77 })
  const results = await Promise.allSettled([
    sink.append([frame({ sequence: 1 })]),
    sink.append([poison]),
    sink.append([frame({ sequence: 3 })]),
  ])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.deepEqual(await counter(), [{ count: 2 }])
})

test('a full queue refuses instead of growing (OPS-08)', async () => {
  const big = Array.from({ length: 8_000 }, (_, value) => ({ value, meter: `Q${value}` }))
  const small = openSink(postgres.db.pool, 100_000)
  const results = await Promise.allSettled(
    Array.from({ length: 14 }, (_, index) =>
      small.append([frame({ sequence: index + 1, readings: big })]),
    ),
  )
  const refused = results.filter(({ status }) => status === 'rejected')
  assert.equal(refused.length, 2)
  assert.deepEqual(await counter(), [{ count: 12 * 8_000 }])
})

test('kill -9 of the server while frames commit: all acknowledged ones are there', async () => {
  const acknowledged = new Set<number>()
  let sequence = 0
  let refused = 0
  for (let round = 0; round < 3; round += 1) {
    const restarted = once(postgres.server.events, 'restarted')
    const until = sequence + 400
    setTimeout(() => process.kill(postgres.server.pid, 'SIGKILL'), 60)
    while (sequence < until || refused === 0) {
      sequence += 1
      const mine = sequence
      try {
        await sink.append([frame({ sequence: mine })])
        acknowledged.add(mine)
      } catch (error) {
        assert.match(String(error), /OPS-08/)
        refused += 1
        await new Promise((go) => setTimeout(go, 5))
      }
    }
    await restarted
  }
  await sink.append([frame({ sequence: sequence + 1 })])
  acknowledged.add(sequence + 1)
  const stored = new Set(
    (await postgres.owner.query<{ value: number }>('select value from readings')).rows.map(
      ({ value }) => value - 1_000,
    ),
  )
  assert.deepEqual(
    [...acknowledged].filter((one) => !stored.has(one)),
    [],
  )
  assert.deepEqual(await counter(), [{ count: stored.size }])
  assert.ok(refused > 0)
})

test('two writers with the same frames store every reading once', async () => {
  const frames = Array.from({ length: 40 }, (_, index) =>
    frame({
      sequence: index + 1,
      readings: Array.from({ length: 20 }, (_, meter) => ({ meter: `W${meter}` })),
    }),
  )
  const other = openSink(postgres.db.pool)
  // One may be refused (both create the same meters: a deadlock); its slave would send it again.
  await Promise.allSettled(
    frames.flatMap((one, index) => [
      sink.append([one]),
      other.append([frames[frames.length - 1 - index] ?? one]),
    ]),
  )
  await sink.append(frames)
  await other.append(frames)
  assert.deepEqual(await counter(), [{ count: 800 }])
  assert.deepEqual(await all('select count(*) from readings'), [{ count: 800 }])
  assert.deepEqual(await all("select count(*) from exceptions where code = 'BIL-05'"), [
    { count: 20 },
  ])
  assert.deepEqual(await all('select sequence from stream_positions'), [{ sequence: 40 }])
})
