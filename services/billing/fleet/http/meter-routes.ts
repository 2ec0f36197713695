// The list of meters, one meter with its history, and the files of both.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isMeterNumber } from '../../../../shared/meter/reading.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import { civilDateAt, instantText, isCivilDate, utcText } from '../../civil/calendar.ts'
import type { CsvValue } from '../../kit/csv.ts'
import { type Door, isDeviceId, param, query, smallRowId } from '../../kit/door.ts'
import { quantityNumber, unitText } from '../../kit/format.ts'
import { type ListQuery, type ListSpec, type Page, pageOf, readList } from '../../kit/list.ts'
import { NOT_FOUND } from '../../kit/trouble.ts'
import { historyFrame, type HistoryView, isHistorySpan } from '../../readings/core/history.ts'
import { qualityWords } from '../../readings/core/quality.ts'
import { billedRegisters } from '../core/assigning.ts'
import {
  isMeterState,
  METER_STATES,
  type MeterListRow,
  type MeterView,
  troublesOf,
} from '../core/meters.ts'
import type { MeterStore } from '../db/meter-store.ts'
import { METER_SORTS, type MeterChoice } from '../db/meters.ts'
import { DeviceMetersPage } from '../pages/device.tsx'
import { MeterPage } from '../pages/meter.tsx'
import { MetersPage } from '../pages/meters.tsx'

export interface MeterDeps {
  readonly meters: MeterStore
  /** What people call the device; null: no such device. */
  readonly deviceName: (device: string) => Promise<string | null>
  readonly now: () => UnixMs
}

export const METER_LIST: ListSpec = {
  path: '/meters',
  sorts: METER_SORTS,
  sort: 'number',
  filters: {
    state: Object.entries(METER_STATES),
    medium: ['electricity', 'water', 'heat', 'gas'].map((medium) => [medium, medium] as const),
  },
}
/** Meters are counted up to here: beyond it nobody reads the number. */
const COUNTED_MAX = 1_000
/** Rows fetched at once for a file. */
const FILE_ROWS = 500

export function choiceOf({ q, filters }: ListQuery): MeterChoice {
  const state = filters['state'] ?? ''
  const medium = filters['medium'] ?? ''
  return { q, state: isMeterState(state) ? state : null, medium, device: null }
}

const placeOf = (list: ListQuery) => (row: MeterListRow) => ({
  key: list.sort === 'seen' ? utcText(row.createdAt) : row.number,
  id: row.id,
})

/** The meters of one device: the same list under the device's address. */
function deviceMeterRoutes(app: FastifyInstance, deps: MeterDeps, page: Door): void {
  const { meters, now } = deps
  const specOf = (device: string): ListSpec => ({ ...METER_LIST, path: `/fleet/${device}/meters` })
  app.get(
    '/fleet/:id/meters',
    page(async ({ context, request }) => {
      const id = param(request, 'id')
      const name = isDeviceId(id) ? await deps.deviceName(id) : null
      if (name === null) return { trouble: NOT_FOUND }
      const spec = specOf(id)
      const list = readList(request.query, spec)
      const choice = { ...choiceOf(list), device: id }
      const [rows, count] = await Promise.all([
        meters.page(choice, list, now()),
        meters.count(choice, COUNTED_MAX, now()),
      ])
      const total = { count, most: COUNTED_MAX }
      const props = { context, device: { id, name }, spec, query: list, total, now: now() }
      return { page: DeviceMetersPage({ ...props, page: pageOf(rows, list, placeOf(list)) }) }
    }),
  )
  app.get(
    '/fleet/:id/meters.csv',
    page(async ({ request }) => {
      const id = param(request, 'id')
      const name = isDeviceId(id) ? await deps.deviceName(id) : null
      if (name === null) return { trouble: NOT_FOUND }
      const list = readList(request.query, specOf(id))
      return { csv: { head: METER_HEAD, rows: allRows(deps, list, id) }, name: `meters-${id}.csv` }
    }),
  )
}

export function meterRoutes(app: FastifyInstance, deps: MeterDeps, page: Door): void {
  const { meters, now } = deps
  deviceMeterRoutes(app, deps, page)
  app.get(
    '/meters',
    page(async ({ context, request }) => {
      const list = readList(request.query, METER_LIST)
      const choice = choiceOf(list)
      const [rows, count] = await Promise.all([
        meters.page(choice, list, now()),
        meters.count(choice, COUNTED_MAX, now()),
      ])
      const shown: Page<MeterListRow> = pageOf(rows, list, placeOf(list))
      const total = { count, most: COUNTED_MAX }
      const said = saidOf(request)
      const props = { context, spec: METER_LIST, query: list, total, said, now: now() }
      return { page: MetersPage({ ...props, page: shown }) }
    }),
  )
  app.get(
    '/meters.csv',
    page(async ({ request }) => {
      const list = readList(request.query, METER_LIST)
      return { csv: { head: METER_HEAD, rows: allRows(deps, list) }, name: 'meters.csv' }
    }),
  )
  app.get(
    '/meters/:id',
    page(async ({ context, request }) => {
      const view = await meterOf(deps, request)
      if (view === null) return { trouble: NOT_FOUND }
      const [zone, history] = await Promise.all([
        meters.zoneOf(view.id),
        historyFor(deps, request, view),
      ])
      const today = civilDateAt(now(), zone)
      return { page: MeterPage({ context, view, history, zone, today, now: now() }) }
    }),
  )
  app.get(
    '/meters/:id/history.csv',
    page(async ({ request }) => {
      const view = await meterOf(deps, request)
      const history = view === null ? null : await historyFor(deps, request, view)
      if (view === null || history === null) return { trouble: NOT_FOUND }
      const { span, period } = history.frame
      const name = `meter-${view.number}-${span}-${period.from}.csv`
      return { csv: { head: HISTORY_HEAD, rows: historyRows(history) }, name }
    }),
  )
}

