// The runs: how far each is sealed, acknowledged and still held; and what of that is still to be
// stored.

import { elapsedUs, shiftMono, spanUs } from '../../../../shared/units.ts'
import type { MonoUs } from '../../../../shared/units.ts'
import { dropEpochs, isClosed, openRun, wantNewRun } from '../capture/sealing.ts'
import { submit } from '../queue.ts'
import type { ForgetJob, ForkJob } from '../state/jobs.ts'
import { noLanes, type OutgoingState } from '../state/outgoing.ts'
import { own } from '../state/own.ts'
import type { Extent, OutboxCommit, Stored, StoredRun } from '../state/stored.ts'
import { report, type Turn } from '../turn.ts'
import { leaveOut } from './forwarder.ts'
import { wake } from './lanes.ts'

/** Acknowledgements are stored in one transaction at most this often, microseconds. */
const FORGET_EVERY_US = 500_000
/** How often the outbox is tidied while there is nothing to delete. */
const TIDY_EVERY = spanUs(600_000_000)

const NO_DOUBTS = { before: new Set<number>(), now: new Set<number>() } as const

export const outgoingAtStart = (stored: Stored, mono: MonoUs): OutgoingState => ({
  runs: new Map(stored.runs.map((run) => [run.run, run])),
  forwarder: noLanes(),
  predecessor: null,
  listAll: true,
  unproven: new Set(),
  doubts: NO_DOUBTS,
  oldest: new Map(),
  drained: new Set(),
  saidDrained: null,
  unsaved: new Set(),
  unsavedSince: mono,
  forgetting: false,
  tidyAt: mono,
})

/** New frames of a run are durable: they may be sent. */
export function runSealed(turn: Turn, row: StoredRun): void {
  const outgoing = own(turn.state.outgoing)
  outgoing.runs.set(row.run, row)
  wake(outgoing.forwarder, row)
}

/** The outbox deleted frames of these runs. */
export function runsTrimmed(turn: Turn, trimmed: readonly Extent[]): void {
  const { runs } = own(turn.state.outgoing)
  for (const now of trimmed) {
    const run = runs.get(now.run)
    if (run !== undefined) runs.set(now.run, { ...run, ...now })
  }
}

/** The outbox deletes in portions: more may be left to delete. */
export function tidySoon(turn: Turn): void {
  own(turn.state.outgoing).tidyAt = turn.mono
}

/** Frames are durable further on, which is only believed when the hash is ours; or no longer, after
 * the master was set back. Stored with the next transaction. */
export function runDurable(turn: Turn, number: number, through: number, hash: Uint8Array): void {
  const outgoing = own(turn.state.outgoing)
  const run = outgoing.runs.get(number)
  if (run === undefined) return
  outgoing.runs.set(number, { ...run, acknowledged: through, acknowledgedHash: hash })
  if (outgoing.unsaved.size === 0) outgoing.unsavedSince = turn.mono
  outgoing.unsaved.add(number)
}

/** COMMITTED came: what was only said in the session before is settled by it. */
export function sessionOpened(turn: Turn): void {
  const outgoing = own(turn.state.outgoing)
  outgoing.unproven = new Set()
  outgoing.doubts = { before: outgoing.doubts.now, now: new Set() }
}

/** ACKNOWLEDGE came for this run. */
export function acknowledgedByWord(turn: Turn, run: number): void {
  own(turn.state.outgoing).unproven.add(run)
}

/** Somebody says that the master has another history of this run. True: so it was in the session
 * before, and it is a fork. False: it may be the word of a thief of this session's keys, and must
 * be asked again in a new one. */
export function confirmedFork(turn: Turn, run: number, detail: string): boolean {
  const { doubts } = own(turn.state.outgoing)
  if (doubts.before.has(run)) {
    fork(turn, run, detail)
    return true
  }
  own(turn.state.outgoing).doubts = { ...doubts, now: new Set([...doubts.now, run]) }
  return false
}

/** Two histories of one run: ours is kept and never sent again; sealing goes on in a new run. */
function fork(turn: Turn, run: number, detail: string): void {
  const { runs, forwarder } = own(turn.state.outgoing)
  const known = runs.get(run)
  if (known === undefined || known.forked) return
  report(turn, 'SEC-FORK', `run ${run}: ${detail}`)
  const forked: StoredRun = { ...known, forked: true }
  runs.set(run, forked)
  if (run === openRun(turn)) wantNewRun(turn)
  submit(turn, { is: 'fork', forked })
  leaveOut(forwarder, forked)
}

export const forkCommit = ({ state }: Turn, { forked }: ForkJob): OutboxCommit => ({
  runs: [state.outgoing.runs.get(forked.run) ?? forked],
})

/** Stores which frames are durable further on, and deletes those that have been for long, with the
 * rows of finished runs and epochs. */
export function forget(turn: Turn): void {
  const { mono } = turn
  const outgoing = own(turn.state.outgoing)
  if (outgoing.forgetting) return
  const tidy = mono >= outgoing.tidyAt
  const { unsaved, unsavedSince, runs } = outgoing
  const stores = unsaved.size > 0 && elapsedUs(unsavedSince, mono) >= FORGET_EVERY_US
  if (!tidy && !stores) return
  outgoing.unsaved = new Set()
  const { highestRun } = turn.state.sealing
  const { drained } = outgoing
  const owes = (epoch: number): boolean => isClosed(turn, epoch) && !drained.has(epoch)
  const over = [...runs.values()].filter(
    (run) => run.run < highestRun && isOver(run) && !owes(run.epoch),
  )
  for (const { run } of over) runs.delete(run)
  const kept = new Set([...runs.values()].map((run) => run.epoch))
  outgoing.forgetting = true
  if (tidy) outgoing.tidyAt = shiftMono(mono, TIDY_EVERY)
  submit(turn, {
    is: 'forget',
    acknowledged: [...unsaved],
    dropRuns: over.map(({ run }) => run),
    dropEpochs: dropEpochs(turn, kept, drained),
    tidy,
  })
}

/** Nothing of it is held, and nothing of it has to be reported to the master. */
const isOver = (run: StoredRun): boolean =>
  run.first > run.last && (run.forked || run.acknowledged === run.last)

export const forgetCommit = (
  { state }: Turn,
  { acknowledged, dropRuns, dropEpochs, tidy }: ForgetJob,
): OutboxCommit => ({
  runs: acknowledged.flatMap((run) => state.outgoing.runs.get(run) ?? []),
  dropRuns,
  dropEpochs,
  ...(tidy ? { tidy } : {}),
})

export function forgotten(turn: Turn): void {
  own(turn.state.outgoing).forgetting = false
}
