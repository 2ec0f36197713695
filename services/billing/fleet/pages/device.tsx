// One device: what can be done, what is wrong behind it, then its facts; long lists are folded and
// have pages of their own.

import type { UnixMs } from '../../../../shared/units.ts'
import { ClockHistoryCard, disciplineFacts, MeterClocksCard } from '../../clocks/pages/clock.tsx'
import type { ClockRow, ClockSpan, ClockHistoryView } from '../../clocks/core/views.ts'
import { countText, lengthText, utcSecondText } from '../../kit/format.ts'
import type { PageContext } from '../../kit/context.ts'
import { FormToken, Layout } from '../../kit/layout.tsx'
import type { ListQuery, ListSpec, Page } from '../../kit/list.ts'
import { List } from '../../kit/list-view.tsx'
import {
  Ago,
  capital,
  Facts,
  FaultBadge,
  FaultWords,
  Fold,
  Headline,
  Table,
} from '../../kit/parts.tsx'
import { SetAsideCard, Unadopted } from '../../readings/pages/standing.tsx'
import { METER_STATES, type MeterListRow } from '../core/meters.ts'
import type { DeviceView, FleetRow, MeterGroup } from '../core/views.ts'
import { CommandsCard } from './commands.tsx'
import { Clock, GivenUpFact, LinkState, Troubles } from './device-parts.tsx'
import { meterColumns, METER_BULK } from './meters.tsx'
import { RefusalTable } from './refused.tsx'

export interface DevicePageProps {
  readonly context: PageContext
  readonly view: DeviceView
  /** The history of its clock; null while it has reported nothing. */
  readonly history: ClockHistoryView | null
  /** The clocks of its meters, the worst first, as far as they are shown. */
  readonly meterClocks: readonly ClockRow[]
  readonly span: ClockSpan
  readonly now: UnixMs
}

export function DevicePage({ context, view, history, meterClocks, span, now }: DevicePageProps) {
  const { device } = view
  return (
    <Layout context={context} title={device.name} live>
      <Headline title={device.name} lead={<code>{device.id}</code>}>
        <DeviceActions context={context} device={device} />
      </Headline>
      <div data-live="device" class="page-part">
        <section class="card">
          <Facts rows={factsOf({ view, history, now })} />
        </section>
        <MetersCard view={view} now={now} />
        <CommandsCard rows={view.commands} now={now} />
        <ClockHistoryCard history={history} span={span} path={`/fleet/${device.id}`} now={now} />
        <MeterClocksCard rows={meterClocks} now={now} />
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
      </div>
    </Layout>
  )
}

/** What people come for, at the top; on a phone it stays in reach of a thumb. */
function DeviceActions({
  context,
  device,
}: {
  readonly context: PageContext
  readonly device: FleetRow
}) {
  return (
    <div class="actions reach">
      {device.enrolled && !device.revoked && (
        <form method="post" action={`/fleet/${device.id}/read-now`}>
          <FormToken context={context} />
          <button type="submit">Read now</button>
        </form>
      )}
      <a class="button button-quiet" href={`/fleet/${device.id}/meters`}>
        Its meters
      </a>
      <a class="button button-quiet" href="/fleet">
        All devices
      </a>
    </div>
  )
}

type FactProps = Pick<DevicePageProps, 'view' | 'history' | 'now'>

function factsOf({ view, history, now }: FactProps): Parameters<typeof Facts>[0]['rows'] {
  const { device } = view
  return [
    ['Link', <LinkState key="link" row={device} now={now} />],
    ['Clock', <Clock key="clock" row={device} />],
    ...(history === null ? [] : disciplineFacts(history.clock)),
    ['Round trip', view.roundTripUs === null ? '–' : lengthText(view.roundTripUs)],
    ['Last reading', <Ago key="last" at={device.lastReadingAt} now={now} past />],
    ['Frames given up in 30 days', <GivenUpFact key="given-up" row={device} />],
    ['Meters nobody adopted', <Unadopted key="unadopted" meters={view.unadopted} />],
    ['Last status', <Ago key="status" at={view.reportedAt} now={now} past />],
    ['Frames waiting', device.backlogFrames ?? '–'],
    ['Registered since', utcSecondText(view.createdAt)],
    ['Back-fills from', view.historyFrom === null ? '–' : utcSecondText(view.historyFrom)],
  ]
}

/** Its meters by state: the bad ones first and open, the others folded. */
function MetersCard({ view, now }: { readonly view: DeviceView; readonly now: UnixMs }) {
  const { device, groups } = view
  return (
    <section class="folds" id="meters" aria-label="Meters">
      <h2>Meters</h2>
      <p>
        <Troubles row={device} />
      </p>
      {groups.length === 0 && (
        <p class="soft">None yet. Each appears here with its first reading.</p>
      )}
      {groups.map((group) => (
        <Group key={group.state} device={device.id} group={group} now={now} />
      ))}
    </section>
  )
}

function Group({
  device,
  group,
  now,
}: {
  readonly device: string
  readonly group: MeterGroup
  readonly now: UnixMs
}) {
  const { state, count, rows } = group
  return (
    <Fold title={capital(METER_STATES[state])} note={countText(count)} flush>
      <Table
        caption={`Meters: ${METER_STATES[state]}`}
        columns={meterColumns(now, 'device')}
        rows={rows}
        empty=""
      />
      {count > rows.length && (
        <p class="more">
          <a href={`/fleet/${device}/meters?state=${state}`}>All {countText(count)}</a>
        </p>
      )}
    </Fold>
  )
}

export interface DeviceMetersProps {
  readonly context: PageContext
  readonly device: { readonly id: string; readonly name: string }
  readonly spec: ListSpec
  readonly query: ListQuery
  readonly page: Page<MeterListRow>
  readonly total: { readonly count: number; readonly most: number }
  readonly now: UnixMs
}

/** All meters of one device. */
export function DeviceMetersPage(props: DeviceMetersProps) {
  const { context, device, spec, query, page, total, now } = props
  return (
    <Layout context={context} title={`Meters of ${device.name}`}>
      <Headline title={`Meters of ${device.name}`} lead={<code>{device.id}</code>}>
        <a href={`/fleet/${device.id}`}>The device</a>
      </Headline>
      <List
        context={context}
        spec={spec}
        query={query}
        page={page}
        caption="Meters"
        columns={meterColumns(now, 'device')}
        empty="None yet. Each appears here with its first reading."
        search="Part of a number or make"
        filterLabels={{ state: 'State', medium: 'Medium' }}
        total={total}
        bulk={{ ...METER_BULK, all: false }}
        csv
      />
    </Layout>
  )
}
