// Anchors, readings of unsynchronised clocks and frames given up, all the way into PostgreSQL.

import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { webStores } from '../../services/billing/site/db/stores.ts'
import { ReadingSink } from '../../services/billing/readings/db/sink.ts'
import { retimeDue } from '../../services/billing/readings/db/retimer.ts'
import { serverMetrics } from '../../services/billing/site/shell/metrics.ts'
import type { AcceptedFrame, ProcessAnchor } from '../../shared/handover/sink.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../shared/meter/obis.ts'
import { UNIT } from '../../shared/meter/reading.ts'
import { CLOCK_BOUND_UNKNOWN, type ClockState } from '../../shared/clock/clock-state.ts'
import { second, spanMs, unixMs } from '../../shared/units.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const DEVICE = '00000000000000d1'
const [P1, P2, P3] = ['1111111111111111', '2222222222222222', '3333333333333333']
/** When the test's process really began. */
const START = Date.UTC(2026, 2, 15, 12)
const HOUR = 3_600_000
/** What its dead clock believes. */
const GUESS = START - 40 * 86_400_000

let postgres: TestPostgres
let sink: ReadingSink
before(async () => {
  postgres = await testPostgres()
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
  const { owner } = postgres
  // Commands are never deleted, nor are their devices, unless a test says otherwise.
  await owner.query('alter table commands disable trigger commands_stay')
  await owner.query(`truncate devices, epochs, stream_positions, meters, readings, last_values,
    exceptions, device_status, enrolment_tokens, slave_processes, retimed_readings cascade`)
  await owner.query("delete from counters where name like 'exception %'")
  await owner.query('insert into devices (id, name) values ($1, $1)', [DEVICE])
  await owner.query(
    "insert into epochs (device_id, id, origin, transcript, keys) values ($1, 1, now(), '', '')",
    [DEVICE],
  )
  sink = openSink(postgres.db.pool)
})

const position = (run: number, sequence: number) => ({
  device: DEVICE,
  epoch: 1,
  run,
  sequence,
  second: second(sequence),
  hash: new Uint8Array(32).fill(sequence),
  salt: new Uint8Array(16).fill(9),
  opener: null,
})
const frame = (
  run: number,
  sequence: number,
  content: AcceptedFrame['content'],
  receivedAt = START + 6 * HOUR,
): AcceptedFrame => ({
  position: position(run, sequence),
  receivedAt: unixMs(receivedAt),
  sealedAt: unixMs(receivedAt),
  latest: unixMs(receivedAt + 10_000),
  late: true,
  content,
})
const opener = (run: number, process: string): AcceptedFrame =>
  frame(run, 0, { kind: 'opener', process })

interface Taken {
  readonly ms: number
  readonly at?: number
  readonly state?: ClockState
  readonly bound?: number
  readonly receivedAt?: number
}
/** One reading at the given process time, ms; by the dead clock unless stated otherwise. */
const taken = (run: number, sequence: number, { ms, at, state, bound, receivedAt }: Taken) =>
  frame(
    run,
    sequence,
    {
      kind: 'readings',
      groups: [
        {
          stamp: {
            agentTime: unixMs(at ?? GUESS + ms),
            clockState: state ?? 'U',
            clockBound: spanMs(bound ?? CLOCK_BOUND_UNKNOWN),
            processMs: ms,
          },
          readings: [
            {
              meter: 'M1',
              register: ACTIVE_IMPORT_TOTAL,
              value: 1_000 + sequence,
              exponent: 0,
              unit: UNIT.Wh,
              source: 'live',
              meterTime: null,
              checked: true,
            },
          ],
        },
      ],
    },
    receivedAt,
  )

const anchor = (process: string, processMs: number, bound = 20, shift = 0): ProcessAnchor => ({
  process,
  processMs,
  utc: unixMs(START + processMs + shift),
  bound: spanMs(bound),
})

/** One at a time, so that they are stored in the order given. */
async function anchors(...list: readonly ProcessAnchor[]): Promise<void> {
  for (const one of list) {
    const own = openSink(postgres.db.pool)
    own.anchor(DEVICE, one)
    await own.close()
  }
}

/** Retimes what is due, without the minute's wait. */
async function retimeNow(): Promise<number> {
  const { pool } = postgres.db
  await pool.query("update slave_processes set due_at = due_at - interval '1 minute'")
  return retimeDue(pool, unixMs(Date.now()))
}

const all = async (sql: string): Promise<unknown[]> => (await postgres.owner.query(sql)).rows
const found = () =>
  all('select sequence, ts, bound_ms, way from retimed_readings order by run, sequence')
const originals = () =>
  all('select ts, value, agent_ts, clock_state from readings order by ts, value')

