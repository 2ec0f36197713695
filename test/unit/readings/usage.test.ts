import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startOfDay } from '../../../services/billing/civil/calendar.ts'
import { boundariesOf, usageMonths } from '../../../services/billing/readings/core/usage.ts'
import { unixMs } from '../../../shared/units.ts'

const ZONE = 'Europe/London'
/** Noon of 30 March 2026, a day after the 23-hour day. */
const NOW = unixMs(Date.UTC(2026, 2, 30, 11))
const span = { zone: ZONE, now: NOW, movedIn: '2026-03-27' }
const at = (date: string, value: number) => ({ at: startOfDay(date, ZONE), value, exponent: 0 })

test('usage asks only for midnights of the customer’s own days, daylight saving included', () => {
  const midnights = ['2026-03-27', '2026-03-28', '2026-03-29', '2026-03-30']
  assert.deepEqual(
    boundariesOf(span),
    midnights.map((date) => startOfDay(date, ZONE)),
  )
  const two = boundariesOf({ ...span, movedIn: '2020-01-01' })
  assert.equal(two.length, 28 + 30, 'all of February, March up to today')
})

test('a day is midnight minus midnight; a missing midnight leaves two days unknown', () => {
  const facts = {
    ...span,
    meter: { digits: 6, multiplier: 2 },
    newest: { ...at('2026-03-30', 900), at: NOW },
  }
  const stored = [at('2026-03-27', 999_000), at('2026-03-28', 500), at('2026-03-30', 700)]
  assert.deepEqual(usageMonths({ ...facts, stored }), [
    {
      period: { from: '2026-03-27', to: '2026-03-31' },
      days: [
        { date: '2026-03-27', used: '3.000', open: false },
        { date: '2026-03-28', used: null, open: false },
        { date: '2026-03-29', used: null, open: false },
        { date: '2026-03-30', used: '0.400', open: true },
      ],
      total: '3.400',
    },
  ])
})
