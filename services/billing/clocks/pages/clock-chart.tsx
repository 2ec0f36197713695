// A clock's history as SVG, made on the server like the usage chart: the offset as a line inside a
// band of plus and minus its bound, coloured by state, with a mark where it stepped. Colour only
// repeats what the words say: the same events are in the table below.

import { shiftMs, spanMs, type UnixMs, unixMs } from '../../../../shared/units.ts'
import { type ClockPoint, plotClock } from '../core/clock-plot.ts'
import { CLOCK_SPANS, type ClockSpan, type ClockHistoryView } from '../core/views.ts'
import { clockStateText, lengthText, signedText, utcSecondText } from '../../kit/format.ts'

const WIDTH = 760
const HEIGHT = 270
/** Room for `−60 min` in the large letters of a phone. */
const LEFT = 124
const RIGHT = WIDTH - 8
const TOP = 18
const BOTTOM = HEIGHT - 32
const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
/** Times under the plot: as many as there is room for on a phone. */
const TICKS_MAX = 5
const TICKS_MS = [1, 5, 15, 60, 360, 1_440].map((minutes) => minutes * MINUTE_MS)
/** How long a point stands for its clock: two and a half times the longest gap between two
 * points. */
const DEVICE_GAP_MS = { '1h': 0.7 * HOUR_MS, '24h': 0.7 * HOUR_MS, '7d': 2.5 * HOUR_MS } as const
const METER_GAP_MS = { '1h': 2.5 * HOUR_MS, '24h': 2.5 * HOUR_MS, '7d': 15 * HOUR_MS } as const
/** A clock known for less than the span fills the plot, but the plot never spans less than this. */
const SHORTEST_MS = 5 * MINUTE_MS

interface ClockChartProps {
  readonly history: ClockHistoryView
  readonly span: ClockSpan
  readonly now: UnixMs
}

export function ClockChart({ history, span, now }: ClockChartProps) {
  const { clock, points, events } = history
  const from = startOf(points, span, now)
  const gapMs = (clock.meter === '' ? DEVICE_GAP_MS : METER_GAP_MS)[span]
  const edges = { left: LEFT, right: RIGHT, top: TOP, bottom: BOTTOM }
  const { runs, yTicks, xOf } = plotClock(points, { ...edges, from, to: now, gapMs })
  if (runs.length === 0) return <p class="empty">Nothing was reported in this time.</p>
  const steps = events.filter(
    ({ at, code, meter }) => at >= from && meter === clock.meter && code === 'step',
  )
  const states = [...new Set(runs.map(({ state }) => state))]
  return (
    <>
      <svg
        class="chart clock-chart"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={labelOf(history, span, steps.length)}
      >
        {yTicks.map(({ y, us }, index) => (
          <g key={us}>
            <line class={us === 0 ? 'zero' : 'rule'} x1={LEFT} x2={RIGHT} y1={y} y2={y} />
            <text
              class={minor(index, yTicks.length) ? 'minor' : undefined}
              x={LEFT - 6}
              y={y + 4}
              text-anchor="end"
            >
              {us === 0 ? '0' : signedText(us)}
            </text>
          </g>
        ))}
        {timeTicks(from, now).map(({ at, text }) => (
          <text key={at} x={xOf(at)} y={HEIGHT - 6} text-anchor="middle">
            {text}
          </text>
        ))}
        {runs.map(({ state, band }, index) => (
          <path key={`band${index}`} class={`band clock-${state}`} d={band} />
        ))}
        {runs.map(({ state, line }, index) => (
          <path key={`line${index}`} class={`line clock-${state}`} d={line} />
        ))}
        {steps.map(({ at, amountUs }) => (
          <path key={at} class="step" d={`M${xOf(at) - 6},${TOP - 12}h12l-6,10Z`}>
            <title>{`${utcSecondText(at)}: stepped by ${signedText(amountUs ?? 0)}`}</title>
          </path>
        ))}
      </svg>
      <p class="soft legend">
        {states.map((state) => (
          <span key={state} class={`key clock-${state}`}>
            {clockStateText(state)}
          </span>
        ))}
        {steps.length > 0 && <span class="key key-step">stepped</span>}
        <span>line: the clock minus UTC; band: its bound</span>
      </p>
    </>
  )
}

/** Between the farthest line and zero there is no room for a word on a phone. */
const minor = (index: number, count: number): boolean =>
  index !== 0 && index !== count - 1 && index !== (count - 1) / 2

const WORDS = {
  '1h': 'the last hour',
  '24h': 'the last 24 hours',
  '7d': 'the last seven days',
} as const

function labelOf({ clock, points }: ClockHistoryView, span: ClockSpan, steps: number): string {
  const far = Math.max(0, ...points.map(({ offsetUs }) => Math.abs(offsetUs)))
  const bound = clock.boundUs === null ? 'unknown' : lengthText(clock.boundUs)
  const words = steps === 0 ? 'no step' : steps === 1 ? 'one step' : `${steps} steps`
  return (
    `Offset over ${WORDS[span]}: at most ${lengthText(far)}, ${words}; ` +
    `now ${signedText(clock.offsetUs)}, bound ${bound}, ${clockStateText(clock.state)}`
  )
}

/** Where the plot begins: at the first point, when there is none before the span. */
function startOf(points: readonly ClockPoint[], span: ClockSpan, now: UnixMs): UnixMs {
  const earliest = shiftMs(now, spanMs(-CLOCK_SPANS[span]))
  const latest = shiftMs(now, spanMs(-SHORTEST_MS))
  return unixMs(Math.min(latest, Math.max(earliest, points[0]?.at ?? earliest)))
}

/** At round times of UTC, not too near either end. */
function timeTicks(from: UnixMs, to: UnixMs) {
  const every = TICKS_MS.find((ms) => (to - from) / ms <= TICKS_MAX) ?? 24 * HOUR_MS
  const ticks: { readonly at: number; readonly text: string }[] = []
  const margin = (to - from) / 25
  for (let at = Math.ceil((from + margin) / every) * every; at <= to - margin; at += every) {
    const iso = new Date(at).toISOString()
    ticks.push({ at, text: every < 24 * HOUR_MS ? iso.slice(11, 16) : iso.slice(5, 10) })
  }
  return ticks
}
