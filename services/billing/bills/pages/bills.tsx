// Bills and what became of their notices, as operators see them.

import type { UnixMs } from '../../../../shared/units.ts'
import { amountText } from '../../civil/amount-text.ts'
import { dateText, periodText } from '../../civil/calendar.ts'
import { BillDocument } from './bill-document.tsx'
import { utcSecondText } from '../../kit/format.ts'
import { FormToken, Layout, type PageContext } from '../../kit/layout.tsx'
import {
  Ago,
  Badge,
  type Column,
  capital,
  FaultBadge,
  FaultWords,
  Headline,
  Table,
  Tabs,
  type Tone,
} from '../../kit/parts.tsx'
import {
  type BillRow,
  type BillView,
  NOTICE_STATES,
  type NoticeRow,
  type NoticeState,
  type TariffRow,
} from '../../site/pages/views.ts'

const STATES: Readonly<Record<NoticeState, readonly [tone: Tone, words: string]>> = {
  queued: ['warn', 'waiting'],
  sent: ['good', 'sent'],
  failed: ['bad', 'given up'],
}

function NoticeBadge({ state }: { readonly state: NoticeState }) {
  const [tone, words] = STATES[state]
  return <Badge tone={tone}>{words}</Badge>
}

function StateTabs({ base, state }: { readonly base: string; readonly state: NoticeState | null }) {
  const tabs = NOTICE_STATES.map(
    (each) => [`${base}?state=${each}`, capital(STATES[each][1])] as const,
  )
  return (
    <Tabs
      label="By state of the notice"
      entries={[[base, 'All'], ...tabs]}
      current={state === null ? base : `${base}?state=${state}`}
    />
  )
}

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
    cell: (row) => <span class="strong">{amountText(row.total, row.currency)}</span>,
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

function Older({
  base,
  state,
  before,
}: {
  readonly base: string
  readonly state: NoticeState | null
  readonly before: number | null
}) {
  if (before === null) return null
  const filter = state === null ? '' : `&state=${state}`
  return (
    <p>
      <a href={`${base}?before=${before}${filter}`}>Older ones</a>
    </p>
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

export interface NoticesPageProps {
  readonly context: PageContext
  readonly rows: readonly NoticeRow[]
  readonly state: NoticeState | null
  readonly before: number | null
  readonly now: UnixMs
}

export function NoticesPage({ context, rows, state, before, now }: NoticesPageProps) {
  return (
    <Layout context={context} title="Notices">
      <Headline title="Notices" lead="One per bill and channel, written together with the bill.">
        <StateTabs base="/notices" state={state} />
      </Headline>
      <section class="card card-flush">
        <NoticeTable context={context} rows={rows} now={now} />
      </section>
      <Older base="/notices" state={state} before={before} />
    </Layout>
  )
}

function NoticeTable({
  context,
  rows,
  now,
}: {
  readonly context: PageContext
  readonly rows: readonly NoticeRow[]
  readonly now: UnixMs
}) {
  const columns: readonly Column<NoticeRow>[] = [
    { title: 'Bill', cell: (row) => <a href={`/bills/${row.billId}`}>{row.billNumber}</a> },
    {
      title: 'To',
      cell: (row) => (
        <>
          {row.address}
          <span class="sub">{row.channel === 'sms' ? 'SMS' : 'e-mail'}</span>
        </>
      ),
    },
    {
      title: 'State',
      cell: (row) => (
        <>
          <NoticeBadge state={row.state} />
          <span class="sub">
            {row.state === 'queued' ? 'next attempt ' : ''}
            {row.state === 'queued' && <Ago at={row.nextAttemptAt} now={now} />}
            {row.sentAt !== null && <Ago at={row.sentAt} now={now} />}
          </span>
        </>
      ),
    },
    { title: 'Attempts', numeric: true, cell: (row) => row.attempts },
    {
      title: 'Last fault',
      cell: (row) => (
        <>
          <LastFault text={row.lastFault} />
          {row.state === 'failed' && <Again context={context} id={row.id} />}
        </>
      ),
    },
  ]
  return <Table caption="Notices" columns={columns} rows={rows} empty="No notice here." />
}

const Again = ({ context, id }: { readonly context: PageContext; readonly id: number }) => (
  <form method="post" action={`/notices/${id}/again`}>
    <FormToken context={context} />
    <button class="plain" type="submit">
      Queue it again
    </button>
  </form>
)

/** `last_fault` begins with a code; what follows is the other side's own words. */
function LastFault({ text }: { readonly text: string | null }) {
  if (text === null) return <span class="soft">none</span>
  const [code = '', ...rest] = text.split(' ')
  return (
    <>
      <FaultBadge code={code.replace(/:$/, '')} />
      <span class="sub">{rest.join(' ')}</span>
      <FaultWords code={code.replace(/:$/, '')} />
    </>
  )
}

export interface TariffsPageProps {
  readonly context: PageContext
  readonly rows: readonly TariffRow[]
}

export function TariffsPage({ context, rows }: TariffsPageProps) {
  return (
    <Layout context={context} title="Tariffs" width="reading">
      <Headline
        title="Tariffs"
        lead="Published versions. A version never changes once published."
      />
      {rows.length === 0 && <p class="card">No tariff published yet.</p>}
      {rows.map((row) => (
        <section key={row.hash} class="card">
          <div>
            <h2>{row.name}</h2>
            <p class="soft">
              <code>{row.code}</code>, valid from {dateText(row.validFrom)}
            </p>
          </div>
          <details>
            <summary>Show the document</summary>
            <pre tabIndex={0}>{row.content}</pre>
          </details>
          <p class="soft">
            SHA-256 <code>{row.hash}</code>
          </p>
        </section>
      ))}
    </Layout>
  )
}
