// What needs attention, the worst and oldest first: what it is, who it is about, since when, and
// where it is mended.

import type { UnixMs } from '../../../../shared/units.ts'
import { FAULTS, isFaultCode } from '../../../../shared/faults.ts'
import type { PageContext } from '../../kit/context.ts'
import { DateField, ErrorSummary, TextField } from '../../kit/fields.tsx'
import type { FormState } from '../../kit/form.ts'
import { countText, utcSecondText } from '../../kit/format.ts'
import { Layout } from '../../kit/layout.tsx'
import type { ListQuery, ListSpec, Page } from '../../kit/list.ts'
import { List, type ListColumn } from '../../kit/list-view.tsx'
import { Ago, capital, FaultBadge, Headline, RemedyLink, Tabs } from '../../kit/parts.tsx'
import type { AttentionRow, AttentionState, AttentionTotals } from '../core/views.ts'

export interface AttentionPageProps {
  readonly context: PageContext
  readonly list: {
    readonly spec: ListSpec
    readonly query: ListQuery
    readonly page: Page<AttentionRow>
  }
  readonly state: AttentionState
  readonly totals: AttentionTotals
  /** Of what was to be done with a selection. */
  readonly form: FormState
  readonly now: UnixMs
}

const TABS = [
  ['/attention', 'Open'],
  ['/attention/muted', 'Muted'],
  ['/attention/closed', 'Closed'],
] as const

const LABELS = { id: 'Entries', do: 'Action', reason: 'Why', until: 'Mute until' }

export function AttentionPage(props: AttentionPageProps) {
  const { context, list, state, totals, form, now } = props
  return (
    <Layout context={context} title="Attention">
      <Headline title="What needs attention" lead={<Lead totals={totals} now={now} />}>
        <Tabs label="By what was said of them" entries={TABS} current={list.spec.path} />
      </Headline>
      <ErrorSummary form={form} labels={LABELS} />
      <List
        context={context}
        {...list}
        caption="What needs attention"
        columns={columnsAt(now)}
        empty={<Nothing state={state} />}
        search="Device, meter or code"
        bulk={{
          action: `/attention/mark?state=${state}`,
          idOf: ({ id }) => id,
          nameOf: ({ code, subject }) => `${code} ${subject}`,
          buttons:
            state === 'open'
              ? [
                  ['seen', 'I know of it'],
                  ['mute', 'Mute'],
                  ['close', 'Close'],
                ]
              : [['open', 'Open again']],
          children: state === 'open' ? <Fields form={form} /> : undefined,
        }}
      />
    </Layout>
  )
}

const Fields = ({ form }: { readonly form: FormState }) => (
  <>
    <TextField form={form} name="reason" label="Why (to mute or close)" maxLength={300} />
    <DateField form={form} name="until" label="Mute until" />
  </>
)

function Lead({ totals, now }: { readonly totals: AttentionTotals; readonly now: UnixMs }) {
  const { open, grave, lookedAt } = totals
  if (lookedAt === null) return <>Nothing wrong was found so far.</>
  const count =
    open === 0
      ? 'Nothing is open.'
      : `${countText(open)} open, ${countText(grave)} of them errors or alarms.`
  return (
    <>
      {count} The worst stand first, of those the oldest. Looked <Ago at={lookedAt} now={now} />.
    </>
  )
}

function Nothing({ state }: { readonly state: AttentionState }) {
  if (state === 'muted') return <p>Nothing is muted.</p>
  if (state === 'closed') return <p>Nothing was closed.</p>
  return (
    <p>
      Nothing needs attention: devices are connected, clocks are right, every bill that can be made
      is made.
    </p>
  )
}

const columnsAt = (now: UnixMs): readonly ListColumn<AttentionRow>[] => [
  { title: 'Code', sort: 'rank', cell: ({ code }) => <FaultBadge code={code} /> },
  { title: 'What', cell: (row) => <What row={row} /> },
  { title: 'Times', sort: 'count', numeric: true, cell: ({ count }) => countText(count) },
  { title: 'Since', sort: 'since', cell: ({ since }) => <Ago at={since} now={now} /> },
  { title: 'Last', sort: 'last', cell: ({ lastAt }) => <Ago at={lastAt} now={now} /> },
  { title: 'Remedy', cell: ({ code }) => <Remedy code={code} /> },
]

function What({ row }: { readonly row: AttentionRow }) {
  const { code, subject, href, reason, closedBy, mutedBy, mutedUntil, seenBy } = row
  return (
    <>
      <a class="strong" href={href}>
        {capital(subject)}
      </a>
      {isFaultCode(code) && <span class="sub">{capital(FAULTS[code].is)}</span>}
      {seenBy !== null && closedBy === null && <span class="sub">{seenBy} knows of it</span>}
      {closedBy !== null && <span class="sub">{`Closed by ${closedBy}: ${reason ?? ''}`}</span>}
      {mutedUntil !== null && (
        <span class="sub">
          {`Muted by ${mutedBy ?? ''} until ${utcSecondText(mutedUntil).slice(0, 10)}: ${reason ?? ''}`}
        </span>
      )}
    </>
  )
}

function Remedy({ code }: { readonly code: string }) {
  if (!isFaultCode(code)) return null
  return (
    <>
      {capital(FAULTS[code].then)}.
      <RemedyLink code={code} />
    </>
  )
}
