// The bill-run board: each month that is over, and where the bills of its contracts are.

import type { ComponentChildren } from 'preact'
import type { UnixMs } from '../../../../shared/units.ts'
import { addDays, dateText, monthOf, periodText } from '../../civil/calendar.ts'
import {
  type Board,
  type BoardCell,
  type BoardMonth,
  monthName,
  STATE_WORDS,
  type VacantRow,
  withoutPeriod,
} from '../core/board.ts'
import type { PageContext } from '../../kit/context.ts'
import { countText, manyText } from '../../kit/format.ts'
import { Layout } from '../../kit/layout.tsx'
import type { ListQuery, ListSpec, Page } from '../../kit/list.ts'
import { List } from '../../kit/list-view.tsx'
import { Ago, type Column, FaultBadge, FaultWords, Headline, Table } from '../../kit/parts.tsx'
import { cellHref, codeWords } from './period-parts.tsx'

export interface BoardPageProps {
  readonly context: PageContext
  readonly board: Board
  readonly vacant: { readonly count: number; readonly most: number }
  readonly now: UnixMs
  /** No bill is issued: the utility has no name (BIL-19). */
  readonly nameless: boolean
  readonly issuing: 'automatic' | 'by hand'
}

export function BoardPage(props: BoardPageProps) {
  const { context, board, vacant, now, nameless, issuing } = props
  const { running } = board
  const last = addDays(monthOf(running.month).to, -1)
  return (
    <Layout context={context} title="Board">
      <Headline
        title="Board"
        lead={
          issuing === 'automatic'
            ? 'Every month that is over and where its bills are. What is ready is issued by itself.'
            : 'Every month that is over and where its bills are. What is ready waits for your word.'
        }
      />
      {nameless && <Nameless />}
      <section class="card card-flush board">
        <Table
          caption="Bills by month and state"
          columns={columnsAt(now)}
          rows={board.months}
          empty="No month of a contract is over yet. A month appears here when it has ended."
        />
      </section>
      {board.before !== null && (
        <p>
          <a href={`/board?before=${monthName(board.before)}`}>Earlier months</a>
        </p>
      )}
      <p class="soft">
        {`${periodText(monthOf(running.month))} runs until ${dateText(last)}: `}
        {`${contractsText(running.contracts)} no period in it yet.`}
      </p>
      <p>
        <a href="/board/vacant">Service points that count and have no contract</a>:{' '}
        {manyText(vacant.count, vacant.most)}
      </p>
    </Layout>
  )
}

const contractsText = (count: number): string =>
  `${countText(count)} ${count === 1 ? 'contract has' : 'contracts have'}`

export const Nameless = () => (
  <div class="notice notice-bad">
    <p>
      <FaultBadge code="BIL-19" /> <FaultWords code="BIL-19" />
    </p>
    <p>
      <a href="/settings">Name the utility</a>
    </p>
  </div>
)

const number = (count: number): ComponentChildren =>
  count === 0 ? <span class="soft">0</span> : countText(count)

const columnsAt = (now: UnixMs): readonly Column<BoardMonth>[] => [
  {
    title: 'Month',
    cell: ({ month }) => (
      <a class="strong" href={`/board/${monthName(month)}`}>
        {periodText(monthOf(month))}
      </a>
    ),
  },
  { title: 'Contracts', numeric: true, cell: (row) => <Contracts row={row} /> },
  {
    title: 'Billed',
    numeric: true,
    cell: ({ month, billed }) =>
      billed === 0 ? number(0) : <a href={`/bills?month=${monthName(month)}`}>{number(billed)}</a>,
  },
  { title: STATE_WORDS.ready, numeric: true, cell: cellOf('ready', now) },
  { title: STATE_WORDS.waiting, cell: cellOf('waiting', now) },
  { title: STATE_WORDS.blocked, cell: cellOf('blocked', now) },
  { title: STATE_WORDS.exempt, numeric: true, cell: cellOf('exempt', now) },
  { title: STATE_WORDS.unseen, numeric: true, cell: cellOf('unseen', now) },
]

/** The sum over all states, and what explains a difference from the number of contracts. */
function Contracts({ row }: { readonly row: BoardMonth }) {
  const without = withoutPeriod(row)
  return (
    <>
      {countText(row.contracts)}
      {row.further > 0 && (
        <span class="sub">{`${countText(row.further)} with a second period`}</span>
      )}
      {without !== 0 && (
        <span class="sub">{`${countText(without)} not over there, or being cut`}</span>
      )}
    </>
  )
}

function cellOf(state: BoardCell['state'], now: UnixMs) {
  return ({ month, cells }: BoardMonth): ComponentChildren => {
    const found = cells.filter((cell) => cell.state === state)
    if (found.length === 0) return number(0)
    return <Cells month={month} cells={found} now={now} />
  }
}

export function Cells({
  month,
  cells,
  now,
}: {
  readonly month: string
  readonly cells: readonly BoardCell[]
  readonly now: UnixMs
}) {
  const isBare = cells.every(({ code }) => code === null)
  if (isBare) {
    return (
      <>
        {cells.map((cell) => (
          <a key={cell.state} href={cellHref(month, cell)}>
            {countText(cell.count)}
          </a>
        ))}
      </>
    )
  }
  return (
    <ul class="reasons">
      {cells.map((cell) => (
        <li key={cell.code}>
          <a href={cellHref(month, cell)}>
            {`${countText(cell.count)}: ${codeWords(cell.code ?? '')}`}
          </a>
          <span class="sub">
            {`${cell.code ?? ''}, the oldest `}
            <Ago at={cell.since} now={now} />
          </span>
        </li>
      ))}
    </ul>
  )
}

export interface VacantPageProps {
  readonly context: PageContext
  readonly spec: ListSpec
  readonly query: ListQuery
  readonly page: Page<VacantRow>
  readonly now: UnixMs
}

export function VacantPage({ context, spec, query, page, now }: VacantPageProps) {
  return (
    <Layout context={context} title="Without a contract">
      <Headline
        title="Without a contract"
        lead="Meters that are heard of at service points that nobody has a contract for (BIL-08)."
      >
        <a href="/board">Board</a>
      </Headline>
      <List
        context={context}
        spec={spec}
        query={query}
        page={page}
        caption="Service points without a contract"
        search={null}
        empty="Every meter that counts has somebody who pays for it."
        columns={[
          {
            title: 'Service point',
            sort: 'code',
            cell: (row) => (
              <>
                <a class="strong" href={`/service-points/${row.servicePointId}`}>
                  {row.servicePoint}
                </a>
                <span class="sub">{row.address}</span>
              </>
            ),
          },
          { title: 'Meter', cell: (row) => row.meter },
          {
            title: 'Without a contract since',
            cell: (row) => (row.since === null ? 'ever' : dateText(row.since)),
          },
          { title: 'Last reading', cell: (row) => <Ago at={row.lastSeen} now={now} /> },
          {
            title: 'Remedy',
            cell: (row) => <a href={`/service-points/${row.servicePointId}`}>Begin a contract</a>,
          },
        ]}
      />
    </Layout>
  )
}
