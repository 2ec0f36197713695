// One meter's clock, read by read: torn reads at midnight, a clock somebody set, a change of ours.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  bracketOf,
  NO_EDGES,
  nextRead,
  overheard,
  withBracket,
} from '../../../shared/clock/meter/edges.ts'
import {
  afterChange,
  afterCorrection,
  type MeterClock,
  meterClockAt,
  nextReadAt,
  noMeterClock,
  planChange,
  takeRead,
} from '../../../shared/clock/meter/meter-clock.ts'
import { lineTime, type MeterClockRead } from '../../../shared/clock/meter/meter-clock-line.ts'
import { startClock, steer } from '../../../shared/clock/estimate/softclock.ts'
import { type MonoUs, monoUs, ppm, spanUs, unixUs } from '../../../shared/units.ts'

const SECOND = 1_000_000
const DAY = 86_400 * SECOND
/** Midnight, UTC. */
const MIDNIGHT = Date.UTC(2026, 9, 1) * 1_000
/** Our monotonic clock at that midnight. */
const MONO_MIDNIGHT = 3_600 * SECOND
const TOLERANCE = ppm(250)
const UNKNOWN_RATE = { frequency: ppm(0), growth: TOLERANCE }

const START = MIDNIGHT - MONO_MIDNIGHT
const ours = steer(
  startClock({ mono: monoUs(0), guess: unixUs(START), lastUsed: null }),
  {
    mono: monoUs(0),
    utc: unixUs(START),
    bound: spanUs(5),
    frequency: ppm(0),
    growth: ppm(0),
    informative: false,
  },
  monoUs(0),
).clock

/** A read at `t1` of a meter that reads its clock 300 us later and answers 300 us after that. */
const readAt = (
  t1: number,
  shows: (mono: number) => number,
  resolution = SECOND,
): MeterClockRead => ({
  t1: monoUs(t1),
  t4: monoUs(t1 + 600),
  utc: unixUs(Math.floor(shows(t1 + 300) / resolution) * resolution),
  resolution: spanUs(resolution),
  onLine: { request: spanUs(0), answer: spanUs(0) },
  status: null,
})

/** A clock that is this far from UTC. */
const off =
  (us: number) =>
  (mono: number): number =>
    START + mono + us

interface Read {
  readonly clock: MeterClock
  readonly now: MonoUs
  readonly stepped: readonly number[]
}

/** Reads whenever a read is due, or every 0.5 s while it rests. */
function readOn(
  from: MeterClock,
  start: number,
  reads: number,
  shows: (mono: number) => number,
): Read {
  let clock = from
  let now = monoUs(start)
  const stepped: number[] = []
  for (let read = 0; read < reads; read += 1) {
    const due = nextReadAt(clock, now)
    const t1 = due - now > SECOND ? now + SECOND / 2 : due
    const taken = takeRead(clock, readAt(t1, shows))
    assert.equal(taken.fault, null)
    if (taken.stepped !== null) stepped.push(taken.stepped)
    clock = taken.clock
    now = monoUs(t1 + 5_000)
  }
  return { clock, now, stepped }
}

/** Reads until the burst is over. */
function burst(from: MeterClock, start: number, shows: (mono: number) => number): Read {
  let read: Read = { clock: from, now: monoUs(start), stepped: [] }
  do {
    const { clock, now, stepped } = readOn(read.clock, read.now, 1, shows)
    read = { clock, now, stepped: [...read.stepped, ...stepped] }
  } while (read.clock.reads > 0)
  return read
}

const offsetOf = ({ clock, now }: Pick<Read, 'clock' | 'now'>): number =>
  meterClockAt(clock, ours, now)?.offset ?? Number.NaN

test('a single read is never enough for an offset, however fine it is', () => {
  for (const resolution of [10, SECOND]) {
    const one = takeRead(noMeterClock, readAt(SECOND, off(0), resolution)).clock
    assert.equal(meterClockAt(one, ours, monoUs(2 * SECOND)), null)
    const two = takeRead(one, readAt(2 * SECOND, off(0), resolution)).clock
    const bound = meterClockAt(two, ours, monoUs(3 * SECOND))?.bound ?? 0
    assert.ok(bound > resolution / 4 && bound < 1.1 * resolution + 2_000, `${bound}`)
  }
})

test('there is no offset while UTC is not known', () => {
  const { clock, now } = readOn(noMeterClock, SECOND, 5, off(0))
  const guess = startClock({ mono: monoUs(0), guess: unixUs(START), lastUsed: null })
  assert.equal(meterClockAt(clock, guess, now), null)
})

