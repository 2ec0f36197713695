// What the database keeps of the clocks of a utility, and what it does not.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { Pool } from 'pg'
import { ClockHistory } from '../../services/billing/clocks/db/history.ts'
import { sweepClocks } from '../../services/billing/clocks/db/keeper.ts'
import { ppm, spanMs, spanUs, unixMs } from '../../shared/units.ts'
import { headReport, SLAVE, teller, withLiar } from './clock-story.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

/** On the hour, and on every sixth hour. */
const T0 = Date.UTC(2026, 5, 18, 12)
const MINUTE = 60_000
const HOUR = 60 * MINUTE

let postgres: TestPostgres
before(async () => {
  postgres = await testPostgres()
  const { pool } = postgres.db
  await pool.query(
    "insert into devices (id, name) values ($1, 'Old Town'), ('00000000000000ff', 'Harbour')",
    [SLAVE],
  )
  await pool.query(
    "insert into meters (number, device_id) values ('M-1', $1), ('M-2', $1), ('M-3', '00000000000000ff')",
    [SLAVE],
  )
})
after(() => postgres.close())
beforeEach(async () => {
  await postgres.owner.query('truncate clocks, clock_history, clock_events restart identity')
  await postgres.owner.query("delete from counters where name like 'clock %'")
})

const points = async (): Promise<readonly (readonly [minute: number, state: string])[]> => {
  const { rows } = await postgres.owner.query<{ at: Date; state: string }>(
    'select at, state from clock_history order by clock_id, at',
  )
  return rows.map(({ at, state }) => [(at.getTime() - T0) / MINUTE, state])
}
const events = async (): Promise<readonly string[]> => {
  const { rows } = await postgres.owner.query<{ code: string; amount_us: number | null }>(
    'select code, amount_us from clock_events order by id',
  )
  return rows.map(({ code, amount_us }) => (amount_us === null ? code : `${code} ${amount_us}`))
}

test('a quiet slave leaves a point in 15 minutes; one that moved a point at once', async () => {
  const { slave } = teller(postgres.db)
  for (const minute of [0, 1, 14, 15, 29, 30]) await slave(T0 + minute * MINUTE)
  assert.deepEqual(await points(), [
    [0, 'S'],
    [15, 'S'],
    [30, 'S'],
  ])
  // Both bounds together are 5 ms; a smaller change does not count as a move.
  await slave(T0 + 31 * MINUTE, { fastUs: 5_000 })
  assert.equal((await points()).length, 3)
  await slave(T0 + 32 * MINUTE, { fastUs: 5_001 })
  assert.equal((await points()).length, 4)
  await slave(T0 + 32.1 * MINUTE, { fastUs: 5_001, state: 'R' })
  assert.deepEqual((await points()).at(-1), [32.1, 'R'])
  // A larger bound counts once it exceeds 0.1 s and has grown fourfold.
  await slave(T0 + 32.2 * MINUTE, { fastUs: 5_001, state: 'R', boundUs: 100_000 })
  assert.equal((await points()).length, 5)
  await slave(T0 + 32.2 * MINUTE, { fastUs: 5_001, state: 'R', boundUs: 100_001 })
  assert.equal((await points()).length, 6)
})

test('one that moves all the time leaves ten points at once, then one a minute', async () => {
  const { slave } = teller(postgres.db)
  const restless = async (from: number, times: number): Promise<number> => {
    const before = (await points()).length
    for (let i = 0; i < times; i += 1) {
      await slave(from + i * 1_000, { state: i % 2 === 0 ? 'R' : 'S' })
    }
    return (await points()).length - before
  }
  await slave(T0)
  assert.equal(await restless(T0 + HOUR, 20), 10)
  assert.equal(await restless(T0 + HOUR + 2.5 * MINUTE, 20), 2)
  // The head-end's clock was set back by half an hour: no report is dropped until it has caught up.
  assert.equal(await restless(T0 + 30 * MINUTE, 4), 4)
})

test('the last report stands, with its sign: the clock minus UTC', async () => {
  const { slave, meter } = teller(postgres.db)
  await slave(T0, { fastUs: 10 })
  await slave(T0 + 10_000, { fastUs: 1_234, boundUs: null, state: 'U' })
  await meter(T0, { offset: spanUs(-61_000_000), frequency: null })
  const { rows } = await postgres.owner.query('select * from clocks order by id')
  const [own, its] = rows
  assert.deepEqual([own.offset_us, own.bound_us, own.state], [1_234, null, 'U'])
  assert.deepEqual([own.frequency_ppb, own.skew_ppb, own.holdover_ms], [12_345, 50, 4_000])
  assert.deepEqual([its.meter, its.offset_us, its.frequency_ppb], ['M-1', -61_000_000, null])
  assert.deepEqual([its.outcome, its.monthly_drift_ms, its.state], ['none', -800, 'V'])
})

