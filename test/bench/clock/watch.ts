// What our clock shows in a world, and whether it keeps its promises there.

import { median } from '../rows.ts'
import { type Ours, ours } from './servos.ts'
import { live, ORIGIN_US, type World } from './world.ts'

/** Kept promises, counted over one world or many. */
export interface Tally {
  /** Seconds in which a bound was published and compared with the truth. */
  readonly seconds: number
  /** Seconds in which the error was larger than the bound, at the full second or after a sample. */
  readonly violations: number
  /** Largest error over its bound. */
  readonly worst: number
}

export const NOTHING: Tally = { seconds: 0, violations: 0, worst: 0 }

export const plus = (a: Tally, b: Tally): Tally => ({
  seconds: a.seconds + b.seconds,
  violations: a.violations + b.violations,
  worst: Math.max(a.worst, b.worst),
})

export interface Watched {
  /** Root mean squares at full seconds after the warm-up, microseconds. */
  readonly shownUs: number
  readonly believedUs: number
  /** Median |estimate - time shown| at a sample after the warm-up, microseconds. */
  readonly adjustedUs: number
  readonly tally: Tally
}

export function watch(world: World, clock: Ours = ours(world.scenario.knowing)): Watched {
  const { fromS } = world.scenario
  const violated = new Set<number>()
  const adjustments: number[] = []
  let [shown, believed, counted, seconds, worst] = [0, 0, 0, 0, 0]
  live(world, clock, (atS, mono) => {
    const utc = ORIGIN_US + atS * 1e6
    const error = clock.at(mono) - utc
    const bound = clock.bound(mono)
    if (bound !== null) {
      worst = Math.max(worst, Math.abs(error) / bound)
      if (Math.abs(error) > bound) violated.add(Math.floor(atS))
    }
    if (!Number.isInteger(atS)) {
      if (atS >= fromS) adjustments.push(Math.abs(clock.adjusted()))
      return
    }
    if (bound !== null) seconds += 1
    if (atS < fromS) return
    counted += 1
    shown += error ** 2
    believed += (clock.believed(mono) - utc) ** 2
  })
  return {
    shownUs: Math.sqrt(shown / counted),
    believedUs: Math.sqrt(believed / counted),
    adjustedUs: median(adjustments),
    tally: { seconds, violations: violated.size, worst },
  }
}
