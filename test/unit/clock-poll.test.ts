import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BURST_INTERVAL_US,
  INTERVAL_MAX_US,
  INTERVAL_MIN_US,
  nextAsk,
  START_POLL,
} from '../../shared/clock/poll.ts'

/** Waits after each of the questions whose outcomes are given, without jitter. */
function waits(outcomes: readonly boolean[]): number[] {
  let poll = START_POLL
  return outcomes.map((good) => {
    const next = nextAsk(poll, good, 0.5)
    poll = next.poll
    return next.wait
  })
}
const MIN = INTERVAL_MIN_US
const FAST = BURST_INTERVAL_US

test('four questions in a burst, then 16 s, doubled by four good answers up to 64 s', () => {
  const all = waits(Array.from({ length: 20 }, () => true))
  assert.deepEqual(all.slice(0, 3), [FAST, FAST, FAST])
  assert.deepEqual(all.slice(3, 6), [MIN, MIN, MIN])
  assert.deepEqual(all.slice(6, 10), [2 * MIN, 2 * MIN, 2 * MIN, 2 * MIN])
  assert.deepEqual(
    all.slice(10, 20),
    Array.from({ length: 10 }, () => INTERVAL_MAX_US),
  )
})

test('a missed answer goes back to 16 s', () => {
  const good = Array.from({ length: 15 }, () => true)
  assert.deepEqual(waits([...good, false, true, true, true, true]).slice(14), [
    INTERVAL_MAX_US,
    MIN,
    MIN,
    MIN,
    MIN,
    2 * MIN,
  ])
})

test('jitter moves the wait by 10 % either way', () => {
  assert.equal(nextAsk(START_POLL, true, 0).wait, 0.9 * FAST)
  assert.equal(nextAsk(START_POLL, true, 1).wait, 1.1 * FAST)
})
