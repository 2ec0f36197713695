// Meters as an operator registers and adopts them. An unregistered meter gets its row with its
// first reading (catalog.ts) and belongs to whoever sent that, until an operator says whose it is.
// What an operator says wins: the device that only came first is reported (SEC-13), and what it
// sent of the meter does not count.

import { CompiledQuery, type Kysely } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import type { DeviceId } from '../../../../shared/handover/sink.ts'
import { FaultError } from '../../../../shared/node/fault-error.ts'
import { type Author, recordChange } from '../../store/changes.ts'
import { reach } from '../../store/pool.ts'
import type { Database } from '../../store/schema.ts'
import { recordTrouble } from './troubles.ts'

export interface MeterEntry {
  readonly number: string
  /** Null: not said yet. */
  readonly device: string | null
  /** The register rolls over at 10^digits of its own resolution; null: never. */
  readonly digits: number | null
  readonly multiplier?: number
}

// A meter may exist already, from its first reading: then this adds what only an operator knows.
const METERS = `
  insert into meters as known (number, digits, multiplier)
  select number, digits, coalesce(multiplier, 1)
  from jsonb_to_recordset($1) as r(number text, digits smallint, multiplier integer)
  on conflict (number) do update set digits = excluded.digits, multiplier = excluded.multiplier
  where (known.digits, known.multiplier) is distinct from (excluded.digits, excluded.multiplier)
  returning number`

/** A statement with the type of its rows. */
interface Statement<Row> {
  readonly text: string
  /** Never there: it only names the type. */
  readonly row?: Row
}

/** Asks through a client, or in a transaction of Kysely. */
async function ask<Row extends object>(
  asker: PoolClient | Kysely<Database>,
  { text }: Statement<Row>,
  values: unknown[],
): Promise<readonly Row[]> {
  if ('executeQuery' in asker) {
    const { rows } = await asker.executeQuery<Row>(CompiledQuery.raw(text, values))
    return rows
  }
  return (await asker.query<Row>(text, values)).rows
}

/** Adds or completes meters; returns how many of them changed. */
export async function registerMeters(
  client: PoolClient,
  meters: readonly MeterEntry[],
): Promise<number> {
  if (meters.length === 0) return 0
  const { rows } = await client.query<{ number: string }>(METERS, [JSON.stringify(meters)])
  const named = meters.flatMap(({ number, device }) =>
    device === null ? [] : [{ number, device }],
  )
  const owned = await ownMeters(client, named, 'registration')
  return new Set([...rows.map(({ number }) => number), ...owned]).size
}

interface Ownership {
  readonly number: string
  readonly device: DeviceId
}

// Locked in the order of their ids, so that two of these cannot wait for each other.
const CHANGED: Statement<Changed> = {
  text: `
  select m.id, m.number, m.device_id as was, m.adopted_at is not null as adopted, o.device
  from jsonb_to_recordset($1) as o(number text, device text) join meters m using (number)
  where m.device_id is distinct from o.device or m.adopted_at is null order by m.id
  for update of m`,
}
const OWN: Statement<object> = {
  text: `
  update meters set device_id = o.device, adopted_at = now(), adopted_by = $3
  from unnest($1::integer[], $2::text[]) as o(id, device) where meters.id = o.id`,
}
/** Everybody who sent readings of the meter while nobody had said whose it is. */
const OTHERS: Statement<{ readonly device: DeviceId }> = {
  text: `
  select d.id as device from devices d where d.id <> $2 and (d.id = $3 or d.no in
    (select device_no from rival_readings where meter_id = $1))`,
}
const SET_ASIDE: Statement<object> = {
  text: `
  insert into set_aside (device_id, device_no, meter_id, reason, set_by)
  select id, no, $2, $3, $4 from devices where id = $1
    and not exists (select from set_aside where device_id = $1 and meter_id = $2
      and to_at is null and lifted_at is null)`,
}
/** What it seals from now on counts; what it sealed before, only once an operator lifts that. */
const COUNT_AGAIN: Statement<object> = {
  text: `
  update set_aside set to_at = now()
  where device_id = $1 and meter_id = $2 and to_at is null and lifted_at is null`,
}

