// What operators look at first: which devices are connected, whose clock is right, what is still
// waiting.

import type { UnixMs } from '../../../../shared/units.ts'
import { GIVEN_UP_DAYS, GIVEN_UP_MAX } from '../../../../shared/wire/limits.ts'
import {
  ClockCell,
  ClockHistoryCard,
  disciplineFacts,
  MeterClocksCard,
} from '../../clocks/pages/clock.tsx'
import type { ClockRow, ClockSpan, ClockHistoryView } from '../../clocks/core/views.ts'
import { CommandsCard } from './commands.tsx'
import { countText, lengthText, utcSecondText } from '../../kit/format.ts'
import type { PageContext } from '../../kit/context.ts'
import { Layout } from '../../kit/layout.tsx'
import {
  Ago,
  Badge,
  type Column,
  Facts,
  FaultBadge,
  FaultWords,
  Headline,
  Table,
  Tiles,
} from '../../kit/parts.tsx'
import { LiveTable } from '../../readings/pages/readings.tsx'
import { SetAsideCard, Unadopted } from '../../readings/pages/standing.tsx'
import { RefusalTable } from './refused.tsx'
import type { Backfill, DeviceView, FleetRow } from '../core/views.ts'

export interface FleetPageProps {
  readonly context: PageContext
  readonly rows: readonly FleetRow[]
  readonly backfill: Backfill | null
  readonly now: UnixMs
}

