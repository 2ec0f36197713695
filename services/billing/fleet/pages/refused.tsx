import type { UnixMs } from '../../../../shared/units.ts'
import { countText, utcSecondText } from '../../kit/format.ts'
import type { PageContext } from '../../kit/context.ts'
import { Layout } from '../../kit/layout.tsx'
import { Ago, FaultBadge, FaultWords, Headline, Table } from '../../kit/parts.tsx'
import type { RefusalRow } from '../core/views.ts'
import type { ExceptionRow } from '../../readings/core/views.ts'

export interface RefusedPageProps {
  readonly context: PageContext
  readonly refusals: readonly RefusalRow[]
  readonly exceptions: readonly ExceptionRow[]
  readonly now: UnixMs
}

export function RefusedPage({ context, refusals, exceptions, now }: RefusedPageProps) {
  return (
    <Layout context={context} title="Refused" live>
      <Headline
        title="Refused"
        lead="What did not get in during the last 24 hours, why, and what to do about it."
      >
        <a href="/refused">Refresh</a>
      </Headline>
      <section class="card card-flush" data-live="refused">
        <RefusalTable rows={refusals} now={now} />
      </section>
      <section class="card card-flush">
        <div class="card-head">
          <h2>Exceptions</h2>
          <p class="soft">
            Authentic, but not a plain reading. Nothing that opened is thrown away: it waits here.
          </p>
        </div>
        <Table
          caption="Exceptions"
          columns={[
            { title: 'When', cell: (row) => utcSecondText(row.at) },
            { title: 'Fault', cell: (row) => <FaultBadge code={row.code} /> },
            { title: 'Meaning', cell: (row) => <FaultWords code={row.code} /> },
            { title: 'Meter', cell: (row) => row.meter ?? '–' },
            { title: 'Detail', cell: (row) => row.detail },
            { title: 'Device', cell: (row) => <DeviceLink id={row.device} /> },
          ]}
          rows={exceptions}
          empty="No exception."
        />
      </section>
    </Layout>
  )
}

export const RefusalTable = ({
  rows,
  now,
}: {
  readonly rows: readonly RefusalRow[]
  readonly now: UnixMs
}) => (
  <Table
    caption="Refused messages by fault"
    columns={[
      { title: 'Fault', cell: (row) => <FaultBadge code={row.code} /> },
      { title: 'Meaning', cell: (row) => <FaultWords code={row.code} /> },
      { title: 'Device', cell: (row) => <DeviceLink id={row.device} /> },
      { title: 'Times', numeric: true, cell: (row) => countText(row.count) },
      { title: 'Last', cell: (row) => <Ago at={row.lastAt} now={now} /> },
    ]}
    rows={rows}
    empty="Nothing was refused in the last 24 hours."
  />
)

const DeviceLink = ({ id }: { readonly id: string }) =>
  id === '' ? (
    <span class="soft">nobody authenticated</span>
  ) : (
    <a href={`/fleet/${id}`}>
      <code>{id}</code>
    </a>
  )
