// The meters of a Pair and their clocks, on a line without delay, and what goes wrong.

import type { MeterClockRead } from '../../../shared/clock/meter/meter-clock-line.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../../shared/meter/obis.ts'
import type { Reading } from '../../../shared/meter/reading.ts'
import { nodeSuite } from '../../../shared/node/node-suite.ts'
import type { CommandTask, Receipt } from '../../../shared/wire/commands.ts'
import { type MonoUs, spanUs, type UnixMs, unixUs } from '../../../shared/units.ts'
import type { AgentAction } from '../../../services/slave/core/state/events.ts'
import { chanceOf } from '../../sim/prng.ts'

const HUNDREDTH = 10_000

export const random = chanceOf(1, 'pair').bytes
export const keyPair = () => {
  const privateKey = random(32)
  return { privateKey, publicKey: nodeSuite.publicKey(privateKey) }
}

export interface Given {
  readonly number: number
  readonly expires: UnixMs
  readonly what: CommandTask
  receipt: Receipt | null
}

/** What goes wrong at the action with this number, counted from the command on. `lost`: the link
 * breaks under it; `refused`: the disk does not take it. */
export interface Mishap {
  readonly at: number
  readonly kind: 'dies before' | 'dies after' | 'lost' | 'refused'
}

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

export const readingOf = (meter: string): Reading => ({
  meter,
  register: ACTIVE_IMPORT_TOTAL,
  value: 1,
  exponent: 0,
  unit: 30,
  source: 'live',
  meterTime: null,
  checked: true,
})
