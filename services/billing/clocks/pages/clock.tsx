// Clocks as operators see them: the head-end's with its sources, a slave's and a meter's with their
// history. The words are those that chrony users know.

import type { HeadClockReport, SourceReport } from '../../../../shared/clock/evidence.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import { eventWords, HELD_OVER } from '../core/clock-marks.ts'
import { ClockChart } from './clock-chart.tsx'
import type { ClockEventRow, ClockRow, ClockSpan, ClockHistoryView } from '../core/views.ts'
import { clockStateText, lengthText, ppmText, rateText, signedText } from '../../kit/format.ts'
import type { PageContext } from '../../kit/context.ts'
import { Layout } from '../../kit/layout.tsx'
import {
  Ago,
  Badge,
  type Column,
  Facts,
  Fold,
  Headline,
  Table,
  Tabs,
  type Tone,
} from '../../kit/parts.tsx'

const CLOCK_TONES: ReadonlyMap<string, Tone> = new Map([
  ['S', 'good'],
  ['V', 'good'],
  ['R', 'warn'],
  ['I', 'warn'],
  ['U', 'bad'],
  ['X', 'bad'],
])

interface ClockCellProps {
  readonly state: string
  readonly offsetUs: number | null
  readonly boundUs: number | null
  readonly heldOver: boolean
}

/** State in words, offset and bound, and whether it is held over. */
export function ClockCell({ state, offsetUs, boundUs, heldOver }: ClockCellProps) {
  return (
    <>
      <Badge tone={CLOCK_TONES.get(state) ?? 'quiet'}>{clockStateText(state)}</Badge>
      {heldOver && <Badge tone="warn">held over</Badge>}
      {offsetUs !== null && boundUs !== null && state !== 'U' && (
        <span class="sub">
          {signedText(offsetUs)} ± {lengthText(boundUs)}
        </span>
      )}
    </>
  )
}

const offsetWords = ({ offsetUs, boundUs }: ClockRow): string =>
  boundUs === null ? 'not known' : `${signedText(offsetUs)} ± ${lengthText(boundUs)}`

const holdoverWords = (holdoverMs: number): string => {
  const words = lengthText(holdoverMs * 1_000)
  return holdoverMs > HELD_OVER ? `${words}: held over` : words
}

const stepWords = (steps: number, lastStepUs: number): string =>
  steps === 0 ? 'none' : `${steps}, the last by ${signedText(lastStepUs)}`

/** Frequency, holdover and steps of a slave's clock. */
export const disciplineFacts = (clock: ClockRow): readonly (readonly [string, string])[] => [
  ['Frequency', `${rateText(clock.frequencyPpb)}, skew ${ppmText(clock.skewPpb)}`],
  ['Since the last sample', holdoverWords(clock.holdoverMs)],
  ['Steps since it started', stepWords(clock.steps, clock.lastStepUs)],
]

interface HistoryProps {
  readonly history: ClockHistoryView | null
  readonly span: ClockSpan
  /** Path of the page, for the links of the spans. */
  readonly path: string
  readonly now: UnixMs
}

/** The plot, and what happened in words. */
export function ClockHistoryCard({ history, span, path, now }: HistoryProps) {
  if (history === null) return null
  return (
    <>
      <section class="card">
        <div class="card-head split">
          <h2>History of the clock</h2>
          <Tabs
            label="Time span"
            entries={[
              [`${path}?span=1h`, 'Last hour'],
              [path, '24 hours'],
              [`${path}?span=7d`, '7 days'],
            ]}
            current={span === '24h' ? path : `${path}?span=${span}`}
          />
        </div>
        <ClockChart history={history} span={span} now={now} />
      </section>
      <section class="card card-flush">
        <h2>Events</h2>
        <ClockEvents rows={history.events} clock={history.clock} now={now} />
      </section>
    </>
  )
}

/** Amounts that say how far the clock was corrected, or was held over, rather than off. */
function amountWords({ code, amountUs }: ClockEventRow): string {
  if (amountUs === null) return '–'
  if (code === 'step') return `by ${signedText(amountUs)}`
  return code === 'recovered' ? `after ${lengthText(amountUs)}` : `at ${signedText(amountUs)}`
}

interface EventsProps {
  readonly rows: readonly ClockEventRow[]
  readonly clock: ClockRow
  readonly now: UnixMs
}

