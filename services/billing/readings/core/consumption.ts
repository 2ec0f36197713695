// From two register readings to energy: exponent, transformer ratio, rollover.

import type { FaultCode } from '../../../../shared/faults.ts'
import { compare, type Decimal, decimal, minus, scaled, times } from '../../civil/money.ts'
import { rolloverIncrease } from './rollover.ts'

/** A register at one instant: value * 10^exponent Wh. */
export interface RegisterReading {
  /** Safe integer. */
  readonly value: number
  /** -9..9. */
  readonly exponent: number
}

export interface RegisterMeter {
  /** The register rolls over at 10^digits of its own resolution; null: never. */
  readonly digits: number | null
  /** Transformer ratio, >= 1. */
  readonly multiplier: number
}

export type Consumption =
  | { readonly ok: true; readonly energy: Decimal; readonly rolledOver: boolean }
  | { readonly ok: false; readonly fault: FaultCode; readonly detail: string }

const KILO = decimal(1n, 3)
/** kWh that a register shows, without the transformer ratio. */
export const kilowattHours = (reading: RegisterReading): Decimal =>
  times(scaled(BigInt(reading.value), reading.exponent), KILO)

/** Energy in kWh between two readings of one register. BIL-01 when it went backwards, or when only
 * a rollover of more than half its range would explain the difference. */
export function consumptionOf(
  meter: RegisterMeter,
  { opening, closing }: { readonly opening: RegisterReading; readonly closing: RegisterReading },
): Consumption {
  const shown = minus(kilowattHours(closing), kilowattHours(opening))
  const ratio = decimal(BigInt(meter.multiplier), 0)
  if (compare(shown, decimal(0n, 0)) >= 0)
    return { ok: true, energy: times(shown, ratio), rolledOver: false }
  const detail = `${opening.value} to ${closing.value}`
  if (opening.exponent !== closing.exponent) return { ok: false, fault: 'BIL-01', detail }
  const increase = rolloverIncrease(meter.digits, { from: opening.value, to: closing.value })
  if (increase === null) return { ok: false, fault: 'BIL-01', detail }
  const energy = times(scaled(increase, closing.exponent), KILO)
  return { ok: true, energy: times(energy, ratio), rolledOver: true }
}
