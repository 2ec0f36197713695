// For operators: the newest values, readings taken under unsure clocks, and authentic content that
// is not a plain reading.

import { type Kysely, sql } from 'kysely'
import { type UnixMs, unixMs } from '../../../../shared/units.ts'
import { containing, type LiveChoice, type LiveList, livePage } from './live.ts'
import type { ExceptionRow, LiveRow, RetimedRow } from '../core/views.ts'
import { instant } from '../../store/instants.ts'
import type { Database } from '../../store/schema.ts'

/** As many as a person will look through. */
const ROWS_MAX = 100
const EXCEPTION_ROWS_MAX = 200

export interface ReadingReads {
  /** A page of registers with their newest values, as kit/list.ts wants it. */
  live(choice: LiveChoice, list: LiveList, now: UnixMs): Promise<readonly LiveRow[]>
  /** Whether any meter has that in its number, whatever the case. */
  isKnown(part: string): Promise<boolean>
  /** Readings taken under an unsure clock, newest first; `part`: of meters whose number has it. */
  retimed(part: string): Promise<readonly RetimedRow[]>
  exceptions(): Promise<readonly ExceptionRow[]>
}

export function readingReads(db: Kysely<Database>): ReadingReads {
  return {
    live: (choice, list, now) => livePage(db, choice, list, now),
    async isKnown(part) {
      const found = await db
        .selectFrom('meters')
        .select('id')
        .where(hasPart(part))
        .limit(1)
        .execute()
      return found.length > 0
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
    async retimed(part) {
      let query = retimedRows(db)
      if (part !== '') query = query.where(hasPart(part))
      return (await query.execute()).map(retimedRow)
    },
  }
}

/** The index of migrations/0024_search.sql is over the folded number. */
const hasPart = (part: string) =>
  sql<boolean>`search_fold(meters.number) like search_fold(${containing(part)})`

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
