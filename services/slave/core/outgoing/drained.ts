// DRAINED (wire.md 6.5): a closed epoch of which the master has everything is said to hold nothing
// more. The master destroys nothing of an epoch before it is told so, and keeps what it was told
// in doubt; so this is said once the last acknowledgement came, one epoch at a time, and again in
// each process until the master's answer is here.

import { HASH_BYTES } from '../../../../shared/wire/limits.ts'
import { equalConstantTime } from '../../../../shared/bytes.ts'
import type { SealedUpTo } from '../../../../shared/wire/control.ts'
import type { OutgoingState } from '../state/outgoing.ts'
import { own } from '../state/own.ts'
import type { SealingState } from '../state/sealing.ts'
import type { StoredRun } from '../state/stored.ts'
import { isOpen, sendControl, type Turn } from '../turn.ts'
import { isWaiting } from './lanes.ts'

/** No run was sealed there. */
const NOTHING = { run: 0, sequence: 0, hash: new Uint8Array(HASH_BYTES) }

/** Says it of the next epoch, unless an answer is still to come. */
export function sayDrained(turn: Turn): void {
  const { outgoing: seen, sealing } = turn.state
  if (!isOpen(turn) || seen.saidDrained !== null) return
  const said = nextDrained(seen, sealing)
  if (said === null) return
  const outgoing = own(seen)
  outgoing.saidDrained = said
  sendControl(turn, { is: 'drained', ...said })
}

/** The master has set it aside, or does not know it. */
export function takeDrained(turn: Turn, answer: SealedUpTo): void {
  const outgoing = own(turn.state.outgoing)
  const { saidDrained: said } = outgoing
  if (said === null || !isSame(said, answer)) return
  outgoing.drained.add(said.epoch)
  // That answer is certified (wire.md 5.5): its acknowledgements need no further proof.
  for (const { run, epoch } of outgoing.runs.values()) {
    if (epoch === said.epoch) outgoing.unproven.delete(run)
  }
  outgoing.saidDrained = null
  sayDrained(turn)
}

const isSame = (a: SealedUpTo, b: SealedUpTo): boolean =>
  a.epoch === b.epoch &&
  a.run === b.run &&
  a.sequence === b.sequence &&
  equalConstantTime(a.hash, b.hash)

/** A closed epoch whose runs are acknowledged, all of them: a run with another history at the
 * master (SEC-FORK) keeps its epoch in doubt for an operator. */
function nextDrained({ runs, drained }: OutgoingState, sealing: SealingState): SealedUpTo | null {
  const left = [...sealing.epochs.values()].filter(
    ({ id, state }) => state === 'closed' && !drained.has(id) && !isSealing(sealing, id),
  )
  if (left.length === 0) return null
  const lasts = new Map<number, StoredRun>()
  const held = new Set<number>()
  for (const run of runs.values()) {
    if (run.forked || isWaiting(run)) held.add(run.epoch)
    if (run.run > (lasts.get(run.epoch)?.run ?? 0)) lasts.set(run.epoch, run)
  }
  const next = left.find(({ id }) => !held.has(id))
  if (next === undefined) return null
  const last = lasts.get(next.id)
  if (last === undefined) return { epoch: next.id, ...NOTHING }
  return { epoch: next.id, run: last.run, sequence: last.last, hash: last.lastHash }
}

/** A frame may still be on its way to the disk there: the epoch was left, and no frame of the one
 * after it was sealed yet. */
const isSealing = ({ sealer }: SealingState, epoch: number): boolean => sealer?.epoch.id === epoch
