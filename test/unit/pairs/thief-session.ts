// Whoever holds a copy of a slave's keys, on a link of his own to the master of a RecoveryWorld.

import assert from 'node:assert/strict'
import { controlBody } from '../../../services/slave/core/control.ts'
import { beginSession, receive } from '../../../services/slave/core/link/session.ts'
import type { Session } from '../../../services/slave/core/state/link.ts'
import type { Stored } from '../../../services/slave/core/state/stored.ts'
import { nodeRandom, nodeSuite } from '../../../shared/node/node-suite.ts'
import type { ControlMessage, SealedUpTo } from '../../../shared/wire/control.ts'
import type { RecoveryWorld } from './recovery-world.ts'

export interface ThiefSession {
  /** What the master said, oldest first. */
  readonly heard: ControlMessage[]
  say(message: ControlMessage): void
}

/** Calls with the keys of `copy`; `wantEpoch`: asks for a new epoch; `runs`: what CONFIRM lists. */
export function callAs(
  world: RecoveryWorld,
  copy: Stored,
  { wantEpoch = true, runs = [] }: { wantEpoch?: boolean; runs?: readonly SealedUpTo[] } = {},
): ThiefSession {
  const { identity } = copy
  assert.ok(identity?.psk && identity.masterKey)
  const { staticKey, psk, masterKey } = identity
  const setup = { suite: nodeSuite, random: nodeRandom, processId: nodeRandom(8) }
  const hello = beginSession(setup, { staticKey, psk, masterKey }, { wantEpoch, mono: world.mono })
  let session: Session = hello.session
  const heard: ControlMessage[] = []
  const say = (message: ControlMessage): void => {
    const body = controlBody(session, message)
    assert.ok(body !== null)
    send(body)
  }
  const send = world.join((body) => {
    const step = receive(setup, session, identity, body)
    session = step.session
    const { outcome } = step
    if (outcome.is === 'control') heard.push(outcome.message)
    if (outcome.is !== 'welcome') return
    say({ is: 'confirm', epoch: outcome.epoch?.id ?? 0, runs })
  })
  assert.ok(hello.send !== null)
  send(hello.send)
  return { heard, say }
}
