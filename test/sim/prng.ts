// The only source of randomness: a seed and a name give a stream that is the same on every machine.
// Each part of the world draws from its own stream, so that a change in one part does not disturb
// the others.

import { createHash } from 'node:crypto'
import type { Random } from '../../shared/bytes.ts'

export interface Chance {
  /** Evenly spread in [0, 1). */
  unit(): number
  /** Evenly spread in [from, to). */
  between(from: number, to: number): number
  /** A whole number in [0, n). */
  below(n: number): number
  /** True with probability `p`. */
  happens(p: number): boolean
  /** A waiting time with this mean; a mean of 0 or Infinity never ends. */
  wait(mean: number): number
  /** Between `from` and `to`, every magnitude equally likely. */
  magnitude(from: number, to: number): number
  pick<Item>(items: readonly [Item, ...(readonly Item[])]): Item
  readonly bytes: Random
}

/** Small Fast Counter, 128 bits of state (Doty-Humphrey, PractRand). */
function sfc32(seed: Uint32Array): () => number {
  let [a = 0, b = 0, c = 0, counter = 1] = seed
  return () => {
    const out = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + out
    c |= 0
    return out >>> 0
  }
}

/** The stream called `name` of the world with this seed. */
export function chanceOf(seed: number, name: string): Chance {
  const digest = createHash('sha256').update(`${seed} ${name}`).digest()
  const next = sfc32(Uint32Array.from([0, 4, 8, 12], (at) => digest.readUInt32BE(at)))
  const unit = (): number => next() / 2 ** 32
  const between = (from: number, to: number): number => from + unit() * (to - from)
  const below = (n: number): number => Math.floor(unit() * n)
  return {
    unit,
    between,
    below,
    happens: (p) => unit() < p,
    wait: (mean) => (mean > 0 ? -Math.log(1 - unit()) * mean : Number.POSITIVE_INFINITY),
    magnitude: (from, to) => from * (to / from) ** unit(),
    pick: (items) => items[below(items.length)] ?? items[0],
    bytes: (length) => Uint8Array.from({ length }, () => next() & 0xff),
  }
}
