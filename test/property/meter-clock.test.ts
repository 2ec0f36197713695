// Simulated lives of a meter's clock behind a line: any offset, any drift within the promise, any
// split of the delay, coarse and fine clocks, clocks set by others. True time is known.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  meterClockAt,
  nextReadAt,
  noMeterClock,
  takeRead,
} from '../../shared/clock/meter/meter-clock.ts'
import { type SoftClock, startClock, steer } from '../../shared/clock/estimate/softclock.ts'
import {
  answerTime,
  applyCorrection,
  askTime,
  type ClockObject,
  FINE_CLOCK,
  type Follower,
  followerTime,
  giveTime,
  IDLE_PEER,
  STANDARD_CLOCK,
  takeLocal,
  takeTime,
  clockMessage,
} from '../../shared/clock/meter/tpsn.ts'
import { monoUs, ppm, spanUs, unixUs } from '../../shared/units.ts'
import { crystalOf, type LineModel, onLineOf, readMeter, trip } from '../bench/clock/meter-world.ts'
import { chanceOf } from '../sim/prng.ts'

const SECOND = 1_000_000
const UTC = 1_790_000_000 * SECOND

const lines: fc.Arbitrary<LineModel> = fc.record({
  rate: fc.record({
    baud: fc.constantFrom(300, 2_400, 9_600, 57_600, 460_800, Number.POSITIVE_INFINITY),
    bits: fc.constantFrom(10 as const, 11 as const),
  }),
  slower: fc.constantFrom(-0.019, 0, 0.019),
  requestBytes: fc.integer({ min: 1, max: 60 }),
  answerBytes: fc.integer({ min: 1, max: 120 }),
  thinkingUs: fc.constantFrom(0, 300, 5_000, 300_000),
  before: fc.constantFrom(0, 0.1, 0.5, 1),
  usbUs: fc.constantFrom(0, 0, 1_000, 16_000),
})

const lives = fc.record({
  line: lines,
  seed: fc.integer(),
  resolution: fc.constantFrom(10, 10_000, SECOND),
  ratePpm: fc.integer({ min: -340, max: 340 }),
  wander: fc.constantFrom(0, 1e-9, 1e-8),
  offset: fc.integer({ min: -1e9, max: 1e9 }),
  late: fc.constantFrom(0, 1_000, 20_000),
  /** Before this read, somebody else sets the clock by this much, three seconds or more. */
  step: fc.constantFrom(0, 0, 3 * SECOND, -3 * SECOND, 86_400 * SECOND, -1e5 * SECOND),
  stepAt: fc.integer({ min: 20, max: 60 }),
})

/** Reads it may take to find out that a clock was set: two bursts. */
const READS_TO_NOTICE = 32
const READS = 100

function clockOf(bound: number): SoftClock {
  const at = { mono: monoUs(0), utc: unixUs(UTC), bound: spanUs(bound) }
  const clock = startClock({ mono: at.mono, guess: at.utc, lastUsed: null })
  const known = { ...at, frequency: ppm(0), growth: ppm(0), informative: false }
  return steer(clock, known, at.mono).clock
}

test('on any line and with any crystal, the truth lies within the bound', () => {
  const ours = clockOf(7)
  let looked = 0
  let noticed = 0
  fc.assert(
    fc.property(lives, (life) => {
      const chance = chanceOf(life.seed, 'line')
      const { ratePpm, wander, offset } = life
      const crystal = crystalOf({ ratePpm, wander, startUs: UTC + offset }, chance)
      let clock = noMeterClock
      let now = monoUs(SECOND)
      let stepped = 0
      for (let read = 0; read < READS; read += 1) {
        const uncertain = life.step !== 0 && read >= life.stepAt && stepped === 0
        if (life.step !== 0 && read === life.stepAt) crystal.adjust(now, life.step, 0)
        const t1 = monoUs(nextReadAt(clock, now) + chance.unit() * life.late)
        assert.ok(t1 >= now && t1 - now < 2 * 3_600 * SECOND, 'due in time')
        const truth = crystal.showsAt(t1) - UTC - t1
        const seen = meterClockAt(clock, ours, t1)
        if (seen !== null && !uncertain && !(life.step !== 0 && read === life.stepAt)) {
          looked += 1
          const wrong = Math.abs(seen.offset - truth)
          assert.ok(wrong <= seen.bound, `read ${read}: ${wrong} over ${seen.bound}`)
        }
        const taken = takeRead(
          clock,
          readMeter(crystal, life.line, spanUs(life.resolution), t1, chance),
        )
        assert.equal(taken.fault, null)
        if (taken.stepped !== null) {
          assert.ok(life.step !== 0 && read >= life.stepAt, `read ${read}: no step at all`)
          stepped += 1
        }
        clock = taken.clock
        now = monoUs(
          t1 + life.line.thinkingUs + 5 * SECOND * (life.line.rate.baud < 1_000 ? 1 : 0.02),
        )
        if (life.step !== 0 && read === life.stepAt + READS_TO_NOTICE) {
          assert.equal(stepped, 1, 'a set clock is noticed, once')
          noticed += 1
        }
      }
    }),
    { numRuns: 300 },
  )
  assert.ok(looked > 15_000 && noticed > 50, `${looked} looks, ${noticed} steps`)
})

