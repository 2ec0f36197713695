// A bill explained: every line down to the readings it is based on. All numbers are printed as
// stored, nothing is recomputed here.

import { amountText, type Money } from '../../civil/amount-text.ts'
import type { BilledLine, BilledPart } from '../core/bill-content.ts'
import { dateText, periodText } from '../../civil/calendar.ts'
import { decimal, decimalText, parseDecimal, times } from '../../civil/money.ts'
import { Facts, Table } from '../../kit/parts.tsx'
import type { BillView } from '../core/views.ts'
import { BillReadings } from './bill-readings.tsx'

interface BillDocumentProps {
  readonly view: BillView
  readonly pdf: string
  readonly back: readonly [href: string, text: string]
}

export function BillDocument({ view, pdf, back }: BillDocumentProps) {
  const { bill, content } = view
  const { customer, servicePoint, tariff } = content
  return (
    <>
      <section class="card">
        <div class="headline">
          <div>
            {content.utility.logo !== undefined && (
              <img class="logo" src={`/logo/${content.utility.logo}`} alt={content.utility.name} />
            )}
            <p class="label">Bill {bill.number}</p>
            <h1>{periodText(bill.period)}</h1>
          </div>
          <a href={back[0]}>{back[1]}</a>
        </div>
        <p>
          <span class="amount">{amountText(bill.total, content)}</span>
          <span class="sub">due on {dateText(bill.dueOn)}</span>
        </p>
        <Facts
          rows={[
            ['Customer', `${customer.name} (${customer.number})`],
            ['Supply address', servicePoint.address],
            ['Service point', servicePoint.code],
            ['Tariff', tariff.name],
          ]}
        />
        <p class="actions">
          <a class="button" href={pdf}>
            Download as PDF
          </a>
        </p>
      </section>
      <section class="card card-flush">
        <h2>How the amount is calculated</h2>
        <LineTable view={view} />
      </section>
      <BillReadings content={content} />
      <section class="card">
        <h2>How to pay</h2>
        {content.utility.payment.map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
        <p class="soft">
          {content.utility.name}, {content.utility.address}. {content.utility.contact}
        </p>
        {content.utility.legal !== undefined && <p class="soft lines">{content.utility.legal}</p>}
      </section>
      <Fingerprints view={view} />
    </>
  )
}

function LineTable({ view }: { readonly view: BillView }) {
  const { content } = view
  const { lines, total } = content
  return (
    <Table
      caption="Lines of the bill"
      columns={[
        { title: 'Line', cell: (line: BilledLine) => <span class="strong">{line.label}</span> },
        {
          title: 'How',
          cell: (line: BilledLine) =>
            line.parts.map((part, index) => (
              <span key={index} class="step">
                {partText(line, part, content)}
              </span>
            )),
        },
        {
          title: 'Amount',
          numeric: true,
          cell: (line: BilledLine) => (
            <span class="strong">{amountText(line.amount, content)}</span>
          ),
        },
      ]}
      rows={lines}
      empty="This bill has no lines."
      foot={
        <tfoot role="rowgroup">
          <tr role="row">
            <td role="cell" colSpan={2}>
              Total
            </td>
            <td role="cell" class="num">
              {amountText(total, content)}
            </td>
          </tr>
        </tfoot>
      }
    />
  )
}

function partText(line: BilledLine, part: BilledPart, money: Money): string {
  if (line.kind === 'fixed') {
    return part.of === undefined
      ? 'the same in every bill'
      : `${part.quantity} of ${part.of} days of ${amountText(part.rate, money)}`
  }
  if (line.kind === 'tax') {
    return `${percentText(part.rate)} of ${amountText(part.quantity, money)}`
  }
  const price = amountText(part.rate, money)
  return `${part.quantity} kWh at ${price} = ${amountText(part.amount, money)}`
}

/** `0.16` as `16 %`: the point moves, no digit is lost. */
function percentText(rate: string): string {
  const share = parseDecimal(rate)
  return share === null ? rate : `${decimalText(times(share, HUNDRED))} %`
}
const HUNDRED = decimal(100n, 0)

const ROUNDING_WORDS: ReadonlyMap<string, string> = new Map([
  ['half-away', 'half a coin rounds away from zero'],
  ['half-even', 'half a coin rounds to the even neighbour'],
])

function Fingerprints({ view }: { readonly view: BillView }) {
  const { tariff, servicePoint } = view.content
  return (
    <section class="card">
      <details>
        <summary>Rules and fingerprints for checking</summary>
        <Facts
          rows={[
            ['Times shown in', servicePoint.zone],
            [
              'Rounding',
              `each line once; ${ROUNDING_WORDS.get(tariff.rounding) ?? tariff.rounding}`,
            ],
            [
              'Slab limits',
              tariff.slabProration === 'none' ? 'as printed' : `times ${tariff.months} months`,
            ],
            ['Rates from', tariff.source],
            ['SHA-256 of the bill', <code key="bill">{view.hash}</code>],
            ['SHA-256 of the tariff', <code key="tariff">{tariff.hash}</code>],
          ]}
        />
      </details>
    </section>
  )
}
