// The fleet and the refusals, for operators.

import { type Kysely, sql } from 'kysely'
import { type UnixMs, unixMs } from '../../../../shared/units.ts'
import type { ListQuery } from '../../kit/list.ts'
import type { DeviceView, FleetRow, FleetTotals, MeterGroup, RefusalRow } from '../core/views.ts'
import { lastCommands } from './commands.ts'
import { instant, instantOrNull } from '../../store/instants.ts'
import { setAsideOf, unadoptedOf } from '../../readings/db/set-aside.ts'
import { countUpTo } from '../../store/count-up-to.ts'
import { type DeviceChoice, devicePage, deviceRecord, fleetRow, fleetTotals } from './devices.ts'
import { chosenMeters, meterPage } from './meters.ts'
import type { Database } from '../../store/schema.ts'

/** The states that a device's page groups its meters by. */
const GROUPS = ['clock-wrong', 'silent', 'not-adopted', 'unassigned', 'installed'] as const

const REFUSAL_ROWS_MAX = 500
/** Commands on a device's page; the table keeps them all. */
const COMMAND_ROWS_MAX = 20
const DAY_MS = 24 * 3_600_000

/** Meters of each state on a device's page: the list of them has pages. */
const GROUP_ROWS = 10
/** Counted up to the most that one device may bring. */
const METERS_COUNTED_MAX = 10_000

export interface FleetReads {
  /** A page of devices by name, as kit/list.ts wants it. */
  fleet(
    choice: DeviceChoice,
    list: Pick<ListQuery, 'down' | 'after' | 'before' | 'limit'>,
    now: UnixMs,
  ): Promise<readonly FleetRow[]>
  totals(now: UnixMs): Promise<FleetTotals>
  device(id: string, now: UnixMs): Promise<DeviceView | null>
  refusals(since: UnixMs): Promise<readonly RefusalRow[]>
}

export function fleetReads(db: Kysely<Database>): FleetReads {
  return {
    fleet: (choice, list, now) => devicePage(db, choice, list, now),
    totals: (now) => fleetTotals(db, now),
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

async function deviceView(
  db: Kysely<Database>,
  id: string,
  now: UnixMs,
): Promise<DeviceView | null> {
  const row = await deviceRecord(db, id, now)
  if (row === null) return null
  const [groups, refusals, commands, aside, unadopted] = await Promise.all([
    groupsOf(db, id, now),
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
    groups,
    setAside: aside,
    unadopted,
    refusals: refusals.map(refusalRow),
    commands,
  }
}

/** Its meters by state, the bad ones first; a state without meters is left out. */
async function groupsOf(
  db: Kysely<Database>,
  device: string,
  now: UnixMs,
): Promise<readonly MeterGroup[]> {
  const place = { sort: 'number', down: false, after: null, before: null, limit: GROUP_ROWS - 1 }
  const groups = await Promise.all(
    GROUPS.map(async (state): Promise<MeterGroup> => {
      const choice = { q: '', state, medium: '', device }
      const chosen = sql`from meters m where ${chosenMeters(choice, now)}`
      const count = await countUpTo(db, chosen, METERS_COUNTED_MAX)
      const rows = count === 0 ? [] : await meterPage(db, choice, place, now)
      return { state, count, rows }
    }),
  )
  return groups.filter(({ count }) => count > 0)
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
