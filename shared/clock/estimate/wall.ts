// The system's wall clock, read with finer resolution than it offers. `Date.now()` counts whole
// milliseconds, but the monotonic clock can time the instant at which it turns to the next one: an
// edge. Between edges the monotonic clock tells how much time has passed. We do not use
// `performance.timeOrigin`, which was 16 to 31 us off; an edge is good to 0.05 us.

import {
  type MonoUs,
  monoUs,
  type Ppm,
  type SpanUs,
  spanUs,
  type UnixMs,
  type UnixUs,
  unixUs,
} from '../../units.ts'

/** Step of `Date.now()`, microseconds. */
const TURN_US = 1_000
/** Instants are truncated to whole microseconds. */
const ROUNDING_US = 1

/** At `mono`, give or take `halfWidth`, the wall clock began to show `wall`. */
export interface WallEdge {
  readonly mono: MonoUs
  readonly wall: UnixUs
  readonly halfWidth: SpanUs
}

/** One look: the wall clock showed `shown` at an instant of [before, after]. */
export interface WallLook {
  readonly before: MonoUs
  readonly after: MonoUs
  readonly shown: UnixMs
}

export interface WallReading {
  /** What the wall clock says. */
  readonly at: UnixUs
  /** How finely it was read; the error of the clock itself is not known here. */
  readonly bound: SpanUs
}

/** The edge between two looks, the second of which shows the next millisecond; null when they show
 * anything else. */
export function edgeBetween(earlier: WallLook, later: WallLook): WallEdge | null {
  if (later.shown !== earlier.shown + 1) return null
  const halfWidth = (later.after - earlier.before) / 2
  return {
    mono: monoUs(earlier.before + halfWidth),
    wall: unixUs(later.shown * TURN_US),
    halfWidth: spanUs(halfWidth),
  }
}

/** The edge that a single look gives: good to half a millisecond. */
export function edgeFrom({ before, after, shown }: WallLook): WallEdge {
  const halfWidth = (after - before) / 2
  return {
    mono: monoUs(before + halfWidth),
    wall: unixUs(shown * TURN_US + TURN_US / 2),
    halfWidth: spanUs(halfWidth + TURN_US / 2),
  }
}

const apartUs = ({ mono, halfWidth }: WallEdge, at: MonoUs, apart: Ppm): number =>
  halfWidth + Math.abs(at - mono) * apart * 1e-6 + ROUNDING_US

/** What the wall clock says at `mono`, unless it was stepped since the edge. `apart`: the most it
 * may drift against the monotonic clock. */
export const wallAt = (edge: WallEdge, mono: MonoUs, apart: Ppm): WallReading => ({
  at: unixUs(edge.wall + (mono - edge.mono)),
  bound: spanUs(apartUs(edge, mono, apart)),
})

/** True when a look cannot belong to the same clock as the edge: it was stepped. A step of less
 * than a millisecond shows in some looks and not in others. */
export function hasStepped(edge: WallEdge, look: WallLook, apart: Ppm): boolean {
  const { before, after, shown } = look
  // Counted from the edge: this far from 1970, fractions of a microsecond would be lost.
  const least = before - edge.mono - apartUs(edge, before, apart)
  const most = after - edge.mono + apartUs(edge, after, apart)
  const begins = shown * TURN_US - edge.wall
  return most < begins || least >= begins + TURN_US
}

/** How far the wall clock was moved forward against the monotonic one from one edge to another. */
export const movedUs = (from: WallEdge, to: WallEdge): SpanUs =>
  spanUs(to.wall - from.wall - (to.mono - from.mono))
