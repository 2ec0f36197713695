// What both sides say of each stream at the start of a session, and where sending starts from
// there.

import { equalConstantTime } from '../../../shared/bytes.ts'
import type { FaultCode } from '../../../shared/faults.ts'
import type { SealedUpTo, TakenUpTo } from '../../../shared/wire/control.ts'
import { HASH_BYTES, STREAMS_LISTED_MAX } from '../../../shared/wire/limits.ts'
import type { LaneStart } from './forwarder.ts'
import type { StoredRun } from './state.ts'

/** Stands before every frame of every later run. */
const SEQUENCE_END = 0xffff_ffff

const isWaiting = (run: StoredRun): boolean => !run.forked && run.acknowledged < run.last

/** Stands for "no run stored yet" in an epoch that is sealed in: runs count from 1. */
const NO_RUN = 0

/** Every run that still waits, oldest first, and the newest run. An epoch that is sealed in is
 * named in any case: the master destroys the keys of closed epochs it is not told of. */
export function listRuns(
  runs: ReadonlyMap<number, StoredRun>,
  highestRun: number,
  sealing: readonly number[],
): readonly SealedUpTo[] {
  const listed = [...runs.values()]
    .filter((run) => isWaiting(run) || (run.run === highestRun && !run.forked))
    .sort((a, b) => a.run - b.run)
  const newest = listed.pop()
  const chosen = newest === undefined ? [] : [...listed.slice(0, STREAMS_LISTED_MAX - 1), newest]
  const entries = chosen.map((run) => ({
    epoch: run.epoch,
    run: run.run,
    sequence: run.last,
    hash: run.lastHash,
  }))
  const bare = sealing
    .filter((epoch) => entries.every((entry) => entry.epoch !== epoch))
    .map((epoch) => ({ epoch, run: NO_RUN, sequence: 0, hash: new Uint8Array(HASH_BYTES) }))
  return [...entries, ...bare].slice(0, STREAMS_LISTED_MAX)
}

export interface Comparison {
  readonly starts: readonly LaneStart[]
  /** Whole runs the master already has, though we never heard so. */
  readonly taken: readonly StoredRun[]
  readonly forks: readonly {
    readonly run: number
    readonly fault: FaultCode
    readonly detail: string
  }[]
}

/** Compares the master's answer with our runs: where each epoch's lane starts, what it has
 * already, and which histories do not fit (SEC-FORK; SEC-04 for an epoch it does not know). */
export function compare(
  runs: ReadonlyMap<number, StoredRun>,
  answers: readonly TakenUpTo[],
  newestEpoch: number | null,
  highestRun: number,
): Comparison {
  const starts = new Map<number, LaneStart>()
  const taken: StoredRun[] = []
  const forks: { run: number; fault: FaultCode; detail: string }[] = []
  const answered = new Set(answers.map((answer) => answer.run))
  for (const answer of answers) {
    const run = runs.get(answer.run)
    if (run === undefined || run.epoch !== answer.epoch) continue
    const misfit = misfitOf(run, answer)
    if (misfit !== null) {
      forks.push({ run: run.run, ...misfit })
      continue
    }
    const through = answer.next - 1
    const whole = through === run.last
    if (whole && run.acknowledged < run.last) taken.push(run)
    if (whole || starts.has(run.epoch)) continue
    const claim =
      through > run.acknowledged ? { run: run.run, sequence: through, hash: answer.hash } : null
    const sequence = claim === null ? through : through - 1
    starts.set(run.epoch, { epoch: run.epoch, run: run.run, sequence, claim })
  }
  // Runs that were not asked about, because they began since CONFIRM or it was full: from what we
  // know.
  for (const run of [...runs.values()].sort((a, b) => a.run - b.run)) {
    const { epoch, acknowledged: sequence } = run
    if (answered.has(run.run) || !isWaiting(run) || starts.has(epoch)) continue
    starts.set(epoch, { epoch, run: run.run, sequence, claim: null })
  }
  if (newestEpoch !== null && !starts.has(newestEpoch)) {
    const newest = runs.get(highestRun)
    const sequence = newest?.epoch === newestEpoch ? newest.last : SEQUENCE_END
    starts.set(newestEpoch, { epoch: newestEpoch, run: highestRun, sequence, claim: null })
  }
  return { starts: inOrder([...starts.values()], newestEpoch), taken, forks }
}

function misfitOf(
  run: StoredRun,
  answer: TakenUpTo,
): { readonly fault: FaultCode; readonly detail: string } | null {
  if (!answer.known) return { fault: 'SEC-04', detail: 'the master does not know this epoch' }
  const through = answer.next - 1
  if (through > run.last)
    return { fault: 'SEC-FORK', detail: 'the master has more than was sealed' }
  if (through < run.acknowledged) {
    return { fault: 'SEC-FORK', detail: 'the master lost what it had acknowledged' }
  }
  const ours =
    through === run.last ? run.lastHash : through === run.acknowledged ? run.acknowledgedHash : null
  if (ours !== null && !equalConstantTime(ours, answer.hash)) {
    return { fault: 'SEC-FORK', detail: 'the master holds another history of this run' }
  }
  return null
}

/** Oldest epoch first (by its first waiting run), the newest last. */
const inOrder = (starts: LaneStart[], newest: number | null): readonly LaneStart[] =>
  starts.sort((a, b) => Number(a.epoch === newest) - Number(b.epoch === newest) || a.run - b.run)