test('one burst finds and reports a clock set by less than a second between bursts', () => {
  const ours = clockOf(0)
  const steps = fc.record({
    // A line without delay is read so finely that 16 reads do not suffice to find the step.
    line: lines.filter(
      ({ rate, thinkingUs }) => rate.baud >= 9_600 && thinkingUs >= 300 && thinkingUs <= 5_000,
    ),
    seed: fc.integer(),
    by: fc.integer({ min: 250_000, max: 750_000 }),
    back: fc.boolean(),
    restS: fc.integer({ min: 5, max: 60 }),
  })
  fc.assert(
    fc.property(steps, ({ line, seed, by, back, restS }) => {
      const chance = chanceOf(seed, 'line')
      const crystal = crystalOf({ ratePpm: 20, wander: 0, startUs: UTC }, chance)
      let clock = noMeterClock
      let now = monoUs(SECOND)
      let steps = 0
      const burst = (): void => {
        do {
          const t1 = clock.reads === 0 ? now : nextReadAt(clock, now)
          const read = readMeter(crystal, line, spanUs(SECOND), t1, chance)
          const taken = takeRead(clock, read)
          if (taken.stepped !== null) steps += 1
          clock = taken.clock
          now = monoUs(read.t4 + 5_000)
        } while (clock.reads > 0)
      }
      // Three bursts: the estimator is tighter by then than the brackets that are kept.
      for (let learning = 0; learning < 3; learning += 1) {
        burst()
        now = monoUs(now + 300 * SECOND)
      }
      assert.equal(steps, 0)
      now = monoUs(now + restS * SECOND)
      crystal.adjust(now, back ? -by : by, 0)
      burst()
      assert.equal(steps, 1, 'reported once')
      const seen = meterClockAt(clock, ours, now)
      assert.ok(seen !== null)
      const wrong = Math.abs(seen.offset - (crystal.showsAt(now) - UTC - now))
      assert.ok(wrong <= seen.bound && seen.bound < 60_000, `${wrong}, bound ${seen.bound}`)
    }),
    { numRuns: 500 },
  )
})

test('16 reads find the second as finely as the line allows, at any offset', () => {
  const ours = clockOf(0)
  const quiet = lives.filter(({ line }) => line.rate.baud >= 9_600 && line.usbUs === 0)
  fc.assert(
    fc.property(quiet, ({ line, seed, offset }) => {
      const chance = chanceOf(seed, 'line')
      const crystal = crystalOf({ ratePpm: 5, wander: 0, startUs: UTC + offset }, chance)
      const even = { ...line, before: 0.5, slower: 0 }
      let clock = noMeterClock
      let now = monoUs(SECOND)
      do {
        const t1 = nextReadAt(clock, now)
        const read = readMeter(crystal, even, spanUs(SECOND), t1, chance)
        clock = takeRead(clock, read).clock
        now = monoUs(read.t4 + 5_000)
      } while (clock.reads > 0)
      const truth = crystal.showsAt(now) - UTC - now
      const wrong = Math.abs((meterClockAt(clock, ours, now)?.offset ?? Number.NaN) - truth)
      const byteUs = onLineOf(even).request / even.requestBytes
      const allowed = 300 + byteUs + 0.15 * even.thinkingUs
      assert.ok(wrong <= allowed, `${wrong} over ${allowed}`)
    }),
    { numRuns: 200 },
  )
})

