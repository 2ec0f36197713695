// A thief of a session's keys answers the slave's questions about the time in the master's place:
// once the session is over, the next handshakes are believed and not he (wire.md 5).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MeterPlan } from '../../../services/slave/core/state/plan.ts'
import { spanUs } from '../../../shared/units.ts'
import { Pair } from '../pairs/command-pair.ts'

const S = 1_000_000
const DAY = 86_400 * S

/** Read every five seconds: what was sealed under a time cannot be taken back. */
const METERS: readonly MeterPlan[] = [
  {
    meter: 'M-1',
    everyMs: 5_000,
    push: false,
    history: false,
    clock: { keep: 'watch', zone: spanUs(0) },
  },
]

const aheadOf = (pair: Pair): number => pair.clock.clock - pair.utc

/** The thief answers for `seconds`, then the session ends, and the true master answers again. */
function robbed(pair: Pair, aheadUs: number, seconds: number): void {
  pair.masterAhead = aheadUs
  pair.run(seconds)
  pair.masterAhead = 0
  pair.breakLink()
}

test('a clock led 900 s astray within a session is right again soon after it', () => {
  for (const ahead of [900 * S, -900 * S]) {
    const pair = new Pair(METERS)
    pair.run(600)
    robbed(pair, ahead, 1_200)
    pair.run(120)
    assert.ok(Math.abs(aheadOf(pair)) < 50_000, `${aheadOf(pair) / S} s off`)
    assert.equal(pair.clockState, 'S')
  }
})

test('what he used up of the corrections is not missing afterwards', () => {
  const pair = new Pair(METERS)
  pair.run(600)
  robbed(pair, 900 * S, 1_200)
  pair.run(700)
  // The master itself is corrected by ten minutes: followed, as without the thief.
  pair.masterAhead = 600 * S
  pair.run(1_200)
  assert.ok(Math.abs(aheadOf(pair) - 600 * S) < 50_000, `${aheadOf(pair) / S} s off`)
})

test('eight days ahead: refused, also while the clock knows nothing; the link ends (CLK-09)', () => {
  for (const ahead of [8 * DAY, -8 * DAY]) {
    const pair = new Pair(METERS)
    // The handshake's sample is no good: a reply brings the first one.
    pair.masterBound = null
    pair.run(3)
    pair.masterBound = 20_000
    pair.masterAhead = ahead
    const before = pair.reports.length
    while (pair.reports.length === before) pair.run(0.25)
    assert.equal(pair.reports.at(-1), 'CLK-09')
    assert.ok(Math.abs(aheadOf(pair)) < 2_000 * S, `${aheadOf(pair) / DAY} days off`)
    const { lastUsed } = pair.disk.load()
    assert.ok(lastUsed === null || lastUsed - pair.utc < 2_000 * S)
  }
})
