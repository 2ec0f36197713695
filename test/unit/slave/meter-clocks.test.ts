// A meter's clock in the slave's care: read, reported, corrected inside UNI/TS 11291, on its own
// and by command (docs/clock.md).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MeterClockPlan, MeterPlan } from '../../../services/slave/core/state/plan.ts'
import { type ProfileMinutes, profileInterval } from '../../../shared/meter/profile.ts'
import { spanUs } from '../../../shared/units.ts'
import { Pair } from '../pairs/command-pair.ts'

const SECOND = 1_000_000
const HOUR = 3_600 * SECOND
/** A pair begins at a quarter hour's end: nothing is corrected lightly for ten seconds. */
const MARGIN_S = 10

const planOf = (
  keep: MeterClockPlan['keep'],
  zone = 0,
  minutes: ProfileMinutes = 15,
): readonly MeterPlan[] => [
  {
    meter: 'M-2',
    everyMs: 86_400_000,
    push: false,
    history: false,
    profileIntervalMs: profileInterval(minutes),
    clock: { keep, zone: spanUs(zone) },
  },
]

/** The meter's clock is `offset` seconds ahead. */
function pairOf(keep: MeterClockPlan['keep'], offset: number, zone = 0): Pair {
  const pair = new Pair(planOf(keep, zone))
  pair.offsets.set('M-2', offset * SECOND)
  return pair
}
const last = (pair: Pair) => {
  const report = pair.clocks.at(-1)
  assert.ok(report !== undefined, 'a METER CLOCK came')
  return report
}
const offsetOf = (pair: Pair): number => (pair.offsets.get('M-2') ?? 0) / SECOND
/** Seconds kept in the outbox. */
const kept = (pair: Pair): number =>
  (pair.disk.load().corrections.get('M-2')?.sum ?? Number.NaN) / SECOND
const near = (value: number, wanted: number, within = 0.05): void =>
  assert.ok(Math.abs(value - wanted) <= within, `${value} is not ${wanted}`)

test('watch: observed, reported with an honest bound, never set', () => {
  const pair = pairOf('watch', 20)
  pair.run(600)
  const { offset, bound, resolution, outcome, event, invalid } = last(pair)
  assert.ok(Math.abs(offset - 20 * SECOND) <= bound, `${offset} +- ${bound}`)
  assert.deepEqual([resolution, outcome, event, invalid], [10_000, 'none', null, false])
  assert.deepEqual(pair.executed, [])
  assert.ok(pair.reports.every((code) => code !== 'MTR-10'))
})

test('a rate is reported when bursts have measured it, not before', () => {
  const pair = pairOf('watch', 3)
  pair.run(60)
  assert.equal(last(pair).frequency, null)
  pair.run(7_200)
  assert.ok(last(pair).frequency !== null)
})

test('light: put off at a quarter hour, then done, verified, counted and reported', () => {
  for (const seconds of [20, -20, 59.8]) {
    const pair = pairOf('light', seconds)
    pair.run(5)
    assert.equal(last(pair).outcome, 'deferred', `${seconds}`)
    assert.deepEqual(pair.executed, [])
    // Ahead, it has to wait until nothing lies between the two times.
    pair.run(seconds > 0 ? MARGIN_S : 60)
    assert.deepEqual(pair.executed, ['light M-2'], `${seconds}`)
    near(offsetOf(pair), 0)
    const { outcome, event, monthlyDrift } = last(pair)
    assert.deepEqual([outcome, event], ['synchronised', null])
    near(monthlyDrift / 1_000, seconds)
    near(kept(pair), seconds)
    pair.run(7_200)
    assert.equal(pair.executed.length, 1, 'and not again')
  }
})

