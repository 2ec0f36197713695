// Bills for operators, with what became of their notices.

import type { UnixMs } from '../../../../shared/units.ts'
import { monthName } from '../core/board.ts'
import type { BillRow, BillSlice, BillView } from '../core/views.ts'
import { amountText } from '../../civil/amount-text.ts'
import { dateText, periodText } from '../../civil/calendar.ts'
import { BillDocument } from './bill-document.tsx'
import type { PageContext } from '../../kit/context.ts'
import { utcSecondText } from '../../kit/format.ts'
import { Layout } from '../../kit/layout.tsx'
import { SEARCH_CHARS_MAX } from '../../kit/list.ts'
import { type Column, Headline, Table } from '../../kit/parts.tsx'
import { NOTICE_STATES, type NoticeRow, type NoticeState } from '../../notices/core/views.ts'
import { NoticeBadge, NoticeTable } from '../../notices/pages/notices.tsx'

const periodCell = (row: BillRow) => (
  <>
    {periodText(row.period)}
    <span class="sub">issued {utcSecondText(row.issuedAt).slice(0, 10)}</span>
  </>
)

const operatorColumns: readonly Column<BillRow>[] = [
  {
    title: 'Bill',
    cell: (row) => (
      <a class="strong" href={`/bills/${row.id}`}>
        {row.number}
      </a>
    ),
  },
  { title: 'Customer', cell: (row) => row.customer },
  { title: 'Period', cell: periodCell },
  {
    title: 'Total',
    numeric: true,
    cell: (row) => <span class="strong">{amountText(row.total, row)}</span>,
  },
  { title: 'Due', cell: (row) => dateText(row.dueOn) },
  {
    title: 'Notices',
    cell: (row) =>
      row.notices.length === 0 ? (
        <span class="soft">none</span>
      ) : (
        row.notices.map((state, index) => <NoticeBadge key={index} state={state} />)
      ),
  },
  {
    title: 'Document',
    cell: (row) => <a href={`/bills/${row.id}/pdf`}>PDF</a>,
  },
]

export interface BillsPageProps {
  readonly context: PageContext
  readonly rows: readonly BillRow[]
  readonly slice: BillSlice
  /** Id from which the next page continues; null on the last page. */
  readonly before: number | null
}

/** The words of a notice's states where bills are chosen by them: mail and SMS are meant. */
const NOTICE_WORDS: Readonly<Record<NoticeState, string>> = {
  queued: 'to be sent',
  sent: 'sent',
  failed: 'given up',
}

/** The same list with other choices; what is not said is left out. */
function billsHref(path: string, { q, month, notice }: BillSlice, before: number | null): string {
  const said = new URLSearchParams()
  if (q !== '') said.set('q', q)
  if (month !== null) said.set('month', monthName(month))
  if (notice !== null) said.set('state', notice)
  if (before !== null) said.set('before', String(before))
  return said.size === 0 ? path : `${path}?${said.toString()}`
}

const Choices = ({ slice }: { readonly slice: BillSlice }) => (
  <div class="toolbar">
    <form class="choices" method="get" action="/bills" role="search" aria-label="Bills">
      <label class="grow">
        Bill number, customer number or name
        <input type="search" name="q" value={slice.q} maxLength={SEARCH_CHARS_MAX} />
      </label>
      <label>
        Month
        <input
          type="month"
          name="month"
          placeholder="2026-10"
          value={slice.month === null ? '' : monthName(slice.month)}
        />
      </label>
      <label>
        Mail and SMS
        <select name="state">
          <option value="">All</option>
          {NOTICE_STATES.map((state) => (
            <option key={state} value={state} selected={state === slice.notice}>
              {NOTICE_WORDS[state]}
            </option>
          ))}
        </select>
      </label>
      <button class="button-quiet" type="submit">
        Show
      </button>
    </form>
    <p class="toolbar-end">
      <a href={billsHref('/bills.csv', slice, null)}>Export as CSV</a>
    </p>
  </div>
)

const isNarrowed = ({ q, month, notice }: BillSlice): boolean =>
  q !== '' || month !== null || notice !== null

export function BillsPage({ context, rows, slice, before }: BillsPageProps) {
  return (
    <Layout context={context} title="Bills">
      <Headline title="Bills" lead="Issued bills never change; every one can be recomputed.">
        <a href="/board">Board: what is not billed, and why</a>
      </Headline>
      <section class="card card-flush list">
        <Choices slice={slice} />
        <Table
          caption="Bills"
          columns={operatorColumns}
          rows={rows}
          empty={
            isNarrowed(slice)
              ? 'No bill matches.'
              : 'No bill yet. A bill appears when a period is over and its readings are in.'
          }
        />
      </section>
      {before !== null && (
        <p>
          <a href={billsHref('/bills', slice, before)}>Older ones</a>
        </p>
      )}
    </Layout>
  )
}

export interface BillPageProps {
  readonly context: PageContext
  readonly view: BillView
  readonly notices: readonly NoticeRow[]
  readonly now: UnixMs
}

export function BillPage({ context, view, notices, now }: BillPageProps) {
  return (
    <Layout context={context} title={`Bill ${view.bill.number}`} width="reading">
      <BillDocument view={view} pdf={`/bills/${view.bill.id}/pdf`} back={['/bills', 'All bills']} />
      <section class="card card-flush">
        <h2>Notices about this bill</h2>
        <NoticeTable context={context} rows={notices} now={now} />
      </section>
    </Layout>
  )
}
