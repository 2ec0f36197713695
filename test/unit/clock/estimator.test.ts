import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Estimate,
  type Estimator,
  estimateAt,
  FOLLOW_EVERY_US,
  FOLLOWED_MAX_US,
  FREQUENCY_CHANGE_PPM,
  frequencyOf,
  KNOWS_NOTHING,
  knowingOnly,
  learn,
  remembering,
  SAMPLES_TO_FOLLOW,
  withoutPhase,
} from '../../../shared/clock/estimate/estimator.ts'
import { FREQUENCY_TOLERANCE_PPM, type Sample } from '../../../shared/clock/estimate/exchange.ts'
import { RATE_AFTER_US } from '../../../shared/clock/estimate/interval.ts'
import { monoUs, ppm, spanMs, spanUs, unixUs } from '../../../shared/units.ts'
import { SCENARIOS } from '../../bench/clock/scenarios.ts'
import { ours } from '../../bench/clock/servos.ts'
import { buildWorld, rmsUs } from '../../bench/clock/world.ts'

const UTC = 1_790_000_000_000_000
const S = 1_000_000

/** At `at` seconds of our clock UTC was `ahead` microseconds ahead of it. */
const sample = (at: number, ahead: number, bound = 1_000, informative = false): Sample => ({
  mono: monoUs(at * S),
  utc: unixUs(UTC + at * S + ahead),
  roundTripDelay: spanUs(2 * bound),
  bound: spanUs(bound),
  informative,
})

const taught = (...samples: readonly Sample[]): Estimator => samples.reduce(learn, KNOWS_NOTHING)

/** The estimate at `at` seconds, and how far it is ahead of our clock. */
function believed(estimator: Estimator, at: number): Estimate & { readonly ahead: number } {
  const estimate = estimateAt(estimator, monoUs(at * S))
  assert.ok(estimate !== null)
  return { ...estimate, ahead: estimate.utc - UTC - estimate.mono }
}

/** Polls at `every` seconds for a clock that falls behind UTC by `rate` ppm. */
function kept(estimator: Estimator, rate: number, polls: number, every: number): Estimator {
  let next = estimator
  for (let poll = 0; poll < polls; poll += 1) {
    next = learn(next, sample(poll * every, rate * poll * every, 200))
  }
  return next
}

test('a single sample is taken as it is; its bound grows by the tolerance', () => {
  assert.equal(estimateAt(KNOWS_NOTHING, monoUs(0)), null)
  const estimator = taught(sample(10, 500))
  const { ahead, bound, frequency, growth, informative } = believed(estimator, 10)
  assert.deepEqual([ahead, bound, frequency, growth, informative], [500, 1_001, 0, 250, false])
  assert.equal(believed(estimator, 110).bound, 1_001 + 250 * 100)
  // An instant before the last sample gets the estimate of the last sample.
  assert.equal(believed(estimator, 5).mono, 10 * S)
})

test('an estimate is rounded to whole microseconds, not truncated', () => {
  const at = { ...sample(10, 500), mono: monoUs(10 * S + 0.25) }
  assert.equal(estimateAt(taught(at), monoUs(11 * S))?.utc, UTC + 11 * S + 500)
})

test('late questions and quick answers: it leans by the lateness, not by every jitter', () => {
  const usb = SCENARIOS.find(({ name }) => name === 'usb-sleep')
  assert.ok(usb !== undefined)
  // 35, 25 and 24; leaning by all of the extra delay gives 74, 75 and 88.
  for (const seed of [1, 2, 3]) {
    const rms = rmsUs(buildWorld(usb, seed), ours())
    assert.ok(rms < 50, `seed ${seed}: ${rms} us`)
  }
})

test('the bound reaches to the far end of what all samples allow', () => {
  // After 4 s at 250 ppm: [-2000, 2000] and [900, 2900], so UTC is between 900 and 2000.
  const { ahead, bound } = believed(taught(sample(0, 0), sample(4, 1_900)), 4)
  assert.ok(ahead >= 900 && ahead <= 2_000, `${ahead}`)
  assert.ok(Math.abs(bound - 1 - Math.max(2_000 - ahead, ahead - 900)) <= 1, `${ahead} ${bound}`)
})

test('a rate measured over 10 minutes bounds the growth: change + both bounds over the time', () => {
  const after = RATE_AFTER_US / S
  assert.equal(believed(taught(sample(0, 0), sample(after - 0.001, 0)), after).growth, 250)
  const known = believed(taught(sample(0, 0), sample(after, 0)), after)
  // The second interval lies within the grown first one: [-1000, 1000] again.
  assert.ok(Math.abs(known.growth - (FREQUENCY_CHANGE_PPM + 2_000 / after)) < 0.01)
  assert.equal(known.frequency, 0)
})

