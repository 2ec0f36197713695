// What a bench reports, and how two sides are compared: in turns, in one process, by medians.
// Absolute times move by a factor of two with the machine's load, ratios hardly at all.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export interface BenchRow {
  readonly bench: string
  readonly ours: number
  readonly reference: number
  readonly ratio: number
  readonly unit: string
  /** What the reference is. */
  readonly of: string
}

export type Report = (row: BenchRow) => void

const ROUNDS = 15
const WARM_UP_ROUNDS = 3

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** Microseconds of CPU time per call, medians of alternating rounds. Each side begins its round
 * without the other's garbage; with tens of thousands of `calls` it collects its own during the
 * round. The collector runs on one thread: on a busy machine its helpers burn time waiting for each
 * other. */
export function paired(
  calls: number,
  ours: () => void,
  reference: () => void,
): readonly [number, number] {
  setFlagsFromString('--no-parallel-scavenge')
  const times = { ours: new Array<number>(), reference: new Array<number>() }
  for (let round = 0; round < ROUNDS + WARM_UP_ROUNDS; round += 1) {
    for (const side of round % 2 === 0 ? ['ours', 'reference'] : ['reference', 'ours']) {
      const call = side === 'ours' ? ours : reference
      collectGarbage()
      const before = process.cpuUsage()
      for (let i = 0; i < calls; i += 1) call()
      const { user, system } = process.cpuUsage(before)
      if (round >= WARM_UP_ROUNDS) {
        times[side === 'ours' ? 'ours' : 'reference'].push((user + system) / calls)
      }
    }
  }
  setFlagsFromString('--parallel-scavenge')
  return [median(times.ours), median(times.reference)]
}

const rounded = (value: number): number => Math.round(value * 100) / 100

export function row(
  bench: string,
  [ours, reference]: readonly [number, number],
  unit: string,
  of: string,
): BenchRow {
  return {
    bench,
    ours: rounded(ours),
    reference: rounded(reference),
    ratio: rounded(ours / reference),
    unit,
    of,
  }
}
