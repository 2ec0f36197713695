// What is known of a meter's clock now.

import { monthOf } from '../../../../shared/clock/meter/civil-month.ts'
import { meterClockAt, type MeterClockSeen } from '../../../../shared/clock/meter/meter-clock.ts'
import {
  DRIFT_LIGHT_END,
  DRIFT_STRONG_MAX,
  type DriftRegister,
  registerIn,
} from '../../../../shared/clock/meter/policy.ts'
import type { Keeping } from '../state/meter-clocks.ts'
import type { Owned } from '../state/own.ts'
import { report, type Turn, utcNow } from '../turn.ts'

/** The meter's clock now; null while it or UTC is not known. */
export const seenNow = ({ clock }: Keeping, { state, mono }: Turn): MeterClockSeen | null =>
  meterClockAt(clock, state.clock.soft, mono)

/** The register of the current month. */
export function registerNow(keeping: Keeping, turn: Turn): DriftRegister {
  const utc = utcNow(turn)
  if (utc === null) return keeping.register
  return registerIn(keeping.register, monthOf(utc, keeping.plan.zone))
}

/** Certainly off by 60 s (MTR-10), by 4 h (MTR-11); reported once each time it becomes so. */
export function judge(
  turn: Turn,
  keeping: Owned<Keeping>,
  { offset, bound }: MeterClockSeen,
): void {
  const least = Math.abs(offset) - bound
  const middle = least >= DRIFT_LIGHT_END ? 'MTR-10' : null
  const fault = least > DRIFT_STRONG_MAX ? 'MTR-11' : middle
  if (fault !== null && fault !== keeping.fault) {
    const seconds = (offset / 1_000_000).toFixed(1)
    report(turn, fault, `${keeping.meter}: ${offset > 0 ? '+' : ''}${seconds} s`)
  }
  keeping.fault = fault
}
