// The board's figures. Billed bills are not counted: their series has no gaps, so its next number
// says how many there are. What is open is counted from an index that holds nothing else, and the
// contracts of a month from how many began and ended until then.

import { type Kysely, type RawBuilder, sql } from 'kysely'
import { type UnixMs, unixMs } from '../../../../shared/units.ts'
import { addDays, type CivilDate, civilDateAt, monthOf } from '../../civil/calendar.ts'
import type { Database } from '../../store/schema.ts'
import type { Board, BoardCell, BoardMonth } from '../core/board.ts'
import { seriesOf } from './series.ts'

/** Months on a board: a year, and the same month a year ago. */
export const BOARD_MONTHS = 13

const monthSql = (date: RawBuilder<unknown>) => sql`date_trunc('month', ${date}::timestamp)::date`

interface Step {
  readonly month: CivilDate
  readonly count: number
}

/** How many contracts begin in each month, and for how many it is the first one that they do not
 * cover, the oldest first. */
async function contractSteps(db: Kysely<Database>): Promise<{ begun: Step[]; ended: Step[] }> {
  const first = sql`greatest(from_date, billed_from)`
  const begun = await sql<Step>`
    select ${monthSql(first)} as month, count(*)::integer as count from contracts
    where to_date is null or to_date > ${first} group by 1 order by 1`.execute(db)
  const ended = await sql<Step>`
    select (${monthSql(sql`(to_date - 1)`)} + interval '1 month')::date as month,
      count(*)::integer as count from contracts
    where to_date > ${first} group by 1 order by 1`.execute(db)
  return { begun: begun.rows, ended: ended.rows }
}

const upTo = (steps: readonly Step[], month: CivilDate): number =>
  steps.reduce((sum, step) => (step.month <= month ? sum + step.count : sum), 0)

interface CellRow {
  readonly month: CivilDate
  readonly state: BoardCell['state']
  readonly code: string | null
  readonly count: number
  readonly since: Date
}

const inMonths = (from: CivilDate, to: CivilDate) =>
  sql`bp.period_from >= ${from}::date and bp.period_from < ${to}::date`

async function cellsOf(db: Kysely<Database>, from: CivilDate, to: CivilDate) {
  const { rows } = await sql<CellRow>`
    select ${monthSql(sql`bp.period_from`)} as month, bp.state, bp.code,
      count(*)::integer as count, min(bp.since) as since
    from bill_periods bp where bp.state <> 'billed' and ${inMonths(from, to)}
    group by 1, 2, 3 order by 1, 2, 3`.execute(db)
  return rows
}

/** Periods that are not the first of their contract in that month. */
async function furtherOf(db: Kysely<Database>, from: CivilDate, to: CivilDate) {
  const { rows } = await sql<Step>`
    select ${monthSql(sql`bp.period_from`)} as month, count(*)::integer as count
    from bill_periods bp join contracts c on c.id = bp.contract_id
    where extract(day from bp.period_from) <> 1 and ${inMonths(from, to)}
      and greatest(c.from_date, c.billed_from) <> bp.period_from
    group by 1`.execute(db)
  return rows
}

/** Newest first: the month that runs, or the month before a given one, and those behind it. */
export async function boardOf(
  db: Kysely<Database>,
  { now, before = null }: { readonly now: UnixMs; readonly before?: CivilDate | null },
): Promise<Board> {
  // The month that runs where the day is oldest: a month is shown once it is over anywhere.
  const running = monthOf(civilDateAt(now, '+14:00')).from
  const { begun, ended } = await contractSteps(db)
  const until = before !== null && before < running ? before : running
  const oldest = begun[0]?.month ?? until
  const months: CivilDate[] = []
  for (let month = until; months.length < BOARD_MONTHS && month > oldest; ) {
    month = monthOf(addDays(month, -1)).from
    months.push(month)
  }
  const from = months.at(-1) ?? until
  const rows = await monthRows(db, { months, from, to: until, begun, ended })
  const contracts = upTo(begun, running) - upTo(ended, running)
  return {
    months: rows,
    before: from > oldest && months.length > 0 ? from : null,
    running: { month: running, contracts },
  }
}

/** One row of the board. */
export async function boardMonth(db: Kysely<Database>, month: CivilDate): Promise<BoardMonth> {
  const { begun, ended } = await contractSteps(db)
  const to = monthOf(month).to
  const [row] = await monthRows(db, { months: [month], from: month, to, begun, ended })
  return row ?? { month, contracts: 0, billed: 0, cells: [], further: 0 }
}

async function monthRows(
  db: Kysely<Database>,
  span: {
    readonly months: readonly CivilDate[]
    readonly from: CivilDate
    readonly to: CivilDate
    readonly begun: readonly Step[]
    readonly ended: readonly Step[]
  },
): Promise<readonly BoardMonth[]> {
  const { months, from, to, begun, ended } = span
  if (months.length === 0) return []
  const [cells, further, series] = await Promise.all([
    cellsOf(db, from, to),
    furtherOf(db, from, to),
    db.selectFrom('bill_series').selectAll().where('series', 'in', months.map(seriesOf)).execute(),
  ])
  return months.map((month) => ({
    month,
    contracts: upTo(begun, month) - upTo(ended, month),
    billed: (series.find(({ series: name }) => name === seriesOf(month))?.next ?? 1) - 1,
    cells: cells
      .filter((cell) => cell.month === month)
      .map(({ state, code, count, since }) => ({
        state,
        code,
        count,
        since: unixMs(since.getTime()),
      })),
    further: further.find((step) => step.month === month)?.count ?? 0,
  }))
}
