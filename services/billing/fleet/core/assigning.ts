// Assigning a meter to a service point: which registers are noted down as its opening ones, and
// from when on it is suggested to hang there.

import type { UnixMs } from '../../../../shared/units.ts'
import { addDays, civilDateAt, monthOf, startOfDay } from '../../civil/calendar.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../../../shared/meter/obis.ts'
import { growsOnly } from '../../readings/core/quality.ts'
import type { MeterRegister } from './meters.ts'

/** Import registers of tariffs: 1.8.1, 1.8.2 ... */
const TARIFF_REGISTER = /^1-0:1\.8\.[1-9]\d*\*255$/

/** The registers that a bill is made from: those that the meter says, else the total, else its
 * tariff registers, else every one that counts. */
export function billedRegisters(
  registers: readonly MeterRegister[],
  billedBy: readonly string[] | null,
): readonly MeterRegister[] {
  const named = registers.filter(({ obis }) => billedBy?.includes(obis) === true)
  if (named.length > 0) return named
  const total = registers.filter(({ obis }) => obis === ACTIVE_IMPORT_TOTAL)
  if (total.length > 0) return total
  const tariffs = registers.filter(({ obis }) => TARIFF_REGISTER.test(obis))
  if (tariffs.length > 0) return tariffs
  return registers.filter(({ obis, unit }) => growsOnly(obis, unit))
}

/** Instants from which a meter is suggested to hang somewhere, if it was read then: the beginnings
 * of the month before and of this one, so that the next bill is about a whole month. */
export function startsOf(now: UnixMs, zone: string): readonly UnixMs[] {
  const { from } = monthOf(civilDateAt(now, zone))
  return [monthOf(addDays(from, -1)).from, from].map((date) => startOfDay(date, zone))
}

/** From when on, with the register values of then. */
export interface Suggestion {
  readonly at: UnixMs
  readonly registers: readonly {
    readonly obis: string
    readonly unit: number
    readonly value: number
    readonly exponent: number
  }[]
}
