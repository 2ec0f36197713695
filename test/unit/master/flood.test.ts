// Limits on handshakes (wire.md 10): in flight and begun per minute, per source and per device at a
// source; and that they do not affect anyone else.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Floodgate, HANDSHAKE_LIMITS } from '../../../services/master/core/flood.ts'
import { RecentSteps } from '../../../services/master/core/recent-steps.ts'
import { unixUs } from '../../../shared/units.ts'
import { countingSuite, SessionPair } from '../pairs/session-pair.ts'

const SECOND = 1_000_000
const MANY = { perSource: 1e6, perDevice: 1e6 }

/** Begins and ends this many handshakes; returns how many were admitted. */
function begun(gate: Floodgate, source: string, calls: number, at: number): number {
  let count = 0
  for (let call = 0; call < calls; call += 1) {
    const ticket = gate.begin(source, at)
    if (ticket === null) continue
    count += 1
    gate.end(ticket)
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

test('64 in flight from one source, 768 from strangers, 1,024 in all; each that ends makes room', () => {
  const gate = new Floodgate({ ...HANDSHAKE_LIMITS, ...MANY })
  const enter = (source: string) => {
    const tickets = []
    for (;;) {
      const ticket = gate.begin(source, 0)
      if (ticket === null) return tickets
      tickets.push(ticket)
    }
  }
  const names = (what: string, count: number) =>
    Array.from({ length: count }, (_, at) => `${what} ${at}`)
  for (const home of names('home', 6)) gate.saw(home)
  const strangers = names('stranger', 14).map(enter)
  assert.deepEqual(
    strangers.map(({ length }) => length),
    [...Array.from({ length: 12 }, () => 64), 0, 0],
  )
  const homes = names('home', 6).map(enter)
  assert.deepEqual(
    homes.map(({ length }) => length),
    [64, 64, 64, 64, 0, 0],
    'room was kept for them',
  )
  assert.equal(gate.size.inFlight, 1_024)
  const [ticket] = strangers[3] ?? []
  assert.ok(ticket !== undefined)
  gate.end(ticket)
  assert.notEqual(gate.begin('stranger 3', 0), null)
  assert.equal(gate.begin('stranger 13', 0), null)
})

test('a /48 has the handshakes of four sources, however many /64 it uses', () => {
  const gate = new Floodgate({ ...HANDSHAKE_LIMITS, inFlight: 1e6, inFlightStrangers: 1e6 })
  const tickets = Array.from({ length: 1_000 }, (_, at) => gate.begin(`/64 ${at}`, 0, '/48'))
  const begun = tickets.flatMap((ticket) => ticket ?? [])
  assert.equal(begun.length, 240, 'a minute')
  assert.notEqual(gate.begin('/64 of another', 0, 'another /48'), null)
  for (let minute = 1; minute < 3; minute += 1) {
    for (let at = 0; at < 1_000; at += 1) {
      const ticket = gate.begin(`/64 ${at}`, minute * 60 * SECOND, '/48')
      if (ticket !== null) begun.push(ticket)
    }
  }
  assert.equal(begun.length, 256, 'in flight')
  for (const ticket of begun) gate.end(ticket)
  assert.equal(gate.size.inFlight, 1)
  assert.notEqual(gate.begin('/64 1', 3 * 60 * SECOND, '/48'), null)
})

test('50,000 sources take the memory of 10,000', () => {
  const gate = new Floodgate(HANDSHAKE_LIMITS)
  for (let at = 0; at < 50_000; at += 1) {
    const ticket = gate.begin(`source ${at}`, 0)
    gate.calls('device', { source: `source ${at}`, elsewhere: false }, 0)
    gate.saw(`source ${at}`)
    if (ticket !== null) gate.end(ticket)
  }
  assert.deepEqual(gate.size, { inFlight: 0, sources: 10_000, devices: 10_000 })
})

test('too many from one source are refused (WIR-05) before anything is computed', () => {
  const counting = countingSuite()
  const limits = { perSource: 3, perDevice: 1e6 }
  const pair = new SessionPair({ limits, suites: { master: counting.suite } })
  const call = (source?: string) => pair.tell(pair.open(source), pair.hello().send)
  const refused = Array.from({ length: 3 }, () => call().refused)
  assert.deepEqual(refused, [null, null, null])
  const before = counting.spent()
  const { refused: fourth, body } = call()
  assert.equal(fourth, 'WIR-05')
  assert.equal(new TextDecoder().decode(body?.subarray(1)), 'WIR-05')
  assert.equal(counting.spent(), before)
  assert.equal(call('elsewhere').refused, null)
  pair.now = { ...pair.now, at: unixUs(pair.now.at + 20 * SECOND) }
  assert.equal(call().refused, null)
})

test('one device from one source: 10 a minute, the rest cost one X25519; elsewhere it gets in', () => {
  const counting = countingSuite()
  const pair = new SessionPair({ suites: { master: counting.suite } })
  for (let call = 0; call < 10; call += 1) {
    const link = pair.open()
    assert.equal(pair.tell(link, pair.hello().send).refused, null)
    pair.close(link)
  }
  const before = counting.spent()
  assert.equal(pair.tell(pair.open(), pair.hello().send).refused, 'WIR-05')
  assert.equal(counting.spent(), before + 1)
  const { link, welcome } = pair.greet('its own home')
  assert.equal(pair.confirm(link, welcome).refused, null)
})

test('a handshake is in flight until CONFIRM, or until its link ends', () => {
  const limits = { ...MANY, inFlightPerSource: 2 }
  const pair = new SessionPair({ limits })
  const call = (link = pair.open()) => pair.tell(link, pair.hello().send).refused
  const first = pair.greet()
  const second = pair.open()
  assert.equal(call(second), null)
  assert.equal(call(), 'WIR-05')
  pair.close(second)
  const third = pair.open()
  assert.equal(call(third), null)
  assert.equal(call(), 'WIR-05')
  assert.equal(pair.confirm(first.link, first.welcome).refused, null)
  assert.equal(call(), null)
  // The confirmed one ends: it must not be counted down twice.
  pair.close(first.link)
  assert.equal(call(), 'WIR-05')
})

test('one recorded step 1 from 2,000 addresses: one place, and no computing (WIR-09)', () => {
  const counting = countingSuite()
  const pair = new SessionPair({ suites: { master: counting.suite } })
  const { send } = pair.hello()
  assert.equal(pair.tell(pair.open('listener'), send).refused, null)
  const before = counting.spent()
  const refused = Array.from({ length: 2_000 }, (_, at) =>
    pair.tell(pair.open(`listener ${at}`), send),
  )
  assert.deepEqual([...new Set(refused.map((answer) => answer.refused))], ['WIR-09'])
  assert.equal(counting.spent(), before)
  const { link, welcome } = pair.greet('its own home')
  assert.equal(pair.confirm(link, welcome).refused, null)
})

test('a copy that was faster than the call does not shut out the caller where it was seen before', () => {
  const pair = new SessionPair()
  const home = pair.greet('home')
  assert.equal(pair.confirm(home.link, home.welcome).refused, null)
  const hello = pair.hello()
  assert.equal(pair.tell(pair.open('listener'), hello.send).refused, null)
  assert.equal(pair.tell(pair.open('listener'), hello.send).refused, 'WIR-09')
  const link = pair.open('home')
  const { body, refused } = pair.tell(link, hello.send)
  assert.equal(refused, null)
  assert.ok(body !== null)
  assert.equal(pair.tell(pair.open('home'), hello.send).refused, 'WIR-09', 'once is enough')
  assert.equal(pair.confirm(link, pair.take(hello.session, body)).refused, null)
})

test('a thousand recordings of one device: 4 in flight, 30 a minute, and none keeps it out at home', () => {
  const pair = new SessionPair({ limits: { ...HANDSHAKE_LIMITS, inFlight: 5 } })
  const home = pair.greet('home')
  assert.equal(pair.confirm(home.link, home.welcome).refused, null)
  const links: number[] = []
  const codes = new Map<string | null, number>()
  for (let at = 0; at < 1_000; at += 1) {
    const link = pair.open(`listener ${at}`)
    const actions = pair.master.step({ on: 'body', link, body: pair.hello().send }, pair.now)
    for (const action of actions) {
      if (action.do === 'send' && action.body[0] === 0x12) links.push(link)
      if (action.do !== 'refused') continue
      codes.set(action.code, (codes.get(action.code) ?? 0) + 1)
    }
  }
  // Its own first call came from a home not seen before.
  assert.equal(links.length, 29, 'answered')
  // 971 calls too many, and 25 that gave way to the next.
  assert.deepEqual([...codes], [['WIR-05', 996]])
  const again = pair.greet('home')
  assert.equal(pair.confirm(again.link, again.welcome).refused, null)
})

test('links a device left behind give way to its next call', () => {
  const pair = new SessionPair()
  const left = Array.from({ length: 8 }, () => pair.greet('home').link)
  const { link, welcome } = pair.greet('home')
  assert.equal(pair.confirm(link, welcome).refused, null)
  assert.equal(left.length, 8)
})

test('what is remembered of first messages has a fixed size, and a device forgets only its own', () => {
  const recent = new RecentSteps()
  const step = (fill: number): Uint8Array => {
    const noise = new Uint8Array(64)
    new DataView(noise.buffer).setUint32(0, fill)
    return noise
  }
  recent.remember(step(0), 'quiet')
  for (let at = 1; at <= 100_000; at += 1) recent.remember(step(at), 'busy')
  assert.equal(recent.size, 17)
  assert.equal(recent.callerOf(step(0))?.device, 'quiet')
  assert.equal(recent.callerOf(step(100_000))?.device, 'busy')
  assert.equal(recent.callerOf(step(1)), null)
  for (let at = 0; at < 40_000; at += 1) recent.remember(step(200_000 + at), `device ${at}`)
  assert.equal(recent.size, 20_000)
})
