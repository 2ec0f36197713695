// Clocks and their history, for operators.

import { type Kysely, sql } from 'kysely'
import type { Pool } from 'pg'
import type { HeadClockReport } from '../../../../shared/clock/evidence.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import type { ClockPoint } from '../core/clock-plot.ts'
import type { ClockEventRow, ClockRow, ClockHistoryView } from '../core/views.ts'
import { instant } from '../../store/instants.ts'
import type { Database } from '../../store/schema.ts'

/** Points of a plot: a clock that never rests has 3,000 in seven days. */
const POINTS_MAX = 4_000
const EVENT_ROWS_MAX = 50
/** Meters' clocks on the page of their slave, the worst first; each has a page of its own. */
const METER_ROWS_MAX = 20

/** Whether the clock tables exist: the database of an older head-end does not have them yet. */
export async function hasClockTables(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query("select to_regclass('clock_events') is not null as there")
  return rows[0]?.there === true
}

/** Which clock: meter '' is the device's own, device '' the head-end's. */
export interface WhichClock {
  readonly device: string
  readonly meter: string
}

export interface ClockReads {
  /** Null while nothing has been reported about it. */
  clock(which: WhichClock, since: UnixMs): Promise<ClockHistoryView | null>
  meterClocks(device: string): Promise<readonly ClockRow[]>
  headClock(): Promise<HeadClockReport | null>
}

export function clockReads(db: Kysely<Database>): ClockReads {
  return {
    clock: (which, since) => clockHistory(db, which, since),
    meterClocks: async (device) => {
      const rows = await clockRows(db)
        .where('device_id', '=', device)
        .where('meter', '<>', '')
        .orderBy(sql`state = 'X'`, 'desc')
        .orderBy(sql`abs(offset_us)`, 'desc')
        .orderBy('meter')
        .limit(METER_ROWS_MAX)
        .execute()
      return rows.map(clockRow)
    },
    headClock: async () => {
      const row = await db
        .selectFrom('clocks')
        .select('report')
        .where('device_id', '=', '')
        .executeTakeFirst()
      return row?.report ?? null
    },
  }
}

/** The clocks of all slaves, by the name of the device. */
export async function slaveClocks(
  db: Kysely<Database>,
  max: number,
): Promise<readonly (ClockRow & { readonly name: string })[]> {
  const rows = await clockRows(db)
    .innerJoin('devices', 'devices.id', 'clocks.device_id')
    .select('devices.name')
    .where('meter', '=', '')
    .orderBy('devices.name')
    .limit(max)
    .execute()
  return rows.map((row) => ({ ...clockRow(row), name: row.name }))
}

async function clockHistory(
  db: Kysely<Database>,
  which: WhichClock,
  since: UnixMs,
): Promise<ClockHistoryView | null> {
  const row = await clockRows(db)
    .where('device_id', '=', which.device)
    .where('meter', '=', which.meter)
    .executeTakeFirst()
  if (row === undefined) return null
  const [points, before, events] = await Promise.all([
    pointRows(db, row.id).where('at', '>=', new Date(since)).orderBy('at').execute(),
    // What held when the span began.
    pointRows(db, row.id)
      .where('at', '<', new Date(since))
      .orderBy('at', 'desc')
      .limit(1)
      .execute(),
    eventRows(db, which).execute(),
  ])
  const now = { at: row.at, state: row.state, offset_us: row.offset_us, bound_us: row.bound_us }
  return {
    clock: clockRow(row),
    points: [...before, ...points, now].map(clockPoint),
    events: events.map(eventRow),
  }
}

const clockRows = (db: Kysely<Database>) =>
  db
    .selectFrom('clocks')
    .select([
      'clocks.id',
      'device_id',
      'meter',
      'at',
      'state',
      'offset_us',
      'bound_us',
      'frequency_ppb',
      'skew_ppb',
      'holdover_ms',
      'steps',
      'last_step_us',
      'resolution_us',
      'monthly_drift_ms',
      'outcome',
      'event',
    ])

type ClockRecord = Awaited<ReturnType<ReturnType<typeof clockRows>['execute']>>[number]

const clockRow = (row: ClockRecord): ClockRow => ({
  device: row.device_id,
  meter: row.meter,
  at: instant(row.at),
  state: row.state,
  offsetUs: row.offset_us,
  boundUs: row.bound_us,
  frequencyPpb: row.frequency_ppb,
  skewPpb: row.skew_ppb,
  holdoverMs: row.holdover_ms,
  steps: row.steps,
  lastStepUs: row.last_step_us,
  resolutionUs: row.resolution_us,
  monthlyDriftMs: row.monthly_drift_ms,
  outcome: row.outcome,
  event: row.event,
})

const pointRows = (db: Kysely<Database>, clock: number) =>
  db
    .selectFrom('clock_history')
    .select(['at', 'state', 'offset_us', 'bound_us'])
    .where('clock_id', '=', clock)
    .limit(POINTS_MAX)

type PointRecord = Awaited<ReturnType<ReturnType<typeof pointRows>['execute']>>[number]

const clockPoint = (row: PointRecord): ClockPoint => ({
  at: instant(row.at),
  state: row.state,
  offsetUs: row.offset_us,
  boundUs: row.bound_us,
})

/** Of one meter; for a device its own and its meters'. */
const eventRows = (db: Kysely<Database>, { device, meter }: WhichClock) =>
  db
    .selectFrom('clock_events')
    .innerJoin('clocks', 'clocks.id', 'clock_events.clock_id')
    .select(['clock_events.at', 'meter', 'code', 'amount_us', 'detail'])
    .where('device_id', '=', device)
    .$if(meter !== '', (query) => query.where('meter', '=', meter))
    .orderBy('clock_events.at', 'desc')
    .orderBy('clock_events.id', 'desc')
    .limit(EVENT_ROWS_MAX)

type EventRecord = Awaited<ReturnType<ReturnType<typeof eventRows>['execute']>>[number]

const eventRow = (row: EventRecord): ClockEventRow => ({
  at: instant(row.at),
  meter: row.meter,
  code: row.code,
  amountUs: row.amount_us,
  detail: row.detail,
})
