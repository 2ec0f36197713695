// What the pages of the board may ask and do.

import type { Kysely } from 'kysely'
import type { UnixMs } from '../../../../shared/units.ts'
import type { CivilDate } from '../../civil/calendar.ts'
import type { ListQuery, Page, Selection } from '../../kit/list.ts'
import type { Author } from '../../store/changes.ts'
import type { Database } from '../../store/schema.ts'
import type { Board, BoardMonth, DryRun, PeriodRow, PeriodState, VacantRow } from '../core/board.ts'
import type { PeriodKey } from '../core/period-verdict.ts'
import { boardMonth, boardOf } from './board.ts'
import { lookAgain, lookAgainAt } from './looking.ts'
import { type BillOrder, orderMonth, ordersOf } from './orders.ts'
import { dryRunOf, periodList, selectedPeriods, setExempt } from './periods.ts'
import { type BillRun, type IssueOptions, issueBills } from './run.ts'
import { vacantCount, vacantList } from './vacant.ts'

export interface BoardStore {
  board(now: UnixMs, before: CivilDate | null): Promise<Board>
  month(month: CivilDate): Promise<BoardMonth>
  periods(month: CivilDate, query: ListQuery): Promise<Page<PeriodRow>>
  selected(
    month: CivilDate,
    which: { readonly selection: Selection; readonly states: readonly PeriodState[] },
  ): Promise<readonly PeriodRow[]>
  dryRun(month: CivilDate): Promise<DryRun>
  vacantCount(now: UnixMs): Promise<number>
  vacant(query: ListQuery, now: UnixMs): Promise<Page<VacantRow>>
  /** Who ordered the bills of the month that are going out; null: nobody. */
  orderedBy(month: CivilDate): Promise<string | null>
  order(order: BillOrder): Promise<void>
  issue(options: IssueOptions): Promise<BillRun>
  lookAgain(month: CivilDate, only: readonly PeriodKey[] | null, now: UnixMs): Promise<void>
  setExempt(change: {
    readonly periods: readonly PeriodKey[]
    readonly exempt: boolean
    readonly author: Author
    readonly now: UnixMs
  }): Promise<number>
}

export const boardStore = (db: Kysely<Database>): BoardStore => ({
  board: (now, before) => boardOf(db, { now, before }),
  month: (month) => boardMonth(db, month),
  periods: (month, query) => periodList(db, month, query),
  selected: (month, which) => selectedPeriods(db, month, which),
  dryRun: (month) => dryRunOf(db, month),
  vacantCount: (now) => vacantCount(db, now),
  vacant: (query, now) => vacantList(db, query, now),
  orderedBy: async (month) =>
    (await ordersOf(db)).find((order) => order.month === month)?.by ?? null,
  order: (order) => orderMonth(db, order),
  issue: (options) => issueBills(db, options),
  lookAgain: (month, only, now) =>
    only === null ? lookAgain(db, month, now) : lookAgainAt(db, only, now),
  setExempt: (change) => setExempt(db, change),
})
