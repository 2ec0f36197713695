// An agent that is busy: a message leaves after it was made and is looked at after it came. What
// counts is when it left and when it came.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, EXCHANGE_ID_BYTES, IDLE, sent } from '../../../shared/clock/estimate/exchange.ts'
import { type MonoUs, monoUs } from '../../../shared/units.ts'
import { greeting, HELLO_AT, MASTER_BOUND_US } from '../master/greeting.ts'

/** The message left after 40 ms, the answer came a millisecond later, and was looked at after
 * another 60. */
const LEFT = monoUs(40_000)
const CAME = monoUs(41_000)
const LOOKED_AT = monoUs(101_000)

/** Bound by the first sample, ms, beyond the master's own; `told`: what the link said. */
function boundMs(told: { made?: MonoUs; left?: MonoUs; came?: MonoUs }): number {
  const { agent, made, answer } = greeting()
  assert.equal(made, HELLO_AT)
  if (told.left !== undefined) {
    agent.step({ on: 'sent', made: told.made ?? HELLO_AT, at: told.left }, LOOKED_AT)
  }
  const at = told.came === undefined ? {} : { at: told.came }
  agent.step({ on: 'body', body: answer, ...at }, LOOKED_AT)
  return agent.view(LOOKED_AT).clockBoundMs - MASTER_BOUND_US / 1_000
}

test('the sample of the handshake is struck where the socket is', () => {
  assert.ok(boundMs({ left: LEFT, came: CAME }) <= 1)
})

test('a stamp that is missing only widens the bound', () => {
  assert.equal(boundMs({}), 51)
  assert.equal(boundMs({ left: LEFT }), 31)
  assert.equal(boundMs({ came: CAME }), 21)
})

test('a stamp of another message, of before this one or of the future is not believed', () => {
  assert.equal(boundMs({ made: monoUs(2), left: LEFT, came: CAME }), 21)
  assert.equal(boundMs({ left: monoUs(0), came: CAME }), 21)
  assert.equal(boundMs({ left: monoUs(LOOKED_AT + 1), came: CAME }), 21)
  assert.equal(boundMs({ came: monoUs(LOOKED_AT + 1) }), 51)
})

test('a question that is no longer open is not moved', () => {
  const open = ask(new Uint8Array(EXCHANGE_ID_BYTES), monoUs(5))
  assert.equal(sent(open, monoUs(5), monoUs(9)).open?.t1, 9)
  assert.equal(sent(open, monoUs(4), monoUs(9)).open?.t1, 5)
  assert.equal(sent(IDLE, monoUs(4), monoUs(9)).open, null)
})
