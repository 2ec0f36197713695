// A bill explained: every line down to the two readings it is based on, and how certain their time
// is. All numbers are printed as stored, nothing is recomputed here.

import { amountText, type Money } from '../../civil/amount-text.ts'
import type { BilledLine, BilledPart, BilledReading } from '../core/bill-content.ts'
import { dateText, instantText, parseUtc, periodText } from '../../civil/calendar.ts'
import { decimal, decimalText, parseDecimal, times } from '../../civil/money.ts'
import { clockText } from '../../kit/format.ts'
import { Facts, Table } from '../../kit/parts.tsx'
import type { BillView } from '../core/views.ts'
import { qualityWords } from '../../readings/core/quality.ts'
import type { ReadingTrust } from '../../readings/core/views.ts'

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
      <ReadingsPart view={view} />
      <section class="card">
        <h2>How to pay</h2>
        {content.utility.payment.map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
        <p class="soft">
          {content.utility.name}, {content.utility.address}. {content.utility.contact}
        </p>
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
  if (line.kind === 'fixed') return 'the same every month'
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

interface ReadingRow {
  readonly name: string
  readonly reading: BilledReading
  readonly trust: ReadingTrust | null
}

function ReadingsPart({ view }: { readonly view: BillView }) {
  const { content, opening, closing } = view
  const { meter, energy, servicePoint } = content
  const rows: readonly ReadingRow[] = [
    { name: 'End', reading: content.closing, trust: closing },
    { name: 'Begin', reading: content.opening, trust: opening },
  ]
  return (
    <section class="card card-flush">
      <div class="card-head">
        <h2>The two readings it is based on</h2>
        <p class="soft">
          Meter {meter.number}, register <code>{meter.register}</code>. Both come from the meter's
          own load profile, by the meter's clock; the clock column says how sure the slave was of
          the time when it read and sealed them.
        </p>
      </div>
      <Table
        caption="Readings of the bill"
        columns={[
          { title: 'Reading', cell: ({ name }) => name },
          { title: 'Time', cell: ({ reading }) => timeText(reading.at, servicePoint.zone) },
          {
            title: 'Register',
            numeric: true,
            cell: ({ reading }) => <span class="strong">{reading.kWh} kWh</span>,
          },
          { title: 'Clock', cell: ({ trust }) => <Trust trust={trust} /> },
        ]}
        rows={rows}
        empty=""
      />
      <p class="consumed">
        End less start
        {meter.multiplier === '1' ? '' : `, times ${meter.multiplier} (transformer ratio)`}:{' '}
        <strong>{energy.kWh} kWh</strong> in {content.period.days} days
        {energy.rolledOver === 'yes' && (
          <span class="sub">The register rolled over from its highest number to zero.</span>
        )}
      </p>
    </section>
  )
}

function timeText(at: string, zone: string): string {
  const instant = parseUtc(at)
  return instant === null ? at : instantText(instant, zone)
}

function Trust({ trust }: { readonly trust: ReadingTrust | null }) {
  if (trust === null) return <span class="soft">not kept</span>
  const words = qualityWords(trust.quality)
  return (
    <>
      {clockText(trust.clockState, trust.clockBoundMs)}
      {words.length > 0 && <span class="sub">{words.join(', ')}</span>}
    </>
  )
}

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
