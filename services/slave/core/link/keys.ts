// Which of the master's static keys the slave calls under (wire.md 5.2). It is told a new one in a
// session under the old, stores it beside the old, and goes over within a minute. Only a COMMITTED
// under the new key lets it forget the old; until then it calls under one and the other in turn, so
// that no loss of a key, on either side, locks it out.

import { equalConstantTime } from '../../../../shared/bytes.ts'
import { shiftMono, spanUs } from '../../../../shared/units.ts'
import { type Memory, submit, type Turn } from '../memory.ts'
import type { StoredIdentity } from '../state.ts'

/** A link is left for the new key within this time, at random: ten thousand slaves that are told in
 * the same second must not call in the same second. */
const MOVE_SPREAD_US = 59_000_000

/** What memory holds of it. */
export interface Calling {
  /** The next call is made under the new key, where there is one. */
  readonly nextFirst: boolean
  /** Which key the present link was called under; null: none yet. */
  readonly under: 'old' | 'next' | null
}

export const CALLING: Calling = { nextFirst: true, under: null }

/** The master's key to call under now. */
export function keyToCall(memory: Memory, identity: StoredIdentity): Uint8Array | null {
  const { masterKey, nextMasterKey } = identity
  const next = nextMasterKey ?? null
  if (next === null) {
    memory.calling = { nextFirst: true, under: 'old' }
    return masterKey
  }
  const { nextFirst } = memory.calling
  // In turn, until one of them is answered by COMMITTED.
  memory.calling = { nextFirst: !nextFirst, under: nextFirst ? 'next' : 'old' }
  return nextFirst ? next : masterKey
}

/** MASTER KEY came. */
export function takeMasterKey(turn: Turn, key: Uint8Array): void {
  const { memory, mono, setup } = turn
  const { identity } = memory
  if (identity === null || identity.masterKey === null) return
  if (equalConstantTime(identity.masterKey, key)) return
  const link = memory.linkNumber
  const leave = (later: Turn): void => {
    if (later.memory.linkNumber !== link) return
    const [high = 0, low = 0] = setup.random(2)
    const part = (high * 256 + low) / 65_536
    later.memory.moveAt = shiftMono(mono, spanUs(Math.floor(part * MOVE_SPREAD_US)))
  }
  const known = identity.nextMasterKey ?? null
  if (known !== null && equalConstantTime(known, key)) {
    leave(turn)
    return
  }
  storeIdentity(turn, (now) => ({ ...now, nextMasterKey: key }), leave)
}

/** COMMITTED came: under the new key it is the one, and the old is forgotten. */
export function keyConfirmed(turn: Turn): void {
  const { memory } = turn
  const { under } = memory.calling
  memory.calling = CALLING
  const next = memory.identity?.nextMasterKey ?? null
  if (under !== 'next' || next === null) return
  storeIdentity(
    turn,
    (now) => ({ ...now, masterKey: next, nextMasterKey: null }),
    () => undefined,
  )
}

/** Leaves a good link for the new key. True when it is time to. */
export const moveIsDue = ({ memory, mono }: Turn): boolean =>
  memory.confirmed && memory.moveAt !== null && mono >= memory.moveAt

function storeIdentity(
  turn: Turn,
  change: (identity: StoredIdentity) => StoredIdentity,
  then: (later: Turn) => void,
): void {
  const { memory } = turn
  let changed: StoredIdentity | null = null
  submit(turn, {
    kind: 'upkeep',
    // Built when its turn comes: another change may be on its way to the disk.
    commit: () => {
      changed = memory.identity === null ? null : change(memory.identity)
      return changed === null ? {} : { identity: changed }
    },
    done: (later) => {
      if (changed !== null) later.memory.identity = changed
      then(later)
    },
  })
}
