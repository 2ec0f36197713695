// Readings taken by unsure clocks, as operators see them.

import { type Kysely, sql } from 'kysely'
import { unixMs } from '../../../../shared/units.ts'
import type { RetimedRow } from '../../site/pages/views.ts'
import type { OperatorReads } from '../../site/db/browse.ts'
import type { Database } from '../../store/schema.ts'

/** As many as a person will look through. */
const ROWS_MAX = 100

export function retimedReads(db: Kysely<Database>): Pick<OperatorReads, 'retimed'> {
  return {
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
    saidAt: unixMs(row.agent_ts.getTime()),
    clockState: row.clock_state,
    clockBoundMs: row.clock_bound_ms,
    retimed: known ? { at: unixMs(ts.getTime()), boundMs, way } : null,
  }
}
