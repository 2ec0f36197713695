// The head-end's own clock: what it follows, what it says when no source can be believed, and leap
// seconds.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type HeadClock,
  headNow,
  keepSystemTime,
  keepTime,
  sleptHead,
  startHeadClock,
  sharedNow,
} from '../../../services/master/core/head-clock.ts'
import { reportOf } from '../../../services/master/core/head-report.ts'
import { servedBy } from '../../../services/master/core/ntp-serving.ts'
import { KNOWS_NOTHING, learn } from '../../../shared/clock/estimate/estimator.ts'
import type { SourceView } from '../../../shared/clock/estimate/source.ts'
import { startAssociation } from '../../../shared/clock/ntp/association.ts'
import type { Leap } from '../../../shared/clock/ntp/packet.ts'
import { type NtpSource, viewOf } from '../../../shared/clock/ntp/source-view.ts'
import { type MonoUs, monoUs, ppm, spanUs, unixUs } from '../../../shared/units.ts'

const SECOND = 1_000_000
const UTC = Date.UTC(2026, 9, 5, 12) * 1_000

interface Said {
  readonly off?: number
  readonly bound?: number
  readonly leap?: Leap
  readonly stratum?: number
  readonly reach?: number
}

/** An NTP source that just said: UTC is `utc`, off by `said.off` microseconds. */
const source = (name: string, mono: number, utc: number, said: Said = {}): NtpSource => {
  const { off = 0, bound = 1_000, leap = 0, stratum = 2, reach = 1 } = said
  const sample = {
    mono: monoUs(mono),
    utc: unixUs(utc + off),
    roundTripDelay: spanUs(800),
    bound: spanUs(bound),
    informative: false,
  }
  const server = { leap, stratum, rootDelay: spanUs(600), rootDispersion: spanUs(100) }
  const estimator = learn(KNOWS_NOTHING, sample)
  const fresh = startAssociation(monoUs(0))
  const association = { ...fresh, sample, server, estimator, reach, note: '' }
  return { name, kind: 'ntp', refid: 0x01020304, association, note: '' }
}

const viewsAt = (mono: number, sources: readonly NtpSource[]): readonly SourceView[] =>
  sources.map((each) => viewOf(each, monoUs(mono)))

/** Keeps the clock at `mono` by what `sources` say; returns the codes it reported. */
class Keeper {
  head: HeadClock
  codes: string[] = []
  leaps = 0
  constructor(guess: number) {
    this.head = startHeadClock(monoUs(0), unixUs(guess))
  }
  keep(mono: number, sources: readonly NtpSource[]): string {
    return this.follow(mono, viewsAt(mono, sources))
  }
  follow(mono: number, views: readonly SourceView[]): string {
    const { head, faults, leapt } = keepTime(this.head, views, monoUs(mono), true)
    this.head = head
    if (leapt) this.leaps += 1
    this.codes = faults.map(({ code }) => code)
    return this.codes.join()
  }
  error(mono: number, truth: number): number {
    return headNow(this.head.clock, monoUs(mono)).at - truth
  }
}

test('follows the majority, reports the liar once, and tells NTP clients the truth', () => {
  const keeper = new Keeper(UTC - 40 * SECOND)
  const at = (mono: number) => [
    source('a', mono, UTC + mono),
    source('b', mono, UTC + mono, { off: 5 * SECOND, bound: 10 }),
    source('c', mono, UTC + mono, { off: 300 }),
  ]
  assert.equal(servedBy(keeper.head, 3, monoUs(0)).stratum, 16)
  assert.equal(headNow(keeper.head.clock, monoUs(0)).bound, null)
  assert.equal(keeper.keep(SECOND, at(SECOND)), 'CLK-10,CLK-06')
  assert.equal(keeper.keep(2 * SECOND, at(2 * SECOND)), '')
  assert.ok(Math.abs(keeper.error(2 * SECOND, UTC + 2 * SECOND)) < 400)
  const { bound } = headNow(keeper.head.clock, monoUs(2 * SECOND))
  const served = servedBy(keeper.head, 3, monoUs(2 * SECOND))
  assert.deepEqual([served.leap, served.stratum, served.refid], [0, 3, 0x01020304])
  assert.equal(served.rootDelay, 1_400)
  assert.ok(bound !== null && served.rootDelay / 2 + served.rootDispersion >= bound)
  const report = reportOf(
    keeper.head,
    viewsAt(2 * SECOND, at(2 * SECOND)),
    monoUs(2 * SECOND),
    unixUs(UTC),
  )
  assert.equal(report.sources.map(({ mark }) => mark).join(''), '*x+')
  assert.match(report.sources[1]?.note ?? '', /CLK-10/)
  assert.deepEqual([report.state, report.reference, report.stratum], ['S', 'a', 3])
  assert.equal(report.discipline.steps, 1)
  assert.ok(Math.abs(report.discipline.lastStep - 40 * SECOND) < 400)
  // It is reported again after it was honest in between.
  assert.equal(keeper.keep(3 * SECOND, [source('b', 3 * SECOND, UTC + 3 * SECOND)]), '')
  assert.equal(keeper.keep(4 * SECOND, at(4 * SECOND)), 'CLK-10')
})

