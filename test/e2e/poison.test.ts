// One device, or one row, must not stop everybody: each batch job meets a row that it cannot work
// on, among rows of others. Those are done as always; the bad one is left out, named and counted.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { runBills } from '../../services/billing/bills/db/run.ts'
import { sweepClocks } from '../../services/billing/clocks/db/keeper.ts'
import { Fleet } from '../../services/billing/fleet/db/board.ts'
import {
  giveCommand,
  lastCommands,
  openCommands,
} from '../../services/billing/fleet/db/commands.ts'
import { sendDueNotices } from '../../services/billing/notices/shell/notice-worker.ts'
import { retimeDue } from '../../services/billing/readings/db/retimer.ts'
import { ReadingSink } from '../../services/billing/readings/db/sink.ts'
import { serverMetrics } from '../../services/billing/site/shell/metrics.ts'
import type { AcceptedFrame, DeviceStatus } from '../../shared/handover/sink.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../shared/meter/obis.ts'
import { type Reading, UNIT } from '../../shared/meter/reading.ts'
import { ppm, second, spanMs, spanUs, unixMs } from '../../shared/units.ts'
import { addHousehold, HOUSEHOLD, MAY, NOW, openUtility, UTILITY } from './bill-fixture.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const [LIAR, HONEST, THIRD] = ['00000000000000d1', '00000000000000d2', '00000000000000d3']
const HOUR = 3_600_000

let postgres: TestPostgres
before(async () => {
  postgres = await testPostgres()
  for (const device of [LIAR, HONEST, THIRD]) {
    await postgres.owner.query('insert into devices (id, name) values ($1, $1)', [device])
    await postgres.owner.query(
      "insert into epochs (device_id, id, origin, transcript, keys) values ($1, 1, now(), '', '')",
      [device],
    )
  }
})
after(() => postgres.close())

const all = async (text: string, values: unknown[] = []): Promise<unknown[]> =>
  (await postgres.owner.query(text, values)).rows

const status = (changed: Partial<DeviceStatus>): DeviceStatus => ({
  at: NOW,
  clockState: 'S',
  clockOffset: spanUs(-12),
  clockBound: spanUs(2_500),
  roundTripDelay: spanUs(800),
  backlogFrames: 3,
  meters: 4,
  faults: new Map(),
  discipline: {
    frequency: ppm(0),
    skew: ppm(1),
    holdover: spanMs(0),
    steps: 0,
    lastStep: spanUs(0),
  },
  ...changed,
})

let sequence = 0
const frame = (device: string, content: AcceptedFrame['content']): AcceptedFrame => {
  sequence += 1
  return {
    position: {
      device,
      epoch: 1,
      run: 1,
      sequence,
      second: second(1),
      hash: new Uint8Array(32),
      salt: new Uint8Array(16),
      opener: null,
    },
    receivedAt: NOW,
    sealedAt: NOW,
    latest: unixMs(NOW + 10_000),
    late: false,
    content,
  }
}
const reading = (meter: string, changed: Partial<Reading> = {}): Reading => ({
  meter,
  register: ACTIVE_IMPORT_TOTAL,
  value: 1_000,
  exponent: 0,
  unit: UNIT.Wh,
  source: 'live',
  meterTime: null,
  checked: true,
  ...changed,
})
/** A frame of readings that the device took under a sure clock, or under a dead one. */
const taken = (device: string, readings: readonly Reading[], sure = true): AcceptedFrame => {
  const agentTime = unixMs(sure ? NOW - sequence * 1_000 : NOW - HOUR)
  const stamp = sure
    ? { agentTime, clockState: 'S' as const, clockBound: spanMs(5), processMs: 1 }
    : { agentTime, clockState: 'U' as const, clockBound: spanMs(4_294_967_295), processMs: 1 }
  return frame(device, { kind: 'readings', groups: [{ stamp, readings }] })
}

