// One month of the board: its contracts, each with what keeps its bill and where that is mended.

import type { UnixMs } from '../../../../shared/units.ts'
import { monthOf, periodText } from '../../civil/calendar.ts'
import {
  type BoardMonth,
  type DryRun,
  monthName,
  openOf,
  PERIOD_STATES,
  type PeriodRow,
  STATE_WORDS,
  withoutPeriod,
} from '../core/board.ts'
import { mendingOf } from '../core/mending.ts'
import type { PageContext } from '../../kit/context.ts'
import { countText } from '../../kit/format.ts'
import { FormToken, Layout } from '../../kit/layout.tsx'
import type { ListQuery, ListSpec, Page } from '../../kit/list.ts'
import { List } from '../../kit/list-view.tsx'
import { Ago, Headline, Section, Table } from '../../kit/parts.tsx'
import { Cells, Nameless } from './board.tsx'
import { codeWords, moneyText, StateBadge, Sum } from './period-parts.tsx'

export interface MonthPageProps {
  readonly context: PageContext
  readonly row: BoardMonth
  readonly spec: ListSpec
  readonly query: ListQuery
  readonly page: Page<PeriodRow>
  readonly now: UnixMs
  readonly nameless: boolean
  /** Who ordered all bills of this month that are still going out; null: nobody. */
  readonly ordered: string | null
  /** What was just done; null: nothing. */
  readonly done: string | null
}

export function MonthPage(props: MonthPageProps) {
  const { context, row, spec, query, page, now, nameless, ordered, done } = props
  const name = monthName(row.month)
  const ready = row.cells.find(({ state }) => state === 'ready')?.count ?? 0
  return (
    <Layout context={context} title={`Bills of ${periodText(monthOf(row.month))}`}>
      <Headline title={periodText(monthOf(row.month))} lead={<Lead row={row} />}>
        <div class="actions">
          <a href="/board">All months</a>
          {ready > 0 && (
            <a class="button" href={`/board/${name}/dry-run`}>
              Dry run and issue
            </a>
          )}
        </div>
      </Headline>
      {nameless && <Nameless />}
      {done !== null && (
        <p class="notice" role="status">
          {done}
        </p>
      )}
      {ordered !== null && (
        <p class="notice" role="status">
          {`All that were ready go out now, by order of ${ordered}. Load the page again in a moment.`}
        </p>
      )}
      <StateCells row={row} now={now} />
      <List
        context={context}
        spec={spec}
        query={query}
        page={page}
        caption="Periods"
        search="Customer, contract, service point or address"
        filterLabels={{ state: 'State', code: 'Reason' }}
        empty="Nothing of this month is left to be billed."
        csv
        bulk={{
          action: `/board/${name}/bulk`,
          idOf: ({ contractId }) => contractId,
          nameOf: ({ contract, customer }) => `${contract} ${customer}`,
          all: true,
          buttons: [
            ['issue', 'Issue'],
            ['again', 'Look again'],
            ['exempt', 'Do not bill'],
            ['unexempt', 'Bill after all'],
          ],
        }}
        columns={[
          { title: 'Contract', cell: (each) => <Contract row={each} month={row.month} /> },
          { title: 'Service point', cell: (each) => <Point row={each} /> },
          { title: 'State', cell: (each) => <State row={each} now={now} /> },
          { title: 'Why', cell: (each) => <Why row={each} nameless={nameless} /> },
        ]}
      />
    </Layout>
  )
}

/** The sums, as numbers that add up. */
function Lead({ row }: { readonly row: BoardMonth }) {
  const without = withoutPeriod(row)
  const parts = [
    `${countText(row.contracts)} contracts`,
    `${countText(row.billed)} billed`,
    `${countText(openOf(row))} not`,
    ...(without === 0 ? [] : [`${countText(without)} not over in their zone, or being cut`]),
    ...(row.further === 0 ? [] : [`${countText(row.further)} with a second period`]),
  ]
  return <>{parts.join(', ')}</>
}

function StateCells({ row, now }: { readonly row: BoardMonth; readonly now: UnixMs }) {
  if (row.cells.length === 0) return null
  const states = PERIOD_STATES.flatMap((state) => {
    const cells = row.cells.filter((cell) => cell.state === state)
    return cells.length === 0 ? [] : [{ state, cells }]
  })
  return (
    <dl class="tiles">
      {states.map(({ state, cells }) => (
        <div key={state} class="tile">
          <dt>{STATE_WORDS[state]}</dt>
          <dd>
            <Cells month={row.month} cells={cells} now={now} />
          </dd>
        </div>
      ))}
    </dl>
  )
}

