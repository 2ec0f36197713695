// The wall clock to the microsecond, for code that serves time: watches an edge of `Date.now()` now
// and then, and checks at each reading whether the clock was stepped meanwhile.

import {
  edgeBetween,
  edgeFrom,
  hasStepped,
  movedUs,
  type WallEdge,
  type WallLook,
  type WallReading,
  wallAt,
} from '../clock/estimate/wall.ts'
import { type MonoUs, monoUs, ppm, type SpanUs, type UnixMs, unixMs } from '../units.ts'

/** Fastest the wall clock may drift from the monotonic one. Linux slews both alike: only a step
 * moves one against the other (clock_gettime(2), CLOCK_MONOTONIC). Elsewhere, what kernels slew. */
const APART = ppm(process.platform === 'linux' ? 0 : 500)
/** How often an edge is watched again, milliseconds; watching blocks this thread for 1 ms. */
const CALIBRATE_MS = 16_000
/** An edge this narrow is as good as any, microseconds: two readings of each clock take 0.1. */
const NARROW_US = 1
/** Most edges watched to find a narrow one, should the thread be interrupted at each. */
const EDGES_MAX = 4
/** Readings taken at one edge, 10 ms or more: if the clock has not turned by then, the last one
 * must do. */
const LOOKS_MAX = 200_000

export interface WallClock {
  /** What the wall clock says now. */
  now(): WallReading
  /** What it said or will say at `mono`, an instant of SystemClock.mono. */
  at(mono: MonoUs): WallReading
  close(): void
}

export interface WallClockSetup {
  /** Called when the wall clock was stepped, with how far forward. */
  readonly onStep?: (by: SpanUs) => void
  /** Microseconds and their fractions, on the clock of SystemClock.mono. */
  readonly mono?: () => MonoUs
  readonly wall?: () => UnixMs
}

const hrtimeUs = (): MonoUs => monoUs(Number(process.hrtime.bigint()) / 1_000)
const dateNow = (): UnixMs => unixMs(Date.now())

class EdgeClock implements WallClock {
  readonly #mono: () => MonoUs
  readonly #wall: () => UnixMs
  readonly #onStep: (by: SpanUs) => void
  readonly #timer: NodeJS.Timeout
  #edge: WallEdge

  constructor({ onStep = () => {}, mono = hrtimeUs, wall = dateNow }: WallClockSetup) {
    this.#mono = mono
    this.#wall = wall
    this.#onStep = onStep
    this.#edge = this.#watch()
    this.#timer = setInterval(() => {
      if (!this.#lookForStep()) this.#edge = this.#watch()
    }, CALIBRATE_MS)
    this.#timer.unref()
  }

  now(): WallReading {
    // Checked first: watching a stepped clock takes a millisecond.
    this.#lookForStep()
    return wallAt(this.#edge, this.#mono(), APART)
  }

  at(mono: MonoUs): WallReading {
    this.#lookForStep()
    return wallAt(this.#edge, mono, APART)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #look(): WallLook {
    return { before: this.#mono(), shown: this.#wall(), after: this.#mono() }
  }

  #lookForStep(): boolean {
    if (!hasStepped(this.#edge, this.#look(), APART)) return false
    const before = this.#edge
    this.#edge = this.#watch()
    this.#onStep(movedUs(before, this.#edge))
    return true
  }

  #watch(): WallEdge {
    let best: WallEdge | null = null
    for (let edges = 0; edges < EDGES_MAX; edges += 1) {
      const edge = this.#watchOne()
      if (edge === null) continue
      if (best === null || edge.halfWidth < best.halfWidth) best = edge
      if (best.halfWidth <= NARROW_US) break
    }
    return best ?? edgeFrom(this.#look())
  }

  /** Null when the clock stood still or was stepped just then. */
  #watchOne(): WallEdge | null {
    let earlier = this.#look()
    for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
      const later = this.#look()
      if (later.shown !== earlier.shown) return edgeBetween(earlier, later)
      earlier = later
    }
    return null
  }
}

/** The system's wall clock, from an edge watched at once: takes about a millisecond. */
export const openWallClock = (setup: WallClockSetup = {}): WallClock => new EdgeClock(setup)
