// The operators' page of readings, and a customer's own usage.

import type { FastifyInstance } from 'fastify'
import type { UnixMs } from '../../../../shared/units.ts'
import { utcText } from '../../civil/calendar.ts'
import type { CsvValue } from '../../kit/csv.ts'
import type { Door } from '../../kit/door.ts'
import { clockText, quantityNumber, unitText } from '../../kit/format.ts'
import { type ListQuery, type ListSpec, pageOf, readList } from '../../kit/list.ts'
import { qualityWords } from '../core/quality.ts'
import type { LiveRow, UsageView } from '../core/views.ts'
import { LIVE_SORTS, type LiveChoice } from '../db/live.ts'
import type { ReadingReads } from '../db/reads.ts'
import { ReadingsPage } from '../pages/readings.tsx'
import { UsagePage } from '../pages/usage.tsx'

export interface ReadingDeps {
  readonly readings: Pick<ReadingReads, 'live' | 'isKnown' | 'retimed'>
  readonly now: () => UnixMs
}

const LIVE_LIST: ListSpec = {
  path: '/readings',
  sorts: LIVE_SORTS,
  sort: 'overdue',
  filters: { state: [['silent', 'news is overdue']] },
}
/** Rows fetched at once for a file. */
const FILE_ROWS = 500

const choiceOf = ({ q, filters }: ListQuery): LiveChoice => ({
  q,
  silent: filters['state'] === 'silent',
})

export function readingRoutes(app: FastifyInstance, deps: ReadingDeps, page: Door): void {
  const { readings, now } = deps
  app.get(
    '/readings',
    page(async ({ context, request }) => {
      const list = readList(request.query, LIVE_LIST)
      const first = list.after === null && list.before === null
      const [rows, retimed, isKnown] = await Promise.all([
        readings.live(choiceOf(list), list, now()),
        first ? readings.retimed(list.q) : [],
        list.q === '' ? true : readings.isKnown(list.q),
      ])
      const shown = pageOf(rows, list, ({ place }) => place)
      const props = { context, spec: LIVE_LIST, query: list, retimed, isKnown, now: now() }
      return { page: ReadingsPage({ ...props, page: shown }) }
    }),
  )
  app.get(
    '/readings.csv',
    page(async ({ request }) => {
      const list = readList(request.query, LIVE_LIST)
      return { csv: { head: LIVE_HEAD, rows: allLive(deps, list) }, name: 'readings.csv' }
    }),
  )
}

const LIVE_HEAD = [
  'Meter',
  'Register',
  'Value',
  'Unit',
  'Read at',
  'Clock',
  'Checks',
  'News is overdue',
] as const

async function* allLive(
  { readings, now }: ReadingDeps,
  list: ListQuery,
): AsyncGenerator<readonly CsvValue[]> {
  let place: Pick<ListQuery, 'after' | 'before'> = { after: null, before: null }
  for (;;) {
    const at = now()
    const asked = { ...list, ...place, limit: FILE_ROWS - 1 }
    const rows = await readings.live(choiceOf(list), asked, at)
    for (const row of rows) yield liveCells(row, at)
    const last = rows.at(-1)
    if (last === undefined || rows.length < FILE_ROWS) return
    place = { after: last.place, before: null }
  }
}

const liveCells = (row: LiveRow, now: UnixMs): readonly CsvValue[] => [
  row.meter,
  row.obis,
  { exact: quantityNumber(row.value, row.exponent, row.unit) },
  unitText(row.unit),
  utcText(row.at),
  clockText(row.clockState, row.clockBoundMs),
  qualityWords(row.quality).join(', '),
  row.dueAt < now ? 'yes' : 'no',
]

export interface UsageDeps {
  /** A customer's usage at each of their meters. */
  readonly usage: (customer: number, now: UnixMs) => Promise<readonly UsageView[]>
  readonly now: () => UnixMs
}

export function usageRoutes(app: FastifyInstance, deps: UsageDeps, page: Door): void {
  app.get(
    '/home/usage',
    page(async ({ context, viewer }) => {
      const view = await deps.usage(viewer.id, deps.now())
      return { page: UsagePage({ context, view }) }
    }),
  )
}
