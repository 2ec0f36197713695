// The fleet and the refusals, for operators.

import { type Kysely, sql } from 'kysely'
import { type UnixMs, unixMs } from '../../../../shared/units.ts'
import { GIVEN_UP_DAYS } from '../../../../shared/wire/limits.ts'
import { HELD_OVER } from '../../clocks/core/clock-marks.ts'
import type { DeviceView, FleetRow, RefusalRow } from '../core/views.ts'
import { lastCommands } from './commands.ts'
import { instant, instantOrNull } from '../../store/instants.ts'
import { liveOf } from '../../readings/db/reads.ts'
import { GIVING_UP_CODES } from '../../readings/db/rows.ts'
import { setAsideOf, unadoptedOf } from '../../readings/db/set-aside.ts'
import type { Database } from '../../store/schema.ts'

/** Devices on the fleet page: what one operator can oversee; more need a search, not a longer page.
 * */
const FLEET_ROWS_MAX = 1_000
const REFUSAL_ROWS_MAX = 500
/** Commands on a device's page; the table keeps them all. */
const COMMAND_ROWS_MAX = 20
const DAY_MS = 24 * 3_600_000

/** Written out, so that the planner sees that the index of migrations/0007_retimed.sql applies. */
const GIVING_UP = sql.join(GIVING_UP_CODES.map((code) => sql.lit(code)))

export interface FleetReads {
  fleet(): Promise<readonly FleetRow[]>
  device(id: string, now: UnixMs): Promise<DeviceView | null>
  refusals(since: UnixMs): Promise<readonly RefusalRow[]>
}

export function fleetReads(db: Kysely<Database>): FleetReads {
  return {
    async fleet() {
      const rows = await fleetRows(db)
        .orderBy('devices.name')
        .orderBy('devices.id')
        .limit(FLEET_ROWS_MAX)
        .execute()
      return rows.map(fleetRow)
    },
    device: (id, now) => deviceView(db, id, now),
    async refusals(since) {
      return (await refusalRows(db, since).execute()).map(refusalRow)
    },
  }
}

/** What people call the device; null: no such device. */
export async function deviceName(db: Kysely<Database>, id: string): Promise<string | null> {
  const row = await db.selectFrom('devices').select('name').where('id', '=', id).executeTakeFirst()
  return row?.name ?? null
}

const fleetRows = (db: Kysely<Database>) =>
  db
    .selectFrom('devices')
    .leftJoin('device_status', 'device_status.device_id', 'devices.id')
    .leftJoin('clocks', (join) =>
      join.onRef('clocks.device_id', '=', 'devices.id').on('clocks.meter', '=', ''),
    )
    .leftJoin(
      (from) =>
        from
          .selectFrom('standing_values')
          .innerJoin('meters', 'meters.id', 'standing_values.meter_id')
          .select((is) => [
            'meters.device_id as owner',
            is.fn.max('standing_values.ts').as('last_ts'),
            is.fn.count('meters.id').distinct().as('seen'),
          ])
          .groupBy('meters.device_id')
          .as('newest'),
      (join) => join.onRef('newest.owner', '=', 'devices.id'),
    )
    .select([
      'devices.id',
      'devices.name',
      'devices.static_key',
      'devices.revoked_at',
      'devices.created_at',
      'devices.history_from',
      'transport',
      'connected_at',
      'disconnected_at',
      'reported_at',
      'clock_state',
      'clock_offset_us',
      'clock_bound_us',
      'round_trip_us',
      'holdover_ms',
      'backlog_frames',
      'meters',
      'faults',
      'newest.last_ts',
      'newest.seen',
      (is) =>
        is
          .selectFrom('exceptions')
          .select(is.fn.countAll<number>().as('times'))
          .whereRef('exceptions.device_id', '=', 'devices.id')
          .where('exceptions.code', 'in', sql<string>`(${GIVING_UP})`)
          .where('exceptions.at', '>', sql<Date>`now() - make_interval(days => ${GIVEN_UP_DAYS})`)
          .as('given_up'),
    ])

type FleetRecord = Awaited<ReturnType<ReturnType<typeof fleetRows>['execute']>>[number]

/** A link is up while it was connected later than it was last disconnected. */
function upSince({ connected_at, disconnected_at }: FleetRecord): UnixMs | null {
  if (connected_at === null) return null
  const down = disconnected_at !== null && disconnected_at >= connected_at
  return down ? null : instant(connected_at)
}

const fleetRow = (row: FleetRecord): FleetRow => ({
  id: row.id,
  name: row.name,
  enrolled: row.static_key !== null,
  revoked: row.revoked_at !== null,
  transport: row.transport,
  connectedAt: upSince(row),
  lastReadingAt: instantOrNull(row.last_ts),
  clockState: row.clock_state,
  clockOffsetUs: row.clock_offset_us,
  clockBoundUs: row.clock_bound_us,
  heldOver: (row.holdover_ms ?? 0) > HELD_OVER,
  backlogFrames: row.backlog_frames,
  meters: row.meters ?? Number(row.seen ?? 0),
  givenUp: row.given_up ?? 0,
})

async function deviceView(
  db: Kysely<Database>,
  id: string,
  now: UnixMs,
): Promise<DeviceView | null> {
  const row = await fleetRows(db).where('devices.id', '=', id).executeTakeFirst()
  if (row === undefined) return null
  const [live, refusals, commands, aside, unadopted] = await Promise.all([
    liveOf(db, id),
    refusalRows(db, unixMs(now - DAY_MS))
      .where('device_id', '=', id)
      .execute(),
    lastCommands(db, id, COMMAND_ROWS_MAX),
    setAsideOf(db, id),
    unadoptedOf(db, id),
  ])
  return {
    device: fleetRow(row),
    createdAt: instant(row.created_at),
    historyFrom: instantOrNull(row.history_from),
    reportedAt: instantOrNull(row.reported_at),
    roundTripUs: row.round_trip_us,
    disconnectedAt: instantOrNull(row.disconnected_at),
    faults: Object.entries(row.faults ?? {}).map(([code, count]) => ({ code, count })),
    live,
    setAside: aside,
    unadopted,
    refusals: refusals.map(refusalRow),
    commands,
  }
}

const refusalRows = (db: Kysely<Database>, since: UnixMs) =>
  db
    .selectFrom('refusals')
    .select((is) => [
      'code',
      'device_id as device',
      is.fn.sum<string>('count').as('times'),
      is.fn.max('last_at').as('last'),
    ])
    .where('last_at', '>=', new Date(since))
    .where('hour', '>=', new Date(since - 3_600_000))
    .groupBy(['code', 'device_id'])
    .orderBy('times', 'desc')
    .limit(REFUSAL_ROWS_MAX)

type RefusalRecord = Awaited<ReturnType<ReturnType<typeof refusalRows>['execute']>>[number]

const refusalRow = ({ code, device, times, last }: RefusalRecord): RefusalRow => ({
  code,
  device,
  count: Number(times),
  lastAt: instant(last),
})