test("light: the interval that is kept whole is the meter's own", () => {
  for (const [minutes, waits] of [
    [5, true],
    [15, true],
    [30, false],
    [60, false],
  ] as const) {
    const pair = new Pair(planOf('light', 0, minutes))
    pair.offsets.set('M-2', 0)
    // A new process looks at once; a quarter hour ends in seven seconds.
    pair.run(893)
    pair.die()
    pair.offsets.set('M-2', 20 * SECOND)
    pair.run(MARGIN_S)
    assert.deepEqual(pair.executed, waits ? [] : ['light M-2'], `${minutes} min`)
    pair.run(60)
    assert.deepEqual(pair.executed, ['light M-2'], `${minutes} min`)
  }
})

test('light: 60 s is not corrected, MTR-10 once; beyond 4 h MTR-11 and invalid', () => {
  for (const [seconds, fault, event, invalid] of [
    [60.5, 'MTR-10', null, false],
    [-75, 'MTR-10', null, false],
    [4 * 3_600 + 1, 'MTR-11', 10, true],
    [-5 * 3_600, 'MTR-11', 10, true],
  ] as const) {
    const pair = pairOf('light', seconds)
    pair.run(120)
    const { outcome, ...report } = last(pair)
    // Hours ahead there is always an interval's end between the two times.
    assert.deepEqual([report.event, report.invalid, outcome], [event, invalid, 'rejected'])
    pair.run(7_200)
    assert.equal(pair.reports.filter((code) => code === fault).length, 1, `${seconds}`)
    assert.deepEqual(pair.executed, [])
    assert.ok(Number.isNaN(kept(pair)) || kept(pair) === 0)
  }
})

test('light: below a second the clock is left alone', () => {
  const pair = pairOf('light', 0.9)
  pair.run(600)
  assert.deepEqual(pair.executed, [])
  assert.equal(last(pair).outcome, 'none')
})

test('light: only on good knowledge: in state S, a quarter of the error, the bound inside 60 s', () => {
  for (const [seconds, masterBound, done] of [
    // 59.99 s with its bound may be 60.
    [-59.99, 20_000, false],
    [-59.9, 20_000, true],
    [-1.5, 500_000, false],
    [-1.5, 200_000, true],
    // The bound is small against 50 s, but the clock is not in state S.
    [-50, 3_000_000, false],
  ] as const) {
    const pair = pairOf('light', seconds)
    pair.masterBound = masterBound
    pair.run(120)
    assert.deepEqual(pair.executed, done ? ['light M-2'] : [], `${seconds} +- ${masterBound}`)
  }
})

test('the month is kept over a restart: 40 s and then another 20.5 s are too much', () => {
  const pair = pairOf('light', 40)
  pair.run(60)
  assert.deepEqual(pair.executed, ['light M-2'])
  pair.die()
  pair.offsets.set('M-2', 20.5 * SECOND)
  pair.run(120)
  assert.deepEqual(pair.executed, ['light M-2'])
  assert.equal(last(pair).outcome, 'rejected')
  near(kept(pair), 40)
  pair.offsets.set('M-2', -20.5 * SECOND)
  pair.die()
  pair.run(120)
  assert.deepEqual(pair.executed, ['light M-2', 'light M-2'], 'the other way is allowed')
  near(kept(pair), 19.5)
})

test('the register counts before the meter is told, and is put back when it was not done', () => {
  for (const [manner, outcome, count] of [
    ['nak', 'rejected', 0],
    ['ignores', 'deferred', 0],
    ['none', 'synchronised', 20],
    ['unsupported', 'unsupported', 0],
  ] as const) {
    const pair = pairOf('light', 20)
    pair.manner = manner
    const before: number[] = []
    const commit = pair.disk.commit.bind(pair.disk)
    pair.disk.commit = (entry) => {
      if (entry.corrections !== undefined) before.push(pair.executed.length)
      return commit(entry)
    }
    pair.run(60)
    assert.equal(before[0], 0, manner)
    assert.deepEqual(pair.executed, ['light M-2'], manner)
    assert.equal(last(pair).outcome, outcome, manner)
    near(kept(pair), count)
  }
})

test('the disk refuses the register: nothing is sent', () => {
  const pair = pairOf('light', 20)
  const commit = pair.disk.commit.bind(pair.disk)
  pair.disk.commit = (entry) =>
    entry.corrections === undefined ? commit(entry) : { ok: false, fault: 'OPS-04' }
  pair.run(120)
  assert.deepEqual(pair.executed, [])
})

