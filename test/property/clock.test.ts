// Short simulated lives of a slave's clock: a drifting oscillator, a lossy and asymmetric network,
// an attacker who delays, wrong wall clocks, sleeps and restarts. True time is known, so promises
// can be checked.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { live, type Life } from './clock-life.ts'

const lives: fc.Arbitrary<Life> = fc.record({
  seed: fc.integer(),
  /** Mostly short; some long enough for the rate to be measured from hour to hour. */
  seconds: fc.constantFrom(1_500, 1_500, 1_500, 9_000),
  driftPpm: fc.integer({ min: -200, max: 200 }),
  wanderPpm: fc.constantFrom(0, 0.01, 1, 20),
  baseDelayUs: fc.constantFrom(0, 100, 10_000, 400_000, 1_200_000),
  jitterUs: fc.constantFrom(0, 50, 20_000, 900_000),
  /** Which fraction of the delay is on the way out. */
  outward: fc.constantFrom(0, 0.5, 0.9, 1),
  loss: fc.constantFrom(0, 0.2, 0.9),
  duplicate: fc.constantFrom(0, 0.5),
  late: fc.constantFrom(0, 0.3),
  masterBoundUs: fc.constantFrom(0, 500, 200_000),
  wallErrorUs: fc.constantFrom(0, -500_000, 900_000, -3_600_000_000, 20_000_000, 100_000_000),
  sleepEvery: fc.constantFrom(0, 0, 400),
  restartEvery: fc.constantFrom(0, 0, 300, 2_000),
})

test('never back, |error| <= bound in every second, no second after a restart repeats', () => {
  let synchronised = 0
  fc.assert(
    fc.property(lives, (life) => {
      synchronised += live(life).synchronised
    }),
    { numRuns: 120 },
  )
  // Otherwise a clock that always says "unknown" would keep every promise.
  assert.ok(synchronised > 20_000, `synchronised for ${synchronised} s only`)
})

test('on a good network the clock is synchronised all but the first second', () => {
  const { synchronised, worstUs } = live({
    seed: 1,
    seconds: 3_600,
    driftPpm: 50,
    wanderPpm: 0.01,
    baseDelayUs: 10_000,
    jitterUs: 5_000,
    outward: 0.5,
    loss: 0,
    duplicate: 0,
    late: 0,
    masterBoundUs: 0,
    wallErrorUs: -86_400_000_000,
    sleepEvery: 0,
    restartEvery: 0,
  })
  assert.ok(synchronised >= 3_598, `${synchronised}`)
  // 64 s at 50 ppm are 3.2 ms; half of the jitter on top.
  assert.ok(worstUs < 12_000, `${worstUs}`)
})
