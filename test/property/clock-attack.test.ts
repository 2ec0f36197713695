// An attacker on the path can delay every reply; a lying master can state any time. What either
// gains is limited, and the limits are checked here against true time.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  type Estimate,
  type Estimator,
  estimateAt,
  FOLLOW_EVERY_US,
  FOLLOWED_MAX_US,
  KNOWS_NOTHING,
  learn,
  SAMPLES_TO_FOLLOW,
} from '../../shared/clock/estimate/estimator.ts'
import { measure } from '../../shared/clock/estimate/exchange.ts'
import { type MonoUs, monoUs, spanUs, unixUs } from '../../shared/units.ts'

const UTC = 1_790_000_000_000_000
const S = 1_000_000

interface Exchange {
  /** Microseconds of our clock, which is as good as true time here. */
  readonly at: number
  readonly least: number
  /** What the attacker adds to the question's delay, and to the answer's. */
  readonly out?: number
  readonly back?: number
  readonly masterAhead?: number
  readonly masterBound?: number
}

/** The path without the attacker takes `least`, half of it each way. */
function exchanged(estimator: Estimator, exchange: Exchange): [Estimator, MonoUs] {
  const { at, least, out = 0, back = 0, masterAhead = 0, masterBound = 0 } = exchange
  const t2 = unixUs(UTC + at + Math.floor(least / 2) + out + masterAhead)
  const t4 = monoUs(at + least + out + back)
  const stamps = { t1: monoUs(at), t2, t3: t2, t4, masterBound: spanUs(masterBound) }
  const { sample } = measure(stamps)
  assert.ok(sample !== null)
  return [learn(estimator, sample), monoUs(at + (t4 - at) / 2)]
}

function believed(estimator: Estimator, mono: MonoUs): Estimate & { readonly error: number } {
  const estimate = estimateAt(estimator, mono)
  assert.ok(estimate !== null)
  return { ...estimate, error: Math.abs(estimate.utc - (UTC + estimate.mono)) }
}

const aheadAt = (estimator: Estimator, mono: MonoUs): number => {
  const { utc, mono: when } = believed(estimator, mono)
  return utc - UTC - when
}

test('one delayed reply moves the clock by at most (delay - least delay)/2, then by its rate', () => {
  const attack = fc.record({
    least: fc.integer({ min: 0, max: 100_000 }),
    added: fc.integer({ min: 0, max: 1_800_000 }),
    onQuestion: fc.boolean(),
    friendly: fc.integer({ min: 0, max: 60 }),
  })
  fc.assert(
    fc.property(attack, ({ least, added, onQuestion, friendly }) => {
      let estimator = KNOWS_NOTHING
      for (let i = 0; i < friendly; i += 1) {
        estimator = exchanged(estimator, { at: i * 16 * S, least })[0]
      }
      const [out, back] = onQuestion ? [added, 0] : [0, added]
      const [after, mono] = exchanged(estimator, { at: friendly * 16 * S, least, out, back })
      const { error, bound } = believed(after, mono)
      assert.ok(error <= added / 2 + 4, `${error} by ${added}`)
      assert.ok(error <= bound)
      const later = believed(after, monoUs(mono + 16 * S))
      assert.ok(later.error <= added + 4, `${later.error} a poll later by ${added}`)
      // Among honest replies it hardly counts at all.
      if (friendly > 8) assert.ok(later.error <= added / 100 + 4, `${later.error} by ${added}`)
    }),
    { numRuns: 400 },
  )
})

/** Strategies of delaying replies, as fractions of the largest delay: for the question, for the
 * answer. */
const STRATEGIES: Readonly<Record<string, (poll: number, chance: number) => [number, number]>> = {
  'at random': (_, chance) => (chance < 0.5 ? [2 * chance, 0] : [0, 2 * chance - 1]),
  'teach one side, use the other': (poll, chance) => (poll < 100 ? [chance, 0] : [0, 1]),
  'slowly more': (poll) => [Math.min(1, poll / 20), 0],
  'slowly to and fro': (poll) => {
    const swing = Math.cos((Math.PI * poll) / 20)
    return swing > 0 ? [swing, 0] : [0, -swing]
  },
  'well behaved, then all': (poll) => (poll < 50 ? [0, 0] : [1, 0]),
  'all one way, then the other': (poll) => (poll % 100 < 50 ? [1, 0] : [0, 1]),
}

