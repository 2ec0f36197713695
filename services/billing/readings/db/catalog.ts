// Meters, registers and devices by name: their rows, and who owns a meter. Kept in memory for a
// minute, read for a whole batch at once. A meter that nobody registered gets a row and one
// exception (BIL-05). It belongs to the first device that reports it, as does one registered
// without a device, but only until an operator says whose it is (meters.ts).
//
// Each device may bring so many meters and kinds of register before it is refused more (BIL-15):
// what is there for all cannot be used up by one.

import type { Pool } from 'pg'
import type { DeviceId } from '../../../../shared/handover/sink.ts'
import type { Reading } from '../../../../shared/meter/reading.ts'
import type { Place } from './reading-rows.ts'

/** Unregistered meters that one device may bring: ten times the gateway of a large building. A
 * hostile device could otherwise fill the table. */
const METERS_PER_DEVICE_MAX = 10_000
/** Kinds of register that one device may bring: real devices use dozens, and these are shared. */
export const REGISTERS_PER_DEVICE_MAX = 128
/** Most register kinds ever stored: their number is a 16-bit column. It takes 234 hostile devices
 * to use them up. */
const REGISTERS_MAX = 30_000
/** What we know about a meter is read again after this long, milliseconds: an operator may have
 * moved it. */
const MEMORY_MS_MAX = 60_000
/** Refused names remembered for that long, so that asking again costs the database nothing. */
const REFUSED_MAX = 50_000

export interface MeterRow {
  readonly id: number
  readonly number: string
  readonly device_id: DeviceId | null
  readonly digits: number | null
  /** An operator said whose it is. */
  readonly adopted: boolean
}

/** A meter's number with the place of the reading that named it. */
export interface Sighting extends Place {
  readonly meter: string
}

/** A kind of register with the device that used it. */
export interface RegisterSighting {
  readonly device: DeviceId
  readonly reading: Reading
}

export const registerKey = (reading: Reading): string =>
  `${reading.register} ${reading.exponent} ${reading.unit}`

export class Catalog {
  readonly #pool: Pool
  #meters = new Map<string, MeterRow>()
  #registers = new Map<string, number>()
  #devices = new Map<DeviceId, number>()
  /** `<device> <meter number or register key>` above the device's limit. */
  #refused = new Set<string>()
  #lastRegister:
    | (Pick<Reading, 'register' | 'exponent' | 'unit'> & { readonly id: number })
    | null = null
  #readAt = 0

  constructor(pool: Pool) {
    this.#pool = pool
  }

  meter(number: string): MeterRow | undefined {
    return this.#meters.get(number)
  }

  register(reading: Reading): number | undefined {
    const last = this.#lastRegister
    // Readings come in runs of one register: most need no new key.
    if (
      last !== null &&
      last.register === reading.register &&
      last.exponent === reading.exponent &&
      last.unit === reading.unit
    ) {
      return last.id
    }
    const id = this.#registers.get(registerKey(reading))
    if (id === undefined) return undefined
    const { register, exponent, unit } = reading
    this.#lastRegister = { register, exponent, unit, id }
    return id
  }

  /** The device's number in the database; undefined while it is not resolved. */
  device(id: DeviceId): number | undefined {
    return this.#devices.get(id)
  }

  /** True when this device asked for it within the minute and was above its limit. */
  isRefused(device: DeviceId, name: string): boolean {
    return this.#refused.has(`${device} ${name}`)
  }

  forget(): void {
    this.#meters = new Map()
    this.#registers = new Map()
    this.#devices = new Map()
    this.#refused = new Set()
    this.#lastRegister = null
  }

  /** Call before a batch; `monotonicMs` on any monotonic clock. */
  expire(monotonicMs: number): void {
    if (monotonicMs - this.#readAt <= MEMORY_MS_MAX) return
    this.#meters = new Map()
    this.#refused = new Set()
    this.#readAt = monotonicMs
  }

  /** An unknown device gets 0. */
  async resolveDevices(ids: readonly DeviceId[]): Promise<void> {
    const { rows } = await this.#pool.query<{ id: string; no: number }>(
      'select id, no from devices where id = any($1)',
      [ids],
    )
    for (const id of ids) this.#devices.set(id, 0)
    for (const { id, no } of rows) this.#devices.set(id, no)
  }

