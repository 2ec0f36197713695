// An attacker on the line alters a session handshake of suite 1, or asks for another suite.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SessionPair } from '../unit/pairs/session-pair.ts'

/** No caller is limited here. */
const LIMITS = {
  perSource: 1e6,
  perDevice: 1e6,
  perDeviceElsewhere: 1e6,
  inFlight: 1e6,
  inFlightPerSource: 1e6,
}

function flipped(body: Uint8Array, bit: number): Uint8Array {
  const damaged = new Uint8Array(body)
  damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return damaged
}

test('a flipped bit in any byte of step 1 is refused, and the link ends', () => {
  const pair = new SessionPair({ limits: LIMITS })
  const { send } = pair.hello()
  const codes = new Set<string | null>()
  for (let at = 0; at < send.length; at += 1) {
    const { refused } = pair.tell(pair.open(), flipped(send, at * 8 + (at % 8)))
    assert.match(refused ?? 'taken', /^(?:WIR-0[134]|SEC-09)$/, `byte ${at}`)
    codes.add(refused)
  }
  assert.ok(codes.has('SEC-09'))
  assert.equal(pair.tell(pair.open(), send).refused, null)
})

test('a flipped bit in any byte of step 2 ends the link, and nothing follows from it', () => {
  const pair = new SessionPair({ limits: LIMITS })
  const whole = pair.greet().sizes[1]
  for (let at = 0; at < whole; at += 1) {
    const hello = pair.hello()
    const { body } = pair.tell(pair.open(), hello.send)
    assert.ok(body?.length === whole)
    const { session, outcome } = pair.take(hello.session, flipped(body, at * 8 + (at % 8)))
    assert.ok(outcome.is === 'ended', `byte ${at}`)
    assert.equal(session.is, 'down')
  }
})

test('cut short at any place: refused', () => {
  const pair = new SessionPair({ limits: LIMITS })
  const { send, session } = pair.hello()
  const { body } = pair.tell(pair.open(), send)
  assert.ok(body !== null)
  for (let length = 0; length < send.length; length += 1) {
    assert.notEqual(pair.tell(pair.open(), send.slice(0, length)).refused, null, `${length} bytes`)
  }
  // The first message that does not authenticate ends a handshake: one try for each.
  for (let length = 0; length < body.length; length += 97) {
    const hello = pair.hello()
    assert.equal(pair.take(hello.session, body.slice(0, length)).outcome.is, 'ended')
  }
  assert.equal(pair.take(session, body).outcome.is, 'welcome')
})

test('no downgrade: the suite byte altered on the way, either way, ends the handshake', () => {
  const pair = new SessionPair({ limits: LIMITS })
  const { send } = pair.hello()
  assert.deepEqual([...send.subarray(0, 3)], [0x12, 1, 1])
  for (const [suite, fault] of [
    [0, 'SEC-09'],
    [2, 'WIR-01'],
    [255, 'WIR-01'],
  ] as const) {
    const altered = new Uint8Array(send)
    altered[2] = suite
    assert.equal(pair.tell(pair.open(), altered).refused, fault)
  }
  // The key of ML-KEM cut out, as a step 1 of suite 0 would have it.
  const tail = send.subarray(7 + 32 + 1_200)
  const stripped = new Uint8Array([0x12, 1, 0, ...send.subarray(3, 39), ...tail])
  assert.equal(pair.tell(pair.open(), stripped).refused, 'SEC-09')
  const hello = pair.hello()
  const { body } = pair.tell(pair.open(), hello.send)
  assert.ok(body !== null)
  body[2] = 0
  const { outcome } = pair.take(hello.session, body)
  assert.ok(outcome.is === 'ended' && outcome.fault === 'WIR-04')
})

test('a replayed step 1 is not answered, altered where nothing protects it or not (WIR-09)', () => {
  const pair = new SessionPair({ limits: LIMITS })
  const hello = pair.hello()
  const first = pair.tell(pair.open(), hello.send)
  const { send } = hello
  for (const copy of [send, flipped(send, send.length * 8 - 1), send.slice(0, 60)]) {
    assert.equal(pair.tell(pair.open(), copy).refused, 'WIR-09')
  }
  const { outcome } = pair.take(hello.session, first.body ?? new Uint8Array(0))
  assert.equal(outcome.is, 'welcome')
})