/** A meter by its row's id, or by its number: people know the number. */
export async function meterOf(
  { meters, now }: MeterDeps,
  request: FastifyRequest,
): Promise<MeterView | null> {
  const text = param(request, 'id')
  const id = smallRowId(text)
  const view = id === null ? null : await meters.view(id, now())
  if (view !== null || !isMeterNumber(text)) return view
  const named = await meters.idOf(text)
  return named === null ? null : meters.view(named, now())
}

async function historyFor(
  { meters, now }: MeterDeps,
  request: FastifyRequest,
  view: MeterView,
): Promise<HistoryView | null> {
  const asked = smallRowId(query(request, 'register'))
  const [shown] = [
    ...view.registers.filter(({ id }) => id === asked),
    ...billedRegisters(view.registers, view.billedBy),
    ...view.registers,
  ]
  if (shown === undefined) return null
  const zone = await meters.zoneOf(view.id)
  const [span, date] = [query(request, 'span'), query(request, 'date')]
  const today = civilDateAt(now(), zone)
  const frame = historyFrame(
    isHistorySpan(span) ? span : 'day',
    isCivilDate(date) && date >= OLDEST && date <= today ? date : today,
    zone,
  )
  return meters.history(view, { frame, register: shown, now: now() })
}

/** No meter was read remotely before. */
const OLDEST = '1970-01-01'

/** What a bulk action did, from the address that it led to. */
export function saidOf(request: FastifyRequest): string {
  const [did, n] = [query(request, 'did'), smallRowId(query(request, 'n')) ?? 0]
  const counted = `${n} ${n === 1 ? 'meter' : 'meters'}`
  const without = smallRowId(query(request, 'without')) ?? 0
  const left = without === 0 ? '' : ` ${without} without a device cannot be adopted yet.`
  if (did === 'adopt') return `${counted} adopted.${left}`
  if (did === 'set') return `${counted} changed.`
  if (did === 'assign') return `${counted} assigned.`
  if (did === 'ticks') return 'Only adopting takes the whole list: tick the meters that are meant.'
  return did === 'none' ? 'No meter was selected: tick some first.' : ''
}

const METER_HEAD = [
  'Number',
  'Make',
  'Medium',
  'State',
  'Service point',
  'Device',
  'Device id',
  'Register',
  'Newest reading',
  'Unit',
  'Read at',
  'First seen',
] as const

async function* allRows(
  { meters, now }: MeterDeps,
  list: ListQuery,
  device: string | null = null,
): AsyncGenerator<readonly CsvValue[]> {
  const choice = { ...choiceOf(list), device }
  let place: Pick<ListQuery, 'after' | 'before'> = { after: null, before: null }
  for (;;) {
    const rows = await meters.page(choice, { ...list, ...place, limit: FILE_ROWS - 1 }, now())
    for (const row of rows) yield meterCells(row)
    const last = rows.at(-1)
    if (last === undefined || rows.length < FILE_ROWS) return
    place = { after: placeOf(list)(last), before: null }
  }
}

function meterCells(row: MeterListRow): readonly CsvValue[] {
  const { number, make, medium, place, device, newest, createdAt } = row
  const troubles = troublesOf(row).map((trouble) => METER_STATES[trouble])
  const hangs = place === null ? METER_STATES.unassigned : METER_STATES.installed
  const value =
    newest === null
      ? [null, null, null, null]
      : [
          newest.obis,
          { exact: quantityNumber(newest.value, newest.exponent, newest.unit) },
          unitText(newest.unit),
          utcText(newest.at),
        ]
  const where = [place?.code ?? null, device?.name ?? null, device?.id ?? null]
  const state = [...troubles, hangs].join(', ')
  return [number, make, medium, state, ...where, ...value, utcText(createdAt)]
}

const HISTORY_HEAD = [
  'From (UTC)',
  'To (UTC)',
  'From (local)',
  'To (local)',
  'Zone',
  'Register',
  'Register at the start',
  'Register at the end',
  'Counted',
  'Unit',
  'Remarks',
] as const

function* historyRows({ frame, register, history }: HistoryView): Generator<readonly CsvValue[]> {
  const { obis, exponent, unit } = register
  const exact = (value: number | bigint | null): CsvValue =>
    value === null ? null : { exact: quantityNumber(value, exponent, unit) }
  for (const { from, to, opening, closing, increase, gap } of history?.steps ?? []) {
    const remarks = [...(gap ? ['readings missing'] : []), ...qualityWords(closing?.quality ?? 0)]
    yield [
      utcText(from),
      utcText(to),
      instantText(from, frame.zone),
      instantText(to, frame.zone),
      frame.zone,
      obis,
      exact(opening?.value ?? null),
      exact(closing?.value ?? null),
      exact(increase),
      unitText(unit),
      remarks.join(', '),
    ]
  }
}
