// The slave's clock where the master's changes under it, and what of it outlives a process.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pair } from '../pairs/command-pair.ts'

const S = 1_000_000

/** A slave that knows the time since an hour. */
function settled(ratePpm = 0): Pair {
  const pair = new Pair([])
  pair.ratePpm = ratePpm
  pair.run(3_600)
  assert.ok(aheadOf(pair) < 5_000, `${aheadOf(pair)}`)
  return pair
}

const aheadOf = (pair: Pair): number => pair.clock.clock - pair.utc
const reports = (pair: Pair, fault: string): number =>
  pair.reports.filter((report) => report === fault).length

test('a corrected master is followed within the burst of questions it causes (CLK-08)', () => {
  const pair = settled()
  pair.reports.length = 0
  pair.masterAhead = 5 * S
  let asked = 0
  while (pair.reports.length === 0) {
    pair.run(1)
    asked += 1
  }
  // The longest interval and its jitter.
  assert.ok(asked <= 256 * 1.1 + 1, `${asked}`)
  assert.ok(Math.abs(aheadOf(pair)) < 5_000, 'one sample moves nothing')
  assert.ok(pair.clock.clockBoundMs >= 5_000, 'the bound covers both stories')
  pair.run(8)
  assert.equal(reports(pair, 'CLK-08'), 4)
  assert.equal(reports(pair, 'CLK-06'), 1)
  assert.ok(Math.abs(aheadOf(pair) - 5 * S) < 5_000)
  pair.run(20)
  assert.equal(pair.status?.discipline.steps, 1)
  assert.ok(Math.abs((pair.status?.discipline.lastStep ?? 0) - 5 * S) < 20_000)
})

test('a master beyond all corrections is not followed; the slave holds over (CLK-09)', () => {
  const pair = settled()
  pair.reports.length = 0
  pair.masterAhead = 1_001 * S
  pair.run(3_600)
  assert.ok(reports(pair, 'CLK-09') > 3)
  assert.equal(reports(pair, 'CLK-06'), 0)
  assert.ok(Math.abs(aheadOf(pair)) < 5_000)
  const { holdover = 0 } = pair.status?.discipline ?? {}
  assert.ok(holdover > 3_200_000, `${holdover} ms since a sample that counted`)
  assert.ok(pair.clock.clockBoundMs > 300 && pair.clock.clockBoundMs < 1_000)
})

test('the rate of the oscillator is reported, stored, and where the next process begins', () => {
  const pair = settled(40)
  const { frequency = null, skew = 0 } = pair.status?.discipline ?? {}
  assert.ok(frequency !== null && Math.abs(frequency - 40) < 0.5, `${frequency}`)
  assert.ok(skew > 100 && skew < 150, `${skew}`)
  const stored = pair.disk.load().frequency ?? null
  assert.ok(stored !== null && Math.abs(stored.frequency - 40) < 0.5)
  assert.ok(Math.abs(stored.at - pair.utc / 1_000) < 3_700_000)
  pair.die()
  // One or two samples, and then none that count.
  pair.run(0.5)
  const before = aheadOf(pair)
  pair.masterBound = null
  pair.run(1_800)
  assert.equal(pair.status?.discipline.frequency, null, 'not learned by this process yet')
  // At 40 ppm unknown it would be 72 ms.
  assert.ok(Math.abs(aheadOf(pair) - before) < 5_000, `${aheadOf(pair) - before}`)
})

test('after a sleep the next sample counts as the first: no contradiction, no burst of doubt', () => {
  const pair = settled()
  pair.reports.length = 0
  pair.masterAhead = 3_600 * S
  pair.meterSays({ on: 'slept' })
  assert.equal(pair.clockState, 'U')
  pair.run(3)
  assert.equal(pair.clockState, 'S')
  assert.ok(Math.abs(aheadOf(pair) - 3_600 * S) < 5_000)
  assert.deepEqual(pair.reports, ['CLK-06'])
})

test('what was learned of the oscillator is stored once an hour', () => {
  const pair = settled()
  const first = pair.disk.load().frequency?.at ?? 0
  pair.run(3_000)
  const second = pair.disk.load().frequency?.at ?? 0
  assert.ok(second - first > 3_599_000 && second - first < 3_601_000, `${second - first}`)
})

test("stepping the operating system's clock does no harm, not even before a restart", () => {
  const pair = settled()
  for (const step of [86_400 * S, -86_400 * S, -1]) {
    pair.wallAhead = step
    pair.run(600)
    assert.ok(Math.abs(aheadOf(pair)) < 5_000)
    assert.equal(pair.clockState, 'S')
    pair.die()
    pair.run(5)
    assert.ok(Math.abs(aheadOf(pair)) < 5_000, `after a restart ${aheadOf(pair)}`)
  }
})
