// Two customers, two bills, one device and seven weeks of midnights, written as the services would.

import assert from 'node:assert/strict'
import { runBills } from '../../services/billing/bills/db/run.ts'
import { addDays, startOfDay } from '../../services/billing/civil/calendar.ts'
import { ensurePartition, monthOf } from '../../services/billing/readings/db/partitions.ts'
import type { Db } from '../../services/billing/store/pool.ts'
import { register } from '../../services/billing/customers/db/registry.ts'
import { publishTariff } from '../../services/billing/tariffs/db/tariffs.ts'
import { DEMO_TARIFF, DEMO_UTILITY } from '../../services/simulator/demo-tariff.ts'
import { spanMs, spanUs, type UnixMs, unixMs } from '../../shared/units.ts'
import { headReport, meterSays, slaveSays, teller, withLiar } from './clock-story.ts'

export const NOON = unixMs(Date.UTC(2026, 5, 18, 6, 30))
const ZONE = 'Asia/Kolkata'
const DEVICE = '00000000000000a0'
const METERS = ['M-1', 'M-2']
const MOVED_IN = '2026-05-01'
/** Wh per day and meter: 31 days make 221 kWh. */
const MAY_WH = 221_000

const first = <T>(rows: readonly T[], index: number): T => {
  const row = rows[index]
  assert.ok(row !== undefined)
  return row
}

export async function seed(db: Db) {
  const { kysely, pool } = db
  await pool.query("insert into devices (id, name, static_key) values ($1, 'Old Town', 'key')", [
    DEVICE,
  ])
  await publishTariff(kysely, { document: DEMO_TARIFF, validFrom: '2026-04-01', now: NOON })
  await register(pool, {
    customers: ['Asha Kulkarni', '<script>alert(1)</script>'].map((name, index) => ({
      number: `C-${index + 1}`,
      name,
      address: '12 Lake Road, Pune',
      email: index === 0 ? 'asha@example.com' : null,
      phone: null,
    })),
    servicePoints: METERS.map((meter) => ({
      code: `SP-${meter}`,
      address: '12 Lake Road, Pune',
      zone: ZONE,
    })),
    meters: METERS.map((number) => ({ number, device: DEVICE, digits: 9 })),
    installations: METERS.map((meter) => ({
      meter,
      servicePoint: `SP-${meter}`,
      from: startOfDay('2026-01-01', ZONE),
    })),
    contracts: METERS.map((meter, index) => ({
      customer: `C-${index + 1}`,
      servicePoint: `SP-${meter}`,
      tariff: DEMO_TARIFF.code,
      from: MOVED_IN,
    })),
  })
  await fillReadings(db)
  await pool.query(
    `insert into device_status (device_id, transport, connected_at, reported_at, clock_state,
       clock_offset_us, clock_bound_us, backlog_frames, meters, faults)
     values ($1, 'tcp', $2, $2, 'S', 412, 3100, 0, 2, '{"MTR-02": 3}')`,
    [DEVICE, new Date(NOON)],
  )
  await pool.query("insert into refusals values ($1, $2, 'SEC-05', 6, $1)", [
    new Date(NOON - (NOON % 3_600_000)),
    DEVICE,
  ])
  const options = { month: '2026-05-01', now: NOON, utility: DEMO_UTILITY, by: 'the seed' }
  const run = await runBills(kysely, options)
  assert.deepEqual([run.issued, [...run.faults]], [2, []])
  // After the bills: one of the meters has a clock that would keep its bill (BIL-21).
  await seedClocks(db)
  const bills = await pool.query<{ id: number }>('select id from bills order by customer_id')
  const customers = await pool.query<{ id: number }>('select id from customers order by number')
  return {
    device: DEVICE,
    customers: [first(customers.rows, 0).id, first(customers.rows, 1).id] as const,
    bills: [first(bills.rows, 0).id, first(bills.rows, 1).id] as const,
    later: unixMs(NOON + 3_600_000),
  }
}

/** Every midnight from 25 April (before anybody moved in) to 18 June, and the newest value. */
async function fillReadings({ pool }: Db): Promise<void> {
  const register = await pool.query<{ id: number }>(
    "insert into registers (obis, exponent, unit) values ('1-0:1.8.0*255', 0, 30) returning id",
  )
  const { id } = first(register.rows, 0)
  const midnights = Array.from({ length: 55 }, (_day, index) =>
    startOfDay(addDays('2026-04-25', index), ZONE),
  )
  for (const month of new Set(midnights.map(monthOf))) await ensurePartition(pool, month)
  const perDay = (at: UnixMs) =>
    12_000_000 + Math.round(((at - startOfDay(MOVED_IN, ZONE)) / 86_400_000) * (MAY_WH / 31))
  await pool.query(
    `insert into readings (ts, meter_id, register_id, value, source, quality, agent_ts,
       clock_state, clock_bound_ms)
     select t, m.id, $3, v, 1, 0, t, 'S', 7 from meters m,
       unnest($1::timestamptz[], $2::bigint[]) as r(t, v)`,
    [midnights.map((at) => new Date(at)), midnights.map(perDay), id],
  )
  await pool.query(
    `insert into last_values select id, $1, $2, 12700000, 0, 'S', 7, $2 from meters`,
    [id, new Date(NOON)],
  )
}

const MINUTE_MS = 60_000
/** How long ago the slave's clock was pulled, for how long, and how far. */
const PULLED_AGO = 150
const PULLED_FOR = 3
const PULLED_US = 180_000_000

/** A day of clocks: the slave's was pulled by three minutes, one meter's drifts and is corrected,
 * the other's is five hours off; a source of the head-end begins to lie. */
async function seedClocks(db: Db): Promise<void> {
  const { tell } = teller(db)
  for (let ago = 26 * 60; ago >= 0; ago -= ago > 165 || ago <= 135 ? 15 : 1) {
    const at = unixMs(NOON - ago * MINUTE_MS)
    const pulled = ago <= PULLED_AGO && ago > PULLED_AGO - PULLED_FOR
    const lastStep = spanUs(ago <= PULLED_AGO ? -PULLED_US : 0)
    const discipline = { steps: ago <= PULLED_AGO ? 1 : 0, lastStep }
    const wobble = Math.round(900 * Math.sin(ago / 97) + 300 * Math.sin(ago / 13))
    const drift = Math.round(((26 * 60 - ago) % 720) * 380)
    await tell((fleet) => {
      slaveSays(fleet, at, {
        state: pulled ? 'R' : 'S',
        fastUs: pulled ? PULLED_US - (PULLED_AGO - ago) * 100 : wobble,
        boundUs: pulled ? PULLED_US : 2_500 + Math.abs(wobble),
        discipline,
      })
      const corrected = drift < 15 * 380 && ago < 26 * 60
      const done = corrected ? ({ outcome: 'synchronised', event: 12 } as const) : {}
      meterSays(fleet, at, { offset: spanUs(drift), monthlyDrift: spanMs(-1_700), ...done })
      const off = { offset: spanUs(-5 * 3_600_000_000 - drift), bound: spanUs(700_000) }
      const told = { resolution: spanUs(1_000_000), outcome: 'rejected', event: 10 } as const
      meterSays(fleet, at, { meter: 'M-2', ...off, ...told, invalid: true, frequency: null })
      const head = headReport(at, { lastOffset: spanUs(112 + Math.round(wobble / 9)) })
      fleet.headClock(ago > 0 ? head : withLiar(head))
    })
  }
}