function Contract({ row, month }: { readonly row: PeriodRow; readonly month: string }) {
  const { period } = row
  const isWhole = period.from === month && period.to === monthOf(month).to
  return (
    <>
      <a class="strong" href={`/accounts/${row.contractId}`}>
        {row.customer}
      </a>
      <span class="sub">
        {`${row.contract}, customer ${row.customerNumber}`}
        {!isWhole && `, ${periodText(period)}`}
      </span>
    </>
  )
}

const Point = ({ row }: { readonly row: PeriodRow }) => (
  <>
    <a href={`/service-points/${row.servicePointId}`}>{row.servicePoint}</a>
    <span class="sub">{row.address}</span>
  </>
)

const State = ({ row, now }: { readonly row: PeriodRow; readonly now: UnixMs }) => (
  <>
    <StateBadge state={row.state} />
    <span class="sub">
      <Ago at={row.since} now={now} />
    </span>
  </>
)

function Why({ row, nameless }: { readonly row: PeriodRow; readonly nameless: boolean }) {
  if (row.bill !== null) return <a href={`/bills/${row.bill.id}`}>{row.bill.number}</a>
  if (row.state === 'ready') {
    const [href, words] = mendingOf('BIL-19', row)
    return (
      <>
        <Sum row={row} />
        {nameless && (
          <span class="sub">
            {`BIL-19 ${codeWords('BIL-19')}. `}
            <a href={href}>{words}</a>
          </span>
        )}
      </>
    )
  }
  if (row.code === null) return <>{row.detail === '' ? '' : row.detail}</>
  const [href, words] = mendingOf(row.code, row)
  return (
    <>
      {codeWords(row.code)}
      <span class="sub">{`${row.code} ${row.detail}`}</span>
      <a href={href}>{words}</a>
    </>
  )
}

export interface DryRunPageProps {
  readonly context: PageContext
  readonly month: string
  readonly run: DryRun
  readonly now: UnixMs
  readonly nameless: boolean
}

/** What would go out, before it does. */
export function DryRunPage({ context, month, run, now, nameless }: DryRunPageProps) {
  const name = monthName(month)
  const count = run.sums.reduce((sum, each) => sum + each.count, 0)
  return (
    <Layout context={context} title={`Dry run of ${periodText(monthOf(month))}`}>
      <Headline
        title={`Dry run: ${periodText(monthOf(month))}`}
        lead={
          run.computedAt === null ? (
            'Nothing of this month is ready.'
          ) : (
            <>
              What its ready bills come to. The oldest figure was computed{' '}
              <Ago at={run.computedAt} now={now} />; a bill that comes to another sum when it is
              issued is held back (BIL-28).
            </>
          )
        }
      >
        <a href={`/board/${name}`}>The month</a>
      </Headline>
      {nameless && <Nameless />}
      <Section title="Sums" flush>
        <Table
          caption="Sums by tariff"
          rows={run.sums}
          empty="No bill would be issued."
          columns={[
            { title: 'Tariff', cell: (sum) => sum.tariff },
            { title: 'Bills', numeric: true, cell: (sum) => countText(sum.count) },
            { title: 'kWh', numeric: true, cell: (sum) => sum.kWh },
            {
              title: 'Amount',
              numeric: true,
              cell: (sum) => <span class="strong">{moneyText(sum.amount, sum.currency)}</span>,
            },
            {
              title: 'Smallest to largest',
              numeric: true,
              cell: (sum) =>
                `${moneyText(sum.lowest, sum.currency)} to ${moneyText(sum.highest, sum.currency)}`,
            },
          ]}
        />
      </Section>
      {count > 0 && !nameless && (
        <form class="actions" method="post" action={`/board/${name}/bulk`}>
          <FormToken context={context} />
          <input type="hidden" name="all" value="yes" />
          <input type="hidden" name="state" value="ready" />
          <button type="submit" name="do" value="issue">
            {`Issue all ${countText(count)}`}
          </button>
          <button class="button-quiet" type="submit" name="do" value="again">
            Compute again
          </button>
          <a href={`/board/${name}?state=ready`}>See each of them, or choose some</a>
        </form>
      )}
      {count > 0 && <Extremes title="Largest" rows={run.highest} />}
      {count > 0 && <Extremes title="Smallest" rows={run.lowest} />}
    </Layout>
  )
}

const Extremes = (props: { readonly title: string; readonly rows: readonly PeriodRow[] }) => (
  <Section title={props.title} flush>
    <Table
      caption={props.title}
      rows={props.rows}
      empty="None."
      columns={[
        {
          title: 'Contract',
          cell: (row) => (
            <>
              <a href={`/accounts/${row.contractId}`}>{row.customer}</a>
              <span class="sub">{row.contract}</span>
            </>
          ),
        },
        {
          title: 'Period',
          cell: ({ period }) => periodText(period),
        },
        { title: 'Amount', cell: (row) => <Sum row={row} /> },
      ]}
    />
  </Section>
)
