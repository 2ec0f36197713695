// What became of the notices, for operators; and the parts that the pages of bills share.

import type { UnixMs } from '../../../../shared/units.ts'
import { NOTICE_STATES, type NoticeRow, type NoticeState } from '../core/views.ts'
import type { PageContext } from '../../kit/context.ts'
import { FormToken, Layout } from '../../kit/layout.tsx'
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

const STATES: Readonly<Record<NoticeState, readonly [tone: Tone, words: string]>> = {
  queued: ['warn', 'waiting'],
  sent: ['good', 'sent'],
  failed: ['bad', 'given up'],
}

export function NoticeBadge({ state }: { readonly state: NoticeState }) {
  const [tone, words] = STATES[state]
  return <Badge tone={tone}>{words}</Badge>
}

export function StateTabs({
  base,
  state,
}: {
  readonly base: string
  readonly state: NoticeState | null
}) {
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

export function Older({
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

export function NoticeTable({
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
  return <Table caption="Notices" columns={columns} rows={rows} empty="No notices here." />
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
