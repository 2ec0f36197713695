// The stamp of a batch of readings, and the tie between its process and UTC.

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

/** Stamp for readings taken at `mono` by a process that started at `startedAt`. The time is
 * truncated to milliseconds, the bound rounded up and widened by what was lost. */
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

/** UTC at the process's last whole millisecond: the clock's estimate, not the time it shows, which
 * may stand still for years. Null while no bound is known that could be written. */
export function tieAt(
  clock: SoftClock,
  mono: MonoUs,
  startedAt: MonoUs,
): { readonly processMs: number; readonly utc: UnixMs; readonly bound: SpanMs } | null {
  const processMs = Math.floor(elapsedUs(startedAt, mono) / 1_000)
  const believed = believedAt(clock, shiftMono(startedAt, spanUs(processMs * 1_000)))
  if (believed === null) return null
  const utc = usToMs(believed.utc)
  // One microsecond: what `utc` lost by truncation.
  const bound = Math.ceil((believed.bound + (believed.utc - msToUs(utc)) + 1) / 1_000)
  // A master may say that it is 1970: an anchor cannot say that we began before.
  const fits = bound < CLOCK_BOUND_UNKNOWN && utc >= processMs
  return fits ? { processMs, utc, bound: spanMs(bound) } : null
}
