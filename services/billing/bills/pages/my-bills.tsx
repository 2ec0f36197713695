// A customer's own bills: what is due, and why.

import { amountText } from '../../civil/amount-text.ts'
import { dateText, periodText } from '../../civil/calendar.ts'
import type { BillRow, BillView } from '../core/views.ts'
import { BillDocument } from './bill-document.tsx'
import type { PageContext } from '../../kit/context.ts'
import { Layout } from '../../kit/layout.tsx'
import { Headline, Table } from '../../kit/parts.tsx'

interface Page<View> {
  readonly context: PageContext
  readonly view: View
}

export const LastBill = ({ bill }: { readonly bill: BillRow }) => (
  <>
    <div>
      <h2>Your bill for {periodText(bill.period)}</h2>
      <p>
        <span class="amount">{amountText(bill.total, bill)}</span>
        <span class="sub">due on {dateText(bill.dueOn)}</span>
      </p>
    </div>
    <p class="actions">
      <a class="button" href={`/home/bills/${bill.id}`}>
        Why is it this much?
      </a>
      <a class="button button-quiet" href={`/home/bills/${bill.id}/pdf`}>
        Download as PDF
      </a>
    </p>
  </>
)

export const BillTable = ({ rows }: { readonly rows: readonly BillRow[] }) => (
  <Table
    caption="Your bills"
    columns={[
      {
        title: 'Period',
        cell: (row) => <a href={`/home/bills/${row.id}`}>{periodText(row.period)}</a>,
      },
      { title: 'Number', cell: (row) => row.number },
      { title: 'Due', cell: (row) => dateText(row.dueOn) },
      {
        title: 'Total',
        numeric: true,
        cell: (row) => <span class="strong">{amountText(row.total, row)}</span>,
      },
      { title: 'Document', cell: (row) => <a href={`/home/bills/${row.id}/pdf`}>PDF</a> },
    ]}
    rows={rows}
    empty="No bills yet."
  />
)

export function MyBillsPage({ context, view }: Page<readonly BillRow[]>) {
  return (
    <Layout context={context} title="Your bills" width="reading">
      <Headline title="Your bills" />
      <section class="card card-flush">
        <BillTable rows={view} />
      </section>
    </Layout>
  )
}

export function MyBillPage({ context, view }: Page<BillView>) {
  const { bill } = view
  return (
    <Layout context={context} title={`Bill ${bill.number}`} width="reading">
      <BillDocument view={view} pdf={`/home/bills/${bill.id}/pdf`} back={['/home', 'Home']} />
    </Layout>
  )
}
