// What the database makes of a period: which meters, which registers, and how each reading at its
// edges is found.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  type BillDraft,
  type BillVerdict,
  draftBill,
  issueBill,
} from '../../services/billing/bills/core/bill.ts'
import { type Candidate, factsOf } from '../../services/billing/bills/db/candidates.ts'
import { instantsOf } from '../../services/billing/civil/calendar.ts'
import { decimalText } from '../../services/billing/civil/money.ts'
import { unixMs } from '../../shared/units.ts'
import { canonicalJson } from '../../shared/documents/canonical.ts'
import { addHousehold, HOUSEHOLD, MAY, openUtility, UTILITY } from './bill-fixture.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const KOLKATA = 'Asia/Kolkata'
const { from: FROM, to: TO } = instantsOf(MAY, KOLKATA)
const DAY = 24 * 3_600_000
const NOW = unixMs(TO + 10 * DAY)
const [LIVE, PROFILE] = [0, 1]

let postgres: TestPostgres
let ids: { register: number; tariff: number }
let numbers = 0
before(async () => {
  postgres = await testPostgres()
  ids = await openUtility(postgres)
})
after(() => postgres.close())

const rowsOf = async (text: string, values: readonly unknown[] = []) =>
  (await postgres.owner.query<{ id: number }>(text, [...values])).rows

async function registerOf(obis: string, exponent = 0): Promise<number> {
  const [row] = await rowsOf(
    `insert into registers (obis, exponent, unit) values ($1, $2, 30)
      on conflict (obis, exponent, unit) do update set obis = excluded.obis returning id`,
    [obis, exponent],
  )
  assert.ok(row !== undefined)
  return row.id
}

/** A reading, as the sink stores it: with the newest value beside it. */
async function read(
  meter: number,
  ts: number,
  value: number,
  more: { readonly source?: number; readonly register?: number } = {},
): Promise<void> {
  const { source = LIVE, register = ids.register } = more
  await rowsOf(
    `insert into readings (ts, meter_id, register_id, value, source, quality, agent_ts,
      clock_state, clock_bound_ms) values ($1, $2, $3, $4, $5, 0, $1, 'S', 20)`,
    [new Date(ts), meter, register, value, source],
  )
  await rowsOf(
    `insert into last_values (meter_id, register_id, ts, value, quality, clock_state,
      clock_bound_ms, stored_at) values ($1, $2, $3, $4, 0, 'S', 20, $3)
      on conflict (meter_id, register_id) do update set ts = excluded.ts, value = excluded.value
      where last_values.ts < excluded.ts`,
    [meter, register, new Date(ts), value],
  )
}

/** A household without any reading; returns its meter, place and contract. */
async function household(): Promise<{ meter: number; point: number; contract: number }> {
  numbers += 1
  const empty = { ...HOUSEHOLD, opening: null, closing: null }
  const meter = await addHousehold(postgres.db, empty, { ...ids, n: numbers })
  const [point] = await rowsOf('select id from service_points where code = $1', [`SP-${numbers}`])
  assert.ok(point !== undefined)
  const [contract] = await rowsOf('select id from contracts where service_point_id = $1', [
    point.id,
  ])
  assert.ok(contract !== undefined)
  return { meter, point: point.id, contract: contract.id }
}

async function facts(contract: number, { period = MAY, now = NOW } = {}): Promise<Candidate> {
  const [candidate] = await factsOf(postgres.db.kysely, [{ contractId: contract, ...period }], now)
  assert.ok(candidate !== undefined)
  return candidate
}

const said = (verdict: BillVerdict): string =>
  verdict.ok
    ? `${decimalText(verdict.draft.energy)} kWh ${waysOf(verdict.draft)}`
    : `${verdict.fault} ${verdict.kind}: ${verdict.detail}`

const waysOf = ({ segments }: BillDraft): string =>
  segments
    .flatMap(({ registers }) => registers.map((r) => `${r.opening.way}-${r.closing.way}`))
    .join(' ')

const billed = async (contract: number, options = {}): Promise<string> =>
  said(draftBill((await facts(contract, options)).facts))

test('both readings on the stroke of midnight, by the meter’s load profile', async () => {
  const { meter, contract } = await household()
  await read(meter, FROM, 25_001_000, { source: PROFILE })
  await read(meter, TO, 25_222_000, { source: PROFILE })
  assert.equal(await billed(contract), '221 kWh exact-exact')
})

