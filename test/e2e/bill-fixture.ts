// A small utility in a database: customers in two zones, one meter each, readings at both ends of
// the month.

import assert from 'node:assert/strict'
import { instantsOf } from '../../services/billing/civil/calendar.ts'
import type { Db } from '../../services/billing/store/pool.ts'
import type { TestPostgres } from './postgres.ts'
import { publishTariff } from '../../services/billing/tariffs/db/tariffs.ts'
import { DEMO_TARIFF } from '../../services/simulator/demo-tariff.ts'
import { unixMs } from '../../shared/units.ts'

export const MAY = { from: '2026-05-01', to: '2026-06-01' } as const
export const NOW = unixMs(Date.UTC(2026, 5, 2, 6))
export const UTILITY = {
  name: 'Lakeside Power',
  address: '12 Station Road',
  contact: 'Call 1912',
  payment: ['At the counter, 12 Station Road.'],
} as const

/** Inserts one row and returns its id. */
async function inserted(db: Db, text: string, values: readonly unknown[]): Promise<number> {
  const { rows } = await db.pool.query<{ id: number }>(`${text} returning id`, [...values])
  const id = rows[0]?.id
  assert.ok(id !== undefined)
  return id
}

export interface Household {
  readonly name: string
  readonly zone: string
  readonly email: string | null
  readonly phone: string | null
  readonly customer: boolean
  readonly tariff: boolean
  /** Wh at both ends; null: the reading is missing. */
  readonly opening: number | null
  readonly closing: number | null
}

export const HOUSEHOLD: Household = {
  name: 'Asha Patil',
  zone: 'Asia/Kolkata',
  email: 'asha@example.org',
  phone: '+919900000001',
  customer: true,
  tariff: true,
  opening: 25_001_000,
  closing: 25_222_000,
}

/** The schema's one partition for tests, the register of imported Wh, the demo tariff. */
export async function openUtility({
  db,
  owner,
}: Pick<TestPostgres, 'db' | 'owner'>): Promise<{ register: number; tariff: number }> {
  await owner.query('create table readings_all partition of readings default')
  const register = await inserted(
    db,
    "insert into registers (obis, exponent, unit) values ('1-0:1.8.0*255', 0, 30)",
    [],
  )
  const entry = { document: DEMO_TARIFF, validFrom: '2026-01-01', now: NOW }
  const published = await publishTariff(db.kysely, entry)
  assert.ok(published.ok)
  return { register, tariff: published.tariffId }
}

export async function addReading(
  db: Db,
  at: { readonly ts: number; readonly meter: number; readonly register: number },
  value: number,
): Promise<void> {
  await db.pool.query(
    `insert into readings (ts, meter_id, register_id, value, source, quality, agent_ts, clock_state,
      clock_bound_ms) values ($1, $2, $3, $4, 1, 0, $1, 'S', 20)`,
    [new Date(at.ts), at.meter, at.register, value],
  )
}

/** Adds a household that moved in on 1 January; returns its meter. */
export async function addHousehold(
  db: Db,
  household: Household,
  ids: { readonly register: number; readonly tariff: number; readonly n: number },
): Promise<number> {
  const point = await inserted(
    db,
    'insert into service_points (code, address, zone) values ($1, $2, $3)',
    [`SP-${ids.n}`, `${ids.n} Lake Road`, household.zone],
  )
  const device = '00000000000000b1'
  await db.pool.query(
    "insert into devices (id, name) values ($1, 'reader') on conflict do nothing",
    [device],
  )
  const meter = await inserted(
    db,
    `insert into meters (number, digits, device_id, adopted_at, adopted_by)
      values ($1, 9, $2, now(), 'the test')`,
    [`M${ids.n}`, device],
  )
  await db.pool.query(
    `insert into installations (meter_id, service_point_id, from_ts)
      values ($1, $2, '2026-01-01T00:00:00Z')`,
    [meter, point],
  )
  if (household.customer) {
    const customer = await inserted(
      db,
      'insert into customers (number, name, address, email, phone) values ($1, $2, $3, $4, $5)',
      [`C-${ids.n}`, household.name, `${ids.n} Lake Road`, household.email, household.phone],
    )
    const contract = await inserted(
      db,
      `insert into contracts (customer_id, service_point_id, from_date, billed_from)
        values ($1, $2, '2026-01-01', '2026-01-01')`,
      [customer, point],
    )
    await db.pool.query(
      `insert into contract_terms (contract_id, from_date, tariff_id)
        values ($1, '2026-01-01', $2)`,
      [contract, household.tariff ? ids.tariff : null],
    )
  }
  const { from, to } = instantsOf(MAY, household.zone)
  const { register } = ids
  if (household.opening !== null)
    await addReading(db, { ts: from, meter, register }, household.opening)
  if (household.closing !== null)
    await addReading(db, { ts: to, meter, register }, household.closing)
  return meter
}
