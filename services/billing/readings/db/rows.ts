// The rows of one batch, column by column, and the one statement that stores them all: readings,
// counter, last values, exceptions and stream positions become durable together or not at all.

import type { Pool } from 'pg'
import { unreachable } from '../../../../shared/assert.ts'
import type { FaultCode } from '../../../../shared/faults.ts'
import type { AcceptedFrame, StreamPosition } from '../../../../shared/handover/sink.ts'
import type { TombstoneReason } from '../../../../shared/wire/recovery.ts'
import { errorCode } from '../../../../shared/node/fault-error.ts'
import {
  charArray,
  int2Array,
  int4Array,
  int8Array,
  timestampArray,
} from '../../store/binary-arrays.ts'
import {
  type NewRow,
  type Place,
  placeOf,
  READING_ARRAYS,
  READING_COLUMNS,
  readingColumns,
  ReadingRows,
} from './reading-rows.ts'
import { storeDiffering, storeRivals } from './rivals.ts'
import {
  SILENT_AFTER_MAX_S,
  SILENT_AFTER_MIN_S,
  SILENT_WAITS,
  USUAL_SHRINK,
} from '../core/silence.ts'
import { countSql } from '../../store/counters.ts'

/** Longest statement, milliseconds: a batch takes 0.1 s; a server silent for this long is away. */
const STATEMENT_MS_MAX = 60_000

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
  readonly readings = new ReadingRows()
  /** Of meters that another device claims, while no operator has said whose they are. */
  readonly rivals = new ReadingRows()
  /** Row number of the newest value of each key. */
  readonly newest = new Map<number, number>()
  readonly exceptions: ExceptionRow[] = []
  readonly #positions = new Map<string, StreamPosition>()
  /** Openers that this batch brings; those of runs stored already are not sent again. */
  readonly #openers = new Map<string, Uint8Array | null>()

  add(row: NewRow): void {
    const { at, meter, register } = row
    const key = meter * KEY_METER + register
    const best = this.newest.get(key)
    const rows = this.readings
    if (best === undefined || at > (rows.at[best] ?? 0)) this.newest.set(key, rows.length)
    rows.add(row)
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

  /** Stores everything; false: a reading was there already, and nothing was stored. Saves a third
   * of the database's work where none is expected to be. */
  async storeNew(pool: Pick<Pool, 'query'>): Promise<boolean> {
    try {
      await this.#run(pool, 'store-new', STORE_NEW)
      return true
    } catch (error) {
      if (errorCode(error) !== UNIQUE_VIOLATION) throw error
      return false
    }
  }

  /** Stores everything in the caller's transaction; a reading that is there already stays, and one
   * that says something else is kept beside it (rivals.ts). */
  async store(client: Pick<Pool, 'query'>): Promise<void> {
    await this.#run(client, 'store-batch', STORE)
    await storeDiffering(client, this.readings)
    await storeRivals(client, this.rivals)
  }

  async #run(pool: Pick<Pool, 'query'>, name: string, text: string): Promise<void> {
    const query = { name, text, values: this.#values(), query_timeout: STATEMENT_MS_MAX }
    await pool.query(query)
  }

  #values(): unknown[] {
    const rows = this.readings
    const keys = Float64Array.from(this.newest.keys()).sort()
    const newest = Array.from(keys, (key) => this.newest.get(key) ?? 0)
    const pick = <T>(column: readonly T[]): T[] =>
      newest.flatMap((row) => column.slice(row, row + 1))
    const positions = [...this.#positions.values()]
    const openers = [...this.#positions.keys()].map((key) => this.#openers.get(key) ?? null)
    return [
      ...readingColumns(rows),
      int4Array(pick(rows.meter)),
      int2Array(pick(rows.register)),
      timestampArray(pick(rows.at)),
      int8Array(pick(rows.value)),
      int2Array(pick(rows.quality)),
      charArray(pick(rows.clockState)),
      int8Array(pick(rows.clockBound)),
      int4Array(pick(rows.deviceNo)),
      timestampArray(pick(rows.sealedAt)),
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
  }
}

const placeColumns = (places: readonly Omit<Place, 'item'>[]) => [
  places.map(({ device }) => device),
  places.map(({ epoch }) => epoch),
  places.map(({ run }) => run),
  places.map(({ sequence }) => sequence),
]

const UNIQUE_VIOLATION = '23505'

/** The usual wait of a register and when news is due again: usualAfter and silentAfterS of
 * core/silence.ts in SQL. */
const USUAL = `least(${SILENT_AFTER_MAX_S}, greatest(
      ceil(date_part('epoch', excluded.stored_at - known.stored_at))::integer,
      coalesce(known.usual_s, 0) * ${USUAL_SHRINK - 1} / ${USUAL_SHRINK}))`
const dueText = (
  usual: string,
): string => `now() + make_interval(secs => least(${SILENT_AFTER_MAX_S},
      greatest(${SILENT_AFTER_MIN_S}, ${SILENT_WAITS} * ${usual})))`

const storeText = (unlessThere: string): string => `
with stored as (
  insert into readings (${READING_COLUMNS})
  select * from unnest(${READING_ARRAYS})
  ${unlessThere} returning 1
), counted as (
  ${countSql('readings', 'select count(*) as added from stored')}
), newest as (
  insert into last_values as known (meter_id, register_id, ts, value, quality, clock_state,
    clock_bound_ms, device_no, sealed_at, stored_at, due_at)
  select u.*, now(), ${dueText(String(SILENT_AFTER_MAX_S))} from unnest($13::int4[], $14::int2[], $15::timestamptz[], $16::int8[],
    $17::int2[], $18::"char"[], $19::int8[], $20::int4[], $21::timestamptz[]) as u
  on conflict (meter_id, register_id) do update set ts = excluded.ts, value = excluded.value,
    quality = excluded.quality, clock_state = excluded.clock_state,
    clock_bound_ms = excluded.clock_bound_ms, device_no = excluded.device_no,
    sealed_at = excluded.sealed_at, stored_at = excluded.stored_at, usual_s = ${USUAL},
    due_at = ${dueText(USUAL)}
  where excluded.ts > known.ts
), advanced as (
  insert into stream_positions as known (device_id, epoch, run, sequence, second, hash, salt,
    opener)
  select * from unnest($22::text[], $23::bigint[], $24::bigint[], $25::bigint[], $26::bigint[],
    $27::bytea[], $28::bytea[], $29::bytea[])
  on conflict (device_id, epoch, run) do update set sequence = excluded.sequence,
    second = excluded.second, hash = excluded.hash, salt = excluded.salt, updated_at = now()
  where excluded.sequence > known.sequence
), kept as (
  insert into exceptions (device_id, epoch, run, sequence, item, code, meter, detail, content)
  select * from unnest($30::text[], $31::bigint[], $32::bigint[], $33::bigint[], $34::integer[],
    $35::text[], $36::text[], $37::text[], $38::bytea[])
  on conflict (device_id, epoch, run, sequence, item) do nothing
)
select count(*) as inserted from stored`

/** Leaves a reading that is there already as it is: 1.6 us of the 4.6 us that a row takes. */
const STORE = storeText('on conflict do nothing')
/** Refuses the batch (23505) when a reading is there already. */
const STORE_NEW = storeText('')