test('case 50: a P1 meter with T1 and T2, a telegram a second, none on the stroke', async () => {
  const { meter, contract } = await household()
  const [t1, t2] = [await registerOf('1-0:1.8.1*255'), await registerOf('1-0:1.8.2*255')]
  for (const second of [-2, -1, 0, 1, 2]) {
    const late = 600 + second * 1_000
    const [a, b] = second < 0 ? [0, 0] : [1, 0]
    await read(meter, FROM + late, 60_000 + a, { register: t1 })
    await read(meter, FROM + late, 40_000 + b, { register: t2 })
    await read(meter, TO + late, 201_000 + a, { register: t1 })
    await read(meter, TO + late, 120_000 + b, { register: t2 })
  }
  // 0.4 s before midnight is nearer than 0.6 s after it.
  assert.equal(
    await billed(contract, { now: unixMs(TO + 3_000) }),
    '221 kWh nearest-nearest nearest-nearest',
  )
})

test('a quarter-hourly meter between two readings: interpolated after a day', async () => {
  const { meter, contract } = await household()
  for (const [edge, value] of [
    [FROM, 1_000],
    [TO, 5_000],
  ] as const) {
    await read(meter, edge - 5 * 60_000, value)
    await read(meter, edge + 10 * 60_000, value + 300)
  }
  assert.match(
    await billed(contract, { now: unixMs(TO + 3_600_000) }),
    /^BIL-04 waiting: M\d+ at 1 June/,
  )
  assert.equal(await billed(contract), '4 kWh interpolated-interpolated')
})

test('silent since 12 days: waiting, or estimated where that was agreed', async () => {
  const { meter, contract } = await household()
  await read(meter, FROM, 10_000, { source: PROFILE })
  await read(meter, TO - 12 * DAY, 29_000, { source: PROFILE })
  assert.match(await billed(contract), /^BIL-04 waiting/)
  await rowsOf(
    "update contract_terms set missing = 'estimate' where contract_id = $1 returning id",
    [contract],
  )
  assert.equal(await billed(contract), '31 kWh exact-estimated')
  assert.match(await billed(contract, { now: unixMs(TO + 2 * DAY) }), /^BIL-04 waiting/)
})

test('read once a week: estimated between its neighbours, not up to the newest reading', async () => {
  const { meter, contract } = await household()
  for (const [edge, value] of [
    [FROM, 1_000],
    [TO, 9_000],
  ] as const) {
    await read(meter, edge - 3 * DAY, value)
    await read(meter, edge + 4 * DAY, value + 7_000)
  }
  assert.match(await billed(contract), /^BIL-04 waiting/)
  await rowsOf("update contract_terms set missing = 'estimate' where contract_id = $1", [contract])
  assert.equal(await billed(contract), '8 kWh estimated-estimated')
})

test('a technician’s reading counts once it is approved', async () => {
  const { meter, contract } = await household()
  await read(meter, FROM, 10_000, { source: PROFILE })
  const manual = `insert into manual_readings (meter_id, obis, unit, ts, value, exponent, kind,
    entered_by, state, decided_at) values ($1, '1-0:1.8.0*255', 30, $2, 42, 3, 'technician', 'T',
    $3, $4) returning id`
  await rowsOf(manual, [meter, new Date(TO), 'waiting', null])
  assert.match(await billed(contract), /^BIL-04/)
  await rowsOf(manual, [meter, new Date(TO), 'approved', new Date(NOW)])
  assert.equal(await billed(contract), '32 kWh exact-exact')
})

test('a meter no device reported is billed by readings people took; one reported waits', async () => {
  const { meter, contract } = await household()
  await rowsOf(
    `update meters set device_id = null, adopted_at = null, adopted_by = null where id = $1
     returning id`,
    [meter],
  )
  for (const [at, value] of [
    [FROM, 10],
    [TO, 42],
  ] as const) {
    await rowsOf(
      `insert into manual_readings (meter_id, obis, unit, ts, value, exponent, kind, entered_by,
        state, decided_at) values ($1, '1-0:1.8.0*255', 30, $2, $3, 3, 'technician', 'T',
        'approved', $4) returning id`,
      [meter, new Date(at), value, new Date(NOW)],
    )
  }
  assert.equal(await billed(contract), '32 kWh exact-exact')
  await rowsOf("update meters set device_id = '00000000000000b1' where id = $1 returning id", [
    meter,
  ])
  assert.match(await billed(contract), /^BIL-14 blocked/)
})

