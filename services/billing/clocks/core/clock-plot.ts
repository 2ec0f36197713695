// Where the points of a clock's history go in a plot: pure geometry, in units of the drawing. A
// clock may be a microsecond off all day and then three minutes off, so the scale is linear near
// zero and logarithmic far from it (the inverse hyperbolic sine), and plainly linear when nothing
// was far. A point holds until the next: between two points nothing worth a point happened.

import type { UnixMs } from '../../../../shared/units.ts'

export interface ClockPoint {
  readonly at: UnixMs
  /** U I S R; for a meter V or X. */
  readonly state: string
  /** The clock minus UTC. */
  readonly offsetUs: number
  /** Null: unknown. */
  readonly boundUs: number | null
}

export interface PlotFrame {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
  readonly from: UnixMs
  readonly to: UnixMs
  /** A point says nothing about the time after this, milliseconds: the slave was away. */
  readonly gapMs: number
}

/** One state for a while: its offset as a line, its bound as an area around it. */
export interface PlotRun {
  readonly state: string
  readonly line: string
  /** Empty when no bound is known. */
  readonly band: string
}

export interface Plot {
  readonly runs: readonly PlotRun[]
  readonly yTicks: readonly { readonly y: number; readonly us: number }[]
  readonly xOf: (at: number) => number
}

/** Where scale lines may lie, microseconds: steps that people use. */
const LADDER = [
  1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 6e7, 6e8, 3.6e9, 3.6e10, 8.64e11, 3.1536e13, 3.1536e15,
] as const
/** Lines above and below zero: more could not be told apart. */
const TICKS_MAX = 3
/** Beyond this many times the usual value the scale turns logarithmic. */
const LINEAR_MAX = 30
/** A line closer to zero than this would print its number over the zero. */
const LABEL_HEIGHT = 18
/** Room above the farthest point. */
const ROOM = 1.15

interface Stretch {
  readonly state: string
  readonly from: number
  readonly to: number
  readonly offset: number
  readonly bound: number | null
  /** Nothing is known between the stretch before and this one. */
  readonly apart: boolean
}

export function plotClock(points: readonly ClockPoint[], frame: PlotFrame): Plot {
  const stretches = merged(stretchesOf(points, frame), frame)
  const far = Math.max(1, ...stretches.map(({ offset, bound }) => Math.abs(offset) + (bound ?? 0)))
  const usual = median(stretches.map(({ offset, bound }) => bound ?? Math.abs(offset)))
  const knee = far / Math.max(usual, 1) > LINEAR_MAX ? Math.max(usual, 1) : far * 1_000
  const middle = (frame.top + frame.bottom) / 2
  const height = (frame.bottom - frame.top) / 2 / Math.asinh((far * ROOM) / knee)
  const yOf = (us: number): number => tenth(middle - Math.asinh(us / knee) * height)
  const xOf = (at: number): number => tenth(xIn(frame, at))
  const runs = runsOf(stretches)
  return {
    runs: runs.map((run, index) => drawn(run, runs[index - 1]?.at(-1), { xOf, yOf })),
    yTicks: ticks(far, knee)
      .map((us) => ({ y: yOf(us), us }))
      .filter(({ y, us }) => us === 0 || Math.abs(y - middle) >= LABEL_HEIGHT),
    xOf,
  }
}

const tenth = (value: number): number => Math.round(value * 10) / 10

const xIn = ({ left, right, from, to }: PlotFrame, at: number): number =>
  left + ((Math.min(Math.max(at, from), to) - from) / (to - from)) * (right - left)

/** Each point until the next, within the frame. */
function stretchesOf(points: readonly ClockPoint[], { from, to, gapMs }: PlotFrame): Stretch[] {
  const stretches: Stretch[] = []
  let shownTo = -Infinity
  points.forEach(({ at, state, offsetUs, boundUs }, index) => {
    const next = points[index + 1]?.at ?? to
    const until = Math.min(next, at + gapMs, to)
    if (until <= from || at >= to) return
    const apart = at > shownTo
    stretches.push({ state, from: at, to: until, offset: offsetUs, bound: boundUs, apart })
    shownTo = until
  })
  return stretches
}

/** One stretch for each unit of width: of those that share a unit, the one farthest off is kept. */
function merged(stretches: readonly Stretch[], frame: PlotFrame): Stretch[] {
  const kept: Stretch[] = []
  for (const stretch of stretches) {
    const last = kept.at(-1)
    const shares =
      last !== undefined &&
      last.state === stretch.state &&
      !stretch.apart &&
      Math.floor(xIn(frame, last.from)) === Math.floor(xIn(frame, stretch.from))
    if (!shares) {
      kept.push(stretch)
      continue
    }
    const farther = Math.abs(stretch.offset) > Math.abs(last.offset) ? stretch : last
    kept[kept.length - 1] = { ...farther, from: last.from, to: stretch.to, apart: last.apart }
  }
  return kept
}

/** Neighbours in the same state, drawn in one go. */
function runsOf(stretches: readonly Stretch[]): readonly (readonly Stretch[])[] {
  const runs: Stretch[][] = []
  for (const stretch of stretches) {
    const run = runs.at(-1)
    const last = run?.at(-1)
    const goesOn =
      last !== undefined &&
      !stretch.apart &&
      last.state === stretch.state &&
      (last.bound === null) === (stretch.bound === null)
    if (goesOn && run !== undefined) run.push(stretch)
    else runs.push([stretch])
  }
  return runs
}

interface Scale {
  readonly xOf: (at: number) => number
  readonly yOf: (us: number) => number
}

/** `before` ended where this one begins, in another state: the line starts there. */
function drawn(run: readonly Stretch[], before: Stretch | undefined, { xOf, yOf }: Scale): PlotRun {
  const edge = (us: (stretch: Stretch) => number): string[] =>
    run.flatMap((stretch) => [
      `${xOf(stretch.from)},${yOf(us(stretch))}`,
      `${xOf(stretch.to)},${yOf(us(stretch))}`,
    ])
  const known = run.every(({ bound }) => bound !== null)
  const upper = edge(({ offset, bound }) => offset + (bound ?? 0))
  const lower = edge(({ offset, bound }) => offset - (bound ?? 0)).toReversed()
  const [first] = run
  const comes = before !== undefined && first?.apart === false
  const start = comes ? [`${xOf(before.to)},${yOf(before.offset)}`] : []
  return {
    state: first?.state ?? '',
    line: `M${[...start, ...edge(({ offset }) => offset)].join('L')}`,
    band: known ? `M${[...upper, ...lower].join('L')}Z` : '',
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

/** Lines of the scale: zero, and up to three on either side. */
function ticks(far: number, knee: number): readonly number[] {
  const above = knee > far ? halves(far) : decades(far, knee)
  return [...above.map((us) => -us), 0, ...above].toSorted((a, b) => a - b)
}

function decades(far: number, knee: number): readonly number[] {
  const within = LADDER.filter((us) => us >= knee / 2 && us <= far * ROOM)
  const every = Math.ceil(within.length / TICKS_MAX)
  return within.toReversed().filter((_us, index) => index % every === 0)
}

/** The largest round length that fits, and its half. */
function halves(far: number): readonly number[] {
  const unit = LADDER.findLast((us) => us <= far) ?? 1
  const most = [1, 2, 4, 5, 6, 8, 10, 20, 30, 50, 80, 100].findLast(
    (times) => times * unit <= far * ROOM,
  )
  const round = unit * (most ?? 1)
  return [round / 2, round]
}
