import type { UnixMs } from '../../../../shared/units.ts'
import { clockText, quantityText, registerText, spanText, utcSecondText } from '../../kit/format.ts'
import type { PageContext } from '../../kit/context.ts'
import { Layout } from '../../kit/layout.tsx'
import { Ago, Badge, type Column, Headline, Table } from '../../kit/parts.tsx'
import { qualityWords } from '../core/quality.ts'
import type { LiveRow, RetimedRow } from '../core/views.ts'

export interface ReadingsPageProps {
  readonly context: PageContext
  readonly rows: readonly LiveRow[]
  readonly retimed: readonly RetimedRow[]
  /** Start of the meter number searched for; empty for all. */
  readonly search: string
  readonly now: UnixMs
}

export function ReadingsPage({ context, rows, retimed, search, now }: ReadingsPageProps) {
  return (
    <Layout context={context} title="Readings" live>
      <Headline title="Readings" lead="The newest value of every register, newest first.">
        <form class="inline" method="get" action="/readings" role="search">
          <label>
            Meter number
            <input name="meter" value={search} maxLength={32} pattern="[A-Za-z0-9._\-]*" />
          </label>
          <button type="submit" class="button-quiet">
            Search
          </button>
        </form>
      </Headline>
      <section class="card card-flush" data-live="readings">
        <LiveTable rows={rows} now={now} />
      </section>
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

export const LiveTable = ({
  rows,
  now,
}: {
  readonly rows: readonly LiveRow[]
  readonly now: UnixMs
}) => (
  <Table
    caption="Last values"
    columns={columnsAt(now)}
    rows={rows}
    empty="No reading yet. Readings appear here within a second of being read."
  />
)

const columnsAt = (now: UnixMs): readonly Column<LiveRow>[] => [
  { title: 'Meter', cell: (row) => <span class="strong">{row.meter}</span> },
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
  { title: 'Read', cell: (row) => <Ago at={row.at} now={now} past /> },
  { title: 'Clock', cell: (row) => clockText(row.clockState, row.clockBoundMs) },
  { title: 'Checks', cell: (row) => <Checks quality={row.quality} /> },
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

function Checks({ quality }: { readonly quality: number }) {
  const words = qualityWords(quality)
  if (words.length === 0) return <Badge tone="good">plausible</Badge>
  return (
    <>
      {words.map((each) => (
        <Badge key={each} tone="warn">
          {each}
        </Badge>
      ))}
    </>
  )
}