export function FleetPage({ context, rows, backfill, now }: FleetPageProps) {
  const links = rows.filter((row) => row.connectedAt !== null)
  const connected = links.length
  const synchronised = links.filter((row) => row.clockState === 'S').length
  const waiting = rows.reduce((sum, row) => sum + (row.backlogFrames ?? 0), 0)
  const meters = rows.reduce((sum, row) => sum + row.meters, 0)
  return (
    <Layout context={context} title="Fleet" live>
      <Headline title="Fleet" lead="Every meter-side agent, its link and its clock.">
        <a href="/fleet">Refresh</a>
        <a class="button" href="/fleet/new">
          New slave
        </a>
      </Headline>
      <div data-live="fleet" class="page-part">
        {backfill !== null && <BackfillBar backfill={backfill} />}
        <Tiles
          rows={[
            { name: 'Connected', value: `${connected} of ${rows.length}` },
            { name: 'Clocks synchronised', value: `${synchronised} of ${connected}` },
            { name: 'Meters', value: countText(meters) },
            { name: 'Frames waiting', value: countText(waiting), note: 'stored at the slaves' },
          ]}
        />
        <section class="card card-flush">
          <h2>Devices</h2>
          <Table
            caption="Devices"
            columns={columnsAt(now)}
            rows={rows}
            empty="No device yet. Issue a one-time token and enrol the first slave with it."
          />
        </section>
      </div>
    </Layout>
  )
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

export function Clock({ row }: { readonly row: FleetRow }) {
  const { clockState, clockOffsetUs, clockBoundUs, heldOver } = row
  if (clockState === null) return <span class="soft">not reported yet</span>
  const figures = { offsetUs: clockOffsetUs, boundUs: clockBoundUs }
  return <ClockCell state={clockState} {...figures} heldOver={heldOver} />
}

function LinkState({ row, now }: { readonly row: FleetRow; readonly now: UnixMs }) {
  if (row.revoked) return <Badge tone="bad">revoked</Badge>
  if (!row.enrolled) return <Badge tone="quiet">not enrolled yet</Badge>
  if (row.connectedAt === null) return <Badge tone="warn">not connected</Badge>
  return (
    <>
      <Badge tone="good">connected</Badge>
      <span class="sub">
        {transportText(row.transport)}, since <Ago at={row.connectedAt} now={now} />
      </span>
    </>
  )
}

function GivenUp({ row }: { readonly row: FleetRow }) {
  if (row.givenUp <= GIVEN_UP_MAX) return null
  return (
    <>
      <FaultBadge code="SEC-15" />
      <span class="sub">
        {countText(row.givenUp)} times in {GIVEN_UP_DAYS} days: <a href="/refused">exceptions</a>
      </span>
    </>
  )
}

const GivenUpFact = ({ row }: { readonly row: FleetRow }) =>
  row.givenUp > GIVEN_UP_MAX ? <GivenUp row={row} /> : <>{countText(row.givenUp)}</>

const transportText = (transport: string | null): string =>
  transport === 'ws' ? 'WebSocket' : transport === 'tcp' ? 'TCP' : (transport ?? 'link')

const columnsAt = (now: UnixMs): readonly Column<FleetRow>[] => [
  {
    title: 'Device',
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
  { title: 'Last reading', cell: (row) => <Ago at={row.lastReadingAt} now={now} /> },
  { title: 'Clock', cell: (row) => <Clock row={row} /> },
  { title: 'Meters', numeric: true, cell: (row) => countText(row.meters) },
  {
    title: 'Waiting',
    numeric: true,
    cell: (row) => (row.backlogFrames === null ? '–' : countText(row.backlogFrames)),
  },
]

export interface DevicePageProps {
  readonly context: PageContext
  readonly view: DeviceView
  /** The history of its clock; null while it has reported nothing. */
  readonly history: ClockHistoryView | null
  readonly meterClocks: readonly ClockRow[]
  readonly span: ClockSpan
  readonly now: UnixMs
}

export function DevicePage({ context, view, history, meterClocks, span, now }: DevicePageProps) {
  const { device } = view
  return (
    <Layout context={context} title={device.name} live>
      <Headline title={device.name} lead={<code>{device.id}</code>}>
        <a href="/fleet">All devices</a>
      </Headline>
      <div data-live="device" class="page-part">
        <section class="card">
          <Facts
            rows={[
              ['Link', <LinkState key="link" row={device} now={now} />],
              ['Clock', <Clock key="clock" row={device} />],
              ...(history === null ? [] : disciplineFacts(history.clock)),
              ['Round trip', view.roundTripUs === null ? '–' : lengthText(view.roundTripUs)],
              ['Last reading', <Ago key="last" at={device.lastReadingAt} now={now} />],
              ['Frames given up in 30 days', <GivenUpFact key="given-up" row={device} />],
              ['Meters nobody adopted', <Unadopted key="unadopted" meters={view.unadopted} />],
              ['Last status', <Ago key="status" at={view.reportedAt} now={now} />],
              ['Frames waiting', device.backlogFrames ?? '–'],
              ['Registered since', utcSecondText(view.createdAt)],
              [
                'Back-fills from',
                view.historyFrom === null ? '–' : utcSecondText(view.historyFrom),
              ],
            ]}
          />
        </section>
        <ClockHistoryCard history={history} span={span} path={`/fleet/${device.id}`} now={now} />
        <MeterClocksCard rows={meterClocks} now={now} />
        <CommandsCard context={context} device={device} rows={view.commands} now={now} />
        <SetAsideCard rows={view.setAside} />
        <section class="card card-flush">
          <h2>Faults since the slave started</h2>
          <Table
            caption="Faults counted by the slave"
            columns={[
              { title: 'Fault', cell: (row) => <FaultBadge code={row.code} /> },
              { title: 'Meaning', cell: (row) => <FaultWords code={row.code} /> },
              { title: 'Times', numeric: true, cell: (row) => countText(row.count) },
            ]}
            rows={view.faults}
            empty="No fault: every meter answered, every frame went through."
          />
        </section>
        <section class="card card-flush">
          <h2>Refused in the last 24 hours</h2>
          <RefusalTable rows={view.refusals} now={now} />
        </section>
        <section class="card card-flush">
          <h2>Last values</h2>
          <LiveTable rows={view.live} now={now} />
        </section>
      </div>
    </Layout>
  )
}