test('a meter that answers anything at any time crashes nothing and uses up no memory', () => {
  const near = fc.integer({ min: -3 * SECOND, max: 3 * SECOND }).map((by) => UTC + by)
  const answers = fc.array(
    fc.record({
      utc: fc.oneof(near, fc.maxSafeInteger(), fc.double()),
      resolution: fc.constantFrom(10, 10_000, SECOND),
      delay: fc.oneof(fc.integer({ min: -5, max: 5 }), fc.integer({ min: 0, max: 60 * SECOND })),
      request: fc.integer({ min: 0, max: 10_000 }),
      stale: fc.constantFrom(0, SECOND),
    }),
    { maxLength: 60 },
  )
  const ours = clockOf(0)
  fc.assert(
    fc.property(answers, (given) => {
      let clock = noMeterClock
      let now = monoUs(SECOND)
      for (const { utc, resolution, delay, request, stale } of given) {
        const at = nextReadAt(clock, now)
        assert.ok(at >= now && Number.isFinite(at), `${at}`)
        const onLine = { request: spanUs(request), answer: spanUs(0) }
        const read = { utc: unixUs(utc), resolution: spanUs(resolution), onLine, status: null }
        const t4 = monoUs(at + delay)
        clock = takeRead(clock, { ...read, t1: monoUs(at - stale), t4 }).clock
        assert.ok(clock.edges.brackets.length <= 16 && clock.reads <= 16)
        now = monoUs(Math.max(at, t4))
        const seen = meterClockAt(clock, ours, now)
        assert.ok(seen === null || (seen.bound >= 0 && Number.isFinite(seen.offset)))
      }
    }),
    { numRuns: 1_000 },
  )
})

const objects = fc.constantFrom<ClockObject>(STANDARD_CLOCK, FINE_CLOCK)
const UNDEFINED: fc.Arbitrary<Follower> = fc.record({
  since: fc.integer({ min: -1e12, max: 1e12 }).map(monoUs),
  shown: fc.integer({ min: -4e15, max: 4e15 }).map(unixUs),
  rate: fc.integer({ min: -300, max: 300 }).map(ppm),
  open: fc.constantFrom(null, { exchange: 0, t1: null }, { exchange: 7, t1: monoUs(5) }),
})
/** What floating-point arithmetic on instants of 4e15 us loses. */
const ROUNDING_US = 3

test('both directions give the same result, and a clock in any state ends at the right time', () => {
  const exchanges = fc.record({
    line: lines,
    seed: fc.integer(),
    object: objects,
    follower: UNDEFINED,
    inside: fc.constantFrom(0, 2_000),
  })
  fc.assert(
    fc.property(exchanges, ({ line, seed, object, follower, inside }) => {
      const chance = chanceOf(seed, 'line')
      const onLine = onLineOf(line)
      const utc = (mono: number): number => UTC + mono
      // The meter's counter runs with our clock here: another test covers drift.
      const still: Follower = { ...follower, rate: ppm(0) }
      const truth: number = followerTime(still, monoUs(0))

      const there = trip(line, monoUs(SECOND), chance)
      const given = giveTime(IDLE_PEER, there.t1, unixUs(utc(there.t1)), object)
      const sent = monoUs(there.looked + inside)
      const answered = answerTime(still, given.message, there.looked, sent, object)
      const t4 = monoUs(there.t4 + inside)
      const { verdict } = takeLocal(given.peer, answered.message, t4, object, onLine)
      assert.ok(verdict.ok)
      const master = verdict.comparison
      // With one stamp, the time spent inside the meter counts as delay.
      assert.ok(Math.abs(master.offset - truth) <= master.bound + ROUNDING_US)

      const correction = { offset: spanUs(UTC - master.offset), frequency: ppm(0) }
      const { exchange } = given.message
      const set = applyCorrection(answered.follower, { exchange, ...correction }, t4)
      const wrong = Math.abs(followerTime(set, t4) - utc(t4))
      assert.ok(wrong <= master.bound + ROUNDING_US, `${wrong} over ${master.bound}`)
      assert.equal(applyCorrection(set, { exchange, ...correction }, t4), set, 'applied once')
      const other = applyCorrection(answered.follower, { ...correction, exchange: 99 }, t4)
      assert.equal(other, answered.follower, 'of another exchange')

      const back = trip(line, monoUs(3 * SECOND), chance)
      const asking = askTime(still, 3, back.t1)
      const stamps = { received: utc(back.looked), sent: utc(back.looked + inside) }
      const time = clockMessage('time', asking.message.exchange, stamps, object)
      const arrived = monoUs(back.t4 + inside)
      const took = takeTime(asking.follower, time, arrived, object, onLine)
      assert.ok(took.comparison !== null)
      const late = Math.abs(followerTime(took.follower, arrived) - utc(arrived))
      assert.ok(late <= took.comparison.bound + ROUNDING_US, `${late}`)
      const again = takeTime(took.follower, time, arrived, object, onLine)
      assert.equal(again.follower, took.follower, 'taken once')
    }),
    { numRuns: 500 },
  )
})
