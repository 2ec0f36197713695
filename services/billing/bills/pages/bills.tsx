// Bills for operators, with what became of their notices.

import type { UnixMs } from '../../../../shared/units.ts'
import type { BillRow, BillView } from '../core/views.ts'
import { amountText } from '../../civil/amount-text.ts'
import { dateText, periodText } from '../../civil/calendar.ts'
import { BillDocument } from './bill-document.tsx'
import type { PageContext } from '../../kit/context.ts'
import { utcSecondText } from '../../kit/format.ts'
import { Layout } from '../../kit/layout.tsx'
import { type Column, Headline, Table } from '../../kit/parts.tsx'
import type { NoticeRow, NoticeState } from '../../notices/core/views.ts'
import { NoticeBadge, NoticeTable, Older, StateTabs } from '../../notices/pages/notices.tsx'

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
  readonly state: NoticeState | null
  /** Id from which the next page continues; null on the last page. */
  readonly before: number | null
}

export function BillsPage({ context, rows, state, before }: BillsPageProps) {
  return (
    <Layout context={context} title="Bills">
      <Headline title="Bills" lead="Issued bills never change; every one can be recomputed.">
        <StateTabs base="/bills" state={state} />
      </Headline>
      <section class="card card-flush">
        <Table
          caption="Bills"
          columns={operatorColumns}
          rows={rows}
          empty="No bill here. A bill appears when a period is over and its readings are in."
        />
      </section>
      <Older base="/bills" state={state} before={before} />
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
