// The bill-run board: what it shows, and what is done from it.

import type { FastifyInstance } from 'fastify'
import type { UnixMs } from '../../../../shared/units.ts'
import type { CivilDate } from '../../civil/calendar.ts'
import type { BillOrders } from '../core/issuer.ts'
import { monthName, monthNamed, type PeriodRow, type PeriodState } from '../core/board.ts'
import type { CsvList } from '../../kit/csv.ts'
import { type Door, field, type Outcome, param, query, type Visit } from '../../kit/door.ts'
import { type ListQuery, type ListSpec, readList, readSelection } from '../../kit/list.ts'
import { countText } from '../../kit/format.ts'
import { isPlainText } from '../../kit/plain-text.ts'
import { NOT_FOUND } from '../../kit/trouble.ts'
import type { BoardStore } from '../db/board-store.ts'
import { VACANT_MOST } from '../db/vacant.ts'
import { BoardPage, VacantPage } from '../pages/board.tsx'
import { DryRunPage, MonthPage } from '../pages/board-month.tsx'
import { BoardConfirm, monthSpec } from '../pages/board-confirm.tsx'

export interface BoardDeps {
  readonly board: BoardStore
  readonly billOrders: () => Promise<BillOrders>
  readonly now: () => UnixMs
}

/** Longest reason. */
const WHY_MAX = 200
/** Rows of a file that are fetched at once. */
const FILE_ROWS = 1_000
/** The same list as a file. */
const FILE = '.csv'

const VACANT: ListSpec = {
  path: '/board/vacant',
  sorts: { code: 'text' },
  sort: 'code',
  filters: {},
}

export function boardRoutes(app: FastifyInstance, deps: BoardDeps, page: Door): void {
  const { board, now } = deps
  app.get(
    '/board',
    page(async ({ context, request }) => {
      const { utility, issuing } = await deps.billOrders()
      const [shown, count] = await Promise.all([
        board.board(now(), monthNamed(query(request, 'before'))),
        board.vacantCount(now()),
      ])
      const vacant = { count, most: VACANT_MOST }
      const nameless = utility === null
      return { page: BoardPage({ context, board: shown, vacant, now: now(), nameless, issuing }) }
    }),
  )
  app.get(
    '/board/vacant',
    page(async ({ context, request }) => {
      const asked = readList(request.query, VACANT)
      const rows = await board.vacant(asked, now())
      return {
        page: VacantPage({ context, spec: VACANT, query: asked, page: rows, now: now() }),
      }
    }),
  )
  app.get('/board/:month', page(monthPage.bind(null, deps)))
  app.get(
    '/board/:month/dry-run',
    page(async ({ context, request }) => {
      const month = monthNamed(param(request, 'month'))
      if (month === null) return { trouble: NOT_FOUND }
      const nameless = (await deps.billOrders()).utility === null
      const run = await board.dryRun(month)
      return { page: DryRunPage({ context, month, run, now: now(), nameless }) }
    }),
  )
  app.post('/board/:month/bulk', page(bulk.bind(null, deps)))
}

async function monthPage(deps: BoardDeps, { context, request }: Visit): Promise<Outcome> {
  const { board } = deps
  const name = param(request, 'month')
  const isFile = name.endsWith(FILE)
  const month = monthNamed(isFile ? name.slice(0, -FILE.length) : name)
  if (month === null) return { trouble: NOT_FOUND }
  const [row, { utility }, ordered] = await Promise.all([
    board.month(month),
    deps.billOrders(),
    board.orderedBy(month),
  ])
  const spec = monthSpec(row)
  const asked = readList(request.query, spec)
  if (isFile) return { csv: listOf(deps, month, asked), name: `periods-${name}` }
  const rows = await board.periods(month, asked)
  return {
    page: MonthPage({
      context,
      row,
      spec,
      query: asked,
      page: rows,
      now: deps.now(),
      nameless: utility === null,
      ordered,
      done: doneText(query(request, 'done'), query(request, 'count'), query(request, 'kept')),
    }),
  }
}

/** What a redirect says was done; only our own words, whatever the address holds. */
function doneText(done: string, countOf: string, keptOf: string): string | null {
  const count = /^\d{1,6}$/.test(countOf) ? Number(countOf) : 0
  const kept = /^\d{1,6}$/.test(keptOf) ? Number(keptOf) : 0
  const bills = `${countText(count)} ${count === 1 ? 'bill' : 'bills'}`
  const back = kept === 0 ? '' : ` ${countText(kept)} held back: see why below.`
  if (done === 'issue') return `${bills} issued.${back}`
  if (done === 'exempt') return `${bills} will not be issued.`
  if (done === 'unexempt') return `${bills} will be looked at again.`
  if (done === 'again') return 'They are looked at again now; load the page again in a moment.'
  if (done === 'none') return 'Nothing of the selection could be changed that way.'
  return null
}