test('the growth never promises more than the tolerance allows', () => {
  // 200 ms at each end of 10 minutes say nothing about a rate.
  const wide = taught(sample(0, 0, 200_000), sample(600, 0, 200_000))
  assert.equal(believed(wide, 600).growth, FREQUENCY_TOLERANCE_PPM)
  // 240 ppm is nearly the limit: it can be at most 250 - 240 faster still, but 100 slower.
  const { frequency, growth } = believed(kept(KNOWS_NOTHING, 240, 200, 16), 200 * 16)
  assert.ok(Math.abs(frequency - 240) < 0.5, `${frequency}`)
  assert.ok(growth >= FREQUENCY_CHANGE_PPM && growth < FREQUENCY_CHANGE_PPM + 2, `${growth}`)
})

test('the frequency is learned, and unknown until it is measured', () => {
  assert.equal(frequencyOf(kept(KNOWS_NOTHING, 40, 37, 16)), null)
  const estimator = kept(KNOWS_NOTHING, 40, 39, 16)
  const { frequency = ppm(0), deviation = ppm(99) } = frequencyOf(estimator) ?? {}
  assert.ok(Math.abs(frequency - 40) < 0.1 && deviation < 0.1, `${frequency} ${deviation}`)
  const hour = believed(estimator, 38 * 16 + 3_600)
  assert.ok(Math.abs(hour.ahead - 40 * (38 * 16 + 3_600)) < 400, 'an hour held over')
})

test('a sample older than the last one counts, widened by the drift between them', () => {
  const late = taught(sample(0, 0, 5_000), sample(100, 0, 5_000), sample(90, 300, 100))
  const { mono, bound } = believed(late, 100)
  assert.equal(mono, 100 * S)
  assert.ok(bound >= 100 + 10 * FREQUENCY_TOLERANCE_PPM && bound < 5_000, `${bound}`)
})

const FIVE = 5 * S

test('three samples of another story move nothing, the bound covers both; the fourth is followed', () => {
  let estimator = kept(KNOWS_NOTHING, 0, 100, 16)
  for (let told = 1; told <= SAMPLES_TO_FOLLOW; told += 1) {
    assert.ok(Math.abs(believed(estimator, 1_600).ahead) < 5)
    estimator = learn(estimator, sample(1_600 + 2.5 * told, FIVE, 200))
    assert.equal(estimator.fault, 'CLK-08')
    const { ahead, bound } = believed(estimator, 1_611)
    assert.ok(ahead + bound >= FIVE, 'whichever story is true')
  }
  const { ahead, bound } = believed(estimator, 1_611)
  assert.ok(Math.abs(ahead - FIVE) < 5, `${ahead}`)
  assert.ok(bound < 1_000)
  assert.equal(estimator.followed >= FIVE - 5, true)
})

test('a sample of our story ends the doubt; a third story starts the doubt over', () => {
  const held = kept(KNOWS_NOTHING, 0, 100, 16)
  const lies = (estimator: Estimator, at: number, ahead: number, count: number): Estimator =>
    Array.from({ length: count }, (_, told) => sample(at + told, ahead, 200)).reduce(
      learn,
      estimator,
    )
  const thrice = lies(held, 1_600, FIVE, 3)
  const back = learn(thrice, sample(1_604, 0, 200))
  assert.equal(back.fault, null)
  assert.equal(back.doubt, null)
  assert.ok(Math.abs(believed(lies(back, 1_605, FIVE, 3), 1_610).ahead) < 5)
  const other = lies(thrice, 1_604, -FIVE, 3)
  assert.equal(other.doubt?.samples, 3)
  assert.ok(Math.abs(believed(other, 1_610).ahead) < 5)
})

test('a sample that fits both stories decides nothing and is learned by both', () => {
  let estimator = kept(KNOWS_NOTHING, 0, 100, 16)
  estimator = learn(learn(estimator, sample(1_600, FIVE, 200)), sample(1_601, FIVE / 2, FIVE))
  assert.equal(estimator.fault, null)
  assert.equal(estimator.doubt?.samples, 1)
})

/** Tells another story, `by` away from ours, until it is followed or `count` samples have
 * passed. */
function corrected(estimator: Estimator, from: number, ahead: number, count: number): Estimator {
  let next = estimator
  for (let told = 0; told < count; told += 1) {
    next = learn(next, sample(from + told, ahead, 200))
    if (next.doubt === null) break
  }
  return next
}

test('a second correction within 10 minutes waits until they have passed', () => {
  const first = corrected(kept(KNOWS_NOTHING, 0, 100, 16), 1_600, FIVE, SAMPLES_TO_FOLLOW)
  const at = (first.followedAt ?? 0) / S
  const every = FOLLOW_EVERY_US / S
  const early = corrected(first, at + 10, 2 * FIVE, SAMPLES_TO_FOLLOW + 50)
  assert.ok(Math.abs(believed(early, at + 70).ahead - FIVE) < 50)
  assert.ok(believed(early, at + 70).bound >= FIVE - 50)
  const late = learn(early, sample(at + every - 1, 2 * FIVE, 200))
  assert.notEqual(late.doubt, null)
  const followed = learn(late, sample(at + every, 2 * FIVE, 200))
  assert.ok(Math.abs(believed(followed, at + every).ahead - 2 * FIVE) < 50)
})

