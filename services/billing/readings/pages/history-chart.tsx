// A register's history as SVG, made on the server: bars of what was counted between two readings,
// or a line for what is not counted. A stretch without readings is hatched, never bridged. Floats
// position pixels only; the numbers are in the table beside it.

import { addDays, civilDateAt, dateText, instantText, monthsIn } from '../../civil/calendar.ts'
import { startOfDay } from '../../civil/calendar.ts'
import { quantityText } from '../../kit/format.ts'
import type { History, HistoryFrame, HistoryRegister, HistoryStep } from '../core/history.ts'
import { amountOf, amountText, barUnit, scaledNumber } from './history-text.ts'
import { niceTop, short } from './usage-chart.tsx'

const WIDTH = 760
const HEIGHT = 260
/** Room for a number of the scale in the large letters of a phone. */
const LEFT = 64
const RIGHT = WIDTH - 8
const TOP = 12
const BOTTOM = HEIGHT - 30
const PLOT = BOTTOM - TOP
/** Space between two bars, pixels, where there is room for it. */
const APART = 1

export interface HistoryChartProps {
  readonly frame: HistoryFrame
  readonly history: History
  readonly register: HistoryRegister
}

export function HistoryChart({ frame, history, register }: HistoryChartProps) {
  const from = frame.edges[0] ?? 0
  const to = frame.edges.at(-1) ?? 1
  const xOf = (at: number): number => round(LEFT + ((at - from) / (to - from)) * (RIGHT - LEFT))
  const scale = history.counts ? barScale(frame, history, register) : lineScale(history, register)
  const title = `${scale.words}, ${frame.period.from} to ${addDays(frame.period.to, -1)}; the same numbers are in the table below`
  return (
    <svg
      class="chart history-chart"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={title}
    >
      {scale.ticks.map((tick) => (
        <g key={tick}>
          <line class="rule" x1={LEFT} x2={RIGHT} y1={scale.yOf(tick)} y2={scale.yOf(tick)} />
          <text x={LEFT - 6} y={scale.yOf(tick) + 4} text-anchor="end">
            {String(tick)}
          </text>
        </g>
      ))}
      {history.steps
        .filter(({ gap }) => gap)
        .map((step) => (
          <rect
            key={step.from}
            class="hole"
            x={xOf(step.from)}
            y={TOP}
            width={Math.max(1, round(xOf(step.to) - xOf(step.from)))}
            height={PLOT}
          >
            <title>{`No reading: ${betweenText(step, frame.zone)}`}</title>
          </rect>
        ))}
      {history.counts ? (
        <Bars frame={frame} history={history} register={register} xOf={xOf} yOf={scale.yOf} />
      ) : (
        <Lines history={history} register={register} xOf={xOf} yOf={scale.yOf} />
      )}
      {ticksOf(frame).map(({ at, text, minor }) => (
        <text
          key={at}
          class={minor ? 'minor' : undefined}
          x={xOf(at)}
          y={HEIGHT - 8}
          text-anchor="middle"
        >
          {text}
        </text>
      ))}
    </svg>
  )
}

interface PlotProps extends Omit<HistoryChartProps, 'frame'> {
  readonly xOf: (at: number) => number
  readonly yOf: (value: number) => number
}

function Bars({
  frame,
  history,
  register,
  xOf,
  yOf,
}: PlotProps & Pick<HistoryChartProps, 'frame'>) {
  return (
    <>
      {history.steps.map((step) => {
        const height = amountOf(frame.span, step, register)
        if (height === null || step.gap) return null
        const [x, end] = [xOf(step.from), xOf(step.to)]
        const y = round(Math.min(yOf(height), BOTTOM - 1))
        const room = end - x > 4 ? APART : 0
        return (
          <rect
            key={step.from}
            class={step.closing?.quality === 0 ? 'bar' : 'bar bar-doubt'}
            x={x}
            y={y}
            width={Math.max(0.5, round(end - x - room))}
            height={round(BOTTOM - y)}
          >
            <title>
              {`${betweenText(step, frame.zone)}: ${amountText(frame.span, step, register)}`}
            </title>
          </rect>
        )
      })}
    </>
  )
}

