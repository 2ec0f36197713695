// The wall clock read to the microsecond by its edges.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  edgeBetween,
  edgeFrom,
  hasStepped,
  movedUs,
  wallAt,
} from '../../../shared/clock/estimate/wall.ts'
import { openWallClock } from '../../../shared/node/wall-edges.ts'
import { type MonoUs, monoUs, ppm, type UnixMs, unixMs } from '../../../shared/units.ts'

const MS = 1_790_000_000_000
const look = (before: number, shown: number, after = before + 0.05) => ({
  before: monoUs(before),
  after: monoUs(after),
  shown: unixMs(shown),
})

test('an edge lies between two looks one millisecond apart, and nowhere else', () => {
  const edge = edgeBetween(look(1_000, MS), look(1_000.1, MS + 1, 1_000.2))
  assert.ok(edge !== null)
  assert.ok(Math.abs(edge.mono - 1_000.1) < 1e-6 && Math.abs(edge.halfWidth - 0.1) < 1e-6)
  assert.equal(edge.wall, (MS + 1) * 1_000)
  assert.equal(edgeBetween(look(1_000, MS), look(1_001, MS)), null)
  assert.equal(edgeBetween(look(1_000, MS), look(1_001, MS + 2)), null)
  assert.equal(edgeBetween(look(1_000, MS), look(1_001, MS - 1)), null)
})

test('a reading carries the width of the edge and 500 ppm of its age', () => {
  const edge = edgeFrom(look(0, MS, 2))
  const { at, bound } = wallAt(edge, monoUs(1_000_001), ppm(500))
  assert.equal(at, MS * 1_000 + 500 + 1_000_000)
  assert.equal(bound, 501 + 500 + 1)
})

test('a step shows as soon as a look cannot belong to the same clock, in both directions', () => {
  const edge = edgeBetween(look(0, MS), look(0, MS + 1, 0))
  assert.ok(edge !== null)
  // 0.8 ms on, the clock shows MS + 1 and turns at 1.0: 500 ppm of 1 ms and rounding are 1.5 us.
  assert.equal(hasStepped(edge, look(800, MS + 1), ppm(500)), false)
  assert.equal(hasStepped(edge, look(800, MS + 2), ppm(500)), true)
  assert.equal(hasStepped(edge, look(800, MS), ppm(500)), true)
  assert.equal(hasStepped(edge, look(998.4, MS + 2, 998.6), ppm(500)), false)
  assert.equal(hasStepped(edge, look(998.3, MS + 2, 998.4), ppm(500)), true)
  assert.equal(hasStepped(edge, look(1_001.4, MS + 1, 1_001.4), ppm(500)), false)
  assert.equal(hasStepped(edge, look(1_001.6, MS + 1, 1_001.6), ppm(500)), true)
})

/** A machine whose every reading of a clock takes 0.05 us. */
function machine() {
  const state = { mono: 5_000.3, ahead: 0, stands: false }
  const mono = (): MonoUs => {
    state.mono += 0.05
    return monoUs(state.mono)
  }
  const truth = (): number => MS * 1_000 + state.ahead + state.mono
  const wall = (): UnixMs => unixMs(state.stands ? MS : Math.floor(truth() / 1_000))
  return { state, mono, truth, wall }
}

test('reads a wall clock to the microsecond, and follows it when it is stepped', () => {
  const { state, mono, truth, wall } = machine()
  const steps: number[] = []
  const clock = openWallClock({ mono, wall, onStep: (by) => steps.push(by) })
  const good = () => {
    const { at, bound } = clock.now()
    return bound < 3 && Math.abs(at - truth()) <= bound + 0.2
  }
  assert.ok(good())
  for (const by of [3_600_000_000, -3_600_000_000, 2_000, -2_000]) {
    state.ahead += by
    assert.ok(good(), `after a step of ${by} us`)
  }
  assert.deepEqual(steps.map(Math.round), [3_600_000_000, -3_600_000_000, 2_000, -2_000])
  const before = monoUs(state.mono - 700)
  assert.ok(Math.abs(clock.at(before).at - (truth() - 700)) < 2)
  clock.close()
})

test('a wall clock that does not advance is read as coarsely as it is, and nothing hangs', () => {
  const { state, mono, wall } = machine()
  state.stands = true
  const clock = openWallClock({ mono, wall })
  assert.ok(clock.now().bound >= 500)
  clock.close()
})

test('the real clock: two edges agree, a reading agrees with Date.now()', () => {
  const clock = openWallClock()
  const before = Date.now()
  const { at, bound } = clock.now()
  const after = Date.now()
  clock.close()
  assert.ok(at + bound >= before * 1_000 && at - bound <= (after + 1) * 1_000)
  const edge = edgeFrom(look(0, MS))
  assert.equal(movedUs(edge, edge), 0)
})
