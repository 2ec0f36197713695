// A customer's own pages: what is due, what was used, and why the bill says so.

import { amountText } from '../../civil/amount-text.ts'
import { dateText, monthOf, periodText } from '../../civil/calendar.ts'
import { BillDocument } from '../../bills/pages/bill-document.tsx'
import { Layout, type PageContext } from '../../kit/layout.tsx'
import { Facts, Headline, Table } from '../../kit/parts.tsx'
import { UsageChart } from '../../readings/pages/usage-chart.tsx'
import type { UsageDay, UsageMonth } from '../../readings/core/usage.ts'
import type { BillRow, BillView, HomeView, UsageView } from './views.ts'

interface Page<View> {
  readonly context: PageContext
  readonly view: View
}

export function HomePage({ context, view }: Page<HomeView>) {
  const { lastBill } = view
  return (
    <Layout context={context} title="Home" width="reading">
      <Headline title={`Hello, ${view.name}`} lead={`Customer number ${view.number}`} />
      <section class="card">
        {lastBill === null ? (
          <>
            <h2>Nothing is due</h2>
            <p class="soft">Your first bill comes after the first full period.</p>
          </>
        ) : (
          <LastBill bill={lastBill} />
        )}
      </section>
      <section class="card">
        <h2>Your supply address</h2>
        {view.places.length === 0 && <p class="soft">No service point is assigned to you now.</p>}
        {view.places.map(({ address, meter }) => (
          <Facts
            key={address}
            rows={[
              ['Supply address', address],
              ['Meter', meter ?? 'none installed'],
            ]}
          />
        ))}
        <p class="actions">
          <a class="button button-quiet" href="/home/usage">
            See your usage by day
          </a>
        </p>
      </section>
      <section class="card card-flush">
        <h2>Your bills</h2>
        <BillTable rows={view.bills} />
      </section>
    </Layout>
  )
}

const LastBill = ({ bill }: { readonly bill: BillRow }) => (
  <>
    <div>
      <h2>Your bill for {periodText(bill.period)}</h2>
      <p>
        <span class="amount">{amountText(bill.total, bill.currency)}</span>
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

const BillTable = ({ rows }: { readonly rows: readonly BillRow[] }) => (
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
        cell: (row) => <span class="strong">{amountText(row.total, row.currency)}</span>,
      },
      { title: 'Document', cell: (row) => <a href={`/home/bills/${row.id}/pdf`}>PDF</a> },
    ]}
    rows={rows}
    empty="No bill yet."
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

export function UsagePage({ context, view }: Page<readonly UsageView[]>) {
  return (
    <Layout context={context} title="Usage" width="reading">
      <Headline
        title="Usage"
        lead="What you used each day: one midnight’s register minus that of the midnight before."
      />
      {view.length === 0 && <p class="card">No meter is installed at your service point.</p>}
      {view.map((usage) => (
        <>
          {usage.months.map((month) => (
            <MonthPart key={month.period.from} usage={usage} month={month} />
          ))}
        </>
      ))}
    </Layout>
  )
}

function MonthPart({ usage, month }: { readonly usage: UsageView; readonly month: UsageMonth }) {
  const known = month.days.filter(({ used }) => used !== null).length
  return (
    <section class="card">
      <div class="headline">
        <div>
          <h2>{periodText(monthOf(month.period.from))}</h2>
          <p class="soft">
            {periodText(month.period)}, meter {usage.meter}, days in {usage.zone}
          </p>
        </div>
        <p class="strong">
          {month.total} {usage.unit}
          <span class="sub">
            {known} of {month.days.length} days
          </span>
        </p>
      </div>
      <UsageChart month={month} unit={usage.unit} />
      <details>
        <summary>The same as a table</summary>
        <Table
          caption={`Usage per day, ${periodText(month.period)}`}
          columns={[
            { title: 'Day', cell: (day: UsageDay) => dateText(day.date) },
            { title: usage.unit, numeric: true, cell: dayCell },
          ]}
          rows={month.days}
          empty=""
          plain
        />
      </details>
    </section>
  )
}

const dayCell = (day: UsageDay) =>
  day.used === null ? (
    <span class="soft">not read yet</span>
  ) : (
    <>
      {day.used}
      {day.open && <span class="sub">so far today</span>}
    </>
  )
