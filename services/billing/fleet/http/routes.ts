// The pages for the fleet and for refusals, and the one command that a page can give.

import type { FastifyInstance } from 'fastify'
import { FAULTS } from '../../../../shared/faults.ts'
import { shiftMs, spanMs, type UnixMs } from '../../../../shared/units.ts'
import type { CommandTask } from '../../../../shared/wire/commands.ts'
import type { ClockReads } from '../../clocks/db/reads.ts'
import { spanOf } from '../../clocks/http/span.ts'
import { type Door, isDeviceId, param } from '../../kit/door.ts'
import { capital } from '../../kit/parts.tsx'
import { NOT_FOUND, type Trouble, troubleOf } from '../../kit/trouble.ts'
import type { ExceptionRow } from '../../readings/core/views.ts'
import { utcText } from '../../civil/calendar.ts'
import type { CsvValue } from '../../kit/csv.ts'
import { type ListQuery, type ListSpec, pageOf, readList } from '../../kit/list.ts'
import { type Backfill, DEVICE_STATES, type FleetRow, isDeviceState } from '../core/views.ts'
import type { DeviceChoice } from '../db/devices.ts'
import type { CommandVerdict } from '../db/commands.ts'
import type { FleetReads } from '../db/reads.ts'
import { type NewDeviceDeps, newDeviceRoutes } from './new-device.ts'
import { DevicePage } from '../pages/device.tsx'
import { FleetPage } from '../pages/fleet.tsx'
import { RefusedPage } from '../pages/refused.tsx'

/** How far back the refusals page looks. */
const REFUSALS_BACK = spanMs(-24 * 3_600_000)

export interface FleetDeps extends NewDeviceDeps {
  readonly fleet: FleetReads
  readonly clocks: Pick<ClockReads, 'clock' | 'meterClocks'>
  readonly readings: { exceptions(): Promise<readonly ExceptionRow[]> }
  /** Gives a device a command. */
  readonly giveCommand: (command: {
    readonly device: string
    readonly what: CommandTask
    readonly askedBy: string
  }) => Promise<CommandVerdict>
  readonly backfill: () => Promise<Backfill | null>
  readonly now: () => UnixMs
}

/** A command that was not accepted: the device is revoked (SEC-14), or too many wait (OPS-18). */
const commandRefused = (fault: 'SEC-14' | 'OPS-18'): Trouble => {
  const { is, then } = FAULTS[fault]
  return troubleOf(409, 'This command was not accepted', `${capital(is)}. Remedy: ${then}.`, fault)
}

const DEVICE_LIST: ListSpec = {
  path: '/fleet',
  sorts: { name: 'text' },
  sort: 'name',
  filters: { state: Object.entries(DEVICE_STATES) },
}

function choiceOf({ q, filters }: ListQuery): DeviceChoice {
  const state = filters['state'] ?? ''
  return { q, state: isDeviceState(state) ? state : null }
}

const placeOf = ({ name, no }: FleetRow) => ({ key: name, id: no })

const DEVICE_HEAD = [
  'Name',
  'Id',
  'Connected since',
  'Last reading',
  'Meters',
  'Silent',
  'Clocks wrong',
  'Not adopted',
  'Exceptions',
  'Frames waiting',
] as const

/** Rows fetched at once for a file. */
const FILE_ROWS = 500

async function* allDevices(
  { fleet, now }: Pick<FleetDeps, 'fleet' | 'now'>,
  list: ListQuery,
): AsyncGenerator<readonly CsvValue[]> {
  let place: Pick<ListQuery, 'after' | 'before'> = { after: null, before: null }
  for (;;) {
    const asked = { ...list, ...place, limit: FILE_ROWS - 1 }
    const rows = await fleet.fleet(choiceOf(list), asked, now())
    for (const row of rows) yield deviceCells(row)
    const last = rows.at(-1)
    if (last === undefined || rows.length < FILE_ROWS) return
    place = { after: placeOf(last), before: null }
  }
}

const utcOrNull = (at: UnixMs | null): string | null => (at === null ? null : utcText(at))

const deviceCells = (row: FleetRow): readonly CsvValue[] => [
  row.name,
  row.id,
  utcOrNull(row.connectedAt),
  utcOrNull(row.lastReadingAt),
  row.meters,
  row.silent,
  row.clocksWrong,
  row.notAdopted,
  row.exceptions,
  row.backlogFrames,
]

export function fleetRoutes(app: FastifyInstance, deps: FleetDeps, page: Door): void {
  newDeviceRoutes(app, deps, page)
  const { fleet, clocks, readings, now } = deps
  app.get(
    '/fleet',
    page(async ({ context, request }) => {
      const list = readList(request.query, DEVICE_LIST)
      const at = now()
      const [rows, totals, backfill] = await Promise.all([
        fleet.fleet(choiceOf(list), list, at),
        fleet.totals(at),
        deps.backfill(),
      ])
      const shown = pageOf(rows, list, placeOf)
      const props = { context, spec: DEVICE_LIST, query: list, totals, backfill, now: at }
      return { page: FleetPage({ ...props, page: shown }) }
    }),
  )
  app.get(
    '/fleet.csv',
    page(async ({ request }) => {
      const list = readList(request.query, DEVICE_LIST)
      return { csv: { head: DEVICE_HEAD, rows: allDevices(deps, list) }, name: 'devices.csv' }
    }),
  )
  app.get(
    '/fleet/:id',
    page(async ({ context, request }) => {
      const id = param(request, 'id')
      if (!isDeviceId(id)) return { trouble: NOT_FOUND }
      const { span, since } = spanOf(request, now())
      const [view, history, meterClocks] = await Promise.all([
        fleet.device(id, now()),
        clocks.clock({ device: id, meter: '' }, since),
        clocks.meterClocks(id),
      ])
      if (view === null) return { trouble: NOT_FOUND }
      return { page: DevicePage({ context, view, history, meterClocks, span, now: now() }) }
    }),
  )
  app.post(
    '/fleet/:id/read-now',
    page(async ({ request, viewer }) => {
      const device = param(request, 'id')
      const what = { task: 'read-now', meter: null } as const
      const verdict = await deps.giveCommand({ device, what, askedBy: viewer.name })
      if (verdict.ok) return { to: `/fleet/${device}` }
      return { trouble: verdict.fault === 'SEC-01' ? NOT_FOUND : commandRefused(verdict.fault) }
    }),
  )
  app.get(
    '/refused',
    page(async ({ context }) => {
      const at = now()
      const [refusals, exceptions] = await Promise.all([
        fleet.refusals(shiftMs(at, REFUSALS_BACK)),
        readings.exceptions(),
      ])
      return { page: RefusedPage({ context, refusals, exceptions, now: at }) }
    }),
  )
}
