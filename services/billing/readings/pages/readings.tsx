import type { UnixMs } from '../../../../shared/units.ts'
import { clockText, quantityText, registerText, spanText, utcSecondText } from '../../kit/format.ts'
import type { PageContext } from '../../kit/context.ts'
import { Layout } from '../../kit/layout.tsx'
import { listHref, type ListQuery, type ListSpec, orderText, type Page } from '../../kit/list.ts'
import { List, type ListColumn } from '../../kit/list-view.tsx'
import { Ago, Badge, type Column, Headline, Table, Tabs } from '../../kit/parts.tsx'
import { qualityWords } from '../core/quality.ts'
import type { LiveRow, RetimedRow } from '../core/views.ts'

export interface ReadingsPageProps {
  readonly context: PageContext
  readonly spec: ListSpec
  readonly query: ListQuery
  readonly page: Page<LiveRow>
  readonly retimed: readonly RetimedRow[]
  /** False: no meter has what was searched for in its number. */
  readonly isKnown: boolean
  readonly now: UnixMs
}

export function ReadingsPage(props: ReadingsPageProps) {
  const { context, spec, query, page, retimed, isKnown, now } = props
  return (
    <Layout context={context} title="Readings" live>
      <Headline
        title="Readings"
        lead="The newest value of every register; those first whose news is longest overdue."
      >
        <Tabs
          label="Order"
          entries={[
            [listHref(spec, query, { sort: 'overdue' }), 'Overdue first'],
            [listHref(spec, query, { sort: '-heard' }), 'Newest first'],
          ]}
          current={listHref(spec, query, { sort: orderText(query) })}
        />
      </Headline>
      {page.rows.length === 0 && query.q !== '' && (
        <p class="notice notice-warn" role="status">
          {isKnown
            ? `Meters with “${query.q}” in their number are known, but none of their registers is in this list.`
            : `No meter has “${query.q}” in its number. Look at the number on its plate, or wait for its first reading.`}
        </p>
      )}
      <div data-live="readings">
        <List
          context={context}
          spec={spec}
          query={query}
          page={page}
          caption="Last values"
          columns={columnsAt(now)}
          empty="No reading yet. Readings appear here within a second of being read."
          search="Part of a meter’s number"
          filterLabels={{ state: 'Only' }}
          csv
        />
      </div>
      {retimed.length > 0 && (
        <section class="card card-flush">
          <div class="card-head">
            <h2>Taken under an unsure clock</h2>
            <p class="soft">
              The slave’s clock was a guess when it read these. Their time is worked out from when
              its process met the master’s clock; the original stays beside it.
            </p>
          </div>
          <Table
            caption="Readings with a time found later"
            columns={RETIMED_COLUMNS}
            rows={retimed}
            empty=""
          />
        </section>
      )}
    </Layout>
  )
}

const columnsAt = (now: UnixMs): readonly ListColumn<LiveRow>[] => [
  {
    title: 'Meter',
    sort: 'meter',
    cell: (row) => (
      <a class="strong" href={`/meters/${row.meterId}`}>
        {row.meter}
      </a>
    ),
  },
  {
    title: 'Register',
    cell: (row) => (
      <>
        {registerText(row.obis)}
        <span class="sub">
          <code>{row.obis}</code>
        </span>
      </>
    ),
  },
  {
    title: 'Value',
    numeric: true,
    cell: (row) => <span class="strong">{quantityText(row.value, row.exponent, row.unit)}</span>,
  },
  { title: 'Read', sort: 'heard', cell: (row) => <Ago at={row.at} now={now} past /> },
  { title: 'Clock', cell: (row) => clockText(row.clockState, row.clockBoundMs) },
  { title: 'Checks', cell: (row) => <Checks quality={row.quality} old={row.dueAt < now} /> },
]

const RETIMED_COLUMNS: readonly Column<RetimedRow>[] = [
  { title: 'Meter', cell: (row) => <span class="strong">{row.meter}</span> },
  { title: 'Register', cell: (row) => registerText(row.obis) },
  {
    title: 'Value',
    numeric: true,
    cell: (row) => quantityText(row.value, row.exponent, row.unit),
  },
  {
    title: 'Stamped time',
    cell: (row) => (
      <>
        {utcSecondText(row.stampedAt)}
        <span class="sub">{clockText(row.clockState, row.clockBoundMs)}</span>
      </>
    ),
  },
  { title: 'Time found', cell: ({ retimed }) => <Found retimed={retimed} /> },
]

const WAYS = { anchor: 'by its own process', between: 'between its neighbours' } as const

function Found({ retimed }: Pick<RetimedRow, 'retimed'>) {
  if (retimed === null) return <span class="soft">not known yet</span>
  return (
    <>
      <span class="strong">{utcSecondText(retimed.at)}</span>
      <span class="sub">
        {WAYS[retimed.way]}, within {spanText(retimed.boundMs)}
      </span>
    </>
  )
}

/** Old is said before plausible: what was right last week says nothing about today. */
function Checks({ quality, old }: { readonly quality: number; readonly old: boolean }) {
  const words = qualityWords(quality)
  return (
    <>
      {old && <Badge tone="bad">old: news is overdue</Badge>}
      {words.map((each) => (
        <Badge key={each} tone="warn">
          {each}
        </Badge>
      ))}
      {!old && words.length === 0 && <Badge tone="good">plausible</Badge>}
    </>
  )
}
