// One meter: what is wrong with it, where it hangs, what it said, and its history as a picture.

import type { UnixMs } from '../../../../shared/units.ts'
import { instantText } from '../../civil/calendar.ts'
import type { PageContext } from '../../kit/context.ts'
import {
  clockStateText,
  clockText,
  quantityText,
  registerText,
  utcSecondText,
} from '../../kit/format.ts'
import { FormToken, Layout } from '../../kit/layout.tsx'
import {
  Ago,
  Badge,
  type Column,
  Facts,
  FaultBadge,
  FaultWords,
  Headline,
  Table,
} from '../../kit/parts.tsx'
import type { HistoryView } from '../../readings/core/history.ts'
import { qualityWords } from '../../readings/core/quality.ts'
import { silentAfterS } from '../../readings/core/silence.ts'
import { HistoryCard } from '../../readings/pages/history.tsx'
import { type Hanging, isClockWrong, type MeterRegister, type MeterView } from '../core/meters.ts'
import { MeterClockWords, MeterState, waitText } from './meter-parts.tsx'

export interface MeterPageProps {
  readonly context: PageContext
  readonly view: MeterView
  /** Null: it has said nothing yet. */
  readonly history: HistoryView | null
  readonly zone: string
  readonly today: string
  readonly now: UnixMs
}

export function MeterPage({ context, view, history, zone, today, now }: MeterPageProps) {
  const path = `/meters/${view.id}`
  return (
    <Layout context={context} title={`Meter ${view.number}`}>
      <Headline title={`Meter ${view.number}`} lead={<MeterState row={view} />}>
        <div class="actions">
          {view.place === null && (
            <a class="button" href={`${path}/assign`}>
              Assign to a service point
            </a>
          )}
          {!view.adopted && view.device !== null && view.place !== null && (
            <form method="post" action="/meters/bulk">
              <FormToken context={context} />
              <input type="hidden" name="id" value={view.id} />
              <input type="hidden" name="back" value={path} />
              <button type="submit" name="do" value="adopt">
                Adopt
              </button>
            </form>
          )}
          <MoreActions view={view} path={path} />
        </div>
      </Headline>
      <WhatIsWrong view={view} now={now} />
      <section class="card">
        <Facts rows={factsOf(view, zone)} />
      </section>
      {history !== null && (
        <HistoryCard view={history} registers={view.registers} path={path} today={today} />
      )}
      <section class="card card-flush">
        <h2>Registers</h2>
        <Table
          caption="Newest value of each register"
          columns={registerColumns(path, now)}
          rows={view.registers}
          empty="Nothing read yet. Its registers appear here with its first reading."
        />
      </section>
      <section class="card card-flush">
        <h2>Where it hangs and hung</h2>
        <Table
          caption="Installations"
          columns={HANGING_COLUMNS}
          rows={view.hangings}
          empty="Nowhere yet: no bill is made from it until it is assigned to a service point."
        />
      </section>
      {view.exceptions.length > 0 && (
        <section class="card card-flush">
          <h2>Exceptions about it</h2>
          <Table
            caption="Exceptions about this meter"
            columns={[
              { title: 'When', cell: ({ at }) => <Ago at={at} now={now} past /> },
              { title: 'Fault', cell: ({ code }) => <FaultBadge code={code} /> },
              { title: 'Meaning', cell: ({ code }) => <FaultWords code={code} /> },
              { title: 'Detail', cell: ({ detail }) => detail },
            ]}
            rows={view.exceptions}
            empty=""
          />
        </section>
      )}
    </Layout>
  )
}

const MoreActions = ({ view, path }: { readonly view: MeterView; readonly path: string }) => (
  <>
    {view.place !== null && (
      <a class="button button-quiet" href={`/readings/manual/new?meter=${view.id}`}>
        Enter a reading
      </a>
    )}
    <a class="button button-quiet" href={`${path}/edit`}>
      Edit
    </a>
  </>
)

