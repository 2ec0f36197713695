// What both sides say of each stream at the start of a session, and where sending starts from
// there.

import { equalConstantTime } from '../../../../shared/bytes.ts'
import type { SealedUpTo, TakenUpTo } from '../../../../shared/wire/control.ts'
import { HASH_BYTES, STREAMS_LISTED_MAX } from '../../../../shared/wire/limits.ts'
import { isWaiting, type LaneStart } from './lanes.ts'
import { SEQUENCE_END } from '../../../../shared/wire/limits.ts'
import type { StoredRun } from '../state/stored.ts'

/** Stands for "no run stored yet" in an epoch that is sealed in: runs count from 1. */
const NO_RUN = 0

/** Every run that still waits, oldest first, those of which only a session's word says that they do
 * not (`unproven`), and the newest run; with `all` every run of which a
 * frame is held, the newest of them. An epoch that is sealed in is always named: the master
 * destroys the keys of closed epochs that CONFIRM leaves out. */
export function listRuns(
  runs: ReadonlyMap<number, StoredRun>,
  highestRun: number,
  sealing: readonly number[],
  all: boolean,
  unproven: ReadonlySet<number>,
): readonly SealedUpTo[] {
  const listed = [...runs.values()]
    .filter((run) => !run.forked)
    .filter((run) => {
      const named = isWaiting(run) || unproven.has(run.run) || run.run === highestRun
      return named || (all && run.first <= run.last)
    })
    .sort((a, b) => a.run - b.run)
  const newest = listed.pop()
  const others = all
    ? listed.slice(-(STREAMS_LISTED_MAX - 1))
    : listed.slice(0, STREAMS_LISTED_MAX - 1)
  const chosen = newest === undefined ? [] : [...others, newest]
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

interface Position {
  readonly run: number
  readonly through: number
  readonly hash: Uint8Array
}

export interface Comparison {
  readonly starts: readonly LaneStart[]
  /** Runs the master has in full, though the acknowledgement never reached us. */
  readonly taken: readonly StoredRun[]
  /** Runs of which the master has less than it acknowledged: it was set back. */
  readonly setBack: readonly Position[]
  readonly forks: readonly { readonly run: number; readonly detail: string }[]
  /** Epochs the master does not know. */
  readonly unknown: ReadonlySet<number>
  /** Runs that wait in them. */
  readonly stranded: readonly StoredRun[]
}

/** Compares the master's answer with our runs: where each epoch's lane starts, what it has
 * already, where it was set back, and which histories differ (SEC-FORK). `startOf`: h(-1). */
export function compare(
  runs: ReadonlyMap<number, StoredRun>,
  answers: readonly TakenUpTo[],
  newestEpoch: number | null,
  highestRun: number,
  startOf: (run: StoredRun) => Uint8Array,
): Comparison {
  const starts = new Map<number, LaneStart>()
  const taken: StoredRun[] = []
  const setBack: Position[] = []
  const forks: { run: number; detail: string }[] = []
  const stranded: StoredRun[] = []
  const unknown = new Set(answers.filter(({ known }) => !known).map(({ epoch }) => epoch))
  const answered = new Set(answers.map((answer) => answer.run))
  for (const answer of [...answers].sort((a, b) => a.run - b.run)) {
    const run = runs.get(answer.run)
    if (run === undefined || run.epoch !== answer.epoch || run.forked) continue
    if (!answer.known) {
      if (isWaiting(run)) stranded.push(run)
      continue
    }
    const through = answer.next - 1
    const ours = hashOf(run, through, startOf)
    const detail = misfitOf(run, answer, ours)
    if (detail !== null) {
      forks.push({ run: run.run, detail })
      continue
    }
    const whole = through === run.last
    if (whole && run.acknowledged < run.last) taken.push(run)
    if (through < run.acknowledged) setBack.push({ run: run.run, through, hash: answer.hash })
    if (whole || starts.has(run.epoch)) continue
    const claimed = ours === null && through >= run.first
    const claim = claimed ? { run: run.run, sequence: through, hash: answer.hash } : null
    const sequence = claimed ? through - 1 : through
    starts.set(run.epoch, { epoch: run.epoch, run: run.run, sequence, claim })
  }
  // Runs that CONFIRM did not list, because they began later or it was full, start from what we
  // know.
  for (const run of [...runs.values()].sort((a, b) => a.run - b.run)) {
    const { epoch, acknowledged: sequence } = run
    if (answered.has(run.run) || !isWaiting(run) || starts.has(epoch)) continue
    if (!unknown.has(epoch)) starts.set(epoch, { epoch, run: run.run, sequence, claim: null })
  }
  if (newestEpoch !== null && !starts.has(newestEpoch) && !unknown.has(newestEpoch)) {
    const newest = runs.get(highestRun)
    const sequence = newest?.epoch === newestEpoch ? newest.last : SEQUENCE_END
    starts.set(newestEpoch, { epoch: newestEpoch, run: highestRun, sequence, claim: null })
  }
  const ordered = inOrder([...starts.values()], newestEpoch)
  return { starts: ordered, taken, setBack, forks, unknown, stranded }
}

/** Our stream hash after a sequence, as far as it is known without looking into the outbox. */
function hashOf(
  run: StoredRun,
  sequence: number,
  startOf: (run: StoredRun) => Uint8Array,
): Uint8Array | null {
  if (sequence === run.last) return run.lastHash
  if (sequence === run.acknowledged) return run.acknowledgedHash
  if (sequence === run.first - 1) return run.firstHash
  return sequence === -1 ? startOf(run) : null
}

function misfitOf(run: StoredRun, answer: TakenUpTo, ours: Uint8Array | null): string | null {
  if (answer.next - 1 > run.last) return 'the master has more than was sealed'
  if (ours === null || equalConstantTime(ours, answer.hash)) return null
  return 'the master holds another history of this run'
}

/** Oldest epoch first (by its first waiting run), the newest last. */
const inOrder = (starts: LaneStart[], newest: number | null): readonly LaneStart[] =>
  starts.sort((a, b) => Number(a.epoch === newest) - Number(b.epoch === newest) || a.run - b.run)
