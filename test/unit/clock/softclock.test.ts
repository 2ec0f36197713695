import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Estimate } from '../../../shared/clock/estimate/estimator.ts'
import { hasSlept, SLEEP_NOTICED_US } from '../../../shared/clock/estimate/sleep.ts'
import {
  overForSure,
  qualityAt,
  type SoftClock,
  slept,
  startClock,
  steer,
  timeAt,
} from '../../../shared/clock/estimate/softclock.ts'
import { stampAt } from '../../../shared/clock/estimate/stamp.ts'
import { BOUND_UNKNOWN_US, CLOCK_BOUND_UNKNOWN } from '../../../shared/clock/clock-state.ts'
import { monoUs, ppm, spanUs, unixUs } from '../../../shared/units.ts'

const UTC = 1_790_000_000_000_000
const S = 1_000_000

/** At `at` seconds of our clock UTC is `ahead` microseconds ahead of UTC + at. */
const estimate = (at: number, ahead: number, change: Partial<Estimate> = {}): Estimate => ({
  mono: monoUs(at * S),
  utc: unixUs(UTC + at * S + ahead),
  bound: spanUs(1_000),
  frequency: ppm(0),
  growth: ppm(250),
  informative: false,
  ...change,
})

const guess = (lastUsed: number | null = null): SoftClock =>
  startClock({
    mono: monoUs(0),
    guess: unixUs(UTC),
    lastUsed: lastUsed === null ? null : unixUs(lastUsed),
  })

/** A clock that shows UTC exactly, fixed at second 0. */
const fixed = (): SoftClock => steer(guess(), estimate(0, 0), monoUs(0)).clock

const aheadAt = (clock: SoftClock, at: number): number =>
  timeAt(clock, monoUs(at * S)) - (UTC + at * S)

test('starts from the guess in state U, bound unknown', () => {
  assert.equal(aheadAt(guess(), 5), 0)
  assert.deepEqual(qualityAt(guess(), monoUs(5 * S)), { state: 'U', bound: BOUND_UNKNOWN_US })
})

test('restored, it begins in the second after the last one used, or at the guess if later', () => {
  assert.equal(aheadAt(guess(UTC - 1), 0), 0)
  assert.equal(aheadAt(guess(UTC), 0), S)
  assert.equal(aheadAt(guess(UTC + S - 1), 0), S)
  assert.equal(aheadAt(guess(UTC + S), 0), 2 * S)
})

test('a first estimate that is ahead steps at once, however small, with CLK-06', () => {
  for (const ahead of [1, 400_000, 86_400 * S]) {
    const { clock, fault, offset } = steer(guess(), estimate(2, ahead), monoUs(2 * S))
    assert.equal(fault, 'CLK-06')
    assert.equal(offset, ahead)
    assert.equal(aheadAt(clock, 2), ahead)
    assert.deepEqual(qualityAt(clock, monoUs(2 * S)), { state: 'S', bound: 1_000 })
  }
})

test('a first estimate that is behind holds the time until it is true, in state R while far off', () => {
  const { clock, fault } = steer(guess(), estimate(2, -3 * S), monoUs(2 * S))
  assert.equal(fault, 'CLK-06')
  for (const at of [2, 3, 4.9]) assert.equal(timeAt(clock, monoUs(at * S)), UTC + 2 * S)
  assert.equal(aheadAt(clock, 6), -3 * S)
  assert.deepEqual(qualityAt(clock, monoUs(2 * S)), { state: 'R', bound: 3 * S + 1_000 })
  assert.equal(qualityAt(clock, monoUs(4.5 * S)).state, 'S')
})

test('a clock ahead by more than a bound can express is in state U, and what has passed advances', () => {
  const far = 4_295_000 * S
  const { clock } = steer(guess(), estimate(2, -far), monoUs(2 * S))
  assert.deepEqual(qualityAt(clock, monoUs(2 * S)), { state: 'U', bound: BOUND_UNKNOWN_US })
  assert.equal(overForSure(clock, monoUs(2 * S)), UTC + 2 * S - far - 1_000)
  assert.equal(overForSure(clock, monoUs(4 * S)), UTC + 4 * S - far - 1_500)
  assert.equal(overForSure(guess(), monoUs(0)), null)
})

test('1 s behind is slewed at 500 ppm, one microsecond more is stepped with CLK-06', () => {
  const slewing = steer(fixed(), estimate(10, S), monoUs(10 * S))
  assert.equal(slewing.fault, null)
  assert.equal(aheadAt(slewing.clock, 10), 0)
  assert.equal(aheadAt(slewing.clock, 1_010), 500_000)
  assert.equal(aheadAt(slewing.clock, 2_010), S)
  assert.equal(aheadAt(slewing.clock, 9_010), S)
  const stepped = steer(fixed(), estimate(10, S + 1), monoUs(10 * S))
  assert.equal(stepped.fault, 'CLK-06')
  assert.equal(aheadAt(stepped.clock, 10), S + 1)
})

