// The meters of one slave. They answer late, with a fault, or not at all. Their readings depend on
// true time alone, so the ledger can be compared with them.

import { ACTIVE_IMPORT_TOTAL } from '../../shared/meter/obis.ts'
import { type Reading, UNIT } from '../../shared/meter/reading.ts'
import { type UnixMs, unixMs } from '../../shared/units.ts'
import type { MeterPlan } from '../../services/slave/core/state/plan.ts'
import { PROFILE_INTERVAL_MS, simulatedMeter } from '../../services/simulator/simulated-meter.ts'
import type { TrueUs } from './world.ts'

/** Rows in one answer: few, so that a day takes several. */
const ROWS_MAX = 40

export interface ModelMeter {
  readonly number: string
  /** How the slave reads its load profile. */
  readonly profile: Pick<MeterPlan, 'history' | 'profileIntervalMs'>
  now(at: TrueUs): readonly Reading[]
  /** What it truly counted, Wh. */
  counted(at: UnixMs): number
  /** Rows with interval ends in (from, to]. */
  history(
    range: { readonly from: UnixMs; readonly to: UnixMs },
    at: TrueUs,
  ): { readonly readings: readonly Reading[]; readonly more: boolean }
}

export function modelMeter(number: string, seed: number): ModelMeter {
  const meter = simulatedMeter(number, seed)
  const reading = (value: number, intervalEnd: UnixMs | null): Reading => ({
    meter: number,
    register: ACTIVE_IMPORT_TOTAL,
    value,
    exponent: 0,
    unit: UNIT.Wh,
    source: intervalEnd === null ? 'live' : 'profile',
    meterTime: intervalEnd,
    checked: true,
  })
  return {
    number,
    profile: { history: true, profileIntervalMs: meter.interval },
    counted: (at) => meter.registerWh(at),
    now: (at) => [reading(meter.registerWh(unixMs(at / 1_000)), null)],
    history: ({ from, to }, at) => {
      const asked = { from: unixMs(from + 1), to, rowsMax: ROWS_MAX, now: unixMs(at / 1_000) }
      const { rows, more } = meter.profile(asked)
      return { readings: rows.map((row) => reading(row.value, row.intervalEnd)), more }
    },
  }
}

/** A reading as one line with all its fields, as the observer remembers it. */
export const saying = (reading: Reading): string => {
  const { meter, register, value, exponent, unit, source, meterTime, checked } = reading
  return `${meter} ${register} ${value} ${exponent} ${unit} ${source} ${meterTime ?? ''} ${checked}`
}

/** Ends of the profile intervals in (from, to], which must reach the ledger. */
export function intervalEnds(fromMs: number, toMs: number): readonly number[] {
  const ends: number[] = []
  let end = Math.ceil((fromMs + 1) / PROFILE_INTERVAL_MS) * PROFILE_INTERVAL_MS
  for (; end <= toMs; end += PROFILE_INTERVAL_MS) ends.push(end)
  return ends
}
