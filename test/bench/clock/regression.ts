// A servo of the kind that chrony made known, built for comparison: a straight line through the
// last samples. What it does, and why:
//   weights     a sample whose delay is above the least of those kept counts less;
//   runs test   as long as the signs of the residuals come in too few runs, the line is bent
//               and the oldest sample is left out;
//   delay       a sample whose extra delay explains its offset, and is large against the noise, is
//               not taken;
//   asymmetry   where offsets go with delays at nearly half of them, the jitter is on one way only
// and is taken out. It shows its line at once, without slewing, which is to its advantage.

import { ORIGIN_US, type Servo } from './world.ts'

/** Samples kept. */
const SAMPLES_MAX = 64
/** A line through fewer says nothing about the rate. */
const SAMPLES_MIN = 6
/** Too few runs: less likely than this by chance. */
const RUNS_CHANCE = 0.05
/** Residuals of dropped samples that still take part in the runs test, per sample kept. */
const RUNS_RATIO = 2
/** Extra delay, in standard deviations of the residuals, that a sample may have. */
const DELAY_DEVIATIONS = 10
/** Jitter on one way only shows up as half; less is not conclusive. */
const ASYMMETRY_MIN = 0.45
const ASYMMETRY_MAX = 0.5
/** How often in a row it must have shown. */
const ASYMMETRY_RUN = 10

interface Point {
  readonly mono: number
  /** UTC minus our clock since the origin, microseconds. */
  readonly offset: number
  readonly delay: number
}

/** y = level + slope * (x - middle). */
interface Line {
  readonly middle: number
  readonly level: number
  readonly slope: number
}

interface Weighed {
  readonly x: number
  readonly y: number
  readonly weight: number
}

const on = ({ middle, level, slope }: Line, x: number): number => level + slope * (x - middle)

/** Least squares. */
function lineThrough(points: readonly Weighed[]): Line {
  let [weights, xs, ys] = [0, 0, 0]
  for (const { x, y, weight } of points) {
    weights += weight
    xs += weight * x
    ys += weight * y
  }
  const [middle, level] = [xs / weights, ys / weights]
  let [xx, xy] = [0, 0]
  for (const { x, y, weight } of points) {
    xx += weight * (x - middle) ** 2
    xy += weight * (x - middle) * (y - level)
  }
  return { middle, level, slope: xx > 0 ? xy / xx : 0 }
}

const residuals = (points: readonly Weighed[], line: Line): readonly number[] =>
  points.map(({ x, y }) => y - on(line, x))

/** Chance that this many fair coins fall into `runs` runs or fewer. */
function chanceOfRuns(coins: number, runs: number): number {
  const changes = coins - 1
  let [term, sum] = [0.5 ** changes, 0]
  for (let k = 0; k < runs; k += 1) {
    sum += term
    term *= (changes - k) / (k + 1)
  }
  return sum
}

function runsOf(signed: readonly number[]): number {
  let [runs, before] = [0, 0]
  for (const each of signed) {
    const sign = each < 0 ? -1 : 1
    if (sign !== before) runs += 1
    before = sign
  }
  return runs
}

const least = (points: readonly Point[]): number => Math.min(...points.map(({ delay }) => delay))

/** Weights fall with the delay above the smallest one, relative to its mean. */
function weigh(points: readonly Point[]): readonly Weighed[] {
  const shortest = least(points)
  const excess = points.reduce((sum, { delay }) => sum + delay - shortest, 0) / points.length
  return points.map(({ mono, offset, delay }) => {
    const away = excess > 0 ? (delay - shortest) / excess : 0
    return { x: mono, y: offset, weight: 1 / (1 + away) ** 2 }
  })
}

interface Fitted {
  readonly line: Line
  /** Standard deviation of the residuals of samples that met no queue, microseconds. */
  readonly deviation: number
  /** How many of the last samples the line goes through. */
  readonly count: number
}

/** The longest straight line through no more than `most` of the last points. */
function straightest(points: readonly Weighed[], most: number): Fitted {
  for (let count = Math.min(most, points.length); ; count -= 1) {
    const kept = points.slice(-count)
    const line = lineThrough(kept)
    const tested = points.slice(-RUNS_RATIO * count)
    const runs = runsOf(residuals(tested, line))
    if (count > SAMPLES_MIN && chanceOfRuns(tested.length, runs) < RUNS_CHANCE) continue
    const squares = kept.reduce((sum, { x, y, weight }) => sum + weight * (y - on(line, x)) ** 2, 0)
    return { line, deviation: Math.sqrt(squares / Math.max(1, count - 2)), count }
  }
}

/** How much offsets move with delays, after the trend of both over time is removed. */
function slopeOverDelay(points: readonly Point[]): number {
  const even = (y: (point: Point) => number): readonly number[] => {
    const plain = points.map((point) => ({ x: point.mono, y: y(point), weight: 1 }))
    return residuals(plain, lineThrough(plain))
  }
  const offsets = even(({ offset }) => offset)
  const delays = even(({ delay }) => delay)
  return lineThrough(delays.map((x, i) => ({ x, y: offsets[i] ?? 0, weight: 1 }))).slope
}

/** A regression servo, before its first sample. */
export function regression(): Servo {
  /** More than the line goes through: the runs test looks further back. */
  let points: readonly Point[] = []
  let fitted: Fitted | null = null
  /** How often in a row the asymmetry showed, signed. */
  let run = 0

  const explainedByDelay = ({ mono, offset, delay }: Point): boolean => {
    if (fitted === null || fitted.count <= SAMPLES_MIN) return false
    if (Math.abs(run) >= ASYMMETRY_RUN) return false
    const extra = (delay - least(points.slice(-fitted.count))) / 2
    const allowed = DELAY_DEVIATIONS * fitted.deviation
    return extra > allowed && Math.abs(offset - on(fitted.line, mono)) - extra <= allowed
  }
  const straightened = (): readonly Point[] => {
    const kept = points.slice(-SAMPLES_MAX)
    const slope = kept.length > SAMPLES_MIN ? slopeOverDelay(kept) : 0
    const sign = Math.sign(slope)
    run = Math.abs(slope) < ASYMMETRY_MIN || run * sign < 0 ? 0 : run + sign
    if (Math.abs(run) < ASYMMETRY_RUN) return points
    const share = sign * Math.min(Math.abs(slope), ASYMMETRY_MAX)
    const shortest = least(kept)
    return points.map((each) => ({
      ...each,
      offset: each.offset - share * (each.delay - shortest),
    }))
  }
  return {
    take: ({ mono, utc, roundTripDelay }) => {
      const point = { mono, offset: utc - ORIGIN_US - mono, delay: roundTripDelay }
      if (explainedByDelay(point)) return
      const count = Math.min(SAMPLES_MAX, (fitted?.count ?? 0) + 1)
      points = [...points, point].slice(-RUNS_RATIO * SAMPLES_MAX)
      fitted = straightest(weigh(straightened()), count)
    },
    at: (mono) => ORIGIN_US + mono + (fitted === null ? 0 : on(fitted.line, mono)),
    slept: () => {
      points = []
      fitted = null
    },
  }
}