/** Case 51: the meter is exchanged on 15 May. */
async function exchange(point: number, old: number): Promise<number> {
  const at = new Date(Date.UTC(2026, 4, 15, 4, 30))
  numbers += 1
  const [meter] = await rowsOf(
    `insert into meters (number, device_id, adopted_at, adopted_by)
      values ($1, '00000000000000b1', now(), 'the test') returning id`,
    [`M${numbers}`],
  )
  assert.ok(meter !== undefined)
  await rowsOf('update installations set to_ts = $1 where meter_id = $2', [at, old])
  await rowsOf(
    'insert into installations (meter_id, service_point_id, from_ts) values ($1, $2, $3)',
    [meter.id, point, at],
  )
  for (const [id, value, kind] of [
    [old, 12_120_000, 'closing'],
    [meter.id, 0, 'opening'],
  ] as const) {
    await rowsOf(
      `insert into manual_readings (meter_id, obis, unit, ts, value, exponent, kind, entered_by,
        state, decided_at) values ($1, '1-0:1.8.0*255', 30, $2, $3, 0, $4, 'T', 'approved', now())`,
      [id, at, value, kind],
    )
  }
  return meter.id
}

test('case 51: exchanged inside the month, both meters are billed', async () => {
  const { meter, point, contract } = await household()
  await read(meter, FROM, 12_000_000, { source: PROFILE })
  const next = await exchange(point, meter)
  await read(next, TO, 101_000, { source: PROFILE })
  assert.equal(await billed(contract), '221 kWh exact-exact exact-exact')
})

test('one who moved in on 12 May is billed from then on; before, nobody is', async () => {
  const { meter, contract } = await household()
  const period = { from: '2026-05-12', to: '2026-06-01' }
  const { from } = instantsOf(period, KOLKATA)
  await read(meter, from, 5_000, { source: PROFILE })
  await read(meter, TO, 9_000, { source: PROFILE })
  assert.equal(await billed(contract, { period }), '4 kWh exact-exact')
  assert.match(await billed(contract), /^BIL-04 waiting: M\d+ at 1 May 2026, 00:00$/)
})

test('a meter installed on 10 May leaves the days before without a meter: BIL-23', async () => {
  const { meter, contract } = await household()
  await rowsOf("update installations set from_ts = '2026-05-09T18:30:00Z' where meter_id = $1", [
    meter,
  ])
  assert.equal(
    await billed(contract),
    'BIL-23 blocked: no meter from 1 May 2026, 00:00 to 10 May 2026, 00:00',
  )
})

test('a contract without a tariff is BIL-22; one that changes inside the period is BIL-07', async () => {
  const { contract } = await household()
  await rowsOf('update contract_terms set tariff_id = null where contract_id = $1', [contract])
  assert.match(await billed(contract), /^BIL-22 blocked/)
  await rowsOf(
    "insert into contract_terms (contract_id, from_date, tariff_id) values ($1, '2026-01-02', $2)",
    [contract, ids.tariff],
  )
  assert.match(await billed(contract), /^BIL-04/)
  const [other] = await rowsOf("insert into tariffs (code, name) values ('NEW', 'N') returning id")
  await rowsOf(
    "insert into contract_terms (contract_id, from_date, tariff_id) values ($1, '2026-05-10', $2)",
    [contract, other?.id],
  )
  assert.match(await billed(contract), /^BIL-07 blocked: SP-\d+: NEW begins on 10 May 2026/)
})

