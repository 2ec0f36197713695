// Times found afterwards: exact where nothing drifts, and never further off than they claim.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  between,
  isUntimed,
  retime,
  startedBy,
  type Tie,
  TRUSTED_BOUND_MS,
} from '../../../services/billing/readings/core/retiming.ts'
import { FREQUENCY_TOLERANCE_PPM } from '../../../shared/clock/estimate/exchange.ts'
import { CLOCK_BOUND_UNKNOWN } from '../../../shared/clock/clock-state.ts'
import { packageRoot } from '../../../shared/node/root.ts'
import { spanMs, unixMs } from '../../../shared/units.ts'

const START = Date.UTC(2026, 2, 1)
const MONTH_MS = 31 * 86_400_000
/** Enough for the rounding of floats the size of today's time. */
const CLOSE = 0.01

/** A process whose oscillator is off by `ppm`: the truth at its process ms. */
const truth = (ms: number, ppm: number): number => START + ms / (1 + ppm * 1e-6)

const tieOf = (ms: number, ppm: number, wrong: number, bound: number): Tie => ({
  processMs: Math.floor(ms),
  // The anchor is taken when the whole millisecond has passed, and cut to whole ms of UTC.
  utc: unixMs(truth(Math.floor(ms), ppm) + wrong * bound),
  bound: spanMs(Math.ceil(bound) + 1),
})

const moment = fc.integer({ min: 0, max: MONTH_MS })
/** Ticks per true second may be off by the tolerance; a little less, since it counts in ticks. */
const drift = fc.double({
  min: -FREQUENCY_TOLERANCE_PPM * 0.999,
  max: FREQUENCY_TOLERANCE_PPM * 0.999,
  noNaN: true,
})
const anchor = fc.record({
  ms: moment,
  wrong: fc.double({ min: -1, max: 1, noNaN: true }),
  bound: fc.integer({ min: 0, max: 100_000 }),
})

test('with a perfect anchor and no drift the time found is the true one', () => {
  fc.assert(
    fc.property(moment, moment, (ms, tied) => {
      const tie = { processMs: tied, utc: unixMs(START + tied), bound: spanMs(0) }
      assert.equal(retime(ms, null, [tie])?.at, START + ms)
    }),
  )
})

test('the bound covers the truth for every drift inside the tolerance', () => {
  fc.assert(
    fc.property(
      moment,
      drift,
      fc.array(anchor, { minLength: 1, maxLength: 3 }),
      (ms, ppm, list) => {
        const ties = list.map(({ ms: at, wrong, bound }) => tieOf(at, ppm, wrong, bound))
        // Process ms are truncated: the reading was taken up to a millisecond later.
        for (const later of [0, 0.999]) {
          const found = retime(ms, null, ties)
          assert.ok(found !== null)
          const error = Math.abs(truth(ms + later, ppm) - found.at)
          assert.ok(error <= found.bound + CLOSE, `${error} ms off, within ${found.bound}`)
        }
      },
    ),
    { numRuns: 1_000 },
  )
})

test('no further anchor widens the bound; what the stamp said counts too', () => {
  const near = { processMs: 5_000, utc: unixMs(START + 5_000), bound: spanMs(20) }
  const far = { processMs: 900_000, utc: unixMs(START + 900_000), bound: spanMs(400) }
  assert.deepEqual(retime(0, null, [near]), { at: START, bound: 23 })
  assert.deepEqual(retime(0, null, [far, near]), { at: START, bound: 23 })
  const said = { at: unixMs(START + 10), bound: spanMs(5) }
  assert.deepEqual(retime(0, said, [near, far]), { at: START + 10, bound: 5 })
  assert.equal(retime(0, said, []), null)
})

test('anchors that contradict each other give a time as wide as they are apart', () => {
  const before = { processMs: 0, utc: unixMs(START), bound: spanMs(0) }
  const paused = { processMs: 1_000, utc: unixMs(START + 61_000), bound: spanMs(0) }
  const found = retime(0, null, [before, paused])
  assert.ok(found !== null)
  assert.ok(found.at - found.bound <= START && found.at + found.bound >= START + 60_000)
})

test('a process without an anchor is dated between its neighbours, in its own order', () => {
  fc.assert(
    fc.property(moment, moment, drift, moment, moment, (one, two, ppm, gap, wait) => {
      const [ms, endMs] = one < two ? [one, two] : [two, one]
      const after = unixMs(START - gap)
      const before = unixMs(Math.ceil(truth(endMs + 1, ppm)) + wait)
      const found = between(ms, { after, before, endMs })
      assert.ok(found !== null)
      assert.ok(Math.abs(truth(ms + 0.5, ppm) - found.at) <= found.bound + CLOSE)
      assert.ok(found.bound <= (before - after) / 2 + 1)
    }),
  )
  const upsideDown = { after: unixMs(START), before: unixMs(START - 10), endMs: 0 }
  assert.equal(between(0, upsideDown), null)
})

test('an anchor says when its process had begun at the latest', () => {
  const tie = tieOf(1_000_000, 200, 0, 50)
  assert.ok(startedBy(tie) >= START)
  assert.ok(startedBy(tie) <= START + 50 + 1 + 250 + 200)
})

test('untimed: state U, or a bound over a minute; never a profile reading', () => {
  const stamp = (clockState: 'U' | 'R', bound: number) => ({
    agentTime: unixMs(0),
    clockState,
    clockBound: spanMs(bound),
    processMs: 0,
  })
  assert.equal(isUntimed(stamp('U', CLOCK_BOUND_UNKNOWN), 'live'), true)
  assert.equal(isUntimed(stamp('R', TRUSTED_BOUND_MS), 'push'), false)
  assert.equal(isUntimed(stamp('R', TRUSTED_BOUND_MS + 1), 'push'), true)
  assert.equal(isUntimed(stamp('U', CLOCK_BOUND_UNKNOWN), 'profile'), false)
})

test('the view and the index of the database trust a bound as far as the code does', () => {
  const migration = readFileSync(join(packageRoot(), 'migrations/0007_retimed.sql'), 'utf8')
  const limits = [...migration.matchAll(/bound_ms (?:<=|>) (\d+)/g)].map(([, limit]) =>
    Number(limit),
  )
  assert.deepEqual(limits, [TRUSTED_BOUND_MS, TRUSTED_BOUND_MS, TRUSTED_BOUND_MS])
})