  /** Looks up, claims or creates the meters named in a batch; what is committed here stays true
   * whatever happens to the batch. A meter above the device's limit stays unknown. */
  async resolveMeters(sightings: readonly Sighting[]): Promise<void> {
    const numbers = [...new Set(sightings.map(({ meter }) => meter))]
    await this.#readMeters(numbers)
    const unowned = sightings.filter(({ meter }) => this.#meters.get(meter)?.device_id === null)
    const unknown = sightings.filter(({ meter }) => !this.#meters.has(meter))
    if (unowned.length > 0) {
      await this.#pool.query(
        `update meters set device_id = u.device
         from unnest($1::text[], $2::text[]) as u(number, device)
         where meters.number = u.number and meters.device_id is null`,
        [unowned.map(({ meter }) => meter), unowned.map(({ device }) => device)],
      )
    }
    if (unknown.length > 0) await this.#create(unknown)
    if (unowned.length + unknown.length === 0) return
    await this.#readMeters(numbers)
    for (const { device, meter } of unknown) {
      if (!this.#meters.has(meter)) this.#refuse(device, meter)
    }
  }

  #refuse(device: DeviceId, name: string): void {
    if (this.#refused.size < REFUSED_MAX) this.#refused.add(`${device} ${name}`)
  }

  async #readMeters(numbers: readonly string[]): Promise<void> {
    const { rows } = await this.#pool.query<MeterRow>(
      `select id, number, device_id, digits, adopted_at is not null as adopted
       from meters where number = any($1)`,
      [numbers],
    )
    for (const row of rows) this.#meters.set(row.number, row)
  }

  async #create(unknown: readonly Sighting[]): Promise<void> {
    await this.#pool.query(CREATE_METERS, [
      unknown.map(({ meter }) => meter),
      unknown.map(({ device }) => device),
      unknown.map(({ epoch }) => epoch),
      unknown.map(({ run }) => run),
      unknown.map(({ sequence }) => sequence),
      unknown.map(({ item }) => item),
      METERS_PER_DEVICE_MAX,
    ])
  }

  async resolveRegisters(wanted: readonly RegisterSighting[]): Promise<void> {
    await this.#readRegisters()
    const unknown = wanted.filter(({ reading }) => !this.#registers.has(registerKey(reading)))
    if (unknown.length === 0) return
    await this.#pool.query(CREATE_REGISTERS, [
      unknown.map(({ reading }) => reading.register),
      unknown.map(({ reading }) => reading.exponent),
      unknown.map(({ reading }) => reading.unit),
      unknown.map(({ device }) => device),
      REGISTERS_PER_DEVICE_MAX,
      REGISTERS_MAX - this.#registers.size,
    ])
    await this.#readRegisters()
    for (const { device, reading } of unknown) {
      const key = registerKey(reading)
      if (!this.#registers.has(key)) this.#refuse(device, key)
    }
  }

  async #readRegisters(): Promise<void> {
    const { rows } = await this.#pool.query<{ id: number; key: string }>(
      "select id, obis || ' ' || exponent || ' ' || unit as key from registers",
    )
    for (const { id, key } of rows) this.#registers.set(key, id)
  }
}

// What a device holds already is counted once, not for each of the thousands that it may name.
const CREATE_METERS = `
with u as (
  select *, row_number() over (partition by device order by place) as nth
  from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::integer[])
    with ordinality as u(number, device, epoch, run, sequence, item, place)
), held as (
  select device, count(id) as n from (select distinct device from u) as d
  left join meters on device_id = d.device and adopted_at is null group by device
), made as (
  insert into meters (number, device_id)
  select u.number, u.device from u join held using (device) where held.n + nth <= $7 order by u.number
  on conflict (number) do nothing returning number, device_id
)
insert into exceptions (device_id, epoch, run, sequence, item, code, meter, detail)
select device, epoch, run, sequence, -1 - item, 'BIL-05', u.number,
  'first reading of a meter nobody registered'
from u join made on made.number = u.number and made.device_id = u.device
on conflict (device_id, epoch, run, sequence, item) do nothing`

const CREATE_REGISTERS = `
with u as (
  select *, row_number() over (partition by device order by place) as nth
  from unnest($1::text[], $2::smallint[], $3::smallint[], $4::text[])
    with ordinality as u(obis, exponent, unit, device, place)
), held as (
  select device, count(id) as n from (select distinct device from u) as d
  left join registers on brought_by = d.device group by device
)
insert into registers (obis, exponent, unit, brought_by)
select u.obis, u.exponent, u.unit, u.device from u join held using (device)
where held.n + nth <= $5 order by place limit $6
on conflict do nothing`
