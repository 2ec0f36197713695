// When a reading was really taken, worked out afterwards.
//
// A slave without a clock (battery empty, no link) keeps reading, and its readings carry a time
// that is a guess. But they also carry process ms: how long its process had been running, counted
// by an oscillator that is never off by more than shared/clock allows. One anchor of that process
// (at this process ms it was this UTC) therefore dates all its readings. A process that died before
// it could give one is dated by its neighbours: it ran after the previous process, and before the
// next.
//
// Everything here is an interval that contains the true time; the intervals of several sources are
// intersected.

import { FREQUENCY_TOLERANCE_PPM } from '../../../../shared/clock/estimate/exchange.ts'
import type { ReadingSource } from '../../../../shared/meter/reading.ts'
import type { Stamp } from '../../../../shared/clock/clock-state.ts'
import { type SpanMs, spanMs, type UnixMs, unixMs } from '../../../../shared/units.ts'

/** Largest error bound of a time that we trust as it is, ms: a minute is the shortest interval of a
 * load profile, and the largest tolerance a master has for time tags. The view timed_readings and
 * the partial index retimed_open (migrations/0007_retimed.sql) use the same limit; a test compares
 * them. */
export const TRUSTED_BOUND_MS = 60_000
/** Process ms are truncated to whole ones. */
const CUT_MS = 1
const DRIFT = FREQUENCY_TOLERANCE_PPM * 1e-6

/** True when the agent's time in this stamp is not good enough for a bill. A profile reading has
 * the meter's own time, so it never counts as untimed. */
export const isUntimed = ({ clockState, clockBound }: Stamp, source: ReadingSource): boolean =>
  source !== 'profile' && (clockState === 'U' || clockBound > TRUSTED_BOUND_MS)

/** At `processMs` it was `utc`, give or take `bound`. */
export interface Tie {
  readonly processMs: number
  readonly utc: UnixMs
  readonly bound: SpanMs
}

/** A time and how wrong it may be. */
export interface Timed {
  readonly at: UnixMs
  readonly bound: SpanMs
}

interface Interval {
  readonly from: number
  readonly to: number
}

const around = (at: number, bound: number): Interval => ({ from: at - bound, to: at + bound })

/** Whole milliseconds that cover the interval. */
function timed({ from, to }: Interval): Timed {
  const at = Math.round((from + to) / 2)
  return { at: unixMs(at), bound: spanMs(Math.ceil(Math.max(at - from, to - at))) }
}

/** What one tie says about the instant at `processMs`. */
function fromTie(processMs: number, { processMs: tied, utc, bound }: Tie): Interval {
  const elapsed = processMs - tied
  const drifted = Math.abs(elapsed) * DRIFT + (elapsed === 0 ? 0 : CUT_MS)
  return around(utc + elapsed, bound + drifted)
}

/** The time of a reading at `processMs`, from the anchors of its process and from its stamp, if
 * that had a bound. Null when nothing is known. Where they contradict each other (a virtual machine
 * that was paused unnoticed) the answer is as wide as they are apart. */
export function retime(
  processMs: number,
  said: Timed | null,
  anchors: readonly Tie[],
): Timed | null {
  const known = anchors.map((tie) => fromTie(processMs, tie))
  if (known.length === 0) return null
  if (said !== null) known.push(around(said.at, said.bound))
  const inner = {
    from: Math.max(...known.map(({ from }) => from)),
    to: Math.min(...known.map(({ to }) => to)),
  }
  if (inner.from <= inner.to) return timed(inner)
  return timed({
    from: Math.min(...known.map(({ from }) => from)),
    to: Math.max(...known.map(({ to }) => to)),
  })
}

/** The time of a reading of a process that never gave an anchor. `after`: an instant certainly past
 * when the process began; `before`: one certainly still to come when it ended; `endMs`: the most
 * process ms it is known to have reached. Null when the two contradict each other. */
export function between(
  processMs: number,
  neighbours: { readonly after: UnixMs; readonly before: UnixMs; readonly endMs: number },
): Timed | null {
  const { after, before, endMs } = neighbours
  const from = after + processMs * (1 - DRIFT)
  const to = before - Math.max(0, endMs - processMs) * (1 - DRIFT) + CUT_MS
  return from <= to ? timed({ from, to }) : null
}

/** The latest instant at which the process may have begun, by one of its anchors. */
export const startedBy = ({ processMs, utc, bound }: Tie): UnixMs =>
  unixMs(utc - processMs * (1 - DRIFT) + bound)
