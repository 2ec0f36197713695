// Where the points of a clock's history go: scale, gaps, states.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ClockPoint, plotClock } from '../../../services/billing/clocks/core/clock-plot.ts'
import { unixMs } from '../../../shared/units.ts'

const HOUR = 3_600_000
/** 100 wide, 200 high, one hour from left to right. */
const FRAME = {
  left: 0,
  right: 100,
  top: 0,
  bottom: 200,
  from: unixMs(0),
  to: unixMs(HOUR),
  gapMs: HOUR,
}
const point = (minute: number, changed: Partial<ClockPoint> = {}): ClockPoint => ({
  at: unixMs(minute * 60_000),
  state: 'S',
  offsetUs: 0,
  boundUs: 1_000,
  ...changed,
})
const plot = (points: readonly ClockPoint[], frame = {}) =>
  plotClock(points, { ...FRAME, ...frame })
const heights = (line: string): readonly number[] =>
  [...line.matchAll(/,(-?[\d.]+)/g)].map(([, y]) => Number(y))

test('a point holds until the next, the last until now, in a band of its bound', () => {
  const { runs } = plot([point(0), point(30, { offsetUs: 1_000 })])
  assert.equal(runs.length, 1)
  assert.equal(runs[0]?.line, 'M0,100L50,100L50,56.5L100,56.5')
  assert.equal(runs[0]?.band, 'M0,56.5L50,56.5L50,13L100,13L100,100L50,100L50,143.5L0,143.5Z')
})

test('the scale is linear up to thirty times the usual, logarithmic beyond', () => {
  const heightOf = (times: number): number => {
    const quiet = Array.from({ length: 9 }, (_, minute) => point(minute))
    const { runs } = plot([...quiet, point(30, { offsetUs: times * 1_000, boundUs: 0 }), point(31)])
    // Where the first bound ends, measured from the middle.
    return 100 - (heights(runs[0]?.band ?? '')[0] ?? 0)
  }
  assert.ok(heightOf(30) < 3, `a thirtieth of the height: ${heightOf(30)}`)
  assert.ok(heightOf(31) > 15, `still visible: ${heightOf(31)}`)
  assert.ok(heightOf(180_000) > 5)
})

test('scale lines are round, in order, around zero, and clear of its number', () => {
  const { yTicks } = plot([point(0, { boundUs: 9_400 })])
  assert.deepEqual(
    yTicks.map(({ us }) => us),
    [-10_000, -5_000, 0, 5_000, 10_000],
  )
  const far = plot([point(0), point(1), point(2), point(5, { offsetUs: 180e6, boundUs: 0 })])
  assert.deepEqual(
    far.yTicks.map(({ us }) => us),
    [-60e6, -1e6, -10_000, 0, 10_000, 1e6, 60e6],
  )
  assert.ok(far.yTicks.every(({ y, us }) => us === 0 || Math.abs(y - 100) >= 18))
})

test('a new state begins a new run joined to the last; without a bound it has no band', () => {
  const { runs } = plot([point(0), point(30, { state: 'U', boundUs: null }), point(45)])
  assert.deepEqual(
    runs.map(({ state, band }) => [state, band === '']),
    [
      ['S', false],
      ['U', true],
      ['S', false],
    ],
  )
  assert.equal(runs[1]?.line, 'M50,100L50,100L75,100')
})

test('the line breaks where the slave was away; nothing outside the frame is drawn', () => {
  const { runs } = plot([point(0), point(30)], { gapMs: 15 * 60_000 })
  assert.deepEqual(
    runs.map(({ line }) => line),
    ['M0,100L25,100', 'M50,100L75,100'],
  )
  assert.deepEqual(plot([point(-90), point(61)]).runs, [])
  assert.equal(plot([point(-30)]).runs[0]?.line, 'M0,100L50,100')
  assert.deepEqual(plot([]).runs, [])
})

test('of 3,000 points only as many are drawn as can be seen, the farthest among them', () => {
  const points = Array.from({ length: 3_000 }, (_, i) =>
    point(i / 50, { offsetUs: i === 1_234 ? 5_000 : 0 }),
  )
  const { runs } = plot(points)
  const drawn = heights(runs[0]?.line ?? '')
  assert.ok(drawn.length <= 202, `${drawn.length} corners`)
  assert.equal(drawn.filter((y) => y < 50).length, 2)
})
