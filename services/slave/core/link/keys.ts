// Which of the master's static keys the slave calls under (wire.md 5.2). It learns a new one in a
// session under the old, stores it beside the old, and goes over within a minute. Only a COMMITTED
// under the new key lets it forget the old; until then it calls under one and the other in turn, so
// that no loss of a key, on either side, locks it out.

import { equalConstantTime } from '../../../../shared/bytes.ts'
import { type MonoUs, shiftMono, spanUs } from '../../../../shared/units.ts'
import { submit } from '../queue.ts'
import type { NextMasterKeyJob, OnlyMasterKeyJob } from '../state/jobs.ts'
import { CALLING } from '../state/link.ts'
import { own } from '../state/own.ts'
import type { OutboxCommit, StoredIdentity } from '../state/stored.ts'
import type { Turn } from '../turn.ts'
import { changedIdentity, identityStored } from './identity.ts'

/** A link is left for the new key within this time, at random: ten thousand slaves that learn it in
 * the same second must not call in the same second. */
const MOVE_SPREAD_US = 59_000_000

/** The master's key to call under now. */
export function keyToCall(turn: Turn, identity: StoredIdentity): Uint8Array | null {
  const link = own(turn.state.link)
  const { masterKey, nextMasterKey } = identity
  const next = nextMasterKey ?? null
  if (next === null) {
    link.calling = { nextFirst: true, under: 'old' }
    return masterKey
  }
  const { nextFirst } = link.calling
  // In turn, until one of them is answered by COMMITTED.
  link.calling = { nextFirst: !nextFirst, under: nextFirst ? 'next' : 'old' }
  return nextFirst ? next : masterKey
}

/** MASTER KEY came. */
export function takeMasterKey(turn: Turn, key: Uint8Array): void {
  const { identity, number } = turn.state.link
  if (identity === null || identity.masterKey === null) return
  if (equalConstantTime(identity.masterKey, key)) return
  const known = identity.nextMasterKey ?? null
  if (known !== null && equalConstantTime(known, key)) leaveSoon(turn, turn.mono)
  else submit(turn, { is: 'next-master-key', link: number, key, at: turn.mono })
}

export const nextMasterKeyCommit = (turn: Turn, { key }: NextMasterKeyJob): OutboxCommit =>
  changedIdentity(turn, (now) => ({ ...now, nextMasterKey: key }))

export function nextMasterKeyStored(
  turn: Turn,
  { link, at }: NextMasterKeyJob,
  stored: OutboxCommit,
): void {
  identityStored(turn, stored)
  if (turn.state.link.number === link) leaveSoon(turn, at)
}

/** This link is left within a minute of `at`. */
function leaveSoon(turn: Turn, at: MonoUs): void {
  const link = own(turn.state.link)
  const { phase } = link
  if (phase.is !== 'committing' && phase.is !== 'open') return
  const [high = 0, low = 0] = turn.setup.random(2)
  const part = (high * 256 + low) / 65_536
  const moveAt = shiftMono(at, spanUs(Math.floor(part * MOVE_SPREAD_US)))
  link.phase = { ...phase, moveAt }
}

/** COMMITTED came: under the new key it is the one, and the old is forgotten. */
export function keyConfirmed(turn: Turn): void {
  const link = own(turn.state.link)
  const { under } = link.calling
  link.calling = CALLING
  const key = link.identity?.nextMasterKey ?? null
  if (under === 'next' && key !== null) submit(turn, { is: 'only-master-key', key })
}

export const onlyMasterKeyCommit = (turn: Turn, { key }: OnlyMasterKeyJob): OutboxCommit =>
  changedIdentity(turn, (now) => ({ ...now, masterKey: key, nextMasterKey: null }))
