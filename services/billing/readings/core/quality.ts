// The quality bits that a reading gets while it is stored: what the reading and the one before it
// show, without looking anything up. The bits only mark a reading, they refuse nothing; validation
// before a bill is a separate, later step that looks at more.

import { type Reading, UNIT } from '../../../../shared/meter/reading.ts'
import { type UnixMs, betweenMs } from '../../../../shared/units.ts'
import { rolloverIncrease } from './rollover.ts'

/** Bits of readings.quality (migrations/0002_readings.sql). */
export const QUALITY_BIT = {
  noChecksum: 1,
  backwards: 2,
  rollover: 4,
  spike: 8,
  implausibleTime: 16,
} as const

const QUALITY_WORDS = [
  "no checksum, or not the protocol's, on the meter line",
  'went backwards',
  'rolled over',
  'far above the usual',
  'implausible time',
] as const

/** The quality bits of a reading in words; empty when none is set. Meanings: migrations/0002. */
export const qualityWords = (quality: number): readonly string[] =>
  QUALITY_WORDS.filter((_words, bit) => (quality & (1 << bit)) !== 0)

/** Power that none of our metering points carries, watts: a direct-connected meter of 125 A passes
 * 86 kVA, and a transformer-operated one counts on the secondary side; six times that is a fault,
 * not consumption. */
const SPIKE_W = 500_000
/** A meter's own clock may be this far from the agent's before we mark it, milliseconds: just under
 * the hour that a wrong zone or summer time makes; drift never gets there. */
const METER_CLOCK_MS = 3_500_000
const HOUR_MS = 3_600_000
/** Values that state a time of their own, which may be long ago: what a meter behind another one
 * said last (gas, water, heat: hourly at best), and the maximum of a period. */
const OWN_TIME = /^(?:0-[1-9]\d*:24\.|1-\d+:\d+\.6\.)/
/** Oldest such time that is believed, milliseconds: meters keep the maxima of thirteen months
 * (eMUCS-P1, 0-0:98.1.0). */
const OWN_TIME_AGE_MS = 400 * 24 * HOUR_MS

const ENERGY: ReadonlySet<number> = new Set([UNIT.Wh, UNIT.VAh, UNIT.varh])
const VOLUME: ReadonlySet<number> = new Set([UNIT.m3, UNIT.J])

/** True for registers that only grow: time integrals (OBIS group D = 8), volumes and heat. */
export const isCumulative = ({ register, unit }: Reading): boolean => growsOnly(register, unit)

/** The same of a register by its code and unit. */
export const growsOnly = (obis: string, unit: number): boolean =>
  VOLUME.has(unit) || obis.startsWith('.8.', obis.indexOf('.'))

/** A value of one register at one time: the next one is compared with it. */
export interface Previous {
  readonly at: UnixMs
  readonly value: number
}

/** Whether the meter's time for a value cannot be right, given the time at which it was read. */
function isImplausible({ register, source, meterTime }: Reading, at: UnixMs): boolean {
  if (source === 'profile' || meterTime === null) return false
  const ageMax = OWN_TIME.test(register) ? OWN_TIME_AGE_MS : METER_CLOCK_MS
  return betweenMs(meterTime, at) > ageMax || betweenMs(at, meterTime) > METER_CLOCK_MS
}

/** Bits from the reading alone. `at`: the time it is stored under. */
export function bitsOfReading(reading: Reading, at: UnixMs): number {
  const { checked } = reading
  const clockOff = isImplausible(reading, at)
  return (checked ? 0 : QUALITY_BIT.noChecksum) | (clockOff ? QUALITY_BIT.implausibleTime : 0)
}

/** Bits of a cumulative register, compared with an earlier value of it. `digits`: the register
 * rolls over at 10^digits in its own resolution; null: never. No bits when `previous` is not
 * earlier. */
export function bitsAgainstPrevious(
  reading: Reading,
  at: UnixMs,
  previous: Previous,
  digits: number | null,
): number {
  const elapsed = betweenMs(previous.at, at)
  if (elapsed <= 0) return 0
  let bits = 0
  let increase = reading.value - previous.value
  if (increase < 0) {
    const rolled = rolloverIncrease(digits, { from: previous.value, to: reading.value })
    if (rolled === null) return QUALITY_BIT.backwards
    increase = Number(rolled)
    bits |= QUALITY_BIT.rollover
  }
  // At least an hour: a register that counts whole kWh may step by one within a second.
  const wattHours = SPIKE_W * Math.max(elapsed / HOUR_MS, 1)
  if (ENERGY.has(reading.unit) && increase * 10 ** reading.exponent > wattHours)
    bits |= QUALITY_BIT.spike
  return bits
}