test('across midnight the offset stays the same', () => {
  for (const us of [0, 400_000, -400_000, 3 * SECOND]) {
    const read = readOn(noMeterClock, MONO_MIDNIGHT - 8 * SECOND, 16, off(us))
    assert.ok(read.now > MONO_MIDNIGHT, 'midnight passed')
    assert.ok(Math.abs(offsetOf(read) - us) < 300, `${offsetOf(read)}`)
    assert.deepEqual(read.stepped, [])
  }
})

test('a read torn at midnight, a day off, never shows in the offset (solis_modbus #419)', () => {
  for (const torn of [-DAY, DAY]) {
    for (let at = 0; at < 12; at += 1) {
      let read: Read = { clock: noMeterClock, now: monoUs(SECOND), stepped: [] }
      for (let n = 0; n < 16; n += 1) {
        const next = readOn(read.clock, read.now, 1, off(n === at ? torn : 0))
        assert.deepEqual(next.stepped, [], `read ${at} torn, seen at ${n}`)
        read = next
        const seen = meterClockAt(read.clock, ours, read.now)
        if (seen !== null) assert.ok(Math.abs(seen.offset) <= SECOND, `${seen.offset}`)
      }
      assert.ok(Math.abs(offsetOf(read)) < 500, `${offsetOf(read)} after read ${at} torn`)
    }
  }
})

test('a clock that somebody set is noticed by the second read, with its new offset', () => {
  const before = readOn(noMeterClock, SECOND, 20, off(0))
  const first = readOn(before.clock, before.now, 1, off(60 * SECOND))
  assert.deepEqual(first.stepped, [])
  assert.ok(Math.abs(offsetOf(first)) < 1_000, 'one read proves nothing')
  const second = readOn(first.clock, first.now, 1, off(60 * SECOND))
  assert.equal(second.stepped.length, 1)
  assert.ok(Math.abs((second.stepped[0] ?? 0) - 60 * SECOND) <= SECOND)
  const later = readOn(second.clock, second.now, 16, off(60 * SECOND))
  assert.ok(Math.abs(offsetOf(later) - 60 * SECOND) < 300)
})

test('impossible stamps teach nothing: CLK-02 on each side of the edge', () => {
  const good = readAt(SECOND, off(0))
  const slow = { request: lineTime(5, { baud: 9_600, bits: 10 }), answer: spanUs(0) }
  // Five bytes take 5.2 ms at 9,600 baud, give or take 2 %.
  const late = { ...good, onLine: slow, t4: monoUs(SECOND + 5_050) }
  assert.notEqual(bracketOf(late, TOLERANCE), null)
  for (const bad of [
    { ...good, onLine: slow, t4: monoUs(SECOND + 4_990) },
    { ...good, t4: monoUs(SECOND - 1) },
    { ...good, t4: monoUs(Number.NaN) },
    { ...good, utc: unixUs(Number.NaN) },
    { ...good, resolution: spanUs(0) },
    { ...good, onLine: { request: spanUs(-1), answer: spanUs(0) } },
    { ...good, onLine: { request: spanUs(0), answer: spanUs(Number.POSITIVE_INFINITY) } },
  ]) {
    assert.equal(bracketOf(bad, TOLERANCE), null, JSON.stringify(bad))
    const { clock, now } = readOn(noMeterClock, SECOND, 5, off(0))
    const taken = takeRead(clock, bad)
    assert.equal(taken.fault, 'CLK-02')
    assert.deepEqual(meterClockAt(taken.clock, ours, now), meterClockAt(clock, ours, now))
  }
})

test('the next read puts the predicted tick in the middle of the window', () => {
  const first = bracketOf(readAt(10 * SECOND + 100_000, off(0)), TOLERANCE)
  assert.ok(first !== null)
  const { edges } = withBracket(NO_EDGES, first, UNKNOWN_RATE)
  const next = nextRead(edges, monoUs(10 * SECOND + 200_000), UNKNOWN_RATE, null, 0)
  // The second was k at 10.1 s: its next tick lies in (10.1 s, 11.1 s], its middle is 10.6 s.
  assert.ok(Math.abs(next + 300 - (10 * SECOND + 600_000)) < 1_000, `${next}`)
})

test('a burst ends when settled, or after 16 reads in any case; then the meter rests', () => {
  let clock = noMeterClock
  let now = 0
  for (let read = 0; read < 16; read += 1) {
    assert.ok(nextReadAt(clock, monoUs(now)) - now <= SECOND, `read ${read} is due`)
    const t1 = now + 100
    const impossible = { ...readAt(t1, off(0)), t4: monoUs(t1 - 1) }
    clock = takeRead(clock, impossible).clock
    now += 1_000
  }
  assert.ok(nextReadAt(clock, monoUs(now)) - now >= 299 * SECOND)
  const good = burst(noMeterClock, SECOND, off(0))
  assert.ok(nextReadAt(good.clock, good.now) - good.now >= 299 * SECOND)
})

