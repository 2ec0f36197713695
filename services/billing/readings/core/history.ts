// The history of one register as steps: from the readings next to the edges of quarter hours,
// hours, days or months, how much was counted between each two. Where no reading is, nothing is
// made up: that stretch is a gap, with what was counted over all of it.

import { type UnixMs, unixMs } from '../../../../shared/units.ts'
import {
  addDays,
  type CivilDate,
  type CivilPeriod,
  daysIn,
  monthOf,
  monthsIn,
  startOfDay,
  weekOf,
  yearOf,
} from '../../civil/calendar.ts'
import type { RegisterMeter } from './consumption.ts'
import { growsOnly } from './quality.ts'
import { rolloverIncrease } from './rollover.ts'

const QUARTER_MS = 15 * 60_000
const HOUR_MS = 3_600_000

/** How much one picture shows, and in which steps. */
export const HISTORY_SPANS = {
  day: { words: 'Day', step: 'quarter hours' },
  week: { words: 'Week', step: 'hours' },
  month: { words: 'Month', step: 'days' },
  year: { words: 'Year', step: 'months' },
} as const
export type HistorySpan = keyof typeof HISTORY_SPANS
export const isHistorySpan = (text: string): text is HistorySpan =>
  Object.hasOwn(HISTORY_SPANS, text)

/** The span that holds a local date, and where its steps begin and end. */
export interface HistoryFrame {
  readonly span: HistorySpan
  readonly zone: string
  readonly period: CivilPeriod
  /** The edges of the steps, both ends included: at most 170. */
  readonly edges: readonly UnixMs[]
  /** A date in the span before and in the one after. */
  readonly previous: CivilDate
  readonly next: CivilDate
}

const PERIODS: Readonly<Record<HistorySpan, (date: CivilDate) => CivilPeriod>> = {
  day: (date) => ({ from: date, to: addDays(date, 1) }),
  week: weekOf,
  month: monthOf,
  year: yearOf,
}

export function historyFrame(span: HistorySpan, date: CivilDate, zone: string): HistoryFrame {
  const period = PERIODS[span](date)
  return {
    span,
    zone,
    period,
    edges: edgesOf(span, period, zone),
    previous: addDays(period.from, -1),
    next: period.to,
  }
}

/** Offsets of zones are whole quarters of an hour, so steps within a day are counted in UTC. */
function edgesOf(span: HistorySpan, period: CivilPeriod, zone: string): readonly UnixMs[] {
  const [from, to] = [startOfDay(period.from, zone), startOfDay(period.to, zone)]
  if (span === 'day' || span === 'week') {
    const step = span === 'day' ? QUARTER_MS : HOUR_MS
    const count = Math.ceil((to - from) / step)
    return [...Array.from({ length: count }, (_edge, n) => unixMs(from + n * step)), to]
  }
  const dates =
    span === 'year'
      ? monthsIn(period)
      : Array.from({ length: daysIn(period) }, (_day, n) => addDays(period.from, n))
  return [...dates.map((date) => startOfDay(date, zone)), to]
}

/** A reading that stands for an edge: the first at or after it. */
export interface HistoryPoint {
  readonly at: UnixMs
  readonly value: number
  readonly quality: number
  readonly clockState: string
}

/** What a register is, and what counts on it. */
export interface HistoryRegister {
  readonly obis: string
  readonly exponent: number
  readonly unit: number
}

/** From one reading to the next. */
export interface HistoryStep {
  readonly from: UnixMs
  readonly to: UnixMs
  /** Null at an end of the span where no reading is. */
  readonly opening: HistoryPoint | null
  readonly closing: HistoryPoint | null
  /** In the register's resolution, times the transformer ratio; null: not known, or the register
   * does not count (a voltage). */
  readonly increase: bigint | null
  /** Readings are missing in between: what it says holds for the whole stretch only. */
  readonly gap: boolean
}

export interface History {
  readonly counts: boolean
  readonly points: readonly HistoryPoint[]
  readonly steps: readonly HistoryStep[]
}

/** Two readings farther apart than this many usual distances have a gap between them ... */
const GAP_DISTANCES = 2.5
/** ... but not if they are nearer than so many steps. */
const GAP_STEPS = 1.6

/** Puts readings together to steps. `points`: oldest first, each time once; those after `now` do
 * not belong here. */
export function historyOf(
  frame: HistoryFrame,
  register: HistoryRegister,
  {
    points,
    meter,
    now,
  }: {
    readonly points: readonly HistoryPoint[]
    readonly meter: RegisterMeter
    readonly now: UnixMs
  },
): History {
  const counts = growsOnly(register.obis, register.unit)
  const limit = gapLimit(frame, points)
  const steps = points.slice(1).map((closing, index): HistoryStep => {
    const opening = points[index] ?? closing
    const increase = counts ? increaseOf(meter, opening, closing) : null
    const gap = closing.at - opening.at > limit
    return { from: opening.at, to: closing.at, opening, closing, increase, gap }
  })
  return {
    counts,
    points,
    steps: [...before(frame, points, now), ...steps, ...after(frame, points, now, limit)],
  }
}

function increaseOf(
  { digits, multiplier }: RegisterMeter,
  opening: HistoryPoint,
  closing: HistoryPoint,
): bigint | null {
  const ratio = BigInt(multiplier)
  if (closing.value >= opening.value) return BigInt(closing.value - opening.value) * ratio
  const rolled = rolloverIncrease(digits, { from: opening.value, to: closing.value })
  return rolled === null ? null : rolled * ratio
}

/** Milliseconds between two readings beyond which something is missing. */
function gapLimit({ edges }: HistoryFrame, points: readonly HistoryPoint[]): number {
  const lengths = edges.slice(1).map((edge, index) => edge - (edges[index] ?? edge))
  const apart = points.slice(1).map(({ at }, index) => at - (points[index]?.at ?? at))
  return Math.max(GAP_STEPS * Math.max(...lengths), GAP_DISTANCES * median(apart))
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

const open = { increase: null, gap: true } as const

/** The stretch before the first reading. */
function before(
  { edges }: HistoryFrame,
  points: readonly HistoryPoint[],
  now: UnixMs,
): readonly HistoryStep[] {
  const [from, to] = [edges[0], edges.at(-1)]
  if (from === undefined || to === undefined || from >= now) return []
  const [first] = points
  const until = first === undefined ? unixMs(Math.min(to, now)) : first.at
  const firstStep = (edges[1] ?? to) - from
  if (until - from < firstStep) return []
  return [{ from, to: until, opening: null, closing: first ?? null, ...open }]
}

/** The stretch after the last reading, up to now or the end. */
function after(
  { edges }: HistoryFrame,
  points: readonly HistoryPoint[],
  now: UnixMs,
  limit: number,
): readonly HistoryStep[] {
  const last = points.at(-1)
  const to = unixMs(Math.min(edges.at(-1) ?? now, now))
  if (last === undefined || to - last.at <= limit) return []
  return [{ from: last.at, to, opening: last, closing: null, ...open }]
}

/** A register with its history; null: that would have taken the database too long. */
export interface HistoryView {
  readonly frame: HistoryFrame
  readonly register: HistoryRegister & { readonly id: number }
  readonly history: History | null
}
