// Which links may stay after a look at the roster. A link is compared with what its device's record
// says now, not with what changed since the last look: revoking and a new token, or a removal and a
// return, may both lie between two looks, and then no single change tells that the caller's key is
// nobody's any more. A look once a second thus cuts whoever speaks under a key that is not the
// device's, by whatever way it stopped being so.

import { equalConstantTime } from '../../../shared/bytes.ts'
import type { FaultCode } from '../../../shared/faults.ts'
import type { DeviceRecord } from '../../../shared/handover/roster.ts'
import { refuse } from './links.ts'
import type { CalledAs, KnownToken, Link, RosterState, Turn } from './state.ts'

/** Cuts every link that the roster, as it is now, would not let begin. SEC-01 its static key or psk
 * is no longer the device's, SEC-07 its token is gone, SEC-14 the device is revoked. */
export function cutStrangers(turn: Turn): void {
  for (const link of turn.links.values()) {
    const fault = strangerBy(turn.roster, link)
    if (fault !== null) refuse(turn, link, fault)
  }
}

/** Why this link may not go on; null: it may. */
function strangerBy(roster: RosterState, { phase, calledAs }: Link): FaultCode | null {
  if (phase.is === 'new') return null
  if (phase.is === 'enrolling') return goneBy(roster, phase.token)
  const { device } = phase
  if (roster.devices.get(device.record.id) !== device) return 'SEC-01'
  if (device.record.revoked) return 'SEC-14'
  // The roster cannot know the new key yet: it is compared once it is stored.
  if (phase.is === 'storing') return null
  return isCaller(device.record, calledAs) ? null : 'SEC-01'
}

function goneBy(roster: RosterState, token: KnownToken): FaultCode | null {
  const known = roster.tokens.get(token.id)
  if (known === undefined || !isSameToken(known, token)) return 'SEC-07'
  const device = roster.devices.get(known.device)
  if (device === undefined) return 'SEC-07'
  return device.record.revoked ? 'SEC-14' : null
}

/** The same secret for the same device: a token issued anew under its old id is another one. */
export const isSameToken = (one: KnownToken, other: KnownToken): boolean =>
  one.device === other.device && equalConstantTime(one.clearSecret, other.clearSecret)

/** Whether the device still calls with this key, and with the psk of this enrolment. */
const isCaller = (record: DeviceRecord, caller: CalledAs | null): boolean =>
  caller !== null && caller.attempt === record.attempt && isKeyOf(record, caller)

/** Whether the static key is the device's. */
export const isKeyOf = ({ staticKey }: DeviceRecord, caller: CalledAs | null): boolean =>
  caller !== null && staticKey !== null && equalConstantTime(caller.staticKey, staticKey)