test('telegrams on the meter’s own schedule narrow the window too', () => {
  let edges = NO_EDGES
  const shows = off(123_456)
  for (let at = 0; at < 20; at += 1) {
    // Sent 40 to 900 ms after the meter read its clock.
    const looked = (10 + at) * SECOND + 70_000 * at
    const telegram = overheard({
      heard: monoUs(looked + 40_000 + ((at * 430_000) % 860_000)),
      utc: unixUs(Math.floor(shows(looked) / SECOND) * SECOND),
      resolution: spanUs(SECOND),
      answer: spanUs(100),
      stale: spanUs(SECOND),
      status: null,
    })
    const bracket = bracketOf(telegram, TOLERANCE)
    assert.ok(bracket !== null)
    assert.ok(bracket.least <= START + 123_456 && START + 123_456 <= bracket.most)
    ;({ edges } = withBracket(edges, bracket, UNKNOWN_RATE))
  }
  const least = Math.max(...edges.brackets.map((bracket) => bracket.least))
  const most = Math.min(...edges.brackets.map((bracket) => bracket.most))
  assert.ok(most - least < 1.3 * SECOND, `${most - least}`)
})

test('a time is sent so that it takes effect on its tick', () => {
  const { clock, now } = readOn(noMeterClock, SECOND, 16, off(7 * SECOND))
  const onLine = spanUs(10_000)
  const wish = { how: 'write', resolution: spanUs(SECOND), onLine } as const
  const planned = planChange(clock, ours, now, wish)
  assert.ok(planned !== null && planned.change.how === 'write')
  assert.equal(planned.change.utc % SECOND, 0)
  assert.ok(planned.at >= now && planned.at - now <= SECOND)
  // 10 ms on the line, and the meter reads its clock 300 us after that.
  assert.ok(Math.abs(planned.change.utc - (START + planned.at + 10_300)) < 20)
})

test('a shift is in whole seconds, at most 900, and never zero', () => {
  const wish = { how: 'shift', resolution: spanUs(SECOND), onLine: spanUs(0) } as const
  const plan = (us: number): ReturnType<typeof planChange> => {
    const { clock, now } = readOn(noMeterClock, SECOND, 16, off(us))
    return planChange(clock, ours, now, wish)
  }
  assert.equal(plan(400_000), null)
  assert.deepEqual(plan(600_000)?.change, { how: 'shift', by: -SECOND })
  assert.deepEqual(plan(-900 * SECOND)?.change, { how: 'shift', by: 900 * SECOND })
  assert.equal(plan(-901 * SECOND), null)
})

test('after a change of ours the offset is measured again, without a report of a step', () => {
  const before = readOn(noMeterClock, SECOND, 16, off(7 * SECOND))
  assert.equal(afterChange(before.clock, 'nak'), before.clock)
  for (const [answer, now] of [
    ['ack', 0],
    ['none', 0],
    ['none', 7 * SECOND],
  ] as const) {
    const changed = afterChange(before.clock, answer)
    assert.equal(meterClockAt(changed, ours, before.now), null)
    const after = readOn(changed, before.now, 16, off(now))
    const seen = meterClockAt(after.clock, ours, after.now)
    assert.ok(Math.abs((seen?.offset ?? Number.NaN) - now) < 300)
    assert.deepEqual(after.stepped, [])
  }
})

test('after a correction there is no offset until a burst confirms it', () => {
  const before = burst(noMeterClock, SECOND, off(20_000))
  const correction = { offset: spanUs(-20_000), frequency: ppm(0) }
  const corrected = afterCorrection(before.clock, correction, 'ack', before.now)
  assert.equal(meterClockAt(corrected, ours, before.now), null)
  assert.ok(nextReadAt(corrected, before.now) - before.now <= SECOND, 'at once')
  const after = burst(corrected, before.now, off(0))
  assert.ok(Math.abs(offsetOf(after)) < 300)
  assert.deepEqual(after.stepped, [])
  const ignored = burst(corrected, before.now, off(20_000))
  assert.equal(ignored.stepped.length, 1, 'the meter did not do what it said')
  assert.ok(Math.abs(offsetOf(ignored) - 20_000) < 300)
  const unanswered = afterCorrection(before.clock, correction, 'none', before.now)
  assert.deepEqual(burst(unanswered, before.now, off(20_000)).stepped, [])
})

test('a clock set by less than a second between two bursts is found and reported', () => {
  const before = burst(noMeterClock, SECOND, off(0))
  for (const us of [-400_000, -30_000, 30_000, 400_000]) {
    const after = burst(before.clock, before.now + 20 * SECOND, off(us))
    assert.equal(after.stepped.length, 1, `${us}`)
    assert.ok(Math.abs(offsetOf(after) - us) < 300, `${offsetOf(after)} for ${us}`)
  }
})