test('an attacker who delays every reply never breaks the bound, nor gains more than the delay', () => {
  const attack = fc.record({
    least: fc.constantFrom(0, 100, 20_000),
    most: fc.integer({ min: 1, max: 900_000 }),
    strategy: fc.constantFrom(...Object.keys(STRATEGIES)),
    chances: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 17, maxLength: 17 }),
  })
  fc.assert(
    fc.property(attack, ({ least, most, strategy, chances }) => {
      let estimator = KNOWS_NOTHING
      for (let poll = 0; poll < 160; poll += 1) {
        const parts = STRATEGIES[strategy]?.(poll, chances[poll % chances.length] ?? 0) ?? [0, 0]
        const [out, back] = [Math.floor(parts[0] * most), Math.floor(parts[1] * most)]
        const at = (poll + 1) * 16 * S
        const [next, mono] = exchanged(estimator, { at, least, out, back })
        // From the prediction towards the sample and not beyond, whatever the bank has learned.
        const sampled = Math.floor((out - back) / 2)
        const foretold = poll === 0 ? sampled : aheadAt(estimator, mono)
        const ahead = aheadAt(next, mono)
        assert.ok(ahead >= Math.min(sampled, foretold) - 3, `${ahead}: ${foretold} ${sampled}`)
        assert.ok(ahead <= Math.max(sampled, foretold) + 3, `${ahead}: ${foretold} ${sampled}`)
        estimator = next
        for (const later of [0, 5, 14]) {
          const { error, bound } = believed(estimator, monoUs(mono + later * S))
          assert.ok(error <= bound, `${error} of ${bound}`)
          assert.ok(error <= most + 4, `${error} by ${most}, ${strategy}`)
        }
        assert.equal(estimator.fault, null, 'a delay contradicts nothing')
      }
    }),
    { numRuns: 60 },
  )
})

/** A lying master's claim: how far ahead it says UTC is, and for how many polls. */
const claims = fc.array(
  fc.record({
    ahead: fc.oneof(
      fc.integer({ min: -3_000_000_000, max: 3_000_000_000 }),
      fc.integer({ min: -50_000, max: 50_000 }),
    ),
    polls: fc.integer({ min: 1, max: 60 }),
  }),
  { minLength: 1, maxLength: 30 },
)

test('a lying master moves the clock by at most 1,000 s in all, every 10 minutes, each with CLK-08', () => {
  fc.assert(
    fc.property(claims, fc.constantFrom(2.5, 16, 256), (lies, every) => {
      let estimator = KNOWS_NOTHING
      let [at, jumps, jumpedAt, ahead] = [0, 0, Number.NEGATIVE_INFINITY, 0]
      let believedAt = 0
      for (const { ahead: masterAhead, polls } of [{ ahead: 0, polls: 60 }, ...lies]) {
        for (let poll = 0; poll < polls; poll += 1) {
          at += every * S
          const [next, mono] = exchanged(estimator, { at, least: 1_000, masterAhead })
          estimator = next
          const { utc, mono: when } = believed(estimator, mono)
          const moved = Math.abs(utc - UTC - when - ahead)
          ahead = utc - UTC - when
          // What the tolerance allows since the last believed sample is drift; the rest is a jump.
          const drift = 2 * 250 * ((at - believedAt) / S)
          if (estimator.fault === null) believedAt = at
          if (at === every * S || moved <= 2_500 + drift) continue
          assert.equal(estimator.fault, 'CLK-08', `moved by ${moved}`)
          assert.ok(when - jumpedAt >= FOLLOW_EVERY_US, `again after ${when - jumpedAt}`)
          jumpedAt = when
          jumps += 1
        }
      }
      assert.ok(estimator.followed <= FOLLOWED_MAX_US)
      assert.ok(jumps <= at / FOLLOW_EVERY_US + 1)
      const drifted = (at / S) * 250
      assert.ok(Math.abs(ahead) <= FOLLOWED_MAX_US + drifted + 10_000, `${ahead}`)
    }),
    { numRuns: 100 },
  )
})

test('fewer lies in a row than it takes never move the clock out of its bound', () => {
  const strike = fc.record({
    ahead: fc.integer({ min: -900_000_000, max: 900_000_000 }),
    lies: fc.integer({ min: 1, max: SAMPLES_TO_FOLLOW - 1 }),
    honest: fc.integer({ min: 1, max: 5 }),
  })
  fc.assert(
    fc.property(fc.array(strike, { minLength: 1, maxLength: 20 }), (strikes) => {
      let estimator = KNOWS_NOTHING
      let at = 0
      const poll = (masterAhead: number): void => {
        at += 16 * S
        const [next, mono] = exchanged(estimator, { at, least: 1_000, masterAhead })
        estimator = next
        const { error, bound } = believed(estimator, mono)
        assert.ok(error <= bound, `${error} of ${bound}`)
      }
      for (let friendly = 0; friendly < 60; friendly += 1) poll(0)
      for (const { ahead, lies, honest } of strikes) {
        // A lie inside the bound is no contradiction: the bound trusts the master.
        const outside = ahead + Math.sign(ahead || 1) * 100_000
        for (let lie = 0; lie < lies; lie += 1) poll(outside)
        for (let truth = 0; truth < honest; truth += 1) poll(0)
        assert.ok(believed(estimator, monoUs(at)).error < 50)
      }
    }),
    { numRuns: 100 },
  )
})
