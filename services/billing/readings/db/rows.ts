// The rows of one batch, column by column, and the one statement that stores them all: readings,
// counter, last values, exceptions and stream positions become durable together or not at all.

import type { Pool } from 'pg'
import { unreachable } from '../../../../shared/assert.ts'
import type { FaultCode } from '../../../../shared/faults.ts'
import type { AcceptedFrame, StreamPosition } from '../../../../shared/handover/sink.ts'
import type { Reading } from '../../../../shared/meter/reading.ts'
import type { Stamp } from '../../../../shared/clock/clock-state.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import type { TombstoneReason } from '../../../../shared/wire/recovery.ts'
import { errorCode } from '../../../../shared/node/fault-error.ts'
import {
  charArray,
  int2Array,
  int4Array,
  int8Array,
  timestampArray,
} from '../../store/binary-arrays.ts'
import { SOURCE_NUMBER } from './source-numbers.ts'
import { countSql } from '../../store/counters.ts'

/** Longest statement, milliseconds: a batch takes 0.1 s; a server silent for this long is away. */
const STATEMENT_MS_MAX = 60_000

/** The place in a stream where something was said. */
export interface Place {
  readonly device: string
  readonly epoch: number
  readonly run: number
  readonly sequence: number
  /** Number within the frame. */
  readonly item: number
}

export const placeOf = ({ position }: AcceptedFrame, item: number): Place => ({
  device: position.device,
  epoch: position.epoch,
  run: position.run,
  sequence: position.sequence,
  item,
})

interface ExceptionRow extends Place {
  readonly code: FaultCode
  readonly meter: string | null
  readonly detail: string
  readonly content: Uint8Array | null
}

/** Why frames never come, as a fault: the slave's or, for frames that were acknowledged once,
 * ours. */
const GIVEN_UP = {
  damaged: 'OPS-16',
  'too old': 'OPS-14',
  'too large': 'OPS-15',
  forgotten: 'OPS-19',
} as const satisfies Record<TombstoneReason, FaultCode>

/** Codes for what a device gave up; more than a few a month are SEC-15 (the index of
 * migrations/0007_retimed.sql names them too). */
export const GIVING_UP_CODES: readonly FaultCode[] = [...Object.values(GIVEN_UP), 'SEC-03']

function exceptionOf({
  content,
  position,
}: AcceptedFrame): Pick<ExceptionRow, 'code' | 'detail' | 'content'> | null {
  switch (content.kind) {
    case 'unreadable': {
      const { plaintext } = content
      return { code: 'BIL-06', detail: `${plaintext.length} bytes`, content: plaintext }
    }
    case 'given-up': {
      const { first, reason } = content
      const detail = `run ${position.run}, frames ${first} to ${position.sequence}: ${reason}`
      return { code: GIVEN_UP[reason], detail, content: null }
    }
    case 'sealed': {
      const detail = `run ${position.run}, frame ${position.sequence}: kept sealed`
      return { code: 'SEC-03', detail, content: content.body }
    }
    case 'opener':
    case 'readings':
      return null
  }
  return unreachable(content)
}

/** Last values are keyed by meter * 2^16 + register: one number, and sorted by it so that two
 * writers take their locks in the same order. */
export const KEY_METER = 0x1_0000

export class Rows {
  readonly at: number[] = []
  readonly meter: number[] = []
  readonly register: number[] = []
  readonly value: number[] = []
  readonly source: number[] = []
  readonly quality: number[] = []
  readonly agentTime: number[] = []
  readonly meterTime: (number | null)[] = []
  readonly clockState: string[] = []
  readonly clockBound: number[] = []
  /** Row number of the newest value of each key. */
  readonly newest = new Map<number, number>()
  readonly exceptions: ExceptionRow[] = []
  readonly #positions = new Map<string, StreamPosition>()
  /** Openers that this batch brings; those of runs stored already are not sent again. */
  readonly #openers = new Map<string, Uint8Array | null>()

  add(row: {
    readonly at: UnixMs
    readonly meter: number
    readonly register: number
    readonly quality: number
    readonly reading: Reading
    readonly stamp: Stamp
  }): void {
    const { at, meter, register, quality, reading, stamp } = row
    const key = meter * KEY_METER + register
    const best = this.newest.get(key)
    if (best === undefined || at > (this.at[best] ?? 0)) this.newest.set(key, this.at.length)
    this.at.push(at)
    this.meter.push(meter)
    this.register.push(register)
    this.value.push(reading.value)
    this.source.push(SOURCE_NUMBER[reading.source])
    this.quality.push(quality)
    this.agentTime.push(stamp.agentTime)
    this.meterTime.push(reading.meterTime)
    this.clockState.push(stamp.clockState)
    this.clockBound.push(Math.ceil(stamp.clockBound))
  }

  /** What a frame without plain readings says, if anything. */
  except(frame: AcceptedFrame): void {
    const exception = exceptionOf(frame)
    if (exception !== null)
      this.exceptions.push({ ...placeOf(frame, 0), meter: null, ...exception })
  }

  /** Keeps the furthest position of each stream. */
  advance({ position, content }: AcceptedFrame): void {
    const key = `${position.device} ${position.epoch} ${position.run}`
    const known = this.#positions.get(key)
    if (known === undefined || position.sequence > known.sequence) {
      this.#positions.set(key, position)
    }
    if (content.kind === 'opener') this.#openers.set(key, position.opener)
  }