test('serves what it follows even when it began to follow without a new sample, after the wait', () => {
  const start = startHeadClock(monoUs(0), unixUs(UTC))
  const at = (mono: number) => [
    source('a', mono, UTC + mono),
    { ...source('b', 0, 0), association: null },
  ]
  const early = keepTime(start, viewsAt(SECOND, at(SECOND)), monoUs(SECOND), true).head
  assert.equal(servedBy(early, 2, monoUs(SECOND)).stratum, 16)
  const waited = viewsAt(12 * SECOND, at(SECOND))
  const late = keepTime(early, waited, monoUs(12 * SECOND), false).head
  assert.equal(servedBy(late, 2, monoUs(12 * SECOND)).stratum, 3)
})

test('without a majority it holds over: CLK-11 once, the bound grows, the time continues', () => {
  const keeper = new Keeper(UTC)
  keeper.keep(20 * SECOND, [
    source('a', 20 * SECOND, UTC + 20 * SECOND),
    source('b', 20 * SECOND, UTC + 20 * SECOND),
  ])
  const split = (mono: number) => [
    source('a', mono, UTC + mono),
    source('b', mono, UTC + mono, { off: 9_000 }),
  ]
  assert.equal(keeper.keep(30 * SECOND, split(30 * SECOND)), 'CLK-11')
  assert.equal(keeper.keep(40 * SECOND, split(40 * SECOND)), '')
  const later = 1_000 * SECOND
  const now = headNow(keeper.head.clock, monoUs(later))
  assert.ok(Math.abs(now.at - UTC - later) < 2)
  // 250 ppm at most while the frequency is not known.
  assert.ok(now.bound !== null && now.bound > 100_000 && now.bound < 260_000, `${now.bound}`)
  const report = reportOf(
    keeper.head,
    viewsAt(later, split(later)),
    monoUs(later),
    unixUs(UTC + later),
  )
  assert.equal(report.discipline.holdover, 980_000)
  assert.match(report.sources[0]?.note ?? '', /CLK-11/)
  assert.equal(servedBy(keeper.head, 2, monoUs(later)).stratum, 3)
})

test("this machine's clock is followed as well as its operator states it, or not at all", () => {
  const start = startHeadClock(monoUs(0), unixUs(UTC))
  const wall = (mono: MonoUs) => ({ at: unixUs(UTC + mono), bound: spanUs(2) })
  const stated = keepSystemTime(start, wall(monoUs(5)), spanUs(20_000), monoUs(5))
  assert.deepEqual(stated.faults, [])
  assert.deepEqual(headNow(stated.head.clock, monoUs(5)), { at: UTC + 5, bound: 20_002 })
  const served = servedBy(stated.head, 0, monoUs(5))
  assert.deepEqual([served.stratum, served.leap], [10, 0])
  assert.ok(served.rootDispersion >= 20_000)
  // It was stepped back: the time stands still, and the bound says how far it is off.
  const back = { at: unixUs(UTC - 60 * SECOND), bound: spanUs(2) }
  const held = keepSystemTime(stated.head, back, spanUs(20_000), monoUs(SECOND))
  assert.deepEqual(
    held.faults.map(({ code }) => code),
    ['CLK-06'],
  )
  const now = headNow(held.head.clock, monoUs(SECOND))
  assert.ok(now.at >= UTC + 5 && now.bound !== null && now.bound > 60 * SECOND)
  const unknown = keepSystemTime(start, wall(monoUs(5)), null, monoUs(5))
  assert.deepEqual(headNow(unknown.head.clock, monoUs(5)), { at: UTC + 5, bound: null })
  assert.equal(servedBy(unknown.head, 0, monoUs(5)).leap, 3)
})