test('meters of another device, unassigned meters and unknown devices leave nothing', async () => {
  const { slave, meter, lines } = teller(postgres.db)
  await meter(T0, { meter: 'M-3' })
  await meter(T0, { meter: 'M-4' })
  await meter(T0, {}, '')
  await slave(T0, { device: 'eeeeeeeeeeeeeeee' })
  assert.equal((await postgres.owner.query('select from clocks')).rowCount, 0)
  assert.deepEqual(lines, [])
})

test('a slave pulled by three minutes: free-running, stepped, synchronised again', async () => {
  const { slave } = teller(postgres.db)
  await slave(T0)
  const stepped = { steps: 1, lastStep: spanUs(-180_000_000) }
  await slave(T0 + MINUTE, {
    state: 'R',
    fastUs: 180_000_000,
    boundUs: 180_000_100,
    discipline: stepped,
  })
  await slave(T0 + 4 * MINUTE, { discipline: stepped })
  await slave(T0 + 5 * MINUTE, { discipline: stepped })
  assert.deepEqual(await events(), ['free-running 180000000', 'step -180000000', 'synchronised 0'])
  const counted = await postgres.owner.query(
    "select name, count from counters where name like 'clock %' order by name",
  )
  assert.deepEqual(
    counted.rows.map(({ name, count }) => `${name} ${count}`),
    ['clock free-running 1', 'clock step 1', 'clock synchronised 1'],
  )
})

test('an event of one kind is listed once a minute', async () => {
  const { slave } = teller(postgres.db)
  await slave(T0)
  for (let i = 1; i <= 12; i += 1) await slave(T0 + i * 10_000, { state: i % 2 === 1 ? 'R' : 'S' })
  assert.deepEqual(
    (await events()).filter((event) => event.startsWith('free-running')),
    ['free-running 0', 'free-running 0'],
  )
})

test('a holdover begins after 20 minutes and ends with the next sample', async () => {
  const { slave } = teller(postgres.db)
  const held = (minutes: number) => ({ discipline: { holdover: spanMs(minutes * MINUTE) } })
  await slave(T0, held(20))
  assert.deepEqual(await events(), [])
  await slave(T0 + 1, held(20.001))
  await slave(T0 + MINUTE, held(21))
  await slave(T0 + 2 * MINUTE, held(0))
  assert.deepEqual(await events(), ['holdover', 'recovered 1260000000'])
})

test('a meter: B0, its events of UNI/TS 11291 once each, what was done about it', async () => {
  const { meter } = teller(postgres.db)
  const hours = spanUs(5 * 3_600_000_000)
  await meter(T0, { offset: hours, invalid: true, event: 10, outcome: 'rejected' })
  await meter(T0 + 2 * MINUTE, { offset: hours, invalid: true, outcome: 'rejected' })
  await meter(T0 + 4 * MINUTE, { outcome: 'set', event: 12, monthlyDrift: spanMs(-18_000_800) })
  assert.deepEqual(await events(), [
    'invalid 18000000000',
    'rejected 18000000000',
    '10 18000000000',
    'valid 120000',
    'set 120000',
    '12 120000',
  ])
  // Reported again, and across the end of a month: nothing is added.
  await meter(T0 + 6 * MINUTE, { outcome: 'set', event: 12, monthlyDrift: spanMs(-18_000_800) })
  await meter(T0 + 8 * MINUTE, { outcome: 'set', event: 12, monthlyDrift: spanMs(0) })
  assert.equal((await events()).length, 6)
  await meter(T0 + 10 * MINUTE, { outcome: 'set', event: 12, monthlyDrift: spanMs(-70_000) })
  assert.deepEqual((await events()).slice(6), ['12 120000'])
})

test('an event reported in the same second as another report is not lost', async () => {
  const { tell } = teller(postgres.db)
  const report = { offset: spanUs(0), bound: spanUs(1), resolution: spanUs(1), frequency: null }
  const told = { ...report, meter: 'M-2', monthlyDrift: spanMs(0), invalid: false } as const
  await tell((fleet) => {
    fleet.meterClock(SLAVE, { ...told, outcome: 'synchronised', event: 12 }, unixMs(T0))
    fleet.meterClock(SLAVE, { ...told, outcome: 'none', event: null }, unixMs(T0 + 1))
  })
  assert.deepEqual(await events(), ['12 0'])
})

