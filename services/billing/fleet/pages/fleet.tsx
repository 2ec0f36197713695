// What operators look at first: which devices are connected, whose clock is right, what is still
// waiting, and which devices have something wrong behind them.

import type { UnixMs } from '../../../../shared/units.ts'
import { countText, utcSecondText } from '../../kit/format.ts'
import type { PageContext } from '../../kit/context.ts'
import { Layout } from '../../kit/layout.tsx'
import type { ListQuery, ListSpec, Page } from '../../kit/list.ts'
import { List, type ListColumn } from '../../kit/list-view.tsx'
import { Ago, Headline, Tiles } from '../../kit/parts.tsx'
import { Clock, GivenUp, LinkState, Troubles } from './device-parts.tsx'
import type { Backfill, FleetRow, FleetTotals } from '../core/views.ts'

export interface FleetPageProps {
  readonly context: PageContext
  readonly spec: ListSpec
  readonly query: ListQuery
  readonly page: Page<FleetRow>
  readonly totals: FleetTotals
  readonly backfill: Backfill | null
  readonly now: UnixMs
}

export function FleetPage(props: FleetPageProps) {
  const { context, spec, query, page, totals, backfill, now } = props
  return (
    <Layout context={context} title="Devices" live>
      <Headline title="Devices" lead="Every meter-side agent, its link, its clock and its meters.">
        <div class="actions">
          <a href="/fleet">Refresh</a>
          <a class="button" href="/fleet/new">
            New slave
          </a>
        </div>
      </Headline>
      <div data-live="fleet" class="page-part">
        {backfill !== null && <BackfillBar backfill={backfill} />}
        <Tiles rows={tilesOf(totals)} />
        <List
          context={context}
          spec={spec}
          query={query}
          page={page}
          caption="Devices"
          columns={columnsAt(now)}
          empty="No device yet. Issue a one-time token and enrol the first slave with it."
          search="Part of a name or id"
          filterLabels={{ state: 'State' }}
          csv
        />
      </div>
    </Layout>
  )
}

function tilesOf(totals: FleetTotals): Parameters<typeof Tiles>[0]['rows'] {
  const { devices, connected, synchronised, waiting, meters, silent, clocksWrong } = totals
  const wrong = [
    ...(silent > 0 ? [`${countText(silent)} silent`] : []),
    ...(clocksWrong > 0 ? [`${countText(clocksWrong)} with a wrong clock`] : []),
  ].join(', ')
  return [
    {
      name: 'Something is wrong',
      value:
        totals.troubled === 0 ? (
          'nowhere'
        ) : (
          <a href="/fleet?state=trouble">{countText(totals.troubled)}</a>
        ),
      note: `of ${countText(devices)} ${devices === 1 ? 'device' : 'devices'}`,
    },
    { name: 'Connected', value: `${countText(connected)} of ${countText(devices)}` },
    { name: 'Clocks synchronised', value: `${countText(synchronised)} of ${countText(connected)}` },
    {
      name: 'Meters',
      value: countText(meters),
      note: wrong === '' ? 'none silent, no clock wrong' : wrong,
    },
    { name: 'Frames waiting', value: countText(waiting), note: 'stored at the slaves' },
  ]
}

function BackfillBar({ backfill }: { readonly backfill: Backfill }) {
  const { done, total, from } = backfill
  const percent = total === 0 ? 0 : Math.floor((done / total) * 100)
  return (
    <section class="card" aria-label="Back-fill">
      <div>
        <h2>Reading the meters’ history</h2>
        <p class="soft">
          {countText(done)} of about {countText(total)} readings since {utcSecondText(from)} are in
          ({percent} %). Bills wait until their period is complete.
        </p>
      </div>
      <progress value={done} max={Math.max(total, 1)} aria-label="Back-fill progress">
        {percent} %
      </progress>
    </section>
  )
}

const columnsAt = (now: UnixMs): readonly ListColumn<FleetRow>[] => [
  {
    title: 'Device',
    sort: 'name',
    cell: (row) => (
      <>
        <a class="strong" href={`/fleet/${row.id}`}>
          {row.name}
        </a>
        <span class="sub">
          <code>{row.id}</code>
        </span>
        <GivenUp row={row} />
      </>
    ),
  },
  { title: 'Link', cell: (row) => <LinkState row={row} now={now} /> },
  {
    title: 'Wrong',
    cell: (row) =>
      row.silent + row.clocksWrong + row.exceptions + row.notAdopted === 0 ? (
        <span class="soft">nothing</span>
      ) : (
        <Troubles row={row} />
      ),
  },
  { title: 'Last reading', cell: (row) => <Ago at={row.lastReadingAt} now={now} past /> },
  { title: 'Clock', cell: (row) => <Clock row={row} /> },
  {
    title: 'Meters',
    numeric: true,
    cell: (row) => <a href={`/fleet/${row.id}/meters`}>{countText(row.meters)}</a>,
  },
  {
    title: 'Waiting',
    numeric: true,
    cell: (row) => (row.backlogFrames === null ? '–' : countText(row.backlogFrames)),
  },
]
