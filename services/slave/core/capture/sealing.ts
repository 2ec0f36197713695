// Which epoch and run is sealed in, now and next. A change takes effect between two transactions:
// what is on its way to the disk stays as it was sealed.

import { secondOf } from '../../../../shared/units.ts'
import { framesWait } from '../queue.ts'
import type { EnterEpochJob, OfferJob } from '../state/jobs.ts'
import { own } from '../state/own.ts'
import type { Sealer, SealingState } from '../state/sealing.ts'
import type { EpochFacts, Stored, StoredEpoch } from '../state/stored.ts'
import { clockMs, type Turn } from '../turn.ts'
import { enterEpoch, forgetSealer, leaveRun, openSealer, withoutLeaf } from './sealer.ts'

const SAME_RUN = { in: 'same run' } as const

export const sealingAtStart = (stored: Stored): SealingState => ({
  // A pending epoch was never confirmed, or the answer was lost: the master offers another.
  epochs: new Map(stored.epochs.map((epoch) => [epoch.id, epoch])),
  sealer: openSealer(stored),
  next: SAME_RUN,
  highestRun: stored.highestRun,
  used: false,
})

/** True once there is an epoch to seal in. */
export const canSeal = ({ state }: Turn): boolean =>
  state.sealing.sealer !== null || state.sealing.next.in === 'new epoch'

/** The newest epoch there is to seal in, entered or not. */
export const newestEpoch = ({ state }: Turn): EpochFacts | null => {
  const { next, sealer, epochs } = state.sealing
  return next.in === 'new epoch' ? (epochs.get(next.id) ?? null) : (sealer?.epoch ?? null)
}

/** The run that is sealed in now; null: none. */
export const openRun = ({ state }: Turn): number | null =>
  state.sealing.sealer?.run?.row.run ?? null

/** Nothing is sealed in the present run any more: the next frame opens a new one. */
export function wantNewRun(turn: Turn): void {
  const sealing = own(turn.state.sealing)
  if (sealing.next.in === 'same run') sealing.next = { in: 'new run' }
}

/** An offered epoch is durable, instead of earlier offers. */
export function epochOffered(turn: Turn, { offered, stale }: OfferJob): void {
  const { epochs } = own(turn.state.sealing)
  for (const id of stale) forgetEpoch(epochs, id)
  epochs.set(offered.id, offered)
}

function forgetEpoch(epochs: Map<number, StoredEpoch>, id: number): void {
  epochs.get(id)?.tree.fill(0)
  epochs.delete(id)
}

/** With their trees as they are now: a frames transaction may have moved them meanwhile. */
export const closedEpochs = ({ state }: Turn, { closing }: EnterEpochJob): readonly StoredEpoch[] =>
  closing
    .map((id) => state.sealing.epochs.get(id))
    .filter((epoch) => epoch !== undefined)
    .map((epoch): StoredEpoch => ({ ...epoch, state: 'closed' }))

/** COMMITTED is durable: the next frame is sealed in this epoch. */
export function epochCommitted(turn: Turn, job: EnterEpochJob): void {
  const sealing = own(turn.state.sealing)
  for (const epoch of closedEpochs(turn, job)) sealing.epochs.set(epoch.id, epoch)
  sealing.epochs.set(job.entered.id, job.entered)
  sealing.next = { in: 'new epoch', id: job.entered.id }
}

/** It was left for another: nothing more is sealed in it, as soon as the next frame is. */
export const isClosed = ({ state }: Turn, epoch: number): boolean =>
  state.sealing.epochs.get(epoch)?.state === 'closed'

/** Closed epochs that the master knows to be `drained`, and of which no run is `kept` any more, are
 * dropped; returns their ids. */
export function dropEpochs(
  turn: Turn,
  kept: ReadonlySet<number>,
  drained: ReadonlySet<number>,
): readonly number[] {
  const { epochs } = own(turn.state.sealing)
  const dropped = [...epochs.values()]
    .filter(({ state, id }) => state === 'closed' && !kept.has(id) && drained.has(id))
    .map((epoch) => epoch.id)
  for (const epoch of dropped) forgetEpoch(epochs, epoch)
  return dropped
}

/** What to seal with now: a new epoch is entered, and a run left, between two frames. */
export function sealerNow(turn: Turn): Sealer | null {
  const sealing = own(turn.state.sealing)
  const { next, sealer, highestRun } = sealing
  const device = turn.state.link.identity?.device ?? null
  const entering = next.in === 'new epoch' ? sealing.epochs.get(next.id) : undefined
  if (entering !== undefined && device !== null) {
    const previous = turn.state.outgoing.runs.get(highestRun) ?? null
    sealing.sealer = enterEpoch(device, entering, highestRun, previous, sealer?.heads)
    sealing.next = SAME_RUN
    if (sealer !== null) forgetSealer(sealer, sealing.sealer)
  }
  if (next.in === 'new run' && sealer !== null) {
    sealing.sealer = leaveRun(sealer)
    sealing.next = SAME_RUN
  }
  return sealing.sealer
}

/** A key of the running second was taken. */
export function keyUsed(turn: Turn): void {
  own(turn.state.sealing).used = true
}

/** Frames are durable: sealing goes on behind them, and nothing is left here that opens them. */
export function sealedThrough(turn: Turn, sealer: Sealer, epoch: StoredEpoch): void {
  const sealing = own(turn.state.sealing)
  const before = sealing.sealer
  sealing.highestRun = sealer.highestRun
  sealing.epochs.get(epoch.id)?.tree.fill(0)
  sealing.epochs.set(epoch.id, epoch)
  sealing.sealer = sealer
  if (before !== null) forgetSealer(before, sealer)
}

/** The second last sealed in is over: its key goes, although nothing was sealed since. */
export function leafOver(turn: Turn): void {
  const sealing = own(turn.state.sealing)
  const { sealer } = sealing
  // Frames on their way to the disk were sealed by a sealer that shares this key.
  if (sealer === null || sealer.leaf === null || framesWait(turn)) return
  if (secondOf(sealer.epoch.origin, clockMs(turn)) <= sealer.leaf.second) return
  sealing.sealer = withoutLeaf(sealer)
}
