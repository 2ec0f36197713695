// When meters are read. The cases with a seed were found by the simulation.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  answered,
  due,
  isNew,
  plan,
  taken,
  through,
  wantHistory,
} from '../../../services/slave/core/capture/schedule.ts'
import { monoUs, unixMs } from '../../../shared/units.ts'

const MINUTE = 60_000_000
const DAY_MS = 86_400_000
const FROM = unixMs(1_800_000_000_000)
const NOW = unixMs(FROM + DAY_MS)

function planned() {
  const schedule = plan(
    [{ meter: 'M-1', everyMs: 300_000, push: false, history: true }],
    new Map(),
    monoUs(0),
  )
  wantHistory(schedule, FROM)
  return schedule
}

const kinds = (actions: ReturnType<typeof due>): string[] => actions.map((action) => action.do)

test('a request without an answer is given up after a minute, not before', () => {
  const schedule = planned()
  assert.deepEqual(kinds(due(schedule, monoUs(0), NOW)), ['read', 'read-history'])
  assert.deepEqual(kinds(due(schedule, monoUs(MINUTE), NOW)), [])
  assert.deepEqual(kinds(due(schedule, monoUs(MINUTE + 1), NOW)), ['read-history'])
})

test('history that waits for a full disk is not asked for again (simulation, seed 2)', () => {
  const schedule = planned()
  due(schedule, monoUs(0), NOW)
  const last = unixMs(FROM + 900_000)
  taken(schedule, 'M-1', last)
  assert.deepEqual(kinds(due(schedule, monoUs(60 * MINUTE), NOW)), ['read'])
  answered(schedule, 'M-1', 'history', { through: last, mono: monoUs(60 * MINUTE) })
  const [again] = due(schedule, monoUs(60 * MINUTE), NOW)
  assert.deepEqual(again, { do: 'read-history', meter: 'M-1', from: last, to: NOW })
})

test('an interval is new once, whoever answers late', () => {
  const schedule = planned()
  const end = unixMs(FROM + 900_000)
  assert.equal(isNew(schedule, 'M-1', end), true)
  taken(schedule, 'M-1', end)
  assert.equal(isNew(schedule, 'M-1', end), false)
  assert.equal(isNew(schedule, 'M-1', unixMs(end + 900_000)), true)
})

test('a range counts as read to its end when it is over for sure, an hour and more ago', () => {
  const schedule = planned()
  const [, asked] = due(schedule, monoUs(0), NOW)
  assert.ok(asked?.do === 'read-history')
  const reached = (sure: number | null) =>
    through(schedule, 'M-1', {
      last: null,
      more: false,
      sure: sure === null ? null : unixMs(sure),
    })
  assert.equal(reached(asked.to + 3_600_000), null)
  assert.equal(reached(asked.to + 3_600_001), asked.to)
  assert.equal(reached(null), null)
})