/** Lives through an inserted second; the sources, polled again, answer `answerAfterUs` after it
 * began. */
function liveLeap(answerAfterUs: number): { readonly stood: number; readonly keeper: Keeper } {
  const midnight = Date.UTC(2027, 0, 1) * 1_000
  const begin = midnight - 30 * SECOND
  const keeper = new Keeper(begin)
  /** UTC as Unix time counts it: the last second of the day comes twice. */
  const utc = (mono: number) => (begin + mono < midnight ? begin + mono : begin + mono - SECOND)
  let [last, stood] = [0, 0]
  for (let mono = SECOND; mono < 120 * SECOND; mono += SECOND / 4) {
    const silent = keeper.leaps > 0 && begin + mono < midnight + answerAfterUs
    // Servers keep announcing it for a while.
    const leap: Leap = begin + mono < midnight + 5 * SECOND ? 1 : 0
    keeper.keep(mono, silent ? [] : [source('a', mono, utc(mono), { leap })])
    const { at, bound } = headNow(keeper.head.clock, monoUs(mono))
    assert.ok(at >= last, 'never back')
    if (at === last) stood += 1
    last = at
    assert.ok(bound !== null && Math.abs(at - utc(mono)) <= bound, `${mono / SECOND}`)
    assert.equal(servedBy(keeper.head, 1, monoUs(mono)).leap, keeper.leaps === 0 ? 1 : 0)
  }
  return { stood, keeper }
}

test('an inserted leap second: the time stands still during it, and no bound is broken', () => {
  for (const answerAfterUs of [SECOND / 2, 3 * SECOND]) {
    const { stood, keeper } = liveLeap(answerAfterUs)
    assert.equal(keeper.leaps, 1)
    assert.equal(keeper.head.steps, 0)
    assert.ok(stood >= 3 && stood <= 5, `${stood}`)
  }
})

test('a leap second announcement counts on the right day and by a majority only', () => {
  const day = Date.UTC(2026, 10, 30, 23, 59, 58) * 1_000
  const wrong = new Keeper(day)
  wrong.keep(SECOND, [source('a', SECOND, day + SECOND, { leap: 1 })])
  wrong.keep(5 * SECOND, [source('a', 5 * SECOND, day + 5 * SECOND, { leap: 1 })])
  assert.deepEqual([wrong.head.leap, wrong.leaps], ['normal', 0])
  const june = Date.UTC(2027, 5, 30, 12) * 1_000
  const split = new Keeper(june)
  const said = (leaps: readonly Leap[]) =>
    leaps.map((leap, index) => source(`${index}`, SECOND, june + SECOND, { leap }))
  split.keep(SECOND, said([1, 0, 0]))
  assert.equal(split.head.leap, 'normal')
  split.keep(SECOND, said([1, 1, 0]))
  assert.equal(split.head.leap, 'insert')
  assert.equal(split.head.leapAt, Date.UTC(2027, 6, 1) * 1_000)
})

test('the reference time is that of the last sample, not of the last look at the clock', () => {
  const keeper = new Keeper(UTC)
  keeper.keep(SECOND, [source('a', SECOND, UTC + SECOND)])
  const told = source('a', SECOND, UTC + SECOND)
  for (let mono = 2 * SECOND; mono <= 60 * SECOND; mono += SECOND) {
    keeper.head = keepTime(keeper.head, viewsAt(mono, [told]), monoUs(mono), false).head
  }
  const { reference } = servedBy(keeper.head, 1, monoUs(60 * SECOND))
  assert.ok(reference !== null && Math.abs(reference - UTC - SECOND) < 2, `${reference}`)
})