function ClockEvents({ rows, clock, now }: EventsProps) {
  const whose: Column<ClockEventRow> = {
    title: 'Clock of',
    cell: ({ meter }) =>
      meter === '' ? 'the slave' : <a href={`/fleet/${clock.device}/clock/${meter}`}>{meter}</a>,
  }
  const columns: readonly Column<ClockEventRow>[] = [
    { title: 'When', cell: ({ at }) => <Ago at={at} now={now} /> },
    ...(clock.device !== '' && clock.meter === '' ? [whose] : []),
    {
      title: 'What',
      cell: ({ code, detail }) => (
        <>
          {eventWords(code)}
          {detail !== '' && <span class="sub">{detail}</span>}
        </>
      ),
    },
    { title: 'How far', numeric: true, cell: amountWords },
  ]
  return (
    <Table
      caption="Events of the clock"
      columns={columns}
      rows={rows}
      empty="Nothing: no step, no holdover, no change of state."
    />
  )
}

/** The clocks of one slave's meters, those farthest off first. */
export function MeterClocksCard({ rows, now }: { rows: readonly ClockRow[]; now: UnixMs }) {
  if (rows.length === 0) return null
  return (
    <Fold title="Clocks of its meters" note="those farthest off" flush>
      <Table
        caption="Clocks of its meters"
        columns={[
          {
            title: 'Meter',
            cell: ({ device, meter }) => (
              <a class="strong" href={`/fleet/${device}/clock/${meter}`}>
                {meter}
              </a>
            ),
          },
          {
            title: 'Clock',
            cell: (row) => <ClockCell {...row} heldOver={false} />,
          },
          { title: 'Drift this month', numeric: true, cell: driftWords },
          { title: 'Last done', cell: ({ outcome }) => outcome ?? '–' },
          { title: 'Last event', cell: ({ event }) => (event === null ? '–' : eventNumber(event)) },
          { title: 'Read', cell: ({ at }) => <Ago at={at} now={now} /> },
        ]}
        rows={rows}
        empty=""
      />
    </Fold>
  )
}

const driftWords = ({ monthlyDriftMs }: ClockRow): string =>
  monthlyDriftMs === null ? '–' : signedText(monthlyDriftMs * 1_000)

const eventNumber = (event: number): string => eventWords(String(event))

interface MeterClockPageProps {
  readonly context: PageContext
  readonly name: string
  readonly history: ClockHistoryView
  readonly span: ClockSpan
  readonly now: UnixMs
}

export function MeterClockPage({ context, name, history, span, now }: MeterClockPageProps) {
  const { clock } = history
  const title = `Clock of meter ${clock.meter}`
  const path = `/fleet/${clock.device}/clock/${clock.meter}`
  return (
    <Layout context={context} title={title} live>
      <Headline title={title} lead="As its slave reads it: the meter minus UTC.">
        <a href={`/fleet/${clock.device}`}>{name}</a>
      </Headline>
      <div data-live="meter-clock" class="page-part">
        <section class="card">
          <Facts
            rows={[
              ['Readings (B0)', clockStateText(clock.state)],
              ['Offset', offsetWords(clock)],
              ['Resolution', clock.resolutionUs === null ? '–' : lengthText(clock.resolutionUs)],
              ['Frequency', rateText(clock.frequencyPpb)],
              ['Drift corrected this month', driftWords(clock)],
              ['Last done', clock.outcome ?? '–'],
              ['Last event', clock.event === null ? 'none' : eventNumber(clock.event)],
              ['Read', <Ago key="read" at={clock.at} now={now} />],
            ]}
          />
        </section>
        <ClockHistoryCard history={history} span={span} path={path} now={now} />
      </div>
    </Layout>
  )
}

interface HeadClockPageProps {
  readonly context: PageContext
  readonly report: HeadClockReport | null
  readonly history: ClockHistoryView | null
  readonly span: ClockSpan
  readonly now: UnixMs
}

export function HeadClockPage({ context, report, history, span, now }: HeadClockPageProps) {
  return (
    <Layout context={context} title="Clock" live>
      <Headline
        title="Clock of the head-end"
        lead="Where its time comes from, and how wrong it may be. Every slave’s bound contains this one."
      >
        <a href="/clock">Refresh</a>
      </Headline>
      <div data-live="clock" class="page-part">
        {report === null ? (
          <p class="empty">The head-end has not reported its clock yet.</p>
        ) : (
          <>
            <Tracking report={report} now={now} />
            <Sources report={report} />
          </>
        )}
        <ClockHistoryCard history={history} span={span} path="/clock" now={now} />
      </div>
    </Layout>
  )
}