test('a process keeps its first, tightest and last anchor, in any order', async () => {
  const list = [anchor(P1, 500, 90), anchor(P1, 9_000, 70), anchor(P1, 4_000, 10)]
  const kept = () =>
    all(`select first_ms, first_bound_ms, best_ms, best_bound_ms, last_ms, last_utc
         from slave_processes`)
  const expected = [
    {
      first_ms: 500,
      first_bound_ms: 90,
      best_ms: 4_000,
      best_bound_ms: 10,
      last_ms: 9_000,
      last_utc: new Date(START + 9_000),
    },
  ]
  await anchors(...list)
  assert.deepEqual(await kept(), expected)
  await anchors(...list.toReversed(), anchor(P1, 6_000, 30))
  assert.deepEqual(await kept(), expected)
  // In a single write they are merged beforehand.
  await postgres.owner.query('delete from slave_processes')
  for (const one of [...list.toReversed(), anchor(P1, 6_000, 30)]) sink.anchor(DEVICE, one)
  sink.anchor('00000000000000ff', anchor(P1, 1))
  await sink.close()
  assert.deepEqual(await kept(), expected)
})

const story = [
  opener(1, P1),
  taken(1, 1, { ms: 1_000 }),
  taken(1, 2, { ms: HOUR }),
  taken(1, 3, { ms: HOUR + 20_000, at: START + HOUR + 20_000, state: 'S', bound: 15 }),
]
const told = anchor(P1, HOUR + 10_000)
const dated = [
  { sequence: 1, ts: new Date(START + 1_000), bound_ms: 924, way: 'anchor' },
  { sequence: 2, ts: new Date(START + HOUR), bound_ms: 24, way: 'anchor' },
]

for (const first of ['readings', 'anchor'] as const) {
  test(`readings of a dead clock get their time, ${first} first; the originals stay`, async () => {
    if (first === 'anchor') await anchors(told)
    await sink.append(story)
    const before = await originals()
    if (first === 'readings') {
      assert.equal(await retimeNow(), 0)
      assert.deepEqual(await all('select ts from timed_readings'), [
        { ts: new Date(START + HOUR + 20_000) },
      ])
      await anchors(told)
    }
    assert.equal(await retimeNow(), 2)
    assert.deepEqual(await found(), dated)
    assert.deepEqual(await originals(), before)
    assert.deepEqual(await all('select ts, value from timed_readings order by ts'), [
      { ts: new Date(START + 1_000), value: 1_001 },
      { ts: new Date(START + HOUR), value: 1_002 },
      { ts: new Date(START + HOUR + 20_000), value: 1_003 },
    ])
    // Handed over again, they add and change nothing.
    await openSink(postgres.db.pool).append(story)
    await anchors(told)
    assert.equal(await retimeNow(), 0)
    assert.deepEqual(await found(), dated)
    assert.deepEqual(await originals(), before)
  })
}

test('an anchor is used a minute after it came: a better one may follow', async () => {
  await sink.append(story)
  await anchors(told)
  assert.equal(await retimeDue(postgres.db.pool, unixMs(Date.now() + 50_000)), 0)
  assert.equal(await retimeDue(postgres.db.pool, unixMs(Date.now() + 61_000)), 2)
})

test('a guess outside every month is an exception, and still gets its time', async () => {
  await sink.append([opener(1, P1), taken(1, 1, { ms: 7_000, at: 7_000 })])
  await anchors(told)
  await retimeNow()
  assert.deepEqual(await all("select code from exceptions where code <> 'BIL-05'"), [
    { code: 'BIL-12' },
  ])
  assert.deepEqual(
    (await found()).map((row) => Object.entries(row ?? {})[1]),
    [['ts', new Date(START + 7_000)]],
  )
})

test('a later anchor tightens a wide time; one within a minute is final', async () => {
  await sink.append([opener(1, P1), taken(1, 1, { ms: 0 }), taken(1, 2, { ms: 12 * 86_400_000 })])
  await anchors(anchor(P1, 12 * 86_400_000 + 1_000))
  assert.equal(await retimeNow(), 2)
  const bounds = async () =>
    (await all('select bound_ms from retimed_readings order by sequence')).map(
      (row) => Object.values(row ?? {})[0],
    )
  assert.deepEqual(await bounds(), [259_222, 22])
  await anchors(anchor(P1, 1_000, 5), anchor(P1, 12 * 86_400_000, 1))
  assert.equal(await retimeNow(), 1)
  assert.deepEqual(await bounds(), [7, 22])
})