test('another thread that shares the clock notices a sleep before the clock’s own does', () => {
  const keeper = new Keeper(UTC)
  keeper.keep(SECOND, [source('a', SECOND, UTC + SECOND)])
  const look = (mono: number, sinceBoot: number) => ({
    mono: monoUs(mono),
    sinceBoot: spanUs(sinceBoot),
  })
  const told = { clock: keeper.head.clock, awake: look(SECOND, 9 * SECOND) }
  const awake = sharedNow(told, look(2 * SECOND, 10 * SECOND))
  assert.deepEqual(awake, headNow(keeper.head.clock, monoUs(2 * SECOND)))
  assert.ok(awake.bound !== null)
  const slept = sharedNow(told, look(2 * SECOND, 70 * SECOND))
  assert.deepEqual(slept, { at: awake.at, bound: null })
})

test('after a sleep nothing is known until a source answers', () => {
  const keeper = new Keeper(UTC)
  keeper.keep(SECOND, [source('a', SECOND, UTC + SECOND)])
  keeper.head = sleptHead(keeper.head, monoUs(2 * SECOND))
  assert.equal(headNow(keeper.head.clock, monoUs(3 * SECOND)).bound, null)
  keeper.keep(4 * SECOND, [source('a', 4 * SECOND, UTC + 900 * SECOND)])
  assert.ok(Math.abs(keeper.error(4 * SECOND, UTC + 900 * SECOND)) < 2)
})

/** IEEE 1588, made up: a port that knows UTC to 200 ns, rounded up, 40 us away. */
const ptpPort = (mono: number, utc: number): SourceView => ({
  name: 'ptp:eth0',
  kind: 'ptp',
  estimate: {
    mono: monoUs(mono),
    utc: unixUs(utc),
    bound: spanUs(1),
    frequency: ppm(0),
    growth: ppm(1),
    informative: false,
  },
  sampledAt: monoUs(mono),
  delay: spanUs(40),
  reach: 0xff,
  poll: 0,
  leap: 'insert',
  reference: { id: 0x50545000, stratum: 1, rootDelay: spanUs(40) },
  note: '',
})

test('a source of another protocol (IEEE 1588) joins as a view: followed when it is better', () => {
  const keeper = new Keeper(UTC)
  const mono = 20 * SECOND
  const ntp = viewsAt(mono, [source('a', mono, UTC + mono), source('b', mono, UTC + mono)])
  const views = [...ntp, ptpPort(mono, UTC + mono)]
  keeper.follow(mono, views)
  assert.equal(keeper.head.followed?.name, 'ptp:eth0')
  assert.ok(Math.abs(keeper.error(mono, UTC + mono)) <= 1)
  const served = servedBy(keeper.head, 3, monoUs(mono))
  assert.deepEqual([served.stratum, served.refid, served.rootDelay], [2, 0x50545000, 40])
  const { reference, sources } = reportOf(keeper.head, views, monoUs(mono), unixUs(UTC + mono))
  assert.equal(reference, 'ptp:eth0')
  const row = sources[2]
  assert.ok(row)
  const { kind, mark, stratum, roundTripDelay, bound } = row
  assert.deepEqual([kind, mark, stratum, roundTripDelay, bound], ['ptp', '*', 1, 40, 1])
})

test('a source of another protocol that lies is a falseticker like any other (CLK-10)', () => {
  const keeper = new Keeper(UTC)
  const mono = 20 * SECOND
  const ntp = viewsAt(mono, [source('a', mono, UTC + mono), source('b', mono, UTC + mono)])
  const lying = [...ntp, ptpPort(mono, UTC + mono + 37 * SECOND)]
  assert.match(keeper.follow(mono, lying), /CLK-10/)
  assert.equal(keeper.head.followed?.name, 'a')
  assert.ok(Math.abs(keeper.error(mono, UTC + mono)) <= 1)
  const { sources } = reportOf(keeper.head, lying, monoUs(mono), unixUs(UTC + mono))
  assert.deepEqual(
    sources.map(({ name, mark }) => `${mark}${name}`),
    ['*a', '+b', 'xptp:eth0'],
  )
  assert.match(sources[2]?.note ?? '', /CLK-10/)
})
