// When meters are read. The simulation found the cases that name a seed.

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
import { PROFILE_MINUTES, profileInterval } from '../../../shared/meter/profile.ts'
import { monoUs, unixMs } from '../../../shared/units.ts'

const MINUTE = 60_000_000
const DAY_MS = 86_400_000
const QUARTER_HOUR = profileInterval(15)
const FROM = unixMs(1_800_000_000_000)
const NOW = unixMs(FROM + DAY_MS)

function planned(profileIntervalMs = QUARTER_HOUR) {
  const schedule = plan(
    [{ meter: 'M-1', everyMs: 300_000, push: false, history: true, profileIntervalMs }],
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
  const last = unixMs(FROM + QUARTER_HOUR)
  taken(schedule, 'M-1', last)
  assert.deepEqual(kinds(due(schedule, monoUs(60 * MINUTE), NOW)), ['read'])
  answered(schedule, 'M-1', 'history', { through: last, mono: monoUs(60 * MINUTE) })
  const [again] = due(schedule, monoUs(60 * MINUTE), NOW)
  assert.deepEqual(again, { do: 'read-history', meter: 'M-1', from: last, to: NOW })
})

test('an interval is new once, however late an answer comes', () => {
  const schedule = planned()
  const end = unixMs(FROM + QUARTER_HOUR)
  assert.equal(isNew(schedule, 'M-1', end), true)
  taken(schedule, 'M-1', end)
  assert.equal(isNew(schedule, 'M-1', end), false)
  assert.equal(isNew(schedule, 'M-1', unixMs(end + QUARTER_HOUR)), true)
})

test('a range counts as read to its end once it ended for certain more than an hour ago', () => {
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

/** The range of history asked for now. */
function asked(schedule: ReturnType<typeof planned>, at: number, sure: number) {
  const found = due(schedule, monoUs(at), unixMs(sure)).find(({ do: what }) => what !== 'read')
  return found?.do === 'read-history' ? [found.from, found.to] : null
}

for (const minutes of PROFILE_MINUTES) {
  test(`${minutes} min: back-fill begins one interval earlier, the cursor keeps its step`, () => {
    const interval = profileInterval(minutes)
    const schedule = planned(interval)
    // Ranges leave out their start, so the value AT `from` is in this one.
    assert.equal(asked(schedule, 0, FROM - 1), null)
    assert.deepEqual(asked(schedule, 1, FROM), [FROM - interval, FROM])
    taken(schedule, 'M-1', FROM)
    answered(schedule, 'M-1', 'history', { through: FROM, mono: monoUs(2) })

    assert.equal(asked(schedule, 3, FROM + interval - 1), null, 'the next interval is not over')
    assert.deepEqual(asked(schedule, 4, FROM + interval), [FROM, FROM + interval])
    const end = unixMs(FROM + interval)
    assert.equal(isNew(schedule, 'M-1', FROM), false)
    assert.equal(isNew(schedule, 'M-1', end), true)
    taken(schedule, 'M-1', end)
    answered(schedule, 'M-1', 'history', { through: end, mono: monoUs(5) })
    assert.equal(asked(schedule, 6, end + interval - 1), null)
    // No more rows at once than a week of 15 minutes has.
    assert.deepEqual(asked(schedule, 7, end + 1_000 * interval), [end, end + 672 * interval])
  })
}

test('meters of 5 and 60 min in one slave: each has its own cursor', () => {
  const meters = ([5, 60] as const).map((minutes) => ({
    meter: `M-${minutes}`,
    everyMs: 300_000,
    push: false,
    history: true,
    profileIntervalMs: profileInterval(minutes),
  }))
  const schedule = plan(
    meters,
    new Map([['M-60', unixMs(FROM - 3 * profileInterval(60))]]),
    monoUs(0),
  )
  wantHistory(schedule, FROM)
  const ranges = due(schedule, monoUs(0), unixMs(FROM + profileInterval(30))).flatMap((action) =>
    action.do === 'read-history' ? [[action.meter, FROM - action.from]] : [],
  )
  assert.deepEqual(ranges, [
    ['M-5', profileInterval(5)],
    ['M-60', 3 * profileInterval(60)],
  ])
})

test('reading a profile whose interval is missing is a bug, and stops at once', () => {
  const meter = { meter: 'M-1', everyMs: 300_000, push: false }
  const planOf = (history: boolean) => plan([{ ...meter, history }], new Map(), monoUs(0))
  assert.throws(() => planOf(true), /has an interval/)
  wantHistory(planOf(false), FROM)
  assert.deepEqual(kinds(due(planOf(false), monoUs(0), NOW)), ['read'])
})