test('the clock of a meter that is 5 h wrong: BIL-21, as the newcomer met it', async () => {
  const { meter, contract } = await household()
  await read(meter, FROM, 10_000, { source: PROFILE })
  await read(meter, TO, 12_000, { source: PROFILE })
  const number = `M${numbers}`
  const clock = (at: number, hours: number, of = number) =>
    rowsOf(
      `with c as (insert into clocks (device_id, meter, at, state, offset_us, bound_us, skew_ppb,
          holdover_ms, steps, last_step_us, point_until, point_at, point_state, point_offset_us)
        values ('00000000000000b1', $1, $2, 'V', $3, 9000, 0, 0, 0, 0, $2, $2, 'V', $3)
        on conflict (device_id, meter) do update set at = excluded.at returning id)
      insert into clock_history (clock_id, at, offset_us, bound_us, state, keep)
        select id, $2, $3, 9000, 'V', true from c`,
      [of, new Date(at), Math.round(hours * 3_600_000_000)],
    )
  // Its slave has compared the clock of another meter, and not yet this one's.
  await clock(TO, 0, 'another')
  assert.equal(await billed(contract), `BIL-29 waiting: ${number}`)
  const waited = (hours: number) =>
    rowsOf(
      `insert into bill_periods (contract_id, period_from, period_to, state, code, since)
       values ($1, $2, $3, 'waiting', 'BIL-29', $4)
       on conflict (contract_id, period_from) do update set since = excluded.since`,
      [contract, MAY.from, MAY.to, new Date(NOW - hours * 3_600_000)],
    )
  await waited(23)
  assert.equal(await billed(contract), `BIL-29 waiting: ${number}`)
  await waited(25)
  assert.equal(await billed(contract), '2 kWh exact-exact', 'a day later it is made without')
  await clock(FROM - 3_600_000, 0)
  await clock(TO - 3_600_000, 5)
  await clock(TO + DAY, 0.0001)
  assert.equal(
    await billed(contract),
    `BIL-21 blocked: ${number} at 1 June 2026, 00:00, 5 h 0 min fast`,
  )
  // What the slave read beside midnight stands by the slave's own clock.
  await read(meter, TO + 700, 13_000)
  assert.equal(await billed(contract), '3 kWh exact-nearest')
  // The other tests know of no clock.
  await rowsOf('delete from clock_history')
  await rowsOf('delete from clocks')
})

/** Writes the bill as the run does. */
async function issue(candidate: Candidate, number: string): Promise<void> {
  const verdict = draftBill(candidate.facts)
  assert.ok(verdict.ok)
  const { content, hash } = issueBill(verdict.draft, { number, at: NOW, utility: UTILITY })
  await rowsOf(
    `insert into bills (number, contract_id, customer_id, service_point_id, period_from, period_to,
      tariff_version_id, currency, total, content, hash, issued_at, due_on)
      values ($1, $2, $3, $4, $5, $6, $7, 'INR', 1, $8, $9, now(), now())`,
    [
      number,
      candidate.contractId,
      candidate.customerId,
      candidate.servicePointId,
      content.period.from,
      content.period.to,
      candidate.tariffVersionId,
      canonicalJson(content),
      hash,
    ],
  )
}

test('June goes on where May ended, whatever arrives later; April ends where May began', async () => {
  const { meter, contract } = await household()
  for (const [edge, value] of [
    [FROM, 1_000],
    [TO, 5_000],
  ] as const) {
    await read(meter, edge - 3_600_000, value)
    await read(meter, edge + 3_600_000, value + 100)
  }
  await issue(await facts(contract), 'MAY-1')
  const june = { from: '2026-06-01', to: '2026-07-01' }
  const april = { from: '2026-04-01', to: '2026-05-01' }
  const now = unixMs(TO + 40 * DAY)
  await read(meter, TO, 5_099, { source: PROFILE })
  await read(meter, FROM, 1_001, { source: PROFILE })
  await read(meter, instantsOf(june, KOLKATA).to, 9_000, { source: PROFILE })
  await read(meter, instantsOf(april, KOLKATA).from, 0, { source: PROFILE })
  assert.equal(await billed(contract, { period: june, now }), '3.95 kWh interpolated-exact')
  assert.equal(await billed(contract, { period: april, now }), '1.05 kWh exact-interpolated')
})

test('facts of many periods come in the order asked, one for each', async () => {
  const all = await rowsOf('select id from contracts order by id desc')
  const asked = all.map(({ id }) => ({ contractId: id, ...MAY }))
  const found = await factsOf(postgres.db.kysely, asked, NOW)
  assert.deepEqual(
    found.map(({ contractId }) => contractId),
    all.map(({ id }) => id),
  )
})
