// Against PostgreSQL: the sink remembers how often a register usually has news, and what is overdue
// is a silent meter.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ReadingSink } from '../../services/billing/readings/db/sink.ts'
import { silentByDevice, silentMeters } from '../../services/billing/readings/db/silence.ts'
import { silentAfterS, usualAfter } from '../../services/billing/readings/core/silence.ts'
import type { AcceptedFrame } from '../../shared/handover/sink.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../shared/meter/obis.ts'
import { UNIT } from '../../shared/meter/reading.ts'
import { second, shiftMs, spanMs, type UnixMs, unixMs } from '../../shared/units.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const DEVICE = '00000000000000d1'
const START = unixMs(Date.now() - 40 * 86_400_000)
const HOUR = 3_600_000

let postgres: TestPostgres
let sink: ReadingSink
before(async () => {
  postgres = await testPostgres()
  await postgres.db.pool.query("insert into devices (id, name) values ($1, 'Old Town')", [DEVICE])
  await postgres.db.pool.query(
    "insert into epochs (device_id, id, origin, transcript, keys) values ($1, 1, now(), '', '')",
    [DEVICE],
  )
  sink = new ReadingSink(postgres.db.pool)
})
after(async () => {
  await sink.close()
  await postgres.close()
})

let sequence = 0
function frameOf(meter: string, at: UnixMs): AcceptedFrame {
  sequence += 1
  const stamp = { agentTime: at, clockState: 'S' as const, clockBound: spanMs(7), processMs: 1 }
  const reading = {
    meter,
    register: ACTIVE_IMPORT_TOTAL,
    value: sequence,
    exponent: 0,
    unit: UNIT.Wh,
    source: 'push' as const,
    meterTime: null,
    checked: true,
  }
  return {
    position: {
      device: DEVICE,
      epoch: 1,
      run: 4_000_000_000,
      sequence,
      second: second(sequence),
      hash: new Uint8Array(32).fill(sequence),
      salt: new Uint8Array(16).fill(9),
      opener: null,
    },
    receivedAt: unixMs(Date.now()),
    sealedAt: at,
    latest: unixMs(Date.now() + HOUR),
    late: false,
    content: { kind: 'readings', groups: [{ stamp, readings: [reading] }] },
  }
}

const lastOf = async (meter: string) => {
  const { rows } = await postgres.owner.query<{ usual: number | null; wait: number }>(
    `select usual_s as usual, round(date_part('epoch', due_at - stored_at))::integer as wait
     from last_values join meters on meters.id = meter_id where number = $1`,
    [meter],
  )
  return rows[0]
}
const setBack = (seconds: number) =>
  postgres.owner.query(
    'update last_values set stored_at = stored_at - make_interval(secs => $1), due_at = due_at - make_interval(secs => $1)',
    [seconds],
  )
const silent = async (now: UnixMs, limit = 10) =>
  (await silentMeters(postgres.db.kysely, now, { after: null, limit })).map(({ number }) => number)

test('the statement of the sink counts as core/silence.ts does', async () => {
  await sink.append([frameOf('M-habit', START)])
  assert.deepEqual(await lastOf('M-habit'), { usual: null, wait: silentAfterS(null) })
  let usual: number | null = null
  for (const [step, gapS] of [600, 600, 1_200, 30, 90_000, 5].entries()) {
    await setBack(gapS - 1)
    await sink.append([frameOf('M-habit', shiftMs(START, spanMs((step + 1) * 1_000)))])
    const known = await lastOf('M-habit')
    // The statement's own time comes on top, below a second and rounded up.
    const expected: number = usualAfter(usual, known?.usual ?? 0)
    assert.ok(Math.abs((known?.usual ?? 0) - usualAfter(usual, gapS)) <= 1, `${step}`)
    assert.equal(known?.usual, expected)
    assert.equal(known.wait, silentAfterS(expected))
    usual = expected
  }
})

test('an older reading is no news', async () => {
  const before = await lastOf('M-habit')
  await sink.append([frameOf('M-habit', shiftMs(START, spanMs(-5_000)))])
  assert.deepEqual(await lastOf('M-habit'), before)
})

test('lists silent meters once each, the longest first, by pages; not those taken down or revoked', async () => {
  const { pool, kysely } = postgres.db
  await pool
    .query('delete from last_values')
    .catch(() => postgres.owner.query('delete from last_values'))
  await postgres.owner.query(`insert into meters (number, device_id, created_at)
    select 'S-' || n, '${DEVICE}', now() - interval '30 days' from generate_series(1, 6) n`)
  await postgres.owner.query(
    `insert into registers (obis, exponent, unit) values ('1-0:2.8.0*255', 0, 30)`,
  )
  await postgres.owner.query(`
    insert into last_values (meter_id, register_id, ts, value, quality, clock_state, clock_bound_ms,
      stored_at, due_at)
    select m.id, r.id, now() - interval '3 h', 1, 0, 'S', 7, now() - interval '3 h',
      now() - make_interval(hours => case when r.obis like '%2.8.0%' then 9 else n end)
    from (select id, substr(number, 3)::integer as n from meters where number like 'S-%') m, registers r`)
  // S-1 has a register that still speaks; S-5 was taken down; S-6 hangs there and never spoke.
  await postgres.owner.query(`update last_values set due_at = now() + interval '1 h'
    where meter_id = (select id from meters where number = 'S-1') and register_id = (select min(id) from registers)`)
  await postgres.owner.query(`delete from last_values
    where meter_id = (select id from meters where number = 'S-6')`)
  await postgres.owner.query(`
    insert into service_points (code, address, zone) values ('P', 'x', 'UTC')`)
  await postgres.owner.query(`
    insert into installations (meter_id, service_point_id, from_ts, to_ts)
    select m.id, p.id, now() - interval '9 d', now() - interval '1 d'
    from meters m, service_points p where number = 'S-5'`)
  await postgres.owner.query("update meters set device_id = null where number = 'M-habit'")
  const now = unixMs(Date.now())
  assert.deepEqual(await silent(now), ['S-6', 'S-4', 'S-3', 'S-2'])
  const [first] = await silentMeters(kysely, now, { after: null, limit: 1 })
  assert.equal(first?.heardAt, null)
  const rest = await silentMeters(kysely, now, { after: first ?? null, limit: 10 })
  assert.deepEqual(
    rest.map(({ number }) => number),
    ['S-4', 'S-3', 'S-2'],
  )
  const [device] = await silentByDevice(kysely, now)
  assert.deepEqual([device?.device, device?.count, device?.since], [DEVICE, 4, first?.dueAt])
  // And nobody is silent while the slave speaks for them.
  await postgres.owner.query('update devices set revoked_at = now()')
  assert.deepEqual(await silent(now), [])
})