interface Changed {
  readonly id: number
  readonly number: string
  readonly was: DeviceId | null
  readonly adopted: boolean
  readonly device: DeviceId
}

/** Says whose meters are; returns the numbers of those that changed. `by`: who says so. */
async function ownMeters(
  client: PoolClient | Kysely<Database>,
  meters: readonly Ownership[],
  by: string,
): Promise<readonly string[]> {
  if (meters.length === 0) return []
  const rows = await ask(client, CHANGED, [JSON.stringify(meters)])
  await ask(client, OWN, [rows.map(({ id }) => id), rows.map(({ device }) => device), by])
  for (const changed of rows) {
    await ask(client, COUNT_AGAIN, [changed.device, changed.id])
    if (!changed.adopted) await dismissOthers(client, changed, by)
  }
  return rows.map(({ number }) => number)
}

async function dismissOthers(
  client: PoolClient | Kysely<Database>,
  meter: Changed,
  by: string,
): Promise<void> {
  const { id, number, was, device } = meter
  const others = await ask(client, OTHERS, [id, device, was])
  for (const other of others) {
    const reason = `meter ${number} is ${device}'s`
    await ask(client, SET_ASIDE, [other.device, id, reason, by])
    const detail = `it reported the meter before ${device} was named its owner; that does not count`
    const asks = { query: (text: string, values: unknown[]) => ask(client, { text }, values) }
    await recordTrouble(asks, { device: other.device, code: 'SEC-13', meter: number, detail })
  }
}

/** Adopts meters for the devices that reported them first, or are registered with; says how many
 * changed, and which have no device yet and stay as they are. */
export async function adoptMeters(
  trx: Kysely<Database>,
  author: Author,
  ids: readonly number[],
): Promise<{ readonly adopted: number; readonly deviceless: readonly string[] }> {
  const rows = await trx
    .selectFrom('meters')
    .select(['id', 'number', 'device_id'])
    .where('id', 'in', [0, ...ids])
    .where('adopted_at', 'is', null)
    .orderBy('id')
    .execute()
  const known = rows.flatMap(({ number, device_id: device }) =>
    device === null ? [] : [{ number, device }],
  )
  const owned = new Set(await ownMeters(trx, known, author.who))
  for (const { id, number, device_id: device } of rows) {
    if (!owned.has(number)) continue
    const before = { number, device, adopted_by: null }
    const after = { number, device, adopted_by: author.who }
    await recordChange(trx, author, { what: 'meter', id, before, after })
  }
  const deviceless = rows.flatMap(({ number, device_id: device }) =>
    device === null ? [number] : [],
  )
  return { adopted: owned.size, deviceless }
}

/** Adopts a meter for a device, or for the one that reported it first. Returns the owner. BIL-05
 * when nobody has reported or registered it, OPS-12 when no device is named or known. */
export async function adoptMeter(
  pool: Pool,
  meter: { readonly number: string; readonly device: DeviceId | null; readonly by: string },
): Promise<DeviceId> {
  const { rows } = await pool.query<{ device_id: DeviceId | null }>(
    'select device_id from meters where number = $1',
    [meter.number],
  )
  const [known] = rows
  if (known === undefined) throw new FaultError('BIL-05', meter.number)
  const device = meter.device ?? known.device_id
  if (device === null) {
    throw new FaultError('OPS-12', `no device has reported ${meter.number} yet: name one`)
  }
  const client = await reach(pool)
  let broken = true
  try {
    await client.query('begin')
    await ownMeters(client, [{ number: meter.number, device }], meter.by)
    await client.query('commit')
    broken = false
    return device
  } finally {
    client.release(broken)
  }
}
