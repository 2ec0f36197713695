// A machine that sleeps: its monotonic clock stands, so a round trip that slept looks fast.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { monoUs } from '../../../shared/units.ts'
import { greeting } from '../master/greeting.ts'

/** Clock state after the handshake's answer came, with and without a sleep before it. */
function stateAfter(slept: boolean): string {
  const { agent, answer } = greeting()
  if (slept) agent.step({ on: 'slept' }, monoUs(2))
  agent.step({ on: 'body', body: answer }, monoUs(3))
  return agent.view(monoUs(3)).clockState
}

test('the handshake brings a first time sample (wire.md 5)', () => {
  assert.equal(stateAfter(false), 'S')
})

test('a handshake during which the machine slept brings none (simulation, seed 1048)', () => {
  assert.equal(stateAfter(true), 'U')
})
