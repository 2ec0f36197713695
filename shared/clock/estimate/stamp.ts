// What a batch of readings says about its time, and what ties its process to UTC.

import { CLOCK_BOUND_UNKNOWN, type Stamp } from '../clock-state.ts'
import {
  elapsedUs,
  type MonoUs,
  msToUs,
  type SpanMs,
  shiftMono,
  spanMs,
  spanUs,
  type UnixMs,
  usToMs,
} from '../../units.ts'
import { believedAt, qualityAt, type SoftClock, timeAt } from './softclock.ts'

/** Stamp for readings taken at `mono` by a process that started at `startedAt`. The time is cut to
 * milliseconds, the bound rounded up and widened by what was cut. */
export function stampAt(clock: SoftClock, mono: MonoUs, startedAt: MonoUs): Stamp {
  const at = timeAt(clock, mono)
  const { state, bound } = qualityAt(clock, mono)
  const agentTime = usToMs(at)
  const wide = Math.ceil((bound + (at - msToUs(agentTime))) / 1_000)
  return {
    agentTime,
    clockState: state,
    clockBound: spanMs(Math.min(wide, CLOCK_BOUND_UNKNOWN)),
    processMs: Math.floor(elapsedUs(startedAt, mono) / 1_000),
  }
}

/** What UTC was when the last whole millisecond of the process had passed: what the clock
 * believes, not what it shows, which may stand for years. Null while nothing is known that a
 * bound could be written for. */
export function tieAt(
  clock: SoftClock,
  mono: MonoUs,
  startedAt: MonoUs,
): { readonly processMs: number; readonly utc: UnixMs; readonly bound: SpanMs } | null {
  const processMs = Math.floor(elapsedUs(startedAt, mono) / 1_000)
  const believed = believedAt(clock, shiftMono(startedAt, spanUs(processMs * 1_000)))
  if (believed === null) return null
  const utc = usToMs(believed.utc)
  // One microsecond: what `utc` was cut by on its way to whole ones.
  const bound = Math.ceil((believed.bound + (believed.utc - msToUs(utc)) + 1) / 1_000)
  return bound < CLOCK_BOUND_UNKNOWN && utc >= 0 ? { processMs, utc, bound: spanMs(bound) } : null
}