test('CLK-09: corrections add up to at most 1,000 s, signs ignored; then it holds over', () => {
  const held = kept(KNOWS_NOTHING, 0, 100, 16)
  const part = FOLLOWED_MAX_US / 2 - 1_000
  const once = corrected(held, 1_600, part, SAMPLES_TO_FOLLOW)
  const twice = corrected(once, 3_600, 0, SAMPLES_TO_FOLLOW)
  assert.ok(Math.abs(twice.followed - FOLLOWED_MAX_US + 2_000) < 100, `${twice.followed}`)
  const small = corrected(twice, 5_600, 1_900, SAMPLES_TO_FOLLOW)
  assert.equal(small.fault, null, 'within the bound nothing is corrected')
  const refused = corrected(twice, 5_600, FIVE, 50)
  assert.equal(refused.fault, 'CLK-09')
  assert.equal(refused.doubt, null)
  assert.ok(Math.abs(believed(refused, 5_650).ahead) < 5)
  const [now, later] = [believed(refused, 5_650).bound, believed(refused, 9_250).bound]
  assert.ok(now < 600_000, `${now}`)
  assert.ok(Math.abs(later - now - 3_600 * FREQUENCY_TOLERANCE_PPM) < 10, `${later}`)
  const tooFar = learn(held, sample(1_600, FOLLOWED_MAX_US + 100, 200))
  assert.equal(tooFar.fault, 'CLK-09')
  assert.ok(believed(tooFar, 1_600).bound < 1_000_000, 'what is never followed widens no bound')
  assert.equal(learn(held, sample(1_600, FOLLOWED_MAX_US - 100, 200)).fault, 'CLK-08')
})

test('slow samples inform while there is no better one; the tightest by now counts', () => {
  const slow = (at: number, bound: number) => sample(at, 0, bound, true)
  const informed = taught(slow(0, 3 * S), slow(10, 3 * S + 2_499))
  assert.equal(believed(informed, 10).mono, 10 * S)
  assert.equal(believed(taught(slow(0, 3 * S), slow(10, 3 * S + 2_501)), 10).mono, 0)
  const good = learn(informed, sample(20, 0, 9_000))
  assert.equal(believed(good, 20).informative, false)
  assert.equal(believed(learn(good, slow(30, 10)), 30).informative, false)
  assert.equal(learn(good, slow(30, 10)).story, good.story)
})

test('a remembered frequency is the start, and abandoned when wrong; the bound ignores it', () => {
  const prior = { frequency: ppm(40), deviation: ppm(0.1) }
  const soon = learn(remembering(prior, spanMs(60_000)), sample(0, 0))
  assert.equal(believed(soon, 0).frequency, 40)
  assert.equal(believed(soon, 0).growth, 290)
  const wrong = believed(kept(remembering(prior, spanMs(0)), -20, 5, 16), 5 * 16)
  assert.ok(Math.abs(wrong.frequency + 20) < 2, `${wrong.frequency}`)
  for (const [frequency, days] of [
    [40, 600],
    [40, -20_000],
    [251, 0],
    [Number.NaN, 0],
  ] as const) {
    const told = remembering({ ...prior, frequency: ppm(frequency) }, spanMs(days * 86_400_000))
    assert.equal(told, KNOWS_NOTHING, `${frequency} ${days}`)
  }
})

test('after a sleep the frequency is kept and the phase is not; earlier corrections still count', () => {
  const followed = corrected(kept(KNOWS_NOTHING, 0, 100, 16), 1_600, FIVE, SAMPLES_TO_FOLLOW)
  const { followed: sum, followedAt: when } = withoutPhase(followed)
  assert.deepEqual([sum, when], [followed.followed, followed.followedAt])
  assert.ok(sum > 0 && when !== null)
  const slept = withoutPhase(kept(KNOWS_NOTHING, 40, 100, 16))
  assert.equal(estimateAt(slept, monoUs(1_700 * S)), null)
  const woken = learn(slept, sample(1_700, 3_600 * S))
  assert.equal(woken.fault, null, 'no contradiction: nothing was known')
  assert.ok(Math.abs(believed(woken, 1_700).frequency - 40) < 0.5)
  assert.equal(frequencyOf(woken), null)
})

test('an oscillator of another promise: a crystal 1,420 ppm off', () => {
  const poor = knowingOnly(
    { tolerance: 5_000, change: 100 },
    { frequency: ppm(0), deviation: ppm(1_500) },
  )
  const estimator = kept(poor, 1_420, 100, 16)
  assert.equal(estimator.fault, null)
  assert.ok(Math.abs(believed(estimator, 1_600).frequency - 1_420) < 0.5)
})
