// Which epoch and run is sealed in, now and next. A change takes effect between two transactions:
// what is on its way to the disk stays as it was sealed.

import type { EnterEpochJob, OfferJob } from '../state/jobs.ts'
import { own } from '../state/own.ts'
import type { Sealer, SealingState } from '../state/sealing.ts'
import type { Stored, StoredEpoch } from '../state/stored.ts'
import type { Turn } from '../turn.ts'
import { enterEpoch, leaveRun, openSealer } from './sealer.ts'

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
export const newestEpoch = ({ state }: Turn): StoredEpoch | null => {
  const { next, sealer } = state.sealing
  return next.in === 'new epoch' ? next.epoch : (sealer?.epoch ?? null)
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
  for (const id of stale) epochs.delete(id)
  epochs.set(offered.id, offered)
}

/** A frames transaction may have moved a tree meanwhile: an older one is never written over it. */
export const closedEpochs = (turn: Turn, { closing }: EnterEpochJob): readonly StoredEpoch[] =>
  closing.map((epoch) => ({
    ...epoch,
    tree: turn.state.sealing.epochs.get(epoch.id)?.tree ?? epoch.tree,
  }))

/** COMMITTED is durable: the next frame is sealed in this epoch. */
export function epochCommitted(turn: Turn, job: EnterEpochJob): void {
  const sealing = own(turn.state.sealing)
  for (const epoch of closedEpochs(turn, job)) sealing.epochs.set(epoch.id, epoch)
  sealing.epochs.set(job.entered.id, job.entered)
  sealing.next = { in: 'new epoch', epoch: job.entered }
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
  for (const epoch of dropped) epochs.delete(epoch)
  return dropped
}

/** What to seal with now: a new epoch is entered, and a run left, between two frames. */
export function sealerNow(turn: Turn): Sealer | null {
  const sealing = own(turn.state.sealing)
  const { next, sealer, highestRun } = sealing
  const device = turn.state.link.identity?.device ?? null
  if (next.in === 'new epoch' && device !== null) {
    const previous = turn.state.outgoing.runs.get(highestRun) ?? null
    sealing.sealer = enterEpoch(device, next.epoch, highestRun, previous, sealer?.heads)
    sealing.next = SAME_RUN
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

/** Frames are durable: sealing goes on behind them. */
export function sealedThrough(turn: Turn, sealer: Sealer, epoch: StoredEpoch): void {
  const sealing = own(turn.state.sealing)
  sealing.highestRun = sealer.highestRun
  sealing.epochs.set(epoch.id, epoch)
  sealing.sealer = sealer
}