/** Runs work with a sink of its own, which has written everything when this resolves. */
async function withSink(work: (sink: ReadingSink) => Promise<void>): Promise<void> {
  const sink = new ReadingSink(postgres.db.pool)
  await work(sink)
  await sink.close()
}

test('fleet board: a status beyond every column leaves the others theirs', async () => {
  const lines: string[] = []
  const fleet = new Fleet(postgres.db.pool, (line) => lines.push(line))
  fleet.status(HONEST, status({ meters: 7 }))
  fleet.status(LIAR, status({ meters: 2 ** 31 }))
  fleet.status(THIRD, status({ meters: 9 }))
  await fleet.close()
  assert.deepEqual(await all('select device_id, meters from device_status order by 1'), [
    { device_id: HONEST, meters: 7 },
    { device_id: THIRD, meters: 9 },
  ])
  assert.match(lines.join('\n'), /^BIL-16 .*00000000000000d1: .*out of range/m)
  const again = new Fleet(postgres.db.pool, () => {})
  again.status(LIAR, status({ meters: 2 ** 31 }))
  again.refused(HONEST, 'SEC-05', NOW)
  await again.close()
  const refused = await all('select device_id, code from refusals where code = $1', ['SEC-05'])
  assert.deepEqual(refused, [{ device_id: HONEST, code: 'SEC-05' }])
})

test('clock history: an offset beyond every column leaves the others theirs', async () => {
  const lines: string[] = []
  const fleet = new Fleet(postgres.db.pool, (line) => lines.push(line))
  fleet.status(LIAR, status({ clockOffset: spanUs(1e19), clockBound: spanUs(1) }))
  fleet.status(HONEST, status({ clockOffset: spanUs(-77) }))
  await fleet.close()
  assert.deepEqual(
    await all('select device_id, offset_us from clocks where device_id = $1', [HONEST]),
    [{ device_id: HONEST, offset_us: 77 }],
  )
  assert.match(lines.join('\n'), /^BIL-16 .*clock of 00000000000000d1/m)
})

test('history keeper: extreme points are thinned like any other', async () => {
  await all(`insert into clock_history (clock_id, at, offset_us, bound_us, state, keep)
    select id, to_timestamp(0) - interval '4000 years', 9223372036854775807,
      -9223372036854775808, 'S', true from clocks`)
  assert.equal((await sweepClocks(postgres.db.pool, 0, NOW)) > 0, true)
  assert.deepEqual(await all("select 1 from clock_history where at < '1970-01-01'"), [])
})

test('metrics: a sum beyond every number is still a figure', async () => {
  await all('update device_status set backlog_frames = $1, connected_at = now()', [2 ** 52])
  const text = await serverMetrics(postgres.db.pool).metrics()
  assert.match(text, /^ticklock_backlog_frames 9007199254740991$/m)
  await all('update device_status set backlog_frames = 1')
})

test('retimer and anchors: a process that began 8,919 years ago stops nobody', async () => {
  const process = (letter: string): string => letter.repeat(16)
  await withSink(async (sink) => {
    for (const [device, letter] of [
      [LIAR, 'a'],
      [HONEST, 'b'],
    ] as const) {
      await sink.append([frame(device, { kind: 'opener', process: process(letter) })])
      await sink.append([taken(device, [reading(`T${letter}`)], false)])
    }
    const bound = spanMs(5)
    const anchor = { utc: unixMs(NOW - HOUR + 5_000), bound }
    sink.anchor(LIAR, { ...anchor, process: process('a'), processMs: 2 ** 48 - 1 })
    sink.anchor(LIAR, { ...anchor, process: process('c'), processMs: 1e19 })
    sink.anchor(HONEST, { ...anchor, process: process('b'), processMs: 5_000 })
  })
  // The liar's comes first.
  await all(
    `update slave_processes set due_at = now() - interval '1 hour' - interval '1 minute'
    * (device_id = $1)::int`,
    [LIAR],
  )
  assert.equal(await retimeDue(postgres.db.pool, unixMs(Date.now())), 1)
  assert.deepEqual(await all('select device_id from retimed_readings where ts is not null'), [
    { device_id: HONEST },
  ])
  assert.deepEqual(await all('select process from slave_processes where due_at is not null'), [])
  const named = await all(`select device_id, left(detail, 34) as detail from exceptions
    where code = 'BIL-16' order by id`)
  assert.deepEqual(named, [
    { device_id: LIAR, detail: 'anchor of process cccccccccccccccc' },
    { device_id: LIAR, detail: 'readings of process aaaaaaaaaaaaaa' },
  ])
})

