// Damages true inputs, hundreds of thousands from one seed, and feeds them to a decoder; the same
// seed gives the same inputs on every machine. Any verdict will do. An exception, a slow input, or
// memory beyond the figure below is a failure, reported with the input that caused it.

import { toHex } from '../../shared/bytes.ts'
import { type Chance, chanceOf } from '../sim/prng.ts'

export interface Target {
  readonly name: string
  /** True inputs; the first is always one that is taken. */
  readonly seeds: readonly Uint8Array[]
  /** Hands one input to the decoder and checks what it makes of it. True: taken, false: refused. */
  readonly feed: (input: Uint8Array) => boolean
}

export interface Tally {
  readonly target: string
  readonly inputs: number
  readonly taken: number
  readonly ms: number
  /** The input that took longest, ms. */
  readonly slowestMs: number
  /** Most heap and array memory in use at once, bytes, the program itself included. */
  readonly peakBytes: number
}

/** A decoder that keeps more than this (the whole test run included) is kept from doing so. */
const MEMORY_BYTES_MAX = 384 * 1_048_576
/** One input is at most 64 KiB: a decoder that computes this long for it hangs, milliseconds. */
const INPUT_MS_MAX = 1_000
/** Inputs between two looks at memory. */
const LOOK_EVERY = 256

/** Where numbers turn over, and bytes with a meaning: SEM's and DSMR's marks, longest varints. */
const EDGES = [0, 1, 2, 3, 0x0a, 0x0d, 0x20, 0x21, 0x2f, 0x30, 0x3a, 0x7f, 0x80, 0x81, 0xfe, 0xff]
const LONGEST_INPUT = 70_000
/** One input in this many is plain noise. */
const NOISE_SHARE = 1 / 20

const noise = (chance: Chance): Uint8Array => chance.bytes(chance.below(160))

/** One small damage. May return the same array. */
function damaged(chance: Chance, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  const at = chance.below(bytes.length + 1)
  const length = Math.min(1 + Math.floor(chance.magnitude(1, 64)), bytes.length - at)
  const spliced = (gone: number, put: Uint8Array): Uint8Array => {
    const whole = new Uint8Array(bytes.length - gone + put.length)
    whole.set(bytes.subarray(0, at))
    whole.set(put, at)
    whole.set(bytes.subarray(at + gone), at + put.length)
    return whole
  }
  switch (chance.below(9)) {
    case 0:
      if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << chance.below(8))
      return bytes
    case 1:
      if (at < bytes.length) bytes[at] = EDGES[chance.below(EDGES.length)] ?? 0
      return bytes
    case 2:
      if (at < bytes.length) bytes[at] = chance.below(256)
      return bytes
    case 3:
      bytes.fill(chance.happens(0.5) ? 0xff : 0, at, at + length)
      return bytes
    case 4:
      return spliced(length, new Uint8Array(0))
    case 5:
      return spliced(0, chance.bytes(1 + chance.below(8)))
    case 6:
      return spliced(0, bytes.slice(at, at + length))
    case 7:
      return bytes.slice(0, at)
    default: {
      const from = chance.below(other.length + 1)
      return spliced(length, other.slice(from, from + 1 + chance.below(64)))
    }
  }
}

/** A damaged copy of one of the seeds, or noise. */
function mutated(chance: Chance, seeds: readonly Uint8Array[]): Uint8Array {
  if (chance.happens(NOISE_SHARE)) return noise(chance)
  const pick = (): Uint8Array => seeds[chance.below(seeds.length)] ?? noise(chance)
  let input: Uint8Array = pick().slice()
  // Mostly one or two damages: many at once are refused at the first, and look no further.
  const damages = 1 + Math.floor(chance.magnitude(1, 8) - 1)
  for (let i = 0; i < damages; i += 1) input = damaged(chance, input, pick())
  return input.slice(0, LONGEST_INPUT)
}

/** Milliseconds of CPU that one input takes; wall time would blame a decoder for a busy machine. */
function cpuMs(target: Target, input: Uint8Array): number {
  const before = process.cpuUsage()
  target.feed(input)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

const memoryInUse = (): number => {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Feeds `count` damaged inputs. Throws at the first that is answered with an exception, takes too
 * long, or leaves too much memory in use. */
export function hammer(target: Target, { count, seed }: { count: number; seed: number }): Tally {
  const chance = chanceOf(seed, target.name)
  const began = performance.now()
  let taken = 0
  let slowestMs = 0
  let peakBytes = 0
  for (let inputs = 0; inputs < count; inputs += 1) {
    const input = mutated(chance, target.seeds)
    const from = performance.now()
    try {
      if (target.feed(input)) taken += 1
    } catch (error) {
      throw new Error(`${target.name}, seed ${seed}, input ${inputs}: ${toHex(input)}`, {
        cause: error,
      })
    }
    const took = performance.now() - from
    slowestMs = Math.max(slowestMs, took)
    if (took > INPUT_MS_MAX && cpuMs(target, input) > INPUT_MS_MAX) {
      throw new Error(`${target.name}: ${took} ms for ${toHex(input)}`)
    }
    if (inputs % LOOK_EVERY !== 0) continue
    peakBytes = Math.max(peakBytes, memoryInUse())
    if (peakBytes > MEMORY_BYTES_MAX) {
      throw new Error(`${target.name}: ${peakBytes} bytes in use at input ${inputs}`)
    }
  }
  const ms = performance.now() - began
  return { target: target.name, inputs: count, taken, ms, slowestMs, peakBytes }
}