/** One line for each stretch without a gap; a dot where a reading stands alone. */
function Lines({ history, register, xOf, yOf }: PlotProps) {
  const runs: string[][] = []
  for (const { opening, closing, gap } of history.steps) {
    if (opening === null || closing === null || gap) continue
    const spot = (point: typeof opening): string =>
      `${xOf(point.at)},${round(yOf(scaledNumber(point.value, register)))}`
    const run = runs.at(-1)
    if (run !== undefined && run.at(-1) === spot(opening)) run.push(spot(closing))
    else runs.push([spot(opening), spot(closing)])
  }
  return (
    <>
      {runs.map((run) => (
        <path key={run[0]} class="trace" d={`M${run.join('L')}`} />
      ))}
      {runs.length === 0 &&
        history.points.map((point) => (
          <circle
            key={point.at}
            class="bar"
            cx={xOf(point.at)}
            cy={round(yOf(scaledNumber(point.value, register)))}
            r="3"
          >
            <title>{quantityText(point.value, register.exponent, register.unit)}</title>
          </circle>
        ))}
    </>
  )
}

interface Scale {
  readonly ticks: readonly number[]
  readonly yOf: (value: number) => number
  readonly words: string
}

function barScale({ span }: HistoryFrame, { steps }: History, register: HistoryRegister): Scale {
  const heights = steps.flatMap((step) => (step.gap ? [] : [amountOf(span, step, register) ?? 0]))
  const highest = niceTop(Math.max(0, ...heights))
  return {
    ticks: [0, short(highest / 2), highest],
    yOf: (value) => round(BOTTOM - (value / highest) * PLOT),
    words: `Bars up to ${highest} ${barUnit(span, register)}`,
  }
}

/** From the lowest to the highest value, with some room. */
function lineScale({ points }: History, register: HistoryRegister): Scale {
  const values = points.map(({ value }) => scaledNumber(value, register))
  const low = values.length === 0 ? 0 : Math.min(...values)
  const high = values.length === 0 ? 1 : Math.max(...values)
  const room = high > low ? (high - low) * 0.1 : Math.max(1, Math.abs(high) * 0.05)
  const [bottom, top] = [low - room, high + room]
  return {
    ticks: high > low ? [short(low), short((low + high) / 2), short(high)] : [short(high)],
    yOf: (value) => round(BOTTOM - ((value - bottom) / (top - bottom)) * PLOT),
    words: `A line between ${short(low)} and ${short(high)} ${barUnit('month', register)}`,
  }
}

const betweenText = ({ from, to }: HistoryStep, zone: string): string => {
  const [start, end] = [instantText(from, zone), instantText(to, zone)]
  const sameDay = civilDateAt(from, zone) === civilDateAt(to, zone)
  return `${start} to ${sameDay ? end.slice(-5) : end}`
}

interface Tick {
  readonly at: number
  readonly text: string
  /** Left out on a phone. */
  readonly minor: boolean
}

const MONTH_DAYS = new Set([1, 5, 10, 15, 20, 25])
const TICK_HOURS = 3
const HOUR_MS = 3_600_000

function ticksOf({ span, period, zone, edges }: HistoryFrame): readonly Tick[] {
  if (span === 'day') {
    return edges.slice(0, -1).flatMap((at) => {
      const time = instantText(at, zone).slice(-5)
      const hour = Number(time.slice(0, 2))
      const round = time.endsWith(':00') && hour % TICK_HOURS === 0
      return round ? [{ at, text: time, minor: hour % (2 * TICK_HOURS) !== 0 }] : []
    })
  }
  if (span === 'year') {
    return monthsIn(period).map((date, index) => ({
      at: startOfDay(date, zone) + 15 * 24 * HOUR_MS,
      text: (dateText(date).split(' ')[1] ?? '').slice(0, 3),
      minor: index % 2 === 1,
    }))
  }
  const days = Array.from({ length: 31 }, (_day, index) => addDays(period.from, index))
  return days
    .filter((date) => date < period.to)
    .flatMap((date) => {
      const day = Number(date.slice(-2))
      const noon = startOfDay(date, zone) + 12 * HOUR_MS
      if (span === 'week') {
        const [number = '', month = ''] = dateText(date).split(' ')
        return [{ at: noon, text: `${number} ${month.slice(0, 3)}`, minor: false }]
      }
      return MONTH_DAYS.has(day) ? [{ at: noon, text: String(day), minor: day % 10 === 5 }] : []
    })
}

const round = (pixels: number): number => Math.round(pixels * 10) / 10