test('1 s ahead is slewed, one microsecond more is held with CLK-06, reported once', () => {
  const slewing = steer(fixed(), estimate(10, -S), monoUs(10 * S))
  assert.equal(slewing.fault, null)
  assert.equal(aheadAt(slewing.clock, 1_010), -500_000)
  const held = steer(fixed(), estimate(10, -S - 1), monoUs(10 * S))
  assert.equal(held.fault, 'CLK-06')
  assert.equal(aheadAt(held.clock, 11), -S)
  // Still 0.6 s ahead at the next estimate: it keeps standing still, without a report.
  const later = steer(held.clock, estimate(10.4, -S - 1), monoUs(10.4 * S))
  assert.equal(later.fault, null)
  assert.equal(later.clock.way, 'hold')
  assert.equal(aheadAt(later.clock, 12), -S - 1)
})

test('the bound includes what is not slewed yet and grows with age; past 1 s S becomes R', () => {
  const { clock } = steer(fixed(), estimate(10, 400_000), monoUs(10 * S))
  assert.equal(qualityAt(clock, monoUs(10 * S)).bound, 401_000)
  // 100 s: 50 ms slewed, 25 ms grown.
  assert.equal(qualityAt(clock, monoUs(110 * S)).bound, 376_000)
  const limit = (S - 1_000) / 250
  assert.deepEqual(qualityAt(fixed(), monoUs(limit * S)), { state: 'S', bound: S })
  assert.equal(qualityAt(fixed(), monoUs(limit * S + 1)).state, 'R')
})

test('a slow first sample gives I, the first good one S, later slow ones nothing', () => {
  const slow = { bound: spanUs(3 * S), informative: true }
  const informed = steer(guess(), estimate(1, 2 * S, slow), monoUs(S)).clock
  assert.deepEqual(qualityAt(informed, monoUs(S)), { state: 'I', bound: 3 * S })
  const good = steer(informed, estimate(2, 2 * S + 300_000), monoUs(2 * S))
  assert.equal(good.fault, 'CLK-06')
  assert.equal(aheadAt(good.clock, 2), 2 * S + 300_000)
  assert.equal(qualityAt(good.clock, monoUs(2 * S)).state, 'S')
  const again = steer(good.clock, estimate(3, 0, slow), monoUs(3 * S))
  assert.equal(again.clock, good.clock)
})

test('a learned frequency is followed', () => {
  const { clock } = steer(guess(), estimate(0, 0, { frequency: ppm(-100) }), monoUs(0))
  assert.equal(aheadAt(clock, 1_000), -100_000)
})

test('an instant before the last correction gets the time of that correction', () => {
  const { clock } = steer(guess(), estimate(2, 50), monoUs(2 * S))
  assert.equal(timeAt(clock, monoUs(S)), timeAt(clock, monoUs(2 * S)))
  assert.throws(() => steer(clock, estimate(1, 0), monoUs(S)), /broken promise/)
})

test('after a sleep it continues from where it was, in state U', () => {
  const clock = slept(fixed(), monoUs(10 * S))
  assert.equal(aheadAt(clock, 11), 0)
  assert.equal(qualityAt(clock, monoUs(11 * S)).state, 'U')
})

test('a sleep is noticed above 0.1 s between the two clocks', () => {
  const look = (mono: number, sinceBoot: number) => ({
    mono: monoUs(mono),
    sinceBoot: spanUs(sinceBoot),
  })
  assert.equal(hasSlept(look(0, 5 * S), look(S, 6 * S + SLEEP_NOTICED_US)), false)
  assert.equal(hasSlept(look(0, 5 * S), look(S, 6 * S + SLEEP_NOTICED_US + 1)), true)
})

test('a stamp truncates the time to ms and rounds the bound up around it', () => {
  const { clock } = steer(guess(), estimate(0, 1_234_567), monoUs(0))
  assert.deepEqual(stampAt(clock, monoUs(0), monoUs(-2_500)), {
    agentTime: UTC / 1_000 + 1_234,
    clockState: 'S',
    // 1,000 us bound and 567 us truncated.
    clockBound: 2,
    processMs: 2,
  })
  assert.equal(stampAt(fixed(), monoUs(0), monoUs(0)).clockBound, 1)
  assert.equal(stampAt(guess(), monoUs(0), monoUs(0)).clockBound, CLOCK_BOUND_UNKNOWN)
  const unsure = estimate(0, 0, { bound: spanUs(BOUND_UNKNOWN_US), informative: true })
  const informed = steer(guess(), unsure, monoUs(0)).clock
  assert.equal(stampAt(informed, monoUs(0), monoUs(0)).clockBound, CLOCK_BOUND_UNKNOWN)
})
