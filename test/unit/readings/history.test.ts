// A register's history as steps: edges on local time, differences, gaps, rollover.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type HistoryPoint,
  historyFrame,
  historyOf,
} from '../../../services/billing/readings/core/history.ts'
import { startOfDay } from '../../../services/billing/civil/calendar.ts'
import { type UnixMs, unixMs } from '../../../shared/units.ts'

const ENERGY = { obis: '1-0:1.8.0*255', exponent: 0, unit: 30 }
const METER = { digits: 5, multiplier: 2 }
const QUARTER = 900_000

const point = (at: number, value: number): HistoryPoint => ({
  at: unixMs(at),
  value,
  quality: 0,
  clockState: 'S',
})

test('edges lie on local time: days of 23 and 25 hours, weeks from Monday, months, years', () => {
  const zone = 'Europe/Berlin'
  const edges = (span: 'day' | 'week' | 'month' | 'year', date: string) =>
    historyFrame(span, date, zone).edges
  assert.equal(edges('day', '2026-03-29').length, 23 * 4 + 1)
  assert.equal(edges('day', '2026-10-25').length, 25 * 4 + 1)
  assert.equal(edges('week', '2026-03-29').length, 7 * 24 - 1 + 1)
  assert.equal(edges('month', '2028-02-10').length, 30)
  const year = edges('year', '2026-07-31')
  assert.deepEqual(
    [year.length, year[0], year[6]],
    [13, startOfDay('2026-01-01', zone), startOfDay('2026-07-01', zone)],
  )
  const week = historyFrame('week', '2026-06-21', zone)
  assert.deepEqual(
    [week.period, week.previous, week.next],
    [{ from: '2026-06-15', to: '2026-06-22' }, '2026-06-14', '2026-06-22'],
  )
})

test('a zone whose midnight is skipped begins its day at the first instant there is', () => {
  const { edges } = historyFrame('day', '2026-09-06', 'America/Santiago')
  assert.equal(edges.length, 23 * 4 + 1)
})

const frame = historyFrame('day', '2026-06-15', 'UTC')
const from = Number(frame.edges[0])
const at = (step: number): number => from + step * QUARTER
const now = unixMs(at(96))
const stepsOf = (points: readonly HistoryPoint[], until: UnixMs = now, register = ENERGY) =>
  historyOf(frame, register, { points, meter: METER, now: until }).steps.map(
    ({ from: a, to: b, increase, gap }) => [
      (a - from) / QUARTER,
      (b - from) / QUARTER,
      increase,
      gap,
    ],
  )

test('differences times the ratio, a gap where readings are missing, and up to now', () => {
  const points = [0, 1, 2, 3, 9, 10].map((step) => point(at(step), 1_000 + step * 10))
  assert.deepEqual(stepsOf(points, unixMs(at(20))), [
    [0, 1, 20n, false],
    [1, 2, 20n, false],
    [2, 3, 20n, false],
    [3, 9, 120n, true],
    [9, 10, 20n, false],
    [10, 20, null, true],
  ])
})

test('what was before the first reading is a gap too; what is still to come is nothing', () => {
  const points = [6, 7].map((step) => point(at(step), step))
  assert.deepEqual(stepsOf(points, unixMs(at(7) + 1_000)), [
    [0, 6, null, true],
    [6, 7, 2n, false],
  ])
  assert.deepEqual(stepsOf([], unixMs(at(4))), [[0, 4, null, true]])
  assert.deepEqual(stepsOf([], unixMs(from - 1)), [])
})

test('hourly readings in a picture of quarter hours are hourly steps, not gaps', () => {
  const points = [0, 4, 8, 12].map((step) => point(at(step), step))
  assert.deepEqual(
    stepsOf(points, unixMs(at(12))).map(([, , , gap]) => gap),
    [false, false, false],
  )
})

test('a rollover counts, going backwards does not', () => {
  const points = [point(at(0), 99_990), point(at(1), 10), point(at(2), 5)]
  assert.deepEqual(
    stepsOf(points, unixMs(at(2))).map(([, , increase]) => increase),
    [40n, null],
  )
})

test('a voltage is not counted', () => {
  const voltage = { obis: '1-0:32.7.0*255', exponent: -1, unit: 35 }
  const points = [point(at(0), 2_310), point(at(1), 2_290)]
  const history = historyOf(frame, voltage, { points, meter: METER, now: unixMs(at(1)) })
  assert.deepEqual([history.counts, history.steps[0]?.increase], [false, null])
})
