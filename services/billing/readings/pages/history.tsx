// The history of one register: which span, the picture, and the same numbers as a table.

import { addDays, instantText, periodText } from '../../civil/calendar.ts'
import { quantityText, unitText, utcSecondText } from '../../kit/format.ts'
import { Badge, type Column, Table, Tabs } from '../../kit/parts.tsx'
import {
  HISTORY_SPANS,
  type History,
  type HistoryFrame,
  type HistoryRegister,
  type HistorySpan,
  type HistoryStep,
  type HistoryView,
} from '../core/history.ts'
import { qualityWords } from '../core/quality.ts'
import { HistoryChart } from './history-chart.tsx'
import { barUnit, rateText, rateUnit } from './history-text.ts'
import { registerText } from '../../kit/format.ts'

export interface HistoryCardProps {
  readonly view: HistoryView
  /** All registers of the meter. */
  readonly registers: readonly (HistoryRegister & { readonly id: number })[]
  /** Path of the page. */
  readonly path: string
  /** Last day that has begun. */
  readonly today: string
}

export const historyHref = (
  path: string,
  {
    span,
    date,
    register,
  }: { readonly span: string; readonly date: string; readonly register: number },
): string => `${path}?span=${span}&date=${date}&register=${register}`

export function HistoryCard({ view, registers, path, today }: HistoryCardProps) {
  const { frame, register, history } = view
  const { span, period, previous, next } = frame
  const date = period.from <= today && today < period.to ? today : period.from
  const href = (to: { readonly span?: HistorySpan; readonly date?: string }) =>
    `${historyHref(path, { span, date, register: register.id, ...to })}#history`
  const spans = Object.entries(HISTORY_SPANS).map(
    ([name, { words }]) => [href({ span: spanNamed(name) }), words] as const,
  )
  return (
    <section class="card" id="history" aria-label="History">
      <div class="card-head split">
        <h2>{registerText(register.obis)}</h2>
        <Tabs label="Time span" entries={spans} current={href({})} />
      </div>
      {registers.length > 1 && (
        <form class="inline" method="get" action={`${path}#history`}>
          <input type="hidden" name="span" value={span} />
          <input type="hidden" name="date" value={date} />
          <label>
            Register
            <select name="register">
              {registers.map((each) => (
                <option key={each.id} value={each.id} selected={each.id === register.id}>
                  {`${registerText(each.obis)} (${each.obis}, ${unitText(each.unit) || 'no unit'})`}
                </option>
              ))}
            </select>
          </label>
          <button type="submit" class="button-quiet">
            Show
          </button>
        </form>
      )}
      <nav class="actions" aria-label="Other times">
        <a href={href({ date: previous })} rel="prev">
          Earlier
        </a>
        <span class="strong">{spanText(span, period)}</span>
        {next <= today && (
          <a href={href({ date: next })} rel="next">
            Later
          </a>
        )}
        {date !== today && <a href={href({ date: today })}>Now</a>}
      </nav>
      {history === null ? (
        <p class="notice notice-warn">
          This month is still being written and holds too many readings to pick these out in two
          seconds. Months that are over have an index by meter: they can be shown.
        </p>
      ) : (
        <Shown frame={frame} history={history} register={register} path={path} />
      )}
    </section>
  )
}

const spanNamed = (name: string): HistorySpan =>
  name === 'week' || name === 'month' || name === 'year' ? name : 'day'

function spanText(span: HistorySpan, period: HistoryFrame['period']): string {
  if (span === 'year') return period.from.slice(0, 4)
  if (span === 'day') return periodText(period).replace(/ to .*/, '')
  return periodText(period)
}

interface ShownProps {
  readonly frame: HistoryFrame
  readonly history: History
  readonly register: HistoryRegister & { readonly id: number }
  readonly path: string
}

function Shown({ frame, history, register, path }: ShownProps) {
  const { span, zone, period } = frame
  const gaps = history.steps.filter(({ gap }) => gap).length
  if (history.points.length === 0) {
    return <p class="empty">No reading of this register in that time.</p>
  }
  const csv = historyHref(`${path}/history.csv`, { span, date: period.from, register: register.id })
  return (
    <>
      <HistoryChart frame={frame} history={history} register={register} />
      <p class="soft legend">
        <span>
          {history.counts ? 'bars' : 'line'} in {barUnit(span, register)}, times in {zone}
        </span>
        {gaps > 0 && <span class="key key-hole">no reading ({gaps})</span>}
        {history.steps.some(({ closing }) => (closing?.quality ?? 0) !== 0) && (
          <span class="key key-doubt">marked by a check</span>
        )}
      </p>
      <details>
        <summary>The same numbers as a table</summary>
        <Table
          caption={`${registerText(register.obis)}, ${period.from} to ${addDays(period.to, -1)}`}
          columns={columnsOf(frame, history, register)}
          rows={history.steps}
          empty=""
        />
      </details>
      <p>
        <a href={csv}>Export as CSV</a>
      </p>
    </>
  )
}

function columnsOf(
  { zone, span }: HistoryFrame,
  { counts }: History,
  register: HistoryRegister,
): readonly Column<HistoryStep>[] {
  const { exponent, unit } = register
  const whole = span === 'month' || span === 'year'
  const text = (at: HistoryStep['from']): string => instantText(at, zone)
  return [
    {
      title: whole ? 'Day' : 'From',
      cell: ({ from, to }) => (
        <>
          <time dateTime={new Date(from).toISOString()} title={utcSecondText(from)}>
            {text(from)}
          </time>
          <span class="sub">to {text(to)}</span>
        </>
      ),
    },
    {
      title: counts ? 'Register at the end' : 'Value',
      numeric: true,
      cell: ({ closing }) => (closing === null ? '–' : quantityText(closing.value, exponent, unit)),
    },
    ...(counts
      ? ([
          {
            title: 'Counted',
            numeric: true,
            cell: ({ increase, opening, closing }: HistoryStep) => {
              if (increase !== null) return quantityText(increase, exponent, unit)
              return opening === null || closing === null ? '–' : 'went backwards'
            },
          },
          {
            title: `Average ${rateUnit(register)}`,
            numeric: true,
            cell: (step: HistoryStep) => rateText(step, register),
          },
        ] as const)
      : []),
    { title: 'Checks', cell: (step) => <Checks step={step} /> },
  ]
}

function Checks({ step: { gap, closing } }: { readonly step: HistoryStep }) {
  const words = qualityWords(closing?.quality ?? 0)
  return (
    <>
      {gap && <Badge tone="warn">readings missing</Badge>}
      {words.map((each) => (
        <Badge key={each} tone="warn">
          {each}
        </Badge>
      ))}
      {!gap && words.length === 0 && 'plausible'}
    </>
  )
}