test('anchors: one device cannot use up the room of all while the database is away', async () => {
  await all('delete from slave_processes')
  await withSink(async (sink) => {
    const anchor = { processMs: 1, utc: NOW, bound: spanMs(5) }
    for (let n = 0; n < 100_001; n += 1) {
      sink.anchor(LIAR, { ...anchor, process: n.toString(16).padStart(16, '0') })
    }
    sink.anchor(HONEST, { ...anchor, process: 'f'.repeat(16) })
  })
  assert.deepEqual(
    await all('select device_id, count(*) from slave_processes group by 1 order by 1'),
    [
      { device_id: LIAR, count: 16 },
      { device_id: HONEST, count: 1 },
    ],
  )
})

test('last values: one that cannot be read back fails its own device only', async () => {
  await withSink((sink) => sink.append([taken(LIAR, [reading('L1')])]))
  await all('update last_values set value = $1', ['4611686018427387904'])
  await withSink(async (sink) => {
    const results = await Promise.allSettled([
      sink.append([taken(LIAR, [reading('L1')])]),
      sink.append([taken(HONEST, [reading('H1')])]),
    ])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'fulfilled'],
    )
  })
})

test('partitions: years 1970 and 9999 make none, and cost nobody a reading', async () => {
  const months = () => all("select 1 from pg_inherits where inhparent = 'readings'::regclass")
  const before = (await months()).length
  const far = [0, 253_402_300_799_000, 2 ** 48 - 1].map((at) =>
    reading('L2', { source: 'profile', meterTime: unixMs(at) }),
  )
  await withSink((sink) => sink.append([taken(LIAR, far), taken(HONEST, [reading('H2')])]))
  assert.equal((await months()).length, before)
  assert.deepEqual(
    await all(`select number from readings join meters on id = meter_id
      where number in ('L2', 'H2')`),
    [{ number: 'H2' }],
  )
})

test('commands: one that is not understood holds up no other device', async () => {
  const { kysely } = postgres.db
  const what = { task: 'read-now', meter: null } as const
  const expires = unixMs(NOW + HOUR)
  const given = await giveCommand(kysely, {
    device: HONEST,
    what,
    askedBy: 'me',
    now: NOW,
    expires,
  })
  assert.ok(given.ok)
  await all(
    `insert into commands (device_id, number, what, asked_by, expires_at)
    values ($1, 5, '{"order": "self-destruct"}', 'a newer version', now())`,
    [LIAR],
  )
  const open = await openCommands(kysely, () => NOW).open()
  assert.deepEqual(
    open.map(({ device }) => device),
    [HONEST],
  )
  const [shown] = await lastCommands(kysely, LIAR, 1)
  assert.equal(shown?.what, null)
})

