// Meters and registers by name: their rows and owners. Kept in memory for a minute, read for a
// whole batch at once. A meter that nobody registered gets a row and one exception (BIL-05); a
// meter registered without a device belongs to the first device that reports it.

import type { Pool } from 'pg'
import type { DeviceId } from '../../../../shared/handover/sink.ts'
import type { Reading } from '../../../../shared/meter/reading.ts'
import type { Place } from './rows.ts'

/** Unregistered meters that one device may bring: ten times the gateway of a large building. A
 * hostile device could otherwise fill the table. */
const METERS_PER_DEVICE_MAX = 10_000
/** Most register kinds ever stored: real fleets use dozens; their number is a 16-bit column. */
const REGISTERS_MAX = 10_000
/** What we know about a meter is read again after this long, milliseconds: an operator may have
 * moved it. */
const MEMORY_MS_MAX = 60_000

export interface MeterRow {
  readonly id: number
  readonly number: string
  readonly device_id: DeviceId | null
  readonly digits: number | null
}

/** A meter's number with the place of the reading that named it. */
export interface Sighting extends Place {
  readonly meter: string
}

export const registerKey = (reading: Reading): string =>
  `${reading.register} ${reading.exponent} ${reading.unit}`

export class Catalog {
  readonly #pool: Pool
  #meters = new Map<string, MeterRow>()
  #registers = new Map<string, number>()
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

  forget(): void {
    this.#meters = new Map()
    this.#registers = new Map()
    this.#lastRegister = null
  }

  /** Call before a batch; `monotonicMs` on any monotonic clock. */
  expire(monotonicMs: number): void {
    if (monotonicMs - this.#readAt <= MEMORY_MS_MAX) return
    this.#meters = new Map()
    this.#readAt = monotonicMs
  }

  /** Looks up, adopts or creates the meters named in a batch; what is committed here stays true
   * whatever happens to the batch. A meter above the device's limit stays unknown. */
  async resolveMeters(sightings: ReadonlyMap<string, Sighting>): Promise<void> {
    await this.#readMeters([...sightings.keys()])
    const unowned = [...sightings.values()].filter(
      ({ meter }) => this.#meters.get(meter)?.device_id === null,
    )
    const unknown = [...sightings.values()].filter(({ meter }) => !this.#meters.has(meter))
    if (unowned.length > 0) {
      await this.#pool.query(
        `update meters set device_id = u.device
         from unnest($1::text[], $2::text[]) as u(number, device)
         where meters.number = u.number and meters.device_id is null`,
        [unowned.map(({ meter }) => meter), unowned.map(({ device }) => device)],
      )
    }
    if (unknown.length > 0) await this.#create(unknown)
    if (unowned.length + unknown.length > 0) await this.#readMeters([...sightings.keys()])
  }

  async #readMeters(numbers: readonly string[]): Promise<void> {
    const { rows } = await this.#pool.query<MeterRow>(
      'select id, number, device_id, digits from meters where number = any($1)',
      [numbers],
    )
    for (const row of rows) this.#meters.set(row.number, row)
  }

  async #create(unknown: readonly Sighting[]): Promise<void> {
    await this.#pool.query(
      `with u as (
         select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[],
           $6::integer[]) as u(number, device, epoch, run, sequence, item)),
       made as (
         insert into meters (number, device_id) select number, device from u
         where (select count(*) from meters m where m.device_id = u.device) < $7
         on conflict (number) do nothing returning number)
       insert into exceptions (device_id, epoch, run, sequence, item, code, meter, detail)
       select device, epoch, run, sequence, -1 - item, 'BIL-05', number,
         'first reading of a meter nobody registered' from u join made using (number)
       on conflict (device_id, epoch, run, sequence, item) do nothing`,
      [
        unknown.map(({ meter }) => meter),
        unknown.map(({ device }) => device),
        unknown.map(({ epoch }) => epoch),
        unknown.map(({ run }) => run),
        unknown.map(({ sequence }) => sequence),
        unknown.map(({ item }) => item),
        METERS_PER_DEVICE_MAX,
      ],
    )
  }

  async resolveRegisters(wanted: ReadonlyMap<string, Reading>): Promise<void> {
    await this.#readRegisters()
    const unknown = [...wanted].filter(([key]) => !this.#registers.has(key))
    const room = unknown.slice(0, Math.max(REGISTERS_MAX - this.#registers.size, 0))
    if (room.length === 0) return
    await this.#pool.query(
      `insert into registers (obis, exponent, unit)
       select * from unnest($1::text[], $2::smallint[], $3::smallint[]) on conflict do nothing`,
      [
        room.map(([, reading]) => reading.register),
        room.map(([, reading]) => reading.exponent),
        room.map(([, reading]) => reading.unit),
      ],
    )
    await this.#readRegisters()
  }

  async #readRegisters(): Promise<void> {
    const { rows } = await this.#pool.query<{ id: number; key: string }>(
      "select id, obis || ' ' || exponent || ' ' || unit as key from registers",
    )
    for (const { id, key } of rows) this.#registers.set(key, id)
  }
}
