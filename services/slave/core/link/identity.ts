// Who we are to the master: changed durably, first on the disk and then here.

import type { Random } from '../../../../shared/bytes.ts'
import type { DeviceIdJob } from '../state/jobs.ts'
import { own } from '../state/own.ts'
import type { OutboxCommit, StoredIdentity } from '../state/stored.ts'
import type { Turn } from '../turn.ts'

/** The identity with the next attempt's number; made here, at the first link ever. */
export const nextAttempt = (identity: StoredIdentity | null, random: Random): StoredIdentity =>
  identity === null
    ? { staticKey: random(32), attempt: 1, masterKey: null, psk: null, device: null }
    : { ...identity, attempt: identity.attempt + 1 }

/** Built when its turn comes: another change may be on its way to the disk. */
export function changedIdentity(
  { state }: Turn,
  change: (identity: StoredIdentity) => StoredIdentity,
): OutboxCommit {
  const { identity } = state.link
  return identity === null ? {} : { identity: change(identity) }
}

/** What was stored of it is so from now on. */
export function identityStored(turn: Turn, { identity }: OutboxCommit): void {
  if (identity !== undefined) own(turn.state.link).identity = identity
}

export const deviceIdCommit = (turn: Turn, { device }: DeviceIdJob): OutboxCommit =>
  changedIdentity(turn, (now) => ({ ...now, device }))