test('bills: values that no meter shows, and rows the database refuses, cost nobody else a bill', async () => {
  const { db } = postgres
  await postgres.owner.query('truncate readings')
  const { rows } = await postgres.owner.query<{ name: string }>(
    "select c.relname as name from pg_inherits join pg_class c on c.oid = inhrelid where inhparent = 'readings'::regclass",
  )
  for (const { name } of rows) await postgres.owner.query(`drop table ${name}`)
  await postgres.owner.query('delete from last_values')
  await postgres.owner.query('truncate retimed_readings')
  await postgres.owner.query('delete from registers')
  const ids = await openUtility(postgres)
  for (let n = 1; n <= 6; n += 1) await addHousehold(db, HOUSEHOLD, { ...ids, n })
  // 4.5e24 Wh.
  const kinds = await postgres.owner.query<{ id: number }>(
    "insert into registers (obis, exponent, unit) values ('1-0:1.8.0*255', 9, 30) returning id",
  )
  const huge = kinds.rows[0]?.id ?? 0
  await addHousehold(
    db,
    { ...HOUSEHOLD, opening: 0, closing: 2 ** 52 - 1 },
    { tariff: ids.tariff, register: huge, n: 7 },
  )
  await addHousehold(db, { ...HOUSEHOLD, name: 'Poison' }, { ...ids, n: 8 })
  await postgres.owner.query(`create function poison() returns trigger language plpgsql as $$ begin
    if new.content #>> '{customer,name}' = 'Poison' then
      raise exception 'poison' using errcode = '23514';
    end if; return new; end $$;
    create trigger poison before insert on bills for each row execute function poison()`)
  const run = await runBills(db.kysely, {
    month: MAY.from,
    now: NOW,
    utility: UTILITY,
    by: 'the test',
  })
  assert.equal(run.issued, 6)
  assert.deepEqual(Object.fromEntries(run.faults), { 'BIL-03': 1, 'BIL-16': 1 })
  const numbers = await all('select number from bills order by number')
  assert.deepEqual(
    numbers,
    [1, 2, 3, 4, 5, 6].map((n) => ({ number: `202605-00000${n}` })),
  )
})

test('notices: one that fails unforeseen is tried again in its turn; the others are sent', async () => {
  const { kysely } = postgres.db
  const { rows } = await postgres.owner.query<{ id: number }>('select min(id) as id from bills')
  const poison = rows[0]?.id ?? 0
  const sent: string[] = []
  const lines: string[] = []
  const task = {
    db: kysely,
    drivers: async () => ({
      mail: null,
      sms: {
        send: async ({ key }: { readonly key: string }) => {
          sent.push(key)
          return { ok: true as const, providerId: key, said: '' }
        },
      },
    }),
    linkOf: async () => 'http://localhost/',
    matterOf: async (bill: number) => {
      if (bill === poison) throw new Error('unforeseen')
      const key = `bill-${bill}`
      return {
        ok: true as const,
        matter: {
          key,
          name: key,
          customerId: 1,
          letter: () => Promise.reject(new Error('none')),
          text: () => 'text',
        },
      }
    },
    now: () => NOW,
    log: (line: string) => lines.push(line),
  }
  const { signal } = new AbortController()
  let took = 0
  for (let n = 1; n > 0; took += n) n = await sendDueNotices(task, signal)
  assert.deepEqual([took, sent.length], [6, 5])
  assert.deepEqual(
    await all(
      "select state, attempts, last_fault from notices where channel = 'sms' and bill_id = $1",
      [poison],
    ),
    [{ state: 'queued', attempts: 1, last_fault: 'BIL-16' }],
  )
  assert.match(lines.join('\n'), /BIL-16 .*unforeseen/)
})

test('exceptions: thousands in one batch are counted at once, not each by itself', async () => {
  const counted = () => all("select count from counters where name = 'exception BIL-99'")
  const add = (run: number, count: number): Promise<unknown[]> =>
    all(
      `insert into exceptions (device_id, epoch, run, sequence, item, code, detail)
       select $1, 1, $2, 1, n, 'BIL-99', 'x' from generate_series(1, $3::integer) as n`,
      [LIAR, run, count],
    )
  const timed = async (run: number, count: number): Promise<number> => {
    const since = performance.now()
    await add(run, count)
    return performance.now() - since
  }
  await add(1, 100)
  const [few, many] = [await timed(2, 2_000), await timed(3, 16_000)]
  assert.deepEqual(await counted(), [{ count: 18_100 }])
  // Eight times the rows took 60 times as long when each updated the counter.
  assert.ok(many < 24 * few + 200, `${few} ms, ${many} ms`)
})
