// What a batch of readings says about its time.

import { CLOCK_BOUND_UNKNOWN, type Stamp } from '../meter/reading.ts'
import { elapsedUs, type MonoUs, msToUs, spanMs, usToMs } from '../units.ts'
import { qualityAt, type SoftClock, timeAt } from './softclock.ts'

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
