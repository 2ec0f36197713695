// The simulator that judges clocks is itself judged: it must reproduce known results.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { THREATS } from '../../bench/clock/attacks.ts'
import { constant, even, queue } from '../../bench/clock/delays.ts'
import { regression } from '../../bench/clock/regression.ts'
import { both, SCENARIOS, scenario } from '../../bench/clock/scenarios.ts'
import { ours, step } from '../../bench/clock/servos.ts'
import { watch } from '../../bench/clock/watch.ts'
import {
  buildWorld,
  live,
  ORIGIN_US,
  type Reply,
  rmsUs,
  type World,
} from '../../bench/clock/world.ts'

const RATE_PPM = 20
const POLL_S = 64
const plain = { pollS: POLL_S, ratePpm: RATE_PPM, wander: 0, ...both(constant(5_000)) }

const near = (value: number, wanted: number, share: number): void =>
  assert.ok(Math.abs(value - wanted) <= share * wanted, `${value} is not ${wanted}`)

/** Error of a line through the whole world, by its clock: how much the oscillator gained. */
const gainedUs = ({ monoAt }: World, seconds: number): number =>
  monoAt(seconds) - monoAt(0) - seconds * 1e6

test('a clock set at each sample is off by drift x interval, evenly spread', () => {
  const world = buildWorld(scenario('drift', plain), 1)
  near(rmsUs(world, step()), (RATE_PPM * POLL_S) / Math.sqrt(3), 0.02)
})

test('an uneven path moves a clock by half of the difference, and no servo can see it', () => {
  const ways = { out: constant(10_000), back: constant(20_000), ratePpm: 0 }
  const world = buildWorld(scenario('uneven', { ...plain, ...ways }), 1)
  for (const servo of [step(), regression(), ours()]) near(rmsUs(world, servo), 5_000, 0.02)
})

test('the oscillator keeps its rate, and wanders by the root of time', () => {
  const seconds = 20_000
  const steady = buildWorld(scenario('steady', plain), 3)
  near(Math.abs(gainedUs(steady, seconds)), RATE_PPM * seconds, 1e-6)
  const wander = 1e-8
  const worlds = Array.from({ length: 40 }, (_, seed) =>
    buildWorld(scenario('wander', { ...plain, ratePpm: 0, wander }), seed),
  )
  const squares = worlds.reduce((sum, world) => sum + gainedUs(world, seconds) ** 2, 0)
  const wanted = wander * 1e6 * Math.sqrt(seconds ** 3 / 3)
  near(Math.sqrt(squares / worlds.length), wanted, 0.35)
})

test('the regression servo finds a constant rate, also through noise', () => {
  const quiet = buildWorld(scenario('constant', plain), 1)
  assert.ok(rmsUs(quiet, regression()) < 2, 'exact delays leave the rounding')
  const noisy = buildWorld(scenario('noise', { ...plain, ...both(even(5_000, 2_000)) }), 1)
  const rms = rmsUs(noisy, regression())
  // One offset is off by 2,000 / sqrt(24) = 408; the end of a line through 64 by a quarter.
  assert.ok(rms > 30 && rms < 130, `${rms}`)
})

test('the regression servo removes jitter that is in one direction only', () => {
  const ways = { out: constant(10_000), back: queue(10_000, 3_000) }
  const one = buildWorld(scenario('one', { ...plain, ...ways }), 2)
  const two = buildWorld(scenario('two', { ...plain, ...both(queue(10_000, 3_000)) }), 2)
  assert.ok(rmsUs(one, regression()) * 5 < rmsUs(two, regression()))
})

test('violations are counted: a bound a little too small is caught, a true one is not', () => {
  const world = buildWorld(scenario('counted', { ...plain, ...both(queue(5_000, 3_000)) }), 1)
  const honest = watch(world)
  assert.equal(honest.tally.violations, 0)
  assert.ok(honest.tally.seconds > 19_900, `${honest.tally.seconds}`)
  const clock = ours()
  const tight = watch(world, { ...clock, bound: () => honest.shownUs })
  // Counted by hand, once more.
  let over = 0
  const again = ours()
  live(world, again, (atS, mono) => {
    const error = Math.abs(again.at(mono) - (ORIGIN_US + atS * 1e6))
    if (Number.isInteger(atS) && error > honest.shownUs) over += 1
  })
  assert.ok(over > 1_000, `${over}`)
  // Those seen after a sample in the middle of a second are added.
  assert.ok(tight.tally.violations >= over && tight.tally.violations < over + 320)
  assert.ok(tight.tally.worst > 1)
})

test('a silent clock is not checked: no bound, no promise', () => {
  const world = buildWorld(scenario('silent', plain), 1)
  const { tally } = watch(world, { ...ours(), bound: () => null })
  assert.deepEqual(tally, { seconds: 0, violations: 0, worst: 0 })
})

test('a suspended machine: its clock stands still, nothing is read, replies are lost', () => {
  const nap = (second: number): boolean => second >= 1_000 && second < 1_600
  // A question asked just before is answered in the middle of the sleep.
  const tamper = () => (reply: Reply, askedS: number) =>
    askedS > 900 && askedS < 1_000 ? [{ ...reply, arrivesS: 1_200 }] : [reply]
  const world = buildWorld(scenario('nap', plain), 1, { tamper, asleep: nap })
  assert.equal(world.monoAt(1_600), world.monoAt(1_000))
  assert.equal(world.events.filter(({ atS }) => nap(Math.floor(atS))).length, 0)
  const looked: number[] = []
  live(world, step(), (atS) => looked.push(atS))
  assert.equal(looked.filter((atS) => nap(Math.floor(atS))).length, 0)
  assert.ok(looked.some((atS) => atS > 1_700))
})

test('a repeated or late reply reaches no servo: one question, one answer', () => {
  const repeated = THREATS.find((threat) => threat.scenario.name === 'repeated')
  assert.ok(repeated !== undefined)
  const world = buildWorld(repeated.scenario, 1, repeated.attack)
  let taken = 0
  live(world, { ...step(), take: () => (taken += 1) }, () => {})
  const questions = world.events.filter(({ reply }) => reply === null).length
  assert.ok(world.events.length > 2.5 * questions, 'replies come again')
  assert.ok(taken <= questions && taken > 0.8 * questions, `${taken} of ${questions}`)
})

test('every servo lives in the same world, and each seed has its own', () => {
  for (const each of SCENARIOS.filter(({ seconds }) => seconds < 21_000)) {
    const rms = (seed: number): number => rmsUs(buildWorld(each, seed), step())
    assert.equal(rms(31), rms(31), each.name)
    assert.notEqual(rms(31), rms(32), each.name)
  }
})

test('scenarios have unique names and enough samples to learn from', () => {
  const names = [...SCENARIOS, ...THREATS.map((threat) => threat.scenario)].map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
  for (const { name, seconds, pollS, fromS } of SCENARIOS) {
    assert.ok((seconds - fromS) / pollS >= 200, name)
  }
})
