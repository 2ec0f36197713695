// A household's energy meter that needs no memory: its register at any instant is a function of its
// seed and that instant. Tests and the demo ask for any instant of any day, in any order, and
// always get the same story.
//
// Why years cost no summing: the register is known at the start of every day (mean use times the
// day's number, moved by up to a fifth of a day, so that days differ and the sum never drifts), and
// inside a day at 96 steps (the household's shape, each step moved by up to 0.8 of itself). Both
// moves are smaller than the step they move, so the register never runs backwards. The load profile
// samples this register at intervals of its own, whatever their length.

import { type ProfileMinutes, profileInterval } from '../../shared/meter/profile.ts'
import type { SemRow } from '../../shared/meter/sem/sem.ts'
import { type SpanMs, unixMs, type UnixMs } from '../../shared/units.ts'

/** Interval of the load profile of a meter that is made without another. */
export const PROFILE_INTERVAL_MS = profileInterval(15)

/** Steps in which the shape of a day is known, and their length, ms. */
const STEPS = 96
const STEP_MS = 900_000
const DAY_MS = STEPS * STEP_MS

/** How far back the load profile reaches, days: what a small meter's memory holds. */
export const PROFILE_DAYS = 90

/** The day of the register's start value: 2024-01-01, in days since 1970. */
const ORIGIN_DAY = 19_723

/** A household's use in 30 days, kWh. */
const MONTHLY_KWH_MIN = 100
const MONTHLY_KWH_MAX = 450

/** Relative use in each hour of the day: a night, a morning, a calm noon, an evening. */
const WORKER = [3, 3, 2, 2, 2, 3, 7, 9, 6, 4, 3, 3, 4, 4, 3, 4, 5, 8, 11, 12, 11, 9, 6, 4]
const AT_HOME = [3, 3, 3, 3, 3, 3, 4, 6, 7, 7, 8, 9, 10, 8, 7, 6, 6, 8, 10, 11, 10, 8, 6, 4]
const NIGHT_CAR = [14, 14, 13, 12, 8, 4, 5, 6, 4, 3, 3, 3, 3, 3, 3, 3, 4, 6, 8, 9, 8, 8, 10, 13]
const SHAPES = [WORKER, AT_HOME, NIGHT_CAR]

export interface SimulatedMeter {
  readonly number: string
  /** Interval of its load profile. */
  readonly interval: SpanMs
  /** Cumulative import at `at`, Wh; never falls as `at` grows. */
  registerWh(at: UnixMs): number
  /** Load profile rows with interval ends in from..to, none later than `now`, at most `rowsMax`. */
  profile(range: {
    readonly from: UnixMs
    readonly to: UnixMs
    readonly rowsMax: number
    readonly now: UnixMs
  }): { readonly rows: readonly SemRow[]; readonly more: boolean }
}

/** 0..1, uniformly distributed, from three integers (finaliser of MurmurHash3). */
function unit(a: number, b: number, c: number): number {
  let mixed =
    Math.imul(a, 0x9e37_79b1) ^ Math.imul(b + 1, 0x85eb_ca6b) ^ Math.imul(c + 1, 0xc2b2_ae35)
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35)
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
}

/** Share of the day's use before each step, 0 to 1. */
function sharesBefore(shape: readonly number[]): Float64Array {
  const total = shape.reduce((sum, hour) => sum + hour, 0) * 4
  const shares = new Float64Array(STEPS + 1)
  for (let step = 0; step < STEPS; step += 1) {
    const hour = shape[Math.floor(step / 4)] ?? 0
    shares[step + 1] = (shares[step] ?? 0) + hour / total
  }
  shares[STEPS] = 1
  return shares
}

const ceilTo = (at: number, step: number): number => Math.ceil(at / step) * step

/** `seed` any 32-bit integer: the same seed is the same household for ever. `minutes`: the interval
 * of its load profile. */
export function simulatedMeter(
  number: string,
  seed: number,
  minutes: ProfileMinutes = 15,
): SimulatedMeter {
  const interval = profileInterval(minutes)
  const monthlyKwh = MONTHLY_KWH_MIN + unit(seed, 1, 0) * (MONTHLY_KWH_MAX - MONTHLY_KWH_MIN)
  const dailyWh = (monthlyKwh * 1_000) / 30
  const startWh = 1_000_000 + Math.floor(unit(seed, 2, 0) * 8_000_000)
  const shares = sharesBefore(SHAPES[Math.floor(unit(seed, 3, 0) * SHAPES.length)] ?? WORKER)

  const atDayStart = (day: number): number =>
    startWh + dailyWh * (day - ORIGIN_DAY + 0.2 * unit(seed, 4, day))
  const shareAt = (day: number, step: number): number => {
    const before = shares[step] ?? 1
    if (step <= 0 || step >= STEPS) return before
    const height = (shares[step + 1] ?? 1) - before
    return before + 0.8 * height * unit(seed, day * STEPS + step, 5)
  }

  const registerWh = (at: UnixMs): number => {
    const day = Math.floor(at / DAY_MS)
    const position = (at - day * DAY_MS) / STEP_MS
    const step = Math.floor(position)
    const from = shareAt(day, step)
    const share = from + (shareAt(day, step + 1) - from) * (position - step)
    const start = atDayStart(day)
    return Math.max(0, Math.floor(start + (atDayStart(day + 1) - start) * share))
  }

  return {
    number,
    interval,
    registerWh,
    profile({ from, to, rowsMax, now }) {
      const oldest = now - PROFILE_DAYS * DAY_MS
      const last = Math.min(to, now)
      const rows: SemRow[] = []
      let end = ceilTo(Math.max(from, oldest), interval)
      for (; end <= last && rows.length < rowsMax; end += interval) {
        rows.push({ intervalEnd: unixMs(end), value: registerWh(unixMs(end)) })
      }
      return { rows, more: end <= last }
    },
  }
}
