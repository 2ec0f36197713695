// Which of the master's static keys the slave calls under (wire.md 5.2). It learns a new one in a
// session under the old, certified by the old static key, stores it beside the old, and goes over
// within a minute. Only a COMMITTED under the new key lets it forget the old; until then it calls
// under one and the other in turn, so that no loss of a key, on either side, locks it out. A new
// key that never answers while the old one does is forgotten: the master may announce it again.

import type { FaultCode } from '../../../../shared/faults.ts'
import { equalConstantTime } from '../../../../shared/bytes.ts'
import { type MonoUs, shiftMono, spanUs } from '../../../../shared/units.ts'
import type { Suite } from '../../../../shared/tves/suite.ts'
import { submit } from '../queue.ts'
import type { NextMasterKeyJob, OnlyMasterKeyJob } from '../state/jobs.ts'
import { CALLING } from '../state/link.ts'
import { own } from '../state/own.ts'
import type { OutboxCommit, StoredIdentity } from '../state/stored.ts'
import { report, type Turn } from '../turn.ts'
import { changedIdentity, identityStored } from './identity.ts'

/** A link is left for the new key within this time, at random: ten thousand slaves that learn it in
 * the same second must not call in the same second. */
const MOVE_SPREAD_US = 59_000_000
/** A new key is forgotten once this many calls under it came to nothing and the old one is answered
 * again. The old key stays, so this locks nobody out; somebody on the path who breaks calls under
 * the new key only has it announced again. */
const NEXT_KEY_CALLS_MAX = 8

/** Whether a static key can be called under: a point of small order cannot. */
const isSound = (suite: Suite, { staticKey }: StoredIdentity, key: Uint8Array): boolean =>
  suite.dh(staticKey, key) !== null

/** The master's key to call under now. */
export function keyToCall(turn: Turn, identity: StoredIdentity): Uint8Array | null {
  const link = own(turn.state.link)
  const { masterKey, nextMasterKey } = identity
  const next = nextMasterKey ?? null
  if (next !== null && !isSound(turn.setup.suite, identity, next)) {
    // Stored before such points were refused.
    forgetNextKey(turn, 'a point of small order')
    link.calling = { nextFirst: true, under: 'old', nextCalls: 0 }
    return masterKey
  }
  if (next === null) {
    link.calling = { nextFirst: true, under: 'old', nextCalls: 0 }
    return masterKey
  }
  const { nextFirst, nextCalls } = link.calling
  // In turn, until one of them is answered by COMMITTED.
  link.calling = nextFirst
    ? { nextFirst: false, under: 'next', nextCalls: nextCalls + 1 }
    : { nextFirst: true, under: 'old', nextCalls }
  return nextFirst ? next : masterKey
}

/** MASTER KEY came, certified by the key of this session. SEC-09: no key can be like that, and the
 * link must go. */
export function takeMasterKey(turn: Turn, key: Uint8Array): FaultCode | null {
  const { identity, number } = turn.state.link
  if (identity === null || identity.masterKey === null) return null
  if (!isSound(turn.setup.suite, identity, key)) return 'SEC-09'
  if (equalConstantTime(identity.masterKey, key)) return null
  const known = identity.nextMasterKey ?? null
  if (known !== null && equalConstantTime(known, key)) leaveSoon(turn, turn.mono)
  else submit(turn, { is: 'next-master-key', link: number, key, at: turn.mono })
  return null
}

function forgetNextKey(turn: Turn, why: string): void {
  const key = turn.state.link.identity?.masterKey ?? null
  if (key === null) return
  report(turn, 'SEC-17', why)
  submit(turn, { is: 'only-master-key', key })
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

/** COMMITTED came: under the new key it is the one, and the old is forgotten. Under the old one, a
 * new key that never answered is. */
export function keyConfirmed(turn: Turn): void {
  const link = own(turn.state.link)
  const { under, nextCalls } = link.calling
  link.calling = CALLING
  const key = link.identity?.nextMasterKey ?? null
  if (key === null) return
  if (under === 'next') submit(turn, { is: 'only-master-key', key })
  else if (nextCalls < NEXT_KEY_CALLS_MAX) link.calling = { ...CALLING, nextCalls }
  else forgetNextKey(turn, `${nextCalls} calls under it failed`)
}

export const onlyMasterKeyCommit = (turn: Turn, { key }: OnlyMasterKeyJob): OutboxCommit =>
  changedIdentity(turn, (now) => ({ ...now, masterKey: key, nextMasterKey: null }))
