// What a register showed at midnight when nobody read it right then.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type BoundaryRule,
  boundaryOf,
  ESTIMATE_AFTER_MS,
  type Found,
  INTERPOLATE_AFTER_MS,
  INTERPOLATE_MS,
} from '../../../services/billing/bills/core/boundaries.ts'
import type { Average, Edge, Sample } from '../../../services/billing/bills/core/facts.ts'
import { type UnixMs, unixMs } from '../../../shared/units.ts'
import { edgeAt, profile, TOTAL } from '../../fixtures/bill-facts.ts'

const EDGE = unixMs(Date.UTC(2026, 9, 31, 18, 30))
const HOUR = 3_600_000
const DAY = 24 * HOUR
const at = (ms: number): UnixMs => unixMs(EDGE + ms)
const rule = (change: Partial<BoundaryRule> = {}): BoundaryRule => ({
  now: at(10 * DAY),
  missing: 'wait',
  digits: null,
  ...change,
})
const live = (ms: number, value: number, by: Sample['by'] = 'slave'): Sample => ({
  register: TOTAL,
  at: at(ms),
  value,
  exponent: 0,
  by,
  boundMs: 12,
})
const NOTHING_KNOWN = { since: null, averages: [] }

function found(edge: Edge, change: Partial<BoundaryRule> = {}, known = NOTHING_KNOWN): Found {
  return boundaryOf(TOTAL, edge, rule(change), known)
}
const said = (verdict: Found): string =>
  verdict.ok ? `${verdict.boundary.way} ${verdict.boundary.value}` : verdict.why

test('a reading at the instant counts, by whichever way it came', () => {
  assert.equal(said(found(edgeAt(EDGE, [live(-10, 5), live(0, 6), live(10, 7)]))), 'exact 6')
  assert.equal(said(found(edgeAt(EDGE, [live(0, 8, 'customer')]))), 'exact 8')
  // What the meter said goes before what somebody wrote down.
  assert.equal(said(found(edgeAt(EDGE, [live(0, 6), live(0, 8, 'customer')]))), 'exact 6')
})

test('within a minute the nearest counts, as soon as there is one after the edge', () => {
  const both = [live(-400, 100), live(600, 103)]
  assert.equal(said(found(edgeAt(EDGE, both), { now: at(601) })), 'nearest 100')
  assert.equal(said(found(edgeAt(EDGE, [live(-600, 100), live(400, 103)]))), 'nearest 103')
  assert.equal(said(found(edgeAt(EDGE, [live(-60_000, 100), live(2 * DAY, 103)]))), 'nearest 100')
  // Nothing after it yet: a nearer one may come, until a day has passed.
  assert.equal(said(found(edgeAt(EDGE, [live(-400, 100)]), { now: at(900) })), 'missing')
  const later = { now: at(INTERPOLATE_AFTER_MS) }
  assert.equal(said(found(edgeAt(EDGE, [live(-400, 100)]), later)), 'nearest 100')
  // A meter that went says nothing afterwards.
  const removed = edgeAt(EDGE, [live(-400, 100)], { kind: 'removed' })
  assert.equal(said(found(removed, { now: at(900) })), 'nearest 100')
})

test('up to a day apart the register is interpolated to the Wh, a half rounds up', () => {
  const hours = (before: number, after: number, values: readonly [number, number]): string =>
    said(found(edgeAt(EDGE, [live(-before * HOUR, values[0]), live(after * HOUR, values[1])])))
  assert.equal(hours(6, 18, [1_000, 1_100]), 'interpolated 1025')
  assert.equal(hours(12, 12, [1_000, 1_001]), 'interpolated 1001') // 1000.5
  assert.equal(hours(8, 16, [0, 1]), 'interpolated 0') // 0.33
  assert.equal(hours(16, 8, [0, 1]), 'interpolated 1') // 0.67
  assert.equal(hours(12, 12, [7, 7]), 'interpolated 7')
  assert.equal(hours(12, 13, [1_000, 1_100]), 'missing')
  const edge = edgeAt(EDGE, [live(-6 * HOUR, 1_000), live(INTERPOLATE_MS - 6 * HOUR, 1_100)])
  assert.equal(said(found(edge, { now: at(INTERPOLATE_AFTER_MS - 1) })), 'missing')
  const verdict = found(edge)
  assert.ok(verdict.ok)
  assert.deepEqual(
    verdict.boundary.basis.map(({ value }) => value),
    [1_000, 1_100],
  )
})

test('neighbours of two resolutions are interpolated at the finer one; a rollover counts on', () => {
  const coarse = { ...live(-12 * HOUR, 12), exponent: 3 }
  const verdict = found(edgeAt(EDGE, [coarse, live(12 * HOUR, 12_301)]))
  assert.ok(verdict.ok)
  assert.deepEqual([verdict.boundary.value, verdict.boundary.exponent], [12_151, 0])
  const around = edgeAt(EDGE, [live(-12 * HOUR, 99_990), live(12 * HOUR, 14)])
  assert.equal(said(found(around, { digits: 5 })), 'interpolated 2')
  assert.equal(said(found(around)), 'backwards')
})

