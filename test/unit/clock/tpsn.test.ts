// TPSN's arithmetic at its edges: truncated stamps, processing time, late and repeated messages.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  compare,
  EXCHANGES,
  FINE_CLOCK,
  giveTime,
  IDLE_PEER,
  type Peer,
  STANDARD_CLOCK,
  type Stamps,
  takeLocal,
  clockMessage,
  truncated,
} from '../../../shared/clock/meter/tpsn.ts'
import { lineTime } from '../../../shared/clock/meter/meter-clock-line.ts'
import { monoUs, spanUs, unixUs } from '../../../shared/units.ts'

const NO_LINE = { request: spanUs(0), answer: spanUs(0) }
const stampsOf = (t1: number, t2: number, t3: number, t4: number): Stamps => ({
  t1: monoUs(t1),
  t2: unixUs(t2),
  t3: unixUs(t3),
  t4: monoUs(t4),
})

test('offset is half of the difference of the two directions, delay excludes the processing time', () => {
  const verdict = compare(stampsOf(0, 5_300, 6_300, 1_600), spanUs(1), NO_LINE)
  assert.ok(verdict.ok)
  // ((5300 - 0) + (6300 - 1600)) / 2, and half a microsecond of resolution.
  assert.equal(verdict.comparison.offset, 5_000.5)
  assert.equal(verdict.comparison.delay, 600)
  // Half the delay, half the resolution, the truncation of both stamps, two roundings, 250 ppm.
  assert.ok(Math.abs(verdict.comparison.bound - 303.6) < 0.2, `${verdict.comparison.bound}`)
})

test('a long answer to a short question costs no accuracy', () => {
  const rate = { baud: 57_600, bits: 10 } as const
  const onLine = { request: lineTime(5, rate), answer: lineTime(100, rate) }
  const t4 = onLine.request + 400 + onLine.answer
  const looked = onLine.request + 200
  const verdict = compare(stampsOf(0, looked, looked, t4), spanUs(1), onLine)
  assert.ok(verdict.ok && Math.abs(verdict.comparison.offset) < 1)
})

test('truncated stamps never make an answer impossible', () => {
  // Received at 1009 and sent at 2000 over a line without delay; sent as 1000 and 2000.
  assert.ok(compare(stampsOf(1_009, 1_000, 2_000, 2_000), FINE_CLOCK.resolution, NO_LINE).ok)
})

test('impossible stamps: CLK-02 on each side of the edge', () => {
  for (const [stamps, ok] of [
    [stampsOf(0, 100, 100, 0), true],
    [stampsOf(0, 100, 100, -1), false],
    [stampsOf(0, 100, 99, 10), false],
    // Both stamps are truncated to 1 us.
    [stampsOf(0, 100, 112, 10), true],
    [stampsOf(0, 100, 113, 10), false],
    [stampsOf(0, Number.NaN, 100, 10), false],
  ] as const) {
    assert.equal(compare(stamps, spanUs(1), NO_LINE).ok, ok, JSON.stringify(stamps))
  }
})

test('a local time counts once, and only in the open exchange: CLK-04', () => {
  const { peer, message } = giveTime(IDLE_PEER, monoUs(0), unixUs(1e15), FINE_CLOCK)
  const stamps = { received: 2e15, sent: 2e15 }
  const local = clockMessage('local', message.exchange, stamps, FINE_CLOCK)
  const refused = (from: Peer, answer: typeof local): void => {
    const { peer: after, verdict } = takeLocal(from, answer, monoUs(900), FINE_CLOCK, NO_LINE)
    assert.deepEqual(verdict, { ok: false, fault: 'CLK-04' })
    assert.equal(after, from)
  }
  refused(IDLE_PEER, local)
  refused(peer, { ...local, exchange: local.exchange + 1 })
  refused(peer, { ...local, tpsn: 'time' })
  const taken = takeLocal(peer, local, monoUs(900), FINE_CLOCK, NO_LINE)
  assert.ok(taken.verdict.ok)
  refused(taken.peer, local)
})

test('exchanges are numbered in one byte', () => {
  let peer = IDLE_PEER
  for (let at = 0; at < EXCHANGES; at += 1) {
    const given = giveTime(peer, monoUs(at), unixUs(at), FINE_CLOCK)
    assert.equal(given.message.exchange, at)
    peer = given.peer
  }
  assert.equal(peer.next, 0)
})

test('hundredths in the standard clock, tens of microseconds in the other, always truncated', () => {
  assert.equal(truncated(1_234_567.9, STANDARD_CLOCK), 1_230_000)
  assert.equal(truncated(1_234_567.9, FINE_CLOCK), 1_234_560)
  assert.equal(truncated(-1, STANDARD_CLOCK), -10_000)
  const stamps = { received: 1_000_000, sent: 1_055_555 }
  assert.equal(
    clockMessage('local', 0, stamps, STANDARD_CLOCK).received,
    1_050_000,
    'only one stamp',
  )
  assert.equal(clockMessage('local', 0, stamps, FINE_CLOCK).received, 1_000_000)
})