test('a process that died without an anchor is placed between its neighbours', async () => {
  const trusted = (run: number, ms: number, at: number) =>
    taken(run, 1, { ms, at, state: 'S', bound: 10 })
  await sink.append([opener(1, P1), trusted(1, 5_000, START)])
  await sink.close()
  sink = openSink(postgres.db.pool)
  await sink.append([opener(2, P2), taken(2, 1, { ms: 0 }), taken(2, 2, { ms: 600_000 })])
  // It is unknown whether it still runs.
  assert.equal(await retimeNow(), 0)
  await sink.append([opener(3, P3), trusted(3, 1_000, START + HOUR)])
  await anchors({ ...anchor(P3, 2_000), utc: unixMs(START + HOUR + 1_000) })
  assert.equal(await retimeNow(), 2)
  const rows = await all(`select process_ms, bound_ms, way,
    extract(epoch from ts)::float8 * 1000 as at from retimed_readings order by sequence`)
  const middle = START + 1_500_000
  assert.deepEqual(
    rows.map((row) => Object.values(row ?? {}).map((value) => roughly(value, middle))),
    [
      [0, 'about 1500 s', 'between', 'middle +0 s'],
      [600_000, 'about 1500 s', 'between', 'middle +600 s'],
    ],
  )
  // No bill is based on a time that may be off by minutes.
  assert.deepEqual(await all('select ts from timed_readings where clock_state = $$U$$'), [])
})

/** Rounded to the second, so that drift and truncated milliseconds do not count. */
const roughly = (value: unknown, middle: number): unknown => {
  if (typeof value !== 'number' || value === 0 || value === 600_000) return value
  if (value < 1e9) return `about ${Math.round(value / 10_000) * 10} s`
  return `middle +${Math.round((value - middle) / 10_000) * 10} s`
}

test('frames given up and sealed ones become exceptions, with their position', async () => {
  const body = Uint8Array.of(0x13, 1, 2)
  const reasons = ['damaged', 'too old', 'too large', 'forgotten'] as const
  const frames = [
    opener(1, P1),
    ...reasons.map((reason, index) =>
      frame(1, 10 * (index + 1), { kind: 'given-up', first: 10 * index + 1, reason }),
    ),
    frame(1, 41, { kind: 'sealed', body }),
  ]
  const { fleet } = webStores(postgres.db.kysely)
  const FIRST = { down: false, after: null, before: null, limit: 50 }
  const alarms = async () =>
    (await fleet.fleet({ q: '', state: null }, FIRST, unixMs(Date.now()))).map(
      ({ givenUp }) => givenUp,
    )
  await sink.append(frames.slice(0, 4))
  assert.deepEqual(await alarms(), [3])
  await sink.append(frames)
  await openSink(postgres.db.pool).append(frames)
  assert.deepEqual(await all('select sequence from stream_positions'), [{ sequence: 41 }])
  assert.deepEqual(await all('select code, detail, content from exceptions order by sequence'), [
    { code: 'OPS-16', detail: 'run 1, frames 1 to 10: damaged', content: null },
    { code: 'OPS-14', detail: 'run 1, frames 11 to 20: too old', content: null },
    { code: 'OPS-15', detail: 'run 1, frames 21 to 30: too large', content: null },
    { code: 'OPS-19', detail: 'run 1, frames 31 to 40: forgotten', content: null },
    { code: 'SEC-03', detail: 'run 1, frame 41: kept sealed', content: Buffer.from(body) },
  ])
  assert.deepEqual(await alarms(), [5])
  assert.equal((await webStores(postgres.db.kysely).readings.exceptions()).length, 5)
  const metrics = await serverMetrics(postgres.db.pool).metrics()
  assert.match(metrics, /^ticklock_exceptions_total\{code="OPS-16"\} 1$/m)
  await postgres.owner.query("update exceptions set at = at - interval '31 days'")
  assert.deepEqual(await alarms(), [0])
})

test('the operator sees both times of a reading', async () => {
  await sink.append(story)
  await anchors(told)
  const { readings } = webStores(postgres.db.kysely)
  assert.deepEqual(
    (await readings.retimed('M')).map(({ retimed }) => retimed),
    [null, null],
  )
  await retimeNow()
  const [row] = await readings.retimed('M1')
  assert.equal(row?.stampedAt, GUESS + HOUR)
  assert.deepEqual(row.retimed, { at: START + HOUR, boundMs: 24, way: 'anchor' })
  assert.deepEqual(await readings.retimed('N'), [])
})

test('only the newest thousand processes of a device are remembered', async () => {
  await postgres.owner.query(
    `insert into slave_processes (device_id, process, seen_at)
     select $1, lpad(to_hex(n), 16, '0'), now() - n * interval '1 minute'
     from generate_series(1, 1200) as n`,
    [DEVICE],
  )
  await anchors(anchor(P1, 1))
  assert.deepEqual(await all('select count(*) from slave_processes'), [{ count: 1_000 }])
  await sink.append([opener(1, P2)])
  assert.deepEqual(await all('select count(*) from slave_processes'), [{ count: 1_000 }])
})
