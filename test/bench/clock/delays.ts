// How long a packet of the clock exchange is on its way: models of paths, in microseconds.

import type { Chance } from '../../sim/prng.ts'

/** Made once per world; then called for each packet with the true time in seconds: returns
 * microseconds on the way, or null when it is lost. */
export type Delay = (chance: Chance) => (atS: number) => number | null

/** Box and Muller's way from two uniform draws to one normal one. */
export const normal = (chance: Chance): number =>
  Math.sqrt(-2 * Math.log(1 - chance.unit())) * Math.cos(2 * Math.PI * chance.unit())

/** Nothing travels faster: light needs this long for 20 km. */
const SHORTEST_US = 100

export const constant =
  (us: number): Delay =>
  () =>
  () =>
    us

export const bell =
  (mean: number, deviation: number): Delay =>
  (chance) =>
  () =>
    Math.max(SHORTEST_US, mean + deviation * normal(chance))

export const queue =
  (base: number, mean: number): Delay =>
  (chance) =>
  () =>
    base + chance.wait(mean)

export const even =
  (base: number, width: number): Delay =>
  (chance) =>
  () =>
    base + chance.between(0, width)

/** The same queue, longer by day: its mean goes from `night` to `evening` and back in a day. */
export const diurnal =
  (base: number, night: number, evening: number): Delay =>
  (chance) =>
  (atS) =>
    base +
    chance.wait(night + ((evening - night) * (1 - Math.cos((2 * Math.PI * atS) / 86_400))) / 2)

/** Half of the packets wait less than `middle` beyond `base`; a few wait very long. */
export const heavyTail =
  (base: number, middle: number, spread: number, longest: number): Delay =>
  (chance) =>
  () =>
    base + Math.min(longest, middle * Math.exp(spread * normal(chance)))

/** A telegram of `bytes` on a serial line, 8N1, and the byte in which it is noticed. */
export function serial(baud: number, fixed: number, bytes: number): Delay {
  const byteUs = 10_000_000 / baud
  return even(fixed + bytes * byteUs, byteUs)
}

/** The adapter hands over its data at intervals: whole steps, up to a number of them. */
export const steps =
  (width: number, most: number): Delay =>
  (chance) =>
  () =>
    width * chance.below(most + 1)

/** Adds `slow` to this share of the packets. */
export const sometimes =
  (share: number, slow: Delay): Delay =>
  (chance) => {
    const late = slow(chance)
    return (atS) => (chance.happens(share) ? late(atS) : 0)
  }

/** One part of the way after the other; a packet lost on one is lost. */
export const along =
  (...parts: readonly Delay[]): Delay =>
  (chance) => {
    const ways = parts.map((part) => part(chance))
    return (atS) => {
      let whole = 0
      for (const way of ways) {
        const us = way(atS)
        if (us === null) return null
        whole += us
      }
      return whole
    }
  }

/** Another path from an instant on. */
export const then =
  (first: Delay, fromS: number, second: Delay): Delay =>
  (chance) => {
    const [before, after] = [first(chance), second(chance)]
    return (atS) => (atS < fromS ? before(atS) : after(atS))
  }

export const losing =
  (share: number): Delay =>
  (chance) =>
  () =>
    chance.happens(share) ? null : 0

/** Losses in bursts: a burst begins and ends after waiting times with these means. */
export const bursts =
  (quietS: number, lostS: number): Delay =>
  (chance) => {
    let [lost, untilS] = [false, chance.wait(quietS)]
    return (atS) => {
      while (untilS <= atS) {
        lost = !lost
        untilS += chance.wait(lost ? lostS : quietS)
      }
      return lost ? null : 0
    }
  }

/** A link that is up for `onS` of each `periodS`. */
export const intermittent =
  (onS: number, periodS: number): Delay =>
  () =>
  (atS) =>
    atS % periodS < onS ? 0 : null