/** One sentence for each thing that keeps its readings from being what they seem. */
function WhatIsWrong({ view, now }: { readonly view: MeterView; readonly now: UnixMs }) {
  const { silentSince, clock, newest, registers } = view
  const usual = Math.min(...registers.map(({ usualS }) => silentAfterS(usualS)))
  const isWrong = clock !== null && isClockWrong(clock)
  if (silentSince === null && !isWrong) return null
  return (
    <div class="notice notice-bad" role="status">
      {silentSince !== null && newest === null && (
        <p>Nothing was ever read from it. Check its line at the device, and its number here.</p>
      )}
      {silentSince !== null && newest !== null && (
        <p>
          Silent: its newest reading is from <Ago at={newest.at} now={now} past />, and news is
          missed after {Number.isFinite(usual) ? waitText(usual) : 'a day'}. What stands below is
          old, not what the meter shows now. Check its line at the device.
        </p>
      )}
      {isWrong && (
        <p>
          Its clock is <MeterClockWords clock={clock} />. Times that it gives its readings are as
          wrong: set it on site, or replace the meter.
        </p>
      )}
    </div>
  )
}

const billedByText = (codes: readonly string[] | null): string =>
  codes === null ? 'automatic: the total, or the sum of its tariff registers' : codes.join(' + ')

function factsOf(view: MeterView, zone: string): Parameters<typeof Facts>[0]['rows'] {
  const { device, place, clock } = view
  return [
    ['Make', view.make === '' ? '–' : view.make],
    ['Measures', view.medium],
    [
      'Service point',
      place === null ? '–' : <a href={`/service-points/${place.id}`}>{place.code}</a>,
    ],
    ['Device', device === null ? '–' : <a href={`/fleet/${device.id}`}>{device.name}</a>],
    [
      'Adopted',
      view.adoptedAt === null
        ? 'no: no bill is made from it'
        : `${instantText(view.adoptedAt, zone)}, by ${view.adoptedBy ?? '?'}`,
    ],
    ['Digits of its register', view.digits === null ? 'not known: never rolls over' : view.digits],
    ['Multiplier', view.multiplier],
    ['Billed by', billedByText(view.billedBy)],
    [
      'Its own clock',
      clock === null || device === null ? (
        <MeterClockWords clock={clock} />
      ) : (
        <>
          <MeterClockWords clock={clock} />
          <span class="sub">
            {clockStateText(clock.state)}:{' '}
            <a href={`/fleet/${device.id}/clock/${view.number}`}>its history</a>
          </span>
        </>
      ),
    ],
    ['First seen', instantText(view.createdAt, zone)],
  ]
}

const registerColumns = (path: string, now: UnixMs): readonly Column<MeterRegister>[] => [
  {
    title: 'Register',
    cell: ({ id, obis }) => (
      <>
        <a href={`${path}?register=${id}#history`}>{registerText(obis)}</a>
        <span class="sub">
          <code>{obis}</code>
        </span>
      </>
    ),
  },
  {
    title: 'Value',
    numeric: true,
    cell: ({ value, exponent, unit }) => (
      <span class="strong">{quantityText(value, exponent, unit)}</span>
    ),
  },
  { title: 'Read', cell: ({ at }) => <Ago at={at} now={now} past /> },
  {
    title: 'Usually every',
    cell: ({ usualS }) => (usualS === null ? 'not known yet' : waitText(Math.max(1, usualS))),
  },
  { title: 'Its time', cell: (row) => clockText(row.clockState, row.clockBoundMs) },
  { title: 'Checks', cell: (row) => <RegisterChecks row={row} now={now} /> },
]

/** Old is said before plausible: what was right last week says nothing about today. */
function RegisterChecks({ row, now }: { readonly row: MeterRegister; readonly now: UnixMs }) {
  const words = qualityWords(row.quality)
  const old = row.dueAt < now
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

const HANGING_COLUMNS: readonly Column<Hanging>[] = [
  {
    title: 'Service point',
    cell: ({ place }) => <a href={`/service-points/${place.id}`}>{place.code}</a>,
  },
  { title: 'From', cell: ({ from, place }) => <Local at={from} zone={place.zone} /> },
  {
    title: 'To',
    cell: ({ to, place }) => (to === null ? 'still there' : <Local at={to} zone={place.zone} />),
  },
  {
    title: 'Behind',
    cell: ({ main }) => (main === null ? '–' : <a href={`/meters/${main.id}`}>{main.number}</a>),
  },
]

const Local = ({ at, zone }: { readonly at: UnixMs; readonly zone: string }) => (
  <time dateTime={new Date(at).toISOString()} title={utcSecondText(at)}>
    {instantText(at, zone)}
  </time>
)
