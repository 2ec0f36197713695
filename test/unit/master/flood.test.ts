// Limits on handshakes (wire.md 10): in flight and begun per minute, per source and per device at a
// source; and that they do not affect anyone else.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Floodgate, HANDSHAKE_LIMITS } from '../../../services/master/core/flood.ts'
import { unixUs } from '../../../shared/units.ts'
import { countingSuite, SessionPair } from '../pairs/session-pair.ts'

const SECOND = 1_000_000
const MANY = { perSource: 1e6, perDevice: 1e6 }

/** Begins and ends this many handshakes; returns how many were admitted. */
function begun(gate: Floodgate, source: string, calls: number, at: number): number {
  let count = 0
  for (let call = 0; call < calls; call += 1) {
    if (!gate.begin(source, at)) continue
    count += 1
    gate.end(source)
  }
  return count
}

test('60 a minute begin from one source, then one a second; another source is not affected', () => {
  const gate = new Floodgate(HANDSHAKE_LIMITS)
  assert.equal(begun(gate, 'a', 200, 0), 60)
  assert.equal(begun(gate, 'b', 200, 0), 60)
  assert.equal(begun(gate, 'a', 200, 10 * SECOND), 10)
  assert.equal(begun(gate, 'a', 200, 3_600 * SECOND), 60)
})

test('a clock set back by a year locks nobody out', () => {
  const gate = new Floodgate(HANDSHAKE_LIMITS)
  const year = 365 * 86_400 * SECOND
  assert.equal(begun(gate, 'a', 200, year), 60)
  assert.equal(begun(gate, 'a', 200, 0), 60)
})

test('64 may be in flight from one source, 1,024 in all; each that ends makes room', () => {
  const gate = new Floodgate({ ...HANDSHAKE_LIMITS, ...MANY })
  const sources = Array.from({ length: 20 }, (_, index) => `source ${index}`)
  const entered = sources.map((source) => {
    let count = 0
    while (gate.begin(source, 0)) count += 1
    return count
  })
  assert.deepEqual(entered, [...Array.from({ length: 16 }, () => 64), 0, 0, 0, 0])
  assert.equal(gate.size.inFlight, 1_024)
  gate.end('source 3')
  assert.equal(gate.begin('source 3', 0), true)
  assert.equal(gate.begin('source 19', 0), false)
})

test('50,000 sources take the memory of 10,000', () => {
  const gate = new Floodgate(HANDSHAKE_LIMITS)
  for (let at = 0; at < 50_000; at += 1) {
    gate.begin(`source ${at}`, 0)
    gate.calls('device', `source ${at}`, 0)
    gate.end(`source ${at}`)
  }
  assert.deepEqual(gate.size, { inFlight: 0, sources: 10_000, devices: 10_000 })
})

test('too many from one source are refused (WIR-05) before anything is computed', () => {
  const counting = countingSuite()
  const limits = { perSource: 3, perDevice: 1e6 }
  const pair = new SessionPair({ limits, suites: { master: counting.suite } })
  const { send } = pair.hello()
  const refused = Array.from({ length: 3 }, () => pair.tell(pair.open(), send).refused)
  assert.deepEqual(refused, [null, null, null])
  const before = counting.spent()
  const { refused: fourth, body } = pair.tell(pair.open(), send)
  assert.equal(fourth, 'WIR-05')
  assert.equal(new TextDecoder().decode(body?.subarray(1)), 'WIR-05')
  assert.equal(counting.spent(), before)
  assert.equal(pair.tell(pair.open('elsewhere'), send).refused, null)
  pair.now = { ...pair.now, at: unixUs(pair.now.at + 20 * SECOND) }
  assert.equal(pair.tell(pair.open(), send).refused, null)
})

test('one device from one source: 10 a minute, the rest cost one X25519; elsewhere it gets in', () => {
  const counting = countingSuite()
  const pair = new SessionPair({ suites: { master: counting.suite } })
  const { send } = pair.hello()
  for (let call = 0; call < 10; call += 1) {
    assert.equal(pair.tell(pair.open(), send).refused, null)
  }
  const before = counting.spent()
  assert.equal(pair.tell(pair.open(), send).refused, 'WIR-05')
  assert.equal(counting.spent(), before + 1)
  const { link, welcome } = pair.greet('its own home')
  assert.equal(pair.confirm(link, welcome).refused, null)
})

test('a handshake is in flight until CONFIRM, or until its link ends', () => {
  const limits = { ...MANY, inFlightPerSource: 2 }
  const pair = new SessionPair({ limits })
  const { send } = pair.hello()
  const first = pair.greet()
  const second = pair.open()
  assert.equal(pair.tell(second, send).refused, null)
  assert.equal(pair.tell(pair.open(), send).refused, 'WIR-05')
  pair.close(second)
  const third = pair.open()
  assert.equal(pair.tell(third, send).refused, null)
  assert.equal(pair.tell(pair.open(), send).refused, 'WIR-05')
  assert.equal(pair.confirm(first.link, first.welcome).refused, null)
  assert.equal(pair.tell(pair.open(), send).refused, null)
  // The confirmed one ends: it must not be counted down twice.
  pair.close(first.link)
  assert.equal(pair.tell(pair.open(), send).refused, 'WIR-05')
})
