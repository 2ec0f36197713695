// What holds in any case: every sample says that UTC lay within its bound, and an oscillator cannot
// run away faster than it promises. So UTC lies in the intersection of all samples' intervals, each
// grown by what the oscillator may have drifted since; and two such intervals far enough apart give
// its mean rate between them. Nothing here is a probability or an average. An empty intersection
// means a broken promise: the master's, the oscillator's, or that of a machine that slept
// unnoticed.

import { elapsedUs, type MonoUs } from '../../units.ts'

/** What an oscillator promises, ppm. */
export interface OscillatorPromise {
  /** Largest |rate error| at any instant. */
  readonly tolerance: number
  /** Largest difference between the rate errors at any two instants, sleeps excluded. */
  readonly change: number
}

/** UTC minus our clock, as `MonoUs` reads, lies in [low, high]; microseconds from an origin. */
interface Knot {
  readonly mono: MonoUs
  readonly low: number
  readonly high: number
}

export interface Interval extends Knot {
  /** The mean rate is measured from here: between one and two times KNOT_EVERY_US ago. */
  readonly older: Knot
  readonly newer: Knot
}

/** The oscillator's rate of UTC against us, ppm, at any instant from here on. */
interface Rates {
  readonly low: number
  readonly high: number
}

/** Shortest time over which the mean rate says something, microseconds: a daemon that corrects the
 * machine's clock at its start has finished by then, and 10 ms of bound at both ends make 33
 * ppm. */
export const RATE_AFTER_US = 600_000_000
/** Distance between knots, microseconds: 10 ms of bound at both ends then make 6 ppm, far less than
 * a rate may change. */
const KNOT_EVERY_US = 3_600_000_000

export function intervalOf(knot: Knot): Interval {
  const { mono, low, high } = knot
  return { mono, low, high, older: knot, newer: knot }
}

/** True once the mean rate has been measured. */
export const knowsRate = ({ mono, older }: Interval): boolean =>
  elapsedUs(older.mono, mono) >= RATE_AFTER_US

/** At some instant of the window the rate equalled its mean, and at no instant is it further from
 * that than the oscillator may change. */
export function ratesOf(interval: Interval, { tolerance, change }: OscillatorPromise): Rates {
  if (!knowsRate(interval)) return { low: -tolerance, high: tolerance }
  const { mono, low, high, older } = interval
  const seconds = elapsedUs(older.mono, mono) * 1e-6
  return {
    low: Math.max(-tolerance, Math.min(tolerance, (low - older.high) / seconds - change)),
    high: Math.min(tolerance, Math.max(-tolerance, (high - older.low) / seconds + change)),
  }
}

/** Where UTC is at `mono`, which is not before the interval. */
export function grown(interval: Interval, mono: MonoUs, promise: OscillatorPromise): Interval {
  const seconds = elapsedUs(interval.mono, mono) * 1e-6
  const rates = ratesOf(interval, promise)
  const low = interval.low + rates.low * seconds
  return { ...interval, mono, low, high: interval.high + rates.high * seconds }
}

/** The intersection of two that are true at the same instant. Null: they contradict each other. */
export function both(interval: Interval, knot: Knot): Interval | null {
  const { mono, older, newer } = interval
  const low = Math.max(interval.low, knot.low)
  const high = Math.min(interval.high, knot.high)
  if (low > high) return null
  const now = { mono, low, high }
  const due = elapsedUs(newer.mono, mono) >= KNOT_EVERY_US
  return due ? { ...now, older: newer, newer: now } : { ...now, older, newer }
}
