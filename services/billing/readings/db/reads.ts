// For operators: the newest values, readings taken under unsure clocks, and authentic content that
// is not a plain reading.

import { type Kysely, sql } from 'kysely'
import { unixMs } from '../../../../shared/units.ts'
import type { ExceptionRow, LiveRow, RetimedRow } from '../core/views.ts'
import { instant } from '../../store/instants.ts'
import type { Database } from '../../store/schema.ts'

const LIVE_ROWS_MAX = 200
/** As many as a person will look through. */
const ROWS_MAX = 100
const EXCEPTION_ROWS_MAX = 200

export interface ReadingReads {
  /** Newest first; `meter` is the start of a meter number, empty for all. */
  live(meter: string): Promise<readonly LiveRow[]>
  /** Readings taken under an unsure clock, newest first; `meter` as for `live`. */
  retimed(meter: string): Promise<readonly RetimedRow[]>
  exceptions(): Promise<readonly ExceptionRow[]>
}

export function readingReads(db: Kysely<Database>): ReadingReads {
  return {
    async live(meter) {
      let query = liveRows(db)
      if (meter !== '') query = query.where('number', '^@', sql<string>`${meter}`)
      return (await query.execute()).map(liveRow)
    },
    async exceptions() {
      const rows = await db
        .selectFrom('exceptions')
        .select(['id', 'at', 'device_id as device', 'code', 'meter', 'detail'])
        .orderBy('id', 'desc')
        .limit(EXCEPTION_ROWS_MAX)
        .execute()
      return rows.map(({ at, ...row }) => ({ ...row, at: instant(at) }))
    },
    async retimed(meter) {
      let query = retimedRows(db)
      if (meter !== '') query = query.where('number', '^@', sql<string>`${meter}`)
      return (await query.execute()).map(retimedRow)
    },
  }
}

const retimedRows = (db: Kysely<Database>) =>
  db
    .selectFrom('retimed_readings')
    .innerJoin('meters', 'meters.id', 'retimed_readings.meter_id')
    .innerJoin('registers', 'registers.id', 'retimed_readings.register_id')
    .select([
      'number',
      'obis',
      'value',
      'exponent',
      'unit',
      'agent_ts',
      'clock_state',
      'clock_bound_ms',
      'ts',
      'bound_ms',
      'way',
    ])
    .orderBy('received_at', 'desc')
    .orderBy('process_ms', 'desc')
    .limit(ROWS_MAX)

type RetimedRecord = Awaited<ReturnType<ReturnType<typeof retimedRows>['execute']>>[number]

function retimedRow(row: RetimedRecord): RetimedRow {
  const { number: meter, obis, value, exponent, unit, ts, bound_ms: boundMs, way } = row
  const known = ts !== null && boundMs !== null && way !== null
  return {
    meter,
    obis,
    value,
    exponent,
    unit,
    stampedAt: unixMs(row.agent_ts.getTime()),
    clockState: row.clock_state,
    clockBoundMs: row.clock_bound_ms,
    retimed: known ? { at: unixMs(ts.getTime()), boundMs, way } : null,
  }
}

const liveRows = (db: Kysely<Database>) =>
  db
    .selectFrom('standing_values')
    .innerJoin('meters', 'meters.id', 'standing_values.meter_id')
    .innerJoin('registers', 'registers.id', 'standing_values.register_id')
    .select([
      'number',
      'device_id',
      'obis',
      'value',
      'exponent',
      'unit',
      'ts',
      'quality',
      'clock_state',
      'clock_bound_ms',
    ])
    .orderBy('stored_at', 'desc')
    .orderBy('number')
    .orderBy('obis')
    .limit(LIVE_ROWS_MAX)

type LiveRecord = Awaited<ReturnType<ReturnType<typeof liveRows>['execute']>>[number]

const liveRow = (row: LiveRecord): LiveRow => ({
  meter: row.number,
  device: row.device_id,
  obis: row.obis,
  value: row.value,
  exponent: row.exponent,
  unit: row.unit,
  at: instant(row.ts),
  quality: row.quality,
  clockState: row.clock_state,
  clockBoundMs: row.clock_bound_ms,
})