test('the head-end: its whole report, a liar among its sources, the source it follows', async () => {
  const { tell } = teller(postgres.db)
  const odd = headReport(T0 + 11 * MINUTE, { reference: 'a\0b', rmsOffset: spanUs(Number.NaN) })
  await tell((fleet) => {
    fleet.headClock(headReport(T0))
    fleet.headClock(withLiar(headReport(T0 + 1)))
  })
  // After a restart the same liar is not reported again.
  await tell(async (fleet) => {
    await fleet.begin(unixMs(T0))
    fleet.headClock(withLiar(headReport(T0 + 10 * MINUTE)))
    fleet.headClock(headReport(T0 + 10 * MINUTE, { reference: 'ntp2.example' }))
    fleet.headClock(odd)
  })
  assert.deepEqual(await events(), ['falseticker', 'reference', 'reference'])
  const { rows } = await postgres.owner.query('select report, offset_us from clocks')
  assert.deepEqual(
    [rows[0]?.report.reference, rows[0]?.report.sources.length, rows[0]?.offset_us],
    ['ab', 3, -112],
  )
})

test('old points are thinned to one an hour, a few clocks at a time; nothing after 90 days', async () => {
  const { pool } = postgres.db
  const { slave, meter } = teller(postgres.db)
  for (let minute = 0; minute <= 120; minute += 15) await slave(T0 + minute * MINUTE)
  for (let hour = 0; hour <= 7; hour += 1) await meter(T0 + hour * HOUR)
  const later = unixMs(T0 + 49.9 * HOUR)
  const last = await sweepClocks(pool, 0, later)
  assert.deepEqual(await points(), [
    // Of the slave: the first point of each hour, and all points younger than 48 hours.
    ...[0, 60, 120].map((minute) => [minute, 'S'] as const),
    // Of the meter: the first point of every six hours.
    ...[0, 2, 3, 4, 5, 6, 7].map((hour) => [hour * 60, 'V'] as const),
  ])
  assert.equal(await sweepClocks(pool, last, later), 0)
  await sweepClocks(pool, 0, unixMs(T0 + 90 * 24 * HOUR))
  const left = await points()
  assert.equal(left.length, 0 + 3 + 2)
  await sweepClocks(pool, 0, unixMs(T0 + 91 * 24 * HOUR))
  assert.deepEqual(await points(), [])
})

test('a thousand events of a clock are kept', async () => {
  const { pool } = postgres.db
  await teller(postgres.db).slave(T0)
  await pool.query(
    `insert into clock_events (clock_id, at, code, detail)
     select id, $1::timestamptz + n * interval '1 minute', 'step', n::text
     from clocks, generate_series(1, 1005) as n`,
    [new Date(T0)],
  )
  await sweepClocks(pool, 0, unixMs(T0 + 48 * HOUR))
  const { rows } = await pool.query(
    'select count(*)::int as n, min(detail::int) as first from clock_events',
  )
  assert.deepEqual(rows, [{ n: 1_000, first: 6 }])
})

test('it waits for a database that is away, then writes what is newest', async () => {
  const lines: string[] = []
  const { pool } = postgres.db
  const away = new Pool({ host: '/nowhere' })
  // The real pool takes the place of this one once it is back.
  let target: Pick<Pool, 'query'> = away
  const swapped = Object.create(pool, {
    query: { value: async (text: string, values: unknown[]) => target.query(text, values) },
  })
  const history = new ClockHistory(swapped, (line) => lines.push(line))
  history.headClock(headReport(T0))
  history.headClock(withLiar(headReport(T0 + 1)))
  await new Promise((passed) => setTimeout(passed, 1_300))
  assert.match(lines.join(), /OPS-08/)
  history.headClock(withLiar(headReport(T0 + 2)))
  target = pool
  await history.close()
  await away.end()
  const { rows } = await pool.query('select at from clocks')
  assert.deepEqual(rows, [{ at: new Date(T0 + 2) }])
  assert.deepEqual(await events(), ['falseticker'])
})

test('one device cannot take everybody’s memory: at most 1,001 of its clocks wait', async () => {
  const { pool } = postgres.db
  const asked: number[] = []
  const counting = Object.create(pool, {
    query: {
      value: async (_: string, columns: readonly unknown[][]) =>
        asked.push(columns[0]?.length ?? 0),
    },
  })
  const history = new ClockHistory(counting, () => {})
  const report = { offset: spanUs(0), bound: spanUs(1), resolution: spanUs(1), frequency: ppm(1) }
  const told = { ...report, monthlyDrift: spanMs(0), invalid: false, event: null } as const
  for (let i = 0; i < 3_000; i += 1) {
    history.meterClock(SLAVE, { ...told, meter: `m${i}`, outcome: 'none' }, unixMs(T0))
  }
  await history.close()
  assert.deepEqual(asked, [1_001])
})
