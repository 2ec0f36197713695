// A link is in one phase, and a phase carries nothing that would be nonsense in it
// (services/slave/core/state/link.ts).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LinkPhase } from '../../../services/slave/core/state/link.ts'
import { own } from '../../../services/slave/core/state/own.ts'
import { Walk } from './walk.ts'

/** True where some phase of this name may carry the field. */
type Carries<Is extends LinkPhase['is'], Field extends string> = Field extends keyof Extract<
  LinkPhase,
  { is: Is }
>
  ? true
  : false

test('an open link cannot carry an offered epoch, nor a link that is down a time to leave it', () => {
  const offeredWhenOpen: Carries<'open', 'offered'> = false
  const offeredWhenCommitting: Carries<'committing', 'offered'> = false
  const moveWhenDown: Carries<'down', 'moveAt'> = false
  const moveWhenConfirming: Carries<'confirming', 'moveAt'> = false
  const channelWhenHandshaking: Carries<'handshaking', 'channel'> = false
  const nonsense = [
    offeredWhenOpen,
    offeredWhenCommitting,
    moveWhenDown,
    moveWhenConfirming,
    channelWhenHandshaking,
  ]
  assert.deepEqual(new Set<boolean>(nonsense), new Set([false]))
  const offered: Carries<'confirming', 'offered'> = true
  assert.ok(offered)
})

test('a link with a new epoch goes through every phase of a session, each transaction named', () => {
  const walk = new Walk()
  walk.connect()
  assert.equal(walk.state.link.phase.is, 'greeted')
  assert.deepEqual(walk.handed, ['offer'])
  walk.store()
  assert.equal(walk.state.link.phase.is, 'committing', 'COMMITTED came, and is not durable')
  assert.deepEqual(walk.handed, ['offer', 'enter-epoch'])
  walk.store()
  const { phase, wantEpoch } = walk.state.link
  assert.deepEqual(Object.keys(phase).sort(), ['channel', 'is', 'moveAt', 'statusAt'])
  assert.equal(wantEpoch, false)
  assert.equal(walk.state.sealing.next.in, 'new epoch')
  const session = ['handshaking', 'greeted', 'confirming', 'committing', 'open']
  assert.deepEqual(walk.phases, session)
})

test('a link that goes down before COMMITTED is durable asks for another epoch', () => {
  const walk = new Walk()
  assert.equal(walk.state.link.wantEpoch, true, 'there is none to seal in')
  walk.connect()
  walk.store()
  walk.tell({ on: 'link-down' })
  assert.deepEqual(walk.state.link.phase, { is: 'down' })
  assert.equal(walk.state.link.wantEpoch, true)
  // The transaction that was on its way is durable all the same: its epoch is entered.
  walk.store()
  assert.deepEqual(walk.state.link.phase, { is: 'down' })
  assert.equal(walk.state.sealing.next.in, 'new epoch')
  assert.equal(walk.state.link.wantEpoch, false)
})

for (const phase of ['confirming', 'committing'] as const) {
  test(`a message that ends the link while it is ${phase} has another epoch asked for`, () => {
    const walk = new Walk()
    walk.connect()
    if (phase === 'confirming') walk.cutOff()
    walk.store()
    assert.equal(walk.state.link.phase.is, phase)
    // As in a session in which the master offers an epoch that was not asked for.
    own(walk.state.link).wantEpoch = false
    walk.mayDrop = true
    walk.tell({ on: 'body', body: new Uint8Array(40) })
    assert.ok(walk.dropped)
    assert.deepEqual(walk.state.link.phase, { is: 'down' })
    assert.equal(walk.state.link.wantEpoch, true)
  })
}
