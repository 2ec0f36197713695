// The clocks of the meters of a Pair: a line without delay.

import type { MeterClockRead } from '../../shared/clock/meter-clock-line.ts'
import { type MonoUs, spanUs, unixUs } from '../../shared/units.ts'
import type { AgentAction } from '../../services/slave/core/state.ts'

const HUNDREDTH = 10_000

/** What a meter does with an order for its clock; `ignores` acknowledges, `none` obeys. */
export type Manner = 'obeys' | 'ignores' | 'nak' | 'none' | 'unsupported'

/** What it answers. */
export const becameOf = (manner: Manner): 'ack' | 'nak' | 'none' | 'unsupported' =>
  manner === 'obeys' || manner === 'ignores' ? 'ack' : manner

/** A read of a clock that shows `shown`, in hundredths. */
export const clockShowing = (shown: number, mono: MonoUs): MeterClockRead => ({
  t1: mono,
  t4: mono,
  utc: unixUs(Math.floor(shown / HUNDREDTH) * HUNDREDTH),
  resolution: spanUs(HUNDREDTH),
  onLine: { request: spanUs(0), answer: spanUs(0) },
  status: 0,
})

/** Meter minus UTC once it did what it was told; it was `offset` before, at UTC `now`. */
export function offsetAfter(
  { change, at }: Extract<AgentAction, { do: 'change-clock' }>,
  { offset, now, mono }: { readonly offset: number; readonly now: number; readonly mono: MonoUs },
): number {
  if (change.how === 'shift') return offset + change.by
  return change.utc + (mono - at) - now
}
