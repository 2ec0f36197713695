// The facts of bills: all that the database knows about a batch of periods.

import { type Kysely, sql } from 'kysely'
import { TEXT_LENGTH_MAX } from '../../../../shared/documents/document.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../../../shared/meter/obis.ts'
import { UNIT } from '../../../../shared/meter/reading.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import type { BillFacts } from '../core/bill.ts'
import { type CivilDate, instantsOf } from '../../civil/calendar.ts'
import type { RegisterReading } from '../../readings/core/consumption.ts'
import type { Database } from '../../store/schema.ts'
import { type StoredTariff, tariffsFor } from '../../tariffs/db/tariffs.ts'

export interface PeriodAsked {
  readonly contractId: number
  readonly from: CivilDate
  readonly to: CivilDate
}

export interface Candidate {
  readonly contractId: number
  readonly customerId: number
  readonly servicePointId: number
  /** Never null where a bill can be drafted. */
  readonly tariffVersionId: number | null
  readonly email: string | null
  readonly phone: string | null
  readonly facts: BillFacts
}

interface Row {
  readonly contract_id: number
  readonly from: CivilDate
  readonly to: CivilDate
  readonly code: string
  readonly address: string
  readonly zone: string
  readonly service_point_id: number
  readonly customer_id: number
  readonly customer: string
  readonly name: string
  readonly customer_address: string
  readonly email: string | null
  readonly phone: string | null
  readonly tariff_id: number | null
  readonly meter_id: number | null
  readonly meter: string | null
  readonly digits: number | null
  readonly multiplier: number | null
  readonly adopted: boolean | null
}

/** One for each period whose contract exists, in the order asked. */
export async function factsOf(
  db: Kysely<Database>,
  periods: readonly PeriodAsked[],
  _now: UnixMs,
): Promise<readonly Candidate[]> {
  const asked = JSON.stringify(periods.map(({ contractId: id, from, to }) => ({ id, from, to })))
  const { rows } = await sql<Row>`
    select c.id as contract_id, a."from", a."to", sp.code, sp.address, sp.zone,
      sp.id as service_point_id, k.id as customer_id, k.number as customer, k.name,
      k.address as customer_address, k.email, k.phone, t.tariff_id,
      m.id as meter_id, m.number as meter, m.digits, m.multiplier,
      m.adopted_at is not null as adopted
    from rows from (jsonb_to_recordset(${asked}::jsonb) as (id integer, "from" date, "to" date))
      with ordinality as a(id, "from", "to", place)
    join contracts c on c.id = a.id
    join service_points sp on sp.id = c.service_point_id
    join customers k on k.id = c.customer_id
    left join lateral (
      select tariff_id from contract_terms where contract_id = c.id and from_date <= a."from"
      order by from_date desc limit 1
    ) t on true
    left join lateral (
      select meter_id from installations where service_point_id = sp.id
        and from_ts <= a."from"::timestamp at time zone sp.zone
        and (to_ts is null or to_ts >= a."to"::timestamp at time zone sp.zone)
      order by id desc limit 1
    ) i on true
    left join meters m on m.id = i.meter_id
    order by a.place`.execute(db)
  const registers = await energyRegisters(db)
  const values = await valuesAt(db, rows, registers)
  const tariffs = new Map<string, ReadonlyMap<number, StoredTariff | null>>()
  for (const { from, to } of rows) {
    const key = `${from} ${to}`
    if (!tariffs.has(key)) tariffs.set(key, await tariffsFor(db, { from, to }))
  }
  return rows.map((row, index) => {
    const ofPeriod = tariffs.get(`${row.from} ${row.to}`)
    const tariff = row.tariff_id === null ? null : (ofPeriod?.get(row.tariff_id) ?? null)
    return candidateOf(row, tariff, values.get(index))
  })
}

interface Edges {
  readonly opening: RegisterReading | null
  readonly closing: RegisterReading | null
}

async function energyRegisters(db: Kysely<Database>): Promise<ReadonlyMap<number, number>> {
  const rows = await db
    .selectFrom('registers')
    .select(['id', 'exponent'])
    .where('obis', '=', ACTIVE_IMPORT_TOTAL)
    .where('unit', '=', UNIT.Wh)
    .execute()
  return new Map(rows.map(({ id, exponent }) => [id, exponent]))
}

async function valuesAt(
  db: Kysely<Database>,
  rows: readonly Row[],
  registers: ReadonlyMap<number, number>,
): Promise<ReadonlyMap<number, Edges>> {
  const probes = rows.flatMap(({ meter_id: meter, from, to, zone }, index) => {
    if (meter === null) return []
    const instants = instantsOf({ from, to }, zone)
    const at = (ts: number) => new Date(ts).toISOString()
    return [
      { index, edge: 'opening', meter, ts: at(instants.from) },
      { index, edge: 'closing', meter, ts: at(instants.to) },
    ]
  })
  const ids = [...registers.keys()]
  const { rows: found } = await sql<{
    index: number
    edge: 'opening' | 'closing'
    value: number
    register_id: number
  }>`select p.index, p.edge, r.value, r.register_id
    from jsonb_to_recordset(${JSON.stringify(probes)}::jsonb) as p(index integer, edge text,
      meter integer, ts timestamptz)
    join lateral (select value, register_id from timed_readings where ts = p.ts
      and meter_id = p.meter and register_id = any(${ids}::smallint[])
      order by register_id desc limit 1) r on true`.execute(db)
  const edges = new Map<number, Edges>()
  for (const { index, edge, value, register_id: register } of found) {
    const exponent = registers.get(register)
    if (exponent === undefined) continue
    const known = edges.get(index) ?? { opening: null, closing: null }
    edges.set(index, { ...known, [edge]: { value, exponent } })
  }
  return edges
}

function candidateOf(row: Row, tariff: StoredTariff | null, edges: Edges | undefined): Candidate {
  return {
    contractId: row.contract_id,
    customerId: row.customer_id,
    servicePointId: row.service_point_id,
    tariffVersionId: tariff?.id ?? null,
    email: row.email,
    phone: row.phone,
    facts: {
      period: { from: row.from, to: row.to },
      customer: {
        number: clip(row.customer),
        name: clip(row.name),
        address: clip(row.customer_address),
      },
      servicePoint: { code: clip(row.code), address: clip(row.address), zone: row.zone },
      meter: {
        number: row.meter ?? row.code,
        register: ACTIVE_IMPORT_TOTAL,
        digits: row.digits,
        multiplier: row.multiplier ?? 1,
        adopted: row.adopted ?? false,
      },
      opening: edges?.opening ?? null,
      closing: edges?.closing ?? null,
      tariff,
    },
  }
}

/** What a bill holds must read back: no text in it is longer than a document may have. */
const clip = (text: string): string => text.slice(0, TEXT_LENGTH_MAX)
