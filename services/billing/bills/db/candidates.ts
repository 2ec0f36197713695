// Which service points a period can be billed for, with all facts of each, in batches by their id.

import { type Kysely, sql } from 'kysely'
import { TEXT_LENGTH_MAX } from '../../../../shared/documents/document.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../../../shared/meter/obis.ts'
import { UNIT } from '../../../../shared/meter/reading.ts'
import type { BillFacts } from '../core/bill.ts'
import { type CivilPeriod, instantsOf } from '../../civil/calendar.ts'
import type { RegisterReading } from '../../readings/core/consumption.ts'
import type { Database } from '../../store/schema.ts'
import type { StoredTariff } from '../../tariffs/db/tariffs.ts'

/** One service point whose meter was installed for the whole period and is not billed yet. */
export interface Candidate {
  readonly servicePointId: number
  readonly contractId: number | null
  readonly customerId: number | null
  readonly tariff: StoredTariff | null
  readonly email: string | null
  readonly phone: string | null
  readonly facts: BillFacts
}

/** Registers of active energy import, with their powers of ten. */
export type Registers = ReadonlyMap<number, number>

export async function energyRegisters(db: Kysely<Database>): Promise<Registers> {
  const rows = await db
    .selectFrom('registers')
    .select(['id', 'exponent'])
    .where('obis', '=', ACTIVE_IMPORT_TOTAL)
    .where('unit', '=', UNIT.Wh)
    .execute()
  return new Map(rows.map(({ id, exponent }) => [id, exponent]))
}

interface Row {
  readonly id: number
  readonly code: string
  readonly address: string
  readonly meter: string
  readonly digits: number | null
  readonly multiplier: number
  readonly adopted: boolean
  readonly contract_id: number | null
  readonly customer_id: number | null
  readonly customer: string | null
  readonly name: string | null
  readonly customer_address: string | null
  readonly email: string | null
  readonly phone: string | null
  readonly tariff_id: number | null
  readonly opening: number | null
  readonly opening_register: number | null
  readonly closing: number | null
  readonly closing_register: number | null
  readonly bill_id: number | null
}

export interface Batch {
  readonly zone: string
  readonly period: CivilPeriod
  /** Service points with a greater id; 0 at first. */
  readonly after: number
  readonly limit: number
  readonly registers: Registers
  readonly tariffs: ReadonlyMap<number, StoredTariff | null>
}

export interface Candidates {
  /** Not billed yet. */
  readonly candidates: readonly Candidate[]
  /** Where the next batch begins; null at the end. */
  readonly last: number | null
  /** Meters in this batch, billed or not, and how many of them have both readings. */
  readonly meters: number
  readonly ready: number
}

/** The next service points of a zone in the order of their ids. Both readings are looked up at the
 * exact instants of the period, by primary key; where a meter has two registers of active import
 * (another resolution after a repair), the one with the higher id counts at that end. */
export async function nextCandidates(db: Kysely<Database>, batch: Batch): Promise<Candidates> {
  const { period, zone } = batch
  const instants = instantsOf(period, zone)
  const from = new Date(instants.from)
  const to = new Date(instants.to)
  const registers = [...batch.registers.keys()]
  const { rows } = await sql<Row>`
    select sp.id, sp.code, sp.address, m.number as meter, m.digits, m.multiplier,
      m.adopted_at is not null as adopted,
      o.id as contract_id, c.id as customer_id, c.number as customer, c.name, c.address as customer_address,
      c.email, c.phone, t.tariff_id, b.id as bill_id,
      opening.value as opening, opening.register_id as opening_register,
      closing.value as closing, closing.register_id as closing_register
    from service_points sp
    join lateral (
      select meter_id from installations where service_point_id = sp.id
        and from_ts <= ${from} and (to_ts is null or to_ts >= ${to}) order by id desc limit 1
    ) i on true
    join meters m on m.id = i.meter_id
    left join contracts o on o.service_point_id = sp.id
      and daterange(o.from_date, o.to_date) @> daterange(${period.from}::date, ${period.to}::date)
    left join customers c on c.id = o.customer_id
    left join lateral (
      select tariff_id from contract_terms where contract_id = o.id
        and from_date <= ${period.from}::date order by from_date desc limit 1
    ) t on true
    left join bills b on b.contract_id = o.id and b.period_from = ${period.from}::date
    left join lateral (
      select value, register_id from timed_readings where ts = ${from} and meter_id = m.id
        and register_id = any(${registers}::smallint[]) order by register_id desc limit 1
    ) opening on true
    left join lateral (
      select value, register_id from timed_readings where ts = ${to} and meter_id = m.id
        and register_id = any(${registers}::smallint[]) order by register_id desc limit 1
    ) closing on true
    where sp.zone = ${zone} and sp.id > ${batch.after}
    order by sp.id limit ${batch.limit}`.execute(db)
  const last = rows.length < batch.limit ? null : (rows[rows.length - 1]?.id ?? null)
  const open = rows.filter((row) => row.bill_id === null)
  const ready = rows.filter((row) => row.opening !== null && row.closing !== null).length
  return {
    candidates: open.map((row) => candidateOf(row, batch)),
    last,
    meters: rows.length,
    ready,
  }
}

function candidateOf(row: Row, { zone, period, registers, tariffs }: Batch): Candidate {
  const reading = (value: number | null, register: number | null): RegisterReading | null => {
    const exponent = registers.get(register ?? -1)
    return value === null || exponent === undefined ? null : { value, exponent }
  }
  const tariff = row.tariff_id === null ? null : (tariffs.get(row.tariff_id) ?? null)
  const { customer, name, customer_address: address } = row
  return {
    servicePointId: row.id,
    contractId: row.contract_id,
    customerId: row.customer_id,
    tariff,
    email: row.email,
    phone: row.phone,
    facts: {
      period,
      customer:
        customer === null || name === null || address === null
          ? null
          : { number: clip(customer), name: clip(name), address: clip(address) },
      servicePoint: { code: clip(row.code), address: clip(row.address), zone },
      meter: {
        number: row.meter,
        register: ACTIVE_IMPORT_TOTAL,
        digits: row.digits,
        multiplier: row.multiplier,
        adopted: row.adopted,
      },
      opening: reading(row.opening, row.opening_register),
      closing: reading(row.closing, row.closing_register),
      tariff,
    },
  }
}

/** What a bill holds must read back: no text in it is longer than a document may have. */
const clip = (text: string): string => text.slice(0, TEXT_LENGTH_MAX)
