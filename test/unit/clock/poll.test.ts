import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BURST_INTERVAL_US,
  GROWTH_MAX_US,
  INTERVAL_MAX_US,
  INTERVAL_MIN_US,
  nextAsk,
  type Outcome,
  RESTLESS_US,
  START_POLL,
} from '../../../shared/clock/estimate/poll.ts'
import { ppm, spanUs } from '../../../shared/units.ts'

const GOOD: Outcome = { good: true, moved: spanUs(RESTLESS_US), growth: ppm(100) }
const MISSED: Outcome = { ...GOOD, good: false }
const RESTLESS: Outcome = { ...GOOD, moved: spanUs(RESTLESS_US + 1) }
const UNSURE: Outcome = { ...GOOD, growth: ppm(250) }

const times = (count: number, outcome: Outcome): Outcome[] =>
  Array.from({ length: count }, () => outcome)

/** Waits after each of the questions whose outcomes are given, without jitter. */
function waits(outcomes: readonly Outcome[]): number[] {
  let poll = START_POLL
  return outcomes.map((outcome) => {
    const next = nextAsk(poll, outcome, 0.5)
    poll = next.poll
    return next.wait
  })
}
const MIN = INTERVAL_MIN_US
const FAST = BURST_INTERVAL_US

test('four questions in a burst, then 16 s, doubled by four good answers up to 256 s', () => {
  const all = waits(times(28, GOOD))
  assert.deepEqual(all.slice(0, 3), [FAST, FAST, FAST])
  assert.deepEqual(all.slice(3, 6), [MIN, MIN, MIN])
  for (const [doublings, from] of [6, 10, 14, 18, 22].entries()) {
    const wait = Math.min(2 ** (doublings + 1) * MIN, INTERVAL_MAX_US)
    assert.deepEqual(
      all.slice(from, from + 4),
      times(4, GOOD).map(() => wait),
    )
  }
})

test('the bound grows by at most 30 ms between two questions: 64 s at 250 ppm', () => {
  const slow = waits(times(30, UNSURE)).at(-1) ?? 0
  assert.equal(slow, 64_000_000)
  assert.ok((slow * 250) / 1e6 <= GROWTH_MAX_US)
  // The longer interval is given up when the rate is in doubt again.
  assert.deepEqual(waits([...times(30, GOOD), ...times(3, UNSURE)]).slice(29), [
    INTERVAL_MAX_US,
    INTERVAL_MAX_US / 2,
    INTERVAL_MAX_US / 4,
    INTERVAL_MAX_US / 4,
  ])
  const edge = (growth: number) => waits(times(30, { ...GOOD, growth: ppm(growth) })).at(-1)
  assert.equal(edge(GROWTH_MAX_US / 256), INTERVAL_MAX_US)
  assert.equal(edge(GROWTH_MAX_US / 256 + 0.1), INTERVAL_MAX_US / 2)
})

test('an estimate moved by more than 1 ms halves the interval, down to 16 s', () => {
  assert.deepEqual(waits([...times(20, GOOD), ...times(5, RESTLESS)]).slice(19), [
    INTERVAL_MAX_US,
    INTERVAL_MAX_US / 2,
    INTERVAL_MAX_US / 4,
    INTERVAL_MAX_US / 8,
    MIN,
    MIN,
  ])
})

test('a missed answer goes back to 16 s', () => {
  assert.deepEqual(waits([...times(20, GOOD), MISSED, ...times(4, GOOD)]).slice(19), [
    INTERVAL_MAX_US,
    MIN,
    MIN,
    MIN,
    MIN,
    2 * MIN,
  ])
})

test('jitter moves the wait by 10 % either way', () => {
  assert.equal(nextAsk(START_POLL, GOOD, 0).wait, 0.9 * FAST)
  assert.equal(nextAsk(START_POLL, GOOD, 1).wait, 1.1 * FAST)
})