const AVERAGE: Average = {
  register: TOTAL,
  increase: 93_000n,
  exponent: 0,
  ms: 93 * DAY,
  months: 3,
}

test('beyond a day it is estimated where that was agreed, after three days, and says how', () => {
  const estimate = { missing: 'estimate' } as const
  const known = { since: null, averages: [AVERAGE] }
  const around = edgeAt(EDGE, [live(-2 * DAY, 1_000), live(2 * DAY, 5_000)])
  assert.equal(said(found(around)), 'missing')
  assert.equal(said(found(around, { ...estimate, now: at(ESTIMATE_AFTER_MS - 1) })), 'missing')
  assert.equal(said(found(around, estimate)), 'estimated 3000')
  // Silent since four days before: a kWh a day as in the three months before.
  const silent = edgeAt(EDGE, [live(-4 * DAY, 1_000)])
  assert.equal(said(boundaryOf(TOTAL, silent, rule(estimate), known)), 'estimated 5000')
  // No earlier month: as fast as since the period began.
  const since = found(edgeAt(at(-31 * DAY), [profile(at(-31 * DAY), { value: 0, exponent: 0 })]))
  assert.ok(since.ok)
  const fresh = { since: since.boundary, averages: [] }
  const month = edgeAt(EDGE, [live(-4 * DAY, 27_000)])
  assert.equal(said(boundaryOf(TOTAL, month, rule(estimate), fresh)), 'estimated 31000')
  // Silent all the time: on from what was billed, where it is known what is usual.
  const none = edgeAt(EDGE, [live(-40 * DAY, 1)])
  const onwards = { since: since.boundary, averages: [AVERAGE] }
  assert.equal(said(boundaryOf(TOTAL, none, rule(estimate), onwards)), 'estimated 31000')
  assert.equal(said(boundaryOf(TOTAL, none, rule(estimate), fresh)), 'missing')
})

const HOURS_5 = { at: at(-HOUR), offsetMs: 5 * HOUR, boundMs: 500, invalid: true }

test('a load profile under a clock 5 h wrong bounds nothing; a live reading beside it does', () => {
  const wrong = { clock: { before: HOURS_5, after: null } }
  const stroke = profile(EDGE, { value: 9, exponent: 0 })
  assert.equal(said(found(edgeAt(EDGE, [stroke], wrong))), 'clock')
  const beside = edgeAt(EDGE, [stroke, live(-300, 4), live(700, 5)], wrong)
  assert.equal(said(found(beside)), 'nearest 4')
  const agreed = found(edgeAt(EDGE, [stroke], wrong), { missing: 'estimate' })
  assert.equal(said(agreed), 'estimated 9')
  assert.ok(agreed.ok)
  assert.equal(agreed.boundary.estimate, 'wrong clock')
  assert.equal(agreed.boundary.clock.offsetMs, 5 * HOUR)
})

test('the bound of a profile reading is its meter’s clock’s, of a live one the slave’s', () => {
  const clockOf = (verdict: Found) => (verdict.ok ? verdict.boundary.clock : null)
  const stroke = profile(EDGE, { value: 9, exponent: 0 })
  assert.deepEqual(clockOf(found(edgeAt(EDGE, [stroke]))), {
    of: 'meter',
    offsetMs: 300,
    boundMs: 100,
    comparedAt: EDGE,
  })
  const unknown = { clock: { before: null, after: null } }
  assert.deepEqual(clockOf(found(edgeAt(EDGE, [stroke], unknown))), {
    of: 'never compared',
    offsetMs: null,
    boundMs: null,
    comparedAt: null,
  })
  assert.deepEqual(clockOf(found(edgeAt(EDGE, [live(0, 1)], unknown))), {
    of: 'slave',
    offsetMs: null,
    boundMs: 12,
    comparedAt: null,
  })
})

test('what another bill counted to is the beginning, whatever arrives later', () => {
  const before = found(edgeAt(EDGE, [live(-6 * HOUR, 10), live(6 * HOUR, 20)]))
  assert.ok(before.ok)
  const fixed = [{ ...before.boundary, bill: '202610-000001' }]
  const verdict = found(edgeAt(EDGE, [live(0, 17)], { fixed }))
  assert.equal(said(verdict), 'interpolated 15')
  assert.ok(verdict.ok)
  assert.equal(verdict.boundary.bill, '202610-000001')
})

test('the reading made at an exchange counts though it was written down minutes later', () => {
  const installed = edgeAt(EDGE, [live(12 * 60_000, 0, 'opening')], { kind: 'installed' })
  assert.equal(said(found(installed)), 'nearest 0')
  const removed = edgeAt(EDGE, [live(-HOUR, 120, 'closing'), live(-1_000, 119)], {
    kind: 'removed',
  })
  assert.equal(said(found(removed)), 'nearest 120')
  assert.equal(said(found({ ...removed, kind: 'period' })), 'nearest 119')
})