test('a command: 75 s and 59 s are executed with event 12, whatever the line is set to', () => {
  for (const keep of ['watch', 'light'] as const) {
    for (const seconds of [75, -75, -900.5, 3_600]) {
      const pair = pairOf(keep, seconds)
      // 08:10, an hour ahead 09:10: no day ends in between.
      pair.run(600)
      assert.deepEqual(pair.executed, [])
      pair.give(1, { task: 'sync-clock', meter: 'M-2' })
      pair.run(5)
      assert.deepEqual(pair.given[0]?.receipt, { number: 1, outcome: 'done', detail: '' })
      near(offsetOf(pair), 0)
      const { outcome, event } = last(pair)
      assert.deepEqual([outcome, event], ['synchronised', 12], `${keep} ${seconds}`)
      near(kept(pair), seconds)
    }
  }
})

test('a command is refused with its reason', () => {
  for (const [seconds, manner, detail] of [
    [5 * 3_600, 'obeys', 'MTR-11'],
    [75, 'nak', 'MTR-10'],
    [75, 'ignores', 'MTR-10'],
    // Right within 2 s before and after: it was not done all the same.
    [1.5, 'ignores', 'MTR-10'],
    [75, 'unsupported', 'MTR-09'],
  ] as const) {
    const pair = pairOf('watch', seconds)
    pair.manner = manner
    pair.run(30)
    pair.give(1, { task: 'sync-clock', meter: 'M-2' })
    pair.run(5)
    assert.deepEqual(pair.given[0]?.receipt, { number: 1, outcome: 'refused', detail })
    near(offsetOf(pair), seconds)
  }
})

test('a command across midnight waits until the day has passed, or is refused', () => {
  // Zones in which the pair's 08:00 UTC is a minute, and ten, before midnight.
  for (const [before, seconds, outcome] of [
    [60, 75, 'done'],
    [600, 900, 'refused'],
  ] as const) {
    const pair = pairOf('watch', seconds, 16 * HOUR - before * SECOND)
    pair.run(30)
    pair.give(1, { task: 'sync-clock', meter: 'M-2' })
    pair.run(20)
    assert.deepEqual(pair.executed, [], 'the meter has closed a day that we have not')
    pair.run(20)
    assert.equal(pair.given[0]?.receipt?.outcome, outcome)
    if (outcome === 'refused') assert.equal(pair.given[0]?.receipt?.detail, 'MTR-10')
    else near(offsetOf(pair), 0)
  }
})

test('a meter without such a request is asked once a day; a silent one less and less often', () => {
  for (const [found, most] of [
    ['unsupported', 2],
    ['silent', 9],
  ] as const) {
    const pair = pairOf('light', 20)
    let asked = 0
    pair.clockOf = (meter) => {
      asked += 1
      return { on: 'clock-read', meter, found }
    }
    pair.run(86_400 + 600)
    assert.ok(asked >= 2 && asked <= most, `${found}: ${asked}`)
    assert.equal(last(pair).outcome, found)
    assert.deepEqual(pair.executed, [])
  }
})

test('while nothing changes a clock is reported less and less often, down to once an hour', () => {
  const pair = pairOf('watch', 0.2)
  pair.run(100)
  assert.equal(pair.clocks.length, 2, 'the head-end may not have known the meter at first')
  pair.run(2 * 3_600)
  const before = pair.clocks.length
  assert.ok(before <= 10, `${before}`)
  // Each hour another link, which is told too.
  pair.run(4 * 3_600)
  const more = pair.clocks.length - before
  assert.ok(more >= 4 && more <= 9, `${more}`)
})

test('on a new link every clock is reported again: the last report may be lost', () => {
  const pair = pairOf('watch', 0.2)
  pair.run(3 * 3_600)
  const before = pair.clocks.length
  pair.breakLink()
  pair.run(5)
  assert.equal(pair.clocks.length, before + 1)
})