/** What each action takes. */
const TAKES: Readonly<Record<string, readonly PeriodState[]>> = {
  issue: ['ready'],
  again: ['unseen', 'waiting', 'blocked', 'ready'],
  exempt: ['unseen', 'waiting', 'blocked', 'ready'],
  unexempt: ['exempt'],
}

/** First the question, then, with `sure`, the deed. */
async function bulk(deps: BoardDeps, visit: Visit): Promise<Outcome> {
  const { request } = visit
  const month = monthNamed(param(request, 'month'))
  const action = field(request, 'do')
  const states = Object.hasOwn(TAKES, action) ? TAKES[action] : undefined
  if (month === null || states === undefined) return { trouble: NOT_FOUND }
  const spec = monthSpec(await deps.board.month(month))
  const selection = readSelection(request, spec)
  const back = `/board/${monthName(month)}`
  if (selection === null) return { to: `${back}?done=none` }
  const whole = selection.all && selection.list.q === ''
  if (action === 'issue' && whole) return issueAll(deps, visit, month)
  const rows = await deps.board.selected(month, { selection, states })
  if (rows.length === 0) return { to: `${back}?done=none` }
  const step: Step = { month, action, rows, back }
  if (action === 'issue') return issueSome(deps, visit, step)
  if (action === 'again') {
    await deps.board.lookAgain(month, whole ? null : keysOf(rows), deps.now())
    return { to: `${back}?done=again` }
  }
  return exempt(deps, visit, step)
}

interface Step {
  readonly month: CivilDate
  readonly action: string
  readonly rows: readonly PeriodRow[]
  readonly back: string
}

const keysOf = (rows: readonly PeriodRow[]) =>
  rows.map(({ contractId, period }) => ({ contractId, from: period.from }))
const isSure = ({ request }: Visit): boolean => field(request, 'sure') === 'yes'

/** The clerk issues them, in batches; whoever ordered them need not wait. */
async function issueAll(deps: BoardDeps, visit: Visit, month: CivilDate): Promise<Outcome> {
  const { context, viewer } = visit
  const back = `/board/${monthName(month)}`
  if (!isSure(visit)) {
    const run = await deps.board.dryRun(month)
    return { page: BoardConfirm({ context, month, is: 'issue-all', run, back }) }
  }
  await deps.board.order({ month, at: deps.now(), by: viewer.name })
  return { to: back }
}

async function issueSome(deps: BoardDeps, visit: Visit, step: Step): Promise<Outcome> {
  const { context, viewer } = visit
  const { month, rows, back } = step
  if (!isSure(visit)) {
    return { page: BoardConfirm({ context, month, is: 'issue', rows, back }) }
  }
  const { utility } = await deps.billOrders()
  const run = await deps.board.issue({
    month,
    only: keysOf(rows),
    readyBy: null,
    asShown: true,
    now: deps.now(),
    utility,
    by: viewer.name,
  })
  const kept = rows.length - run.issued
  return { to: `${back}?done=issue&count=${run.issued}&kept=${kept}` }
}

async function exempt(deps: BoardDeps, visit: Visit, step: Step): Promise<Outcome> {
  const { context, viewer, request } = visit
  const { month, rows, back } = step
  const is = step.action === 'exempt' ? 'exempt' : 'unexempt'
  const why = field(request, 'why').trim()
  const isGiven = why !== '' && why.length <= WHY_MAX && isPlainText(why)
  if (!isSure(visit) || !isGiven) {
    const errors = isSure(visit) ? { why: `Say why, in at most ${WHY_MAX} letters.` } : {}
    const form = { values: { why }, errors }
    const status = isSure(visit) ? 422 : 200
    return { status, page: BoardConfirm({ context, month, is, rows, back, form }) }
  }
  const count = await deps.board.setExempt({
    periods: keysOf(rows),
    exempt: is === 'exempt',
    author: { who: viewer.name, why, importId: null },
    now: deps.now(),
  })
  return { to: `${back}?done=${is}&count=${count}` }
}

/** The whole list, page by page. */
function listOf(deps: BoardDeps, month: CivilDate, asked: ListQuery): CsvList {
  async function* rows() {
    let query: ListQuery = { ...asked, before: null, limit: FILE_ROWS }
    for (;;) {
      const { rows: part } = await deps.board.periods(month, query)
      for (const row of part) {
        const exact = row.amount === null ? null : { exact: row.amount }
        const kWh = row.kWh === null ? null : { exact: row.kWh }
        yield [
          row.contract,
          row.customerNumber,
          row.customer,
          row.servicePoint,
          row.period.from,
          row.period.to,
          row.state,
          row.code,
          row.detail,
          new Date(row.since).toISOString(),
          kWh,
          exact,
          row.currency,
        ]
      }
      const last = part.at(-1)
      if (last === undefined || part.length < FILE_ROWS) return
      query = { ...query, after: { key: last.period.from, id: last.contractId } }
    }
  }
  const head =
    'contract,customer,name,service_point,from,to,state,code,detail,since,kwh,amount,currency'
  return { head: head.split(','), rows: rows() }
}
