// A meter's clock in the slave's care, when the world does not go by the book: several meters at
// once, a machine that sleeps, clocks that others set.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentEvent } from '../../../services/slave/core/state/events.ts'
import type { MeterClockPlan } from '../../../services/slave/core/state/plan.ts'
import type { MeterClockRead } from '../../../shared/clock/meter/meter-clock-line.ts'
import { profileInterval } from '../../../shared/meter/profile.ts'
import { monoUs, spanUs, unixUs } from '../../../shared/units.ts'
import { Pair } from '../pairs/command-pair.ts'

const SECOND = 1_000_000
const DAY_S = 86_400

function pairOf(keep: MeterClockPlan['keep'], offsets: Readonly<Record<string, number>>): Pair {
  const clock = { keep, zone: spanUs(0) }
  const plan = {
    everyMs: 86_400_000,
    push: false,
    history: false,
    profileIntervalMs: profileInterval(15),
    clock,
  }
  const pair = new Pair(Object.keys(offsets).map((meter) => ({ meter, ...plan })))
  for (const [meter, seconds] of Object.entries(offsets)) pair.offsets.set(meter, seconds * SECOND)
  return pair
}
const readOf = (event: AgentEvent): MeterClockRead => {
  assert.ok(event.on === 'clock-read' && typeof event.found === 'object')
  return event.found
}
const times = (pair: Pair, code: string): number =>
  pair.reports.filter((report) => report === code).length
const lastOf = (pair: Pair, wanted: string) => pair.clocks.findLast(({ meter }) => meter === wanted)

test('meters put off to the same instant are corrected one after the other', () => {
  const pair = pairOf('light', { 'M-1': -20, 'M-2': -20, 'M-3': -20 })
  pair.slowLine = true
  pair.run(120)
  assert.deepEqual(pair.executed.toSorted(), ['light M-1', 'light M-2', 'light M-3'])
  for (const meter of ['M-1', 'M-2', 'M-3']) {
    assert.equal(lastOf(pair, meter)?.outcome, 'synchronised', meter)
    assert.ok(Math.abs(pair.offsets.get(meter) ?? Number.NaN) < SECOND, meter)
  }
})

test('many meters at one instant: each register is stored once', () => {
  const meters = Array.from({ length: 40 }, (_, index) => [`M-${index}`, -20] as const)
  const pair = pairOf('light', Object.fromEntries(meters))
  // All are known before the interval's end is left behind.
  pair.run(25)
  assert.deepEqual(pair.executed, [])
  pair.slowLine = true
  let stored = 0
  const commit = pair.disk.commit.bind(pair.disk)
  pair.disk.commit = (entry) => {
    stored += entry.corrections?.length ?? 0
    return commit(entry)
  }
  pair.run(300)
  assert.deepEqual([pair.executed.length, stored], [40, 40])
})

test('a machine that slept knows nothing of the clocks until they are read again', () => {
  const pair = pairOf('light', { 'M-2': 0.2 })
  pair.run(600)
  const before = pair.clocks.length
  pair.sleep(1_800)
  pair.run(900)
  const after = pair.clocks.slice(before)
  assert.ok(after.length > 0)
  for (const { offset, bound } of after) {
    assert.ok(Math.abs(offset - 0.2 * SECOND) <= bound, `${offset} +- ${bound}`)
  }
  assert.deepEqual([times(pair, 'MTR-10'), times(pair, 'MTR-12')], [0, 0])
  assert.deepEqual(pair.executed, [])
})

test('an answer that was on the line while the machine slept teaches nothing', () => {
  for (const ahead of [0, 0.2, 0.4, 0.6, 0.8]) {
    const pair = pairOf('watch', { 'M-2': ahead })
    const clockOf = pair.clockOf.bind(pair)
    // A clock of whole seconds: what is half a second old may still look right.
    pair.clockOf = (meter) => {
      const found = readOf(clockOf(meter))
      const utc = unixUs(Math.floor(found.utc / SECOND) * SECOND)
      const second = { ...found, utc, resolution: spanUs(SECOND) }
      return { on: 'clock-read', meter, found: second }
    }
    pair.slowLine = true
    while (pair.onLine.length === 0) pair.run(0.25)
    pair.sleep(0.5)
    for (let ticks = 0; ticks < 100; ticks += 1) {
      pair.run(0.25)
      const { offset = ahead * SECOND, bound = 0 } = pair.clocks.at(-1) ?? {}
      assert.ok(Math.abs(offset - ahead * SECOND) <= bound, `${ahead}: ${offset} +- ${bound}`)
    }
    assert.ok(pair.clocks.length > 0)
    assert.equal(times(pair, 'MTR-12'), 0)
  }
})

test('a meter that cannot be set is tried again the next day, and not before', () => {
  const pair = pairOf('light', { 'M-2': -20 })
  pair.manner = 'unsupported'
  pair.run(DAY_S - 3_600)
  assert.equal(pair.executed.length, 1)
  pair.run(3 * 3_600)
  assert.equal(pair.executed.length, 2)
})

test('a clock that somebody else set is reported once, as set', () => {
  const pair = pairOf('watch', { 'M-2': 0.2 })
  pair.run(900)
  assert.equal(times(pair, 'MTR-12'), 0)
  pair.offsets.set('M-2', 30 * SECOND)
  pair.run(4 * 3_600)
  assert.equal(times(pair, 'MTR-12'), 1)
  assert.equal(lastOf(pair, 'M-2')?.outcome, 'set')
})

test('a read with impossible stamps is reported once, until a good one', () => {
  const pair = pairOf('watch', { 'M-2': 0.2 })
  let broken = true
  const clockOf = pair.clockOf.bind(pair)
  pair.clockOf = (meter) => {
    const event = clockOf(meter)
    const found = readOf(event)
    const onLine = { request: spanUs(SECOND), answer: spanUs(SECOND) }
    return broken ? { on: 'clock-read', meter, found: { ...found, onLine } } : event
  }
  pair.run(3_600)
  assert.equal(times(pair, 'CLK-02'), 1)
  assert.deepEqual(pair.clocks, [])
  broken = false
  pair.run(900)
  assert.equal(lastOf(pair, 'M-2')?.outcome, 'none')
  broken = true
  pair.run(2 * 3_600)
  assert.equal(times(pair, 'CLK-02'), 2)
})

test('a time is set as of when the meter looks: half of its least delay is allowed for', () => {
  const pair = pairOf('light', { 'M-2': -20 })
  const clockOf = pair.clockOf.bind(pair)
  // It thinks for 0.1 s before it looks at its clock, and as long after.
  pair.clockOf = (meter) => {
    const found = readOf(clockOf(meter))
    const utc = unixUs(found.utc - 0.1 * SECOND)
    const t1 = monoUs(found.t1 - 0.2 * SECOND)
    return { on: 'clock-read', meter, found: { ...found, t1, utc } }
  }
  pair.run(60)
  assert.deepEqual(pair.executed, ['light M-2'])
  const after = (pair.offsets.get('M-2') ?? Number.NaN) / SECOND
  assert.ok(Math.abs(after - 0.1) < 0.03, `${after}`)
})
