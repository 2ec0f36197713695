// Bars per day as SVG made on the server: no script draws it, no style attribute positions it.
// Floats are fine here and only here: they position pixels; the numbers themselves are in the table
// beside it.

import { dateText } from '../../civil/calendar.ts'
import type { UsageMonth } from '../core/usage.ts'

const WIDTH = 640
const HEIGHT = 200
const LEFT = 40
const BOTTOM = 22
const TOP = 10
/** Share of a day's slot that its bar fills. */
const FILL = 0.72
/** Days of the month labelled below the bars. */
const LABELLED = new Set([1, 5, 10, 15, 20, 25, 30])

interface ChartProps {
  readonly month: UsageMonth
  readonly unit: string
}

export function UsageChart({ month, unit }: ChartProps) {
  const highest = niceTop(Math.max(0, ...month.days.map(({ used }) => Number(used ?? 0))))
  const slot = (WIDTH - LEFT) / Math.max(month.days.length, 1)
  const plot = HEIGHT - BOTTOM - TOP
  const heightOf = (used: number) => Math.max(1, (used / highest) * plot)
  const title = `Bars per day, up to ${highest} ${unit}; the same numbers are in the table below`
  return (
    <svg class="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={title}>
      {[0, 0.5, 1].map((part) => {
        const y = TOP + plot * (1 - part)
        return (
          <g key={part}>
            <line class="rule" x1={LEFT} x2={WIDTH} y1={y} y2={y} />
            <text x={LEFT - 6} y={y + 4} text-anchor="end">
              {String(short(highest * part))}
            </text>
          </g>
        )
      })}
      {month.days.map(({ date, used, open }, index) => {
        const x = LEFT + slot * index + (slot * (1 - FILL)) / 2
        const base = TOP + plot
        const day = Number(date.slice(-2))
        const height = used === null ? 0 : heightOf(Number(used))
        return (
          <g key={date}>
            {used === null ? (
              <line class="gap" x1={x} x2={x + slot * FILL} y1={base - 2} y2={base - 2} />
            ) : (
              <rect
                class={open ? 'bar-open' : 'bar'}
                x={round(x)}
                y={round(base - height)}
                width={round(slot * FILL)}
                height={round(height)}
                rx="2"
              >
                <title>{`${dateText(date)}: ${used} ${unit}`}</title>
              </rect>
            )}
            {LABELLED.has(day) && (
              <text
                class={day % 10 === 0 || day === 1 ? undefined : 'minor'}
                x={round(x + (slot * FILL) / 2)}
                y={HEIGHT - 5}
                text-anchor="middle"
              >
                {day}
              </text>
            )}
          </g>
        )
      })}
    </svg>
  )
}

const round = (pixels: number): number => Math.round(pixels * 10) / 10

/** Scale maxima whose half is a short number too. */
const TOPS = [1, 1.2, 1.6, 2, 3, 4, 6, 8, 10] as const

/** The height of a scale that holds `highest`. */
export function niceTop(highest: number): number {
  if (highest <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(highest))
  const factor = TOPS.find((each) => each * power >= highest) ?? 10
  return short(factor * power)
}

/** Without the noise digits of binary fractions. */
export const short = (height: number): number => Number(height.toPrecision(3))
