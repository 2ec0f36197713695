// A bill explained: every line down to the two readings it rests on, and how sure their time is. Amounts
// are printed as stored, never computed again here.

import { dateText, periodText } from '../core/calendar.ts'
import { moneyText } from './format.ts'
import { Facts, Table } from './parts.tsx'
import type { BillLine, BillMeter, BillReading, BillView } from './views.ts'

interface BillDocumentProps {
  readonly view: BillView
  readonly pdf: string
  readonly back: readonly [href: string, text: string]
}

export function BillDocument({ view, pdf, back }: BillDocumentProps) {
  const { bill } = view
  return (
    <>
      <section class="card">
        <div class="headline">
          <div>
            <p class="label">Bill {bill.number}</p>
            <h1>{periodText(bill.period)}</h1>
          </div>
          <a href={back[0]}>{back[1]}</a>
        </div>
        <p>
          <span class="amount">{moneyText(bill.total, bill.currency)}</span>
          <span class="sub">due on {dateText(bill.dueOn)}</span>
        </p>
        <Facts
          rows={[
            ['Customer', `${bill.customer} (${view.customerNumber})`],
            ['Service point', view.servicePoint],
            ['Supply address', view.address],
            ['Tariff', view.tariff],
          ]}
        />
        <p class="actions">
          <a class="button" href={pdf}>
            Download as PDF
          </a>
        </p>
      </section>
      <section class="card card-flush">
        <h2>How the amount comes about</h2>
        <LineTable view={view} />
      </section>
      <section class="card">
        <div>
          <h2>The readings it rests on</h2>
          <p class="soft">
            Each was sealed in the second it was read. The clock column says how sure that second
            is.
          </p>
        </div>
        {view.meters.map((meter) => (
          <MeterPart key={meter.meter} meter={meter} />
        ))}
      </section>
      <Fingerprints view={view} />
    </>
  )
}

function LineTable({ view }: { readonly view: BillView }) {
  return (
    <Table
      caption="Lines of the bill"
      columns={[
        { title: 'Line', cell: (line: BillLine) => line.title },
        { title: 'Quantity', numeric: true, cell: (line: BillLine) => line.quantity },
        { title: 'Rate', numeric: true, cell: (line: BillLine) => line.rate },
        {
          title: 'Amount',
          numeric: true,
          cell: (line: BillLine) => <span class="strong">{line.amount}</span>,
        },
      ]}
      rows={view.lines}
      empty="This bill has no lines."
      foot={
        <tfoot role="rowgroup">
          <tr role="row">
            <td role="cell" colSpan={3}>
              Total
            </td>
            <td role="cell" class="num">
              {moneyText(view.bill.total, view.bill.currency)}
            </td>
          </tr>
        </tfoot>
      }
    />
  )
}

function MeterPart({ meter }: { readonly meter: BillMeter }) {
  const rows: readonly (BillReading & { readonly name: string })[] = [
    { name: 'End', ...meter.closing },
    { name: 'Begin', ...meter.opening },
  ]
  return (
    <div class="meter-part">
      <h3>
        Meter <code>{meter.meter}</code>
      </h3>
      <Table
        caption={`Readings of meter ${meter.meter}`}
        columns={[
          { title: 'Reading', cell: (row) => row.name },
          { title: 'Time', cell: (row) => row.at },
          { title: 'Register', numeric: true, cell: (row) => row.value },
          {
            title: 'Clock',
            cell: (row) => (
              <>
                {row.clock}
                {row.marks !== '' && <span class="sub">{row.marks}</span>}
              </>
            ),
          },
        ]}
        rows={rows}
        empty=""
      />
      <p class="consumed">
        End less begin
        {meter.multiplier === 1 ? '' : `, times ${meter.multiplier} (transformer ratio)`}:{' '}
        <strong>{meter.consumption}</strong>
        {meter.remark !== '' && <span class="sub">{meter.remark}</span>}
      </p>
    </div>
  )
}

const Fingerprints = ({ view }: { readonly view: BillView }) => (
  <section class="card">
    <details>
      <summary>Rules and fingerprints, for checking</summary>
      <Facts
        rows={[
          ['Times shown in', view.zone],
          ...view.rules.map((rule, index) => [`Rule ${index + 1}`, rule] as const),
          ['SHA-256 of the bill', <code key="bill">{view.hash}</code>],
          ['SHA-256 of the tariff', <code key="tariff">{view.tariffHash}</code>],
        ]}
      />
    </details>
  </section>
)