  /** Stores everything; returns how many readings were new. `mayRepeat` false: none of them is
   * expected to be stored already, which saves a third of the database's work; `onRepeat` is called
   * if one was, before everything is stored again the other way. */
  async store(
    pool: Pick<Pool, 'query'>,
    options: { readonly mayRepeat: boolean; readonly onRepeat: () => void },
  ): Promise<number> {
    const keys = Float64Array.from(this.newest.keys()).sort()
    const newest = Array.from(keys, (key) => this.newest.get(key) ?? 0)
    const pick = <T>(column: readonly T[]): T[] =>
      newest.flatMap((row) => column.slice(row, row + 1))
    const positions = [...this.#positions.values()]
    const openers = [...this.#positions.keys()].map((key) => this.#openers.get(key) ?? null)
    const values = [
      timestampArray(this.at),
      int4Array(this.meter),
      int2Array(this.register),
      int8Array(this.value),
      int2Array(this.source),
      int2Array(this.quality),
      timestampArray(this.agentTime),
      timestampArray(this.meterTime),
      charArray(this.clockState),
      int8Array(this.clockBound),
      int4Array(pick(this.meter)),
      int2Array(pick(this.register)),
      timestampArray(pick(this.at)),
      int8Array(pick(this.value)),
      int2Array(pick(this.quality)),
      charArray(pick(this.clockState)),
      int8Array(pick(this.clockBound)),
      ...placeColumns(positions),
      positions.map(({ second }) => second),
      positions.map(({ hash }) => Buffer.from(hash)),
      positions.map(({ salt }) => Buffer.from(salt)),
      openers.map((opener) => (opener === null ? null : Buffer.from(opener))),
      ...placeColumns(this.exceptions),
      this.exceptions.map(({ item }) => item),
      this.exceptions.map(({ code }) => code),
      this.exceptions.map(({ meter }) => meter),
      this.exceptions.map(({ detail }) => detail),
      this.exceptions.map(({ content }) => (content === null ? null : Buffer.from(content))),
    ]
    const run = async (name: string, text: string): Promise<number> => {
      const query = { name, text, values, query_timeout: STATEMENT_MS_MAX }
      const { rows } = await pool.query<{ inserted: number }>(query)
      return rows[0]?.inserted ?? 0
    }
    if (options.mayRepeat) return run('store-batch', STORE)
    try {
      return await run('store-new', STORE_NEW)
    } catch (error) {
      if (errorCode(error) !== UNIQUE_VIOLATION) throw error
      options.onRepeat()
      return run('store-batch', STORE)
    }
  }
}

const placeColumns = (places: readonly Omit<Place, 'item'>[]) => [
  places.map(({ device }) => device),
  places.map(({ epoch }) => epoch),
  places.map(({ run }) => run),
  places.map(({ sequence }) => sequence),
]

const UNIQUE_VIOLATION = '23505'

const storeText = (unlessThere: string): string => `
with stored as (
  insert into readings (ts, meter_id, register_id, value, source, quality, agent_ts, meter_ts,
    clock_state, clock_bound_ms)
  select * from unnest($1::timestamptz[], $2::int4[], $3::int2[], $4::int8[], $5::int2[],
    $6::int2[], $7::timestamptz[], $8::timestamptz[], $9::"char"[], $10::int8[])
  ${unlessThere} returning 1
), counted as (
  ${countSql('readings', 'select count(*) as added from stored')}
), newest as (
  insert into last_values as known (meter_id, register_id, ts, value, quality, clock_state,
    clock_bound_ms, stored_at)
  select u.*, now() from unnest($11::int4[], $12::int2[], $13::timestamptz[], $14::int8[],
    $15::int2[], $16::"char"[], $17::int8[]) as u
  on conflict (meter_id, register_id) do update set ts = excluded.ts, value = excluded.value,
    quality = excluded.quality, clock_state = excluded.clock_state,
    clock_bound_ms = excluded.clock_bound_ms, stored_at = excluded.stored_at
  where excluded.ts > known.ts
), advanced as (
  insert into stream_positions as known (device_id, epoch, run, sequence, second, hash, salt,
    opener)
  select * from unnest($18::text[], $19::bigint[], $20::bigint[], $21::bigint[], $22::bigint[],
    $23::bytea[], $24::bytea[], $25::bytea[])
  on conflict (device_id, epoch, run) do update set sequence = excluded.sequence,
    second = excluded.second, hash = excluded.hash, salt = excluded.salt, updated_at = now()
  where excluded.sequence > known.sequence
), kept as (
  insert into exceptions (device_id, epoch, run, sequence, item, code, meter, detail, content)
  select * from unnest($26::text[], $27::bigint[], $28::bigint[], $29::bigint[], $30::integer[],
    $31::text[], $32::text[], $33::text[], $34::bytea[])
  on conflict (device_id, epoch, run, sequence, item) do nothing
)
select count(*) as inserted from stored`

/** Leaves a reading that is there already as it is: 1.6 us of the 4.6 us that a row takes. */
const STORE = storeText('on conflict do nothing')
/** Refuses the batch (23505) when a reading is there already. */
const STORE_NEW = storeText('')