/** The report says how far UTC is ahead of it. */
const systemTimeWords = (us: number): string =>
  `${lengthText(us)} ${us < 0 ? 'fast' : 'slow'} of UTC`

function Tracking({ report, now }: { readonly report: HeadClockReport; readonly now: UnixMs }) {
  const { state, bound, discipline } = report
  const { frequency, skew, holdover, steps, lastStep } = discipline
  // The report says how much faster UTC runs.
  const ppb = frequency === null ? null : frequency * -1_000
  return (
    <section class="card">
      <h2>Tracking</h2>
      <Facts
        rows={[
          [
            'State',
            <ClockCell
              key="state"
              state={state}
              offsetUs={0 - report.lastOffset}
              boundUs={bound}
              heldOver={holdover > HELD_OVER}
            />,
          ],
          ['Reference', report.reference === '' ? 'none' : report.reference],
          ['Stratum', String(report.stratum)],
          ['System time', systemTimeWords(report.systemOffset)],
          ['Last offset', signedText(0 - report.lastOffset)],
          ['RMS offset', lengthText(report.rmsOffset)],
          ['Frequency', rateText(ppb)],
          ['Skew', ppmText(skew * 1_000)],
          ['Root delay', lengthText(report.rootDelay)],
          ['Root dispersion', lengthText(report.rootDispersion)],
          ['Leap status', report.leap],
          ['Since the last sample', holdoverWords(holdover)],
          ['Steps since it started', stepWords(steps, lastStep)],
          ['Reported', <Ago key="reported" at={report.at} now={now} />],
        ]}
      />
    </section>
  )
}

const MARKS = {
  '*': ['good', 'followed'],
  '+': ['good', 'combined'],
  '-': ['quiet', 'not combined'],
  x: ['bad', 'falseticker'],
  '~': ['warn', 'too variable'],
  '?': ['warn', 'unusable'],
} as const

const SOURCE_COLUMNS: readonly Column<SourceReport>[] = [
  {
    title: 'Source',
    cell: ({ name, kind, note }) => (
      <>
        <span class="strong">{name}</span>
        <span class="sub">
          {kind === 'system' ? 'operating system' : kind.toUpperCase()}
          {note !== '' && `: ${note}`}
        </span>
      </>
    ),
  },
  {
    title: 'Mark',
    cell: ({ mark }) => (
      <Badge tone={MARKS[mark][0]}>
        <code>{mark}</code> {MARKS[mark][1]}
      </Badge>
    ),
  },
  { title: 'Stratum', numeric: true, cell: ({ stratum }) => stratum },
  { title: 'Poll', numeric: true, cell: ({ poll }) => lengthText(2 ** poll * 1_000_000) },
  { title: 'Reach', numeric: true, cell: ({ reach }) => reach.toString(8) },
  {
    title: 'Last sample',
    numeric: true,
    cell: ({ lastSample }) => (lastSample === null ? '–' : `${lengthText(lastSample * 1_000)} ago`),
  },
  {
    title: 'Offset',
    numeric: true,
    cell: ({ offset, bound }) =>
      offset === null
        ? '–'
        : `${signedText(0 - offset)} ± ${bound === null ? '?' : lengthText(bound)}`,
  },
  {
    title: 'Round trip',
    numeric: true,
    cell: ({ roundTripDelay }) => (roundTripDelay === null ? '–' : lengthText(roundTripDelay)),
  },
]

function Sources({ report }: { readonly report: HeadClockReport }) {
  return (
    <section class="card card-flush">
      <div class="card-head">
        <h2>Sources</h2>
        <p class="soft">
          Marks in chrony’s words: * is followed, + is combined with it, - agrees but is not needed,
          x tells the wrong time (a falseticker), ~ varies too much, ? is unusable. Reach is the
          last eight polls in octal: 377 is all of them. Offset is our clock minus the source.
        </p>
      </div>
      <Table
        caption="Sources of time"
        columns={SOURCE_COLUMNS}
        rows={report.sources}
        empty="No source: the head-end goes by the operating system’s clock, with the bound stated in the settings."
      />
    </section>
  )
}
