// The newest value of each register, in memory, for the marks of the next one. Profile readings
// come in their own time order, often far behind the live ones: they form a second chain per
// register. What a batch adds counts only once the batch is committed.

import type { Pool } from 'pg'
import type { ReadingSource } from '../../../../shared/meter/reading.ts'
import { unixMs, type UnixMs } from '../../../../shared/units.ts'
import type { Previous } from '../core/quality.ts'
import { KEY_METER } from './rows.ts'

/** Registers remembered, about 100 bytes each; when full all are forgotten and read again as
 * needed. */
const KEYS_MAX = 500_000

/** What one batch adds. */
export interface Chain {
  /** The value before `at` in this reading's own chain, if known. */
  previous(key: number, source: ReadingSource, at: UnixMs): Previous | null
  add(key: number, source: ReadingSource, value: Previous): void
  /** The batch is committed. */
  keep(): void
}

export class LastValues {
  readonly #pool: Pool
  /** Null: the database has none. */
  readonly #newest = new Map<number, Previous | null>()
  readonly #profile = new Map<number, Previous>()

  constructor(pool: Pool) {
    this.#pool = pool
  }

  knows(key: number): boolean {
    return this.#newest.has(key)
  }

  forget(): void {
    this.#newest.clear()
    this.#profile.clear()
  }

  async read(keys: readonly number[]): Promise<void> {
    if (this.#newest.size + keys.length > KEYS_MAX) this.forget()
    const { rows } = await this.#pool.query<{
      meter_id: number
      register_id: number
      ts: Date
      value: number
    }>(
      `select meter_id, register_id, ts, value
       from unnest($1::integer[], $2::smallint[]) as wanted(meter_id, register_id)
       join standing_values using (meter_id, register_id)`,
      [keys.map((key) => Math.floor(key / KEY_METER)), keys.map((key) => key % KEY_METER)],
    )
    for (const key of keys) this.#newest.set(key, null)
    for (const { meter_id: meter, register_id: register, ts, value } of rows) {
      this.#newest.set(meter * KEY_METER + register, { at: unixMs(ts.getTime()), value })
    }
  }

  begin(): Chain {
    const newest = new Map<number, Previous>()
    const profile = new Map<number, Previous>()
    const before = (found: Previous | null | undefined, at: UnixMs): Previous | null =>
      found !== null && found !== undefined && found.at < at ? found : null
    return {
      previous: (key, source, at) => {
        const own = source === 'profile' ? (profile.get(key) ?? this.#profile.get(key)) : null
        return before(own, at) ?? before(newest.get(key) ?? this.#newest.get(key), at)
      },
      add: (key, source, value) => {
        const known = newest.get(key) ?? this.#newest.get(key)
        if (known === null || known === undefined || known.at < value.at) newest.set(key, value)
        if (source === 'profile') profile.set(key, value)
      },
      keep: () => {
        for (const [key, value] of newest) this.#newest.set(key, value)
        for (const [key, value] of profile) this.#profile.set(key, value)
      },
    }
  }
}
