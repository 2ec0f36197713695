import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startOfDay } from '../../../services/billing/civil/calendar.ts'
import { boundariesOf, usageMonths } from '../../../services/billing/readings/core/usage.ts'
import {
  agoText,
  clockText,
  countText,
  lengthText,
  signedText,
  qualityMarks,
  quantityText,
  rateText,
  registerText,
} from '../../../services/billing/kit/format.ts'
import { CLOCK_BOUND_UNKNOWN } from '../../../shared/clock/clock-state.ts'
import { unixMs } from '../../../shared/units.ts'

test('a register is shown with every digit it has, energy in thousands', () => {
  assert.equal(quantityText(1_234_567, 0, 30), '1234.567 kWh')
  assert.equal(quantityText(1_234_500, 0, 30), '1234.500 kWh')
  assert.equal(quantityText(-5, 0, 30), '-0.005 kWh')
  assert.equal(quantityText(221, 3, 30), '221 kWh')
  assert.equal(quantityText(2_314, -1, 35), '231.4 V')
  assert.equal(quantityText(9_007_199_254_740_991, -9, 27), '9007199.254740991 W')
  assert.equal(quantityText(7, 0, 255), '7')
})

test('registers, clocks, marks and spans in words', () => {
  assert.equal(registerText('1-0:1.8.0*255'), 'Energy imported, total')
  assert.equal(registerText('1-0:99.1.0*255'), '1-0:99.1.0*255')
  assert.equal(clockText('S', 12), 'synchronised, within 12 ms')
  assert.equal(clockText('U', CLOCK_BOUND_UNKNOWN), 'unknown')
  assert.deepEqual(qualityMarks(0), [])
  assert.deepEqual(qualityMarks(18), ['went backwards', 'implausible time'])
  const lengths = [0, 999, 1_000, 9_400, 119_000_000, 120_000_000, 7.2e9, 172.8e9, 1.8e15]
  assert.deepEqual(lengths.map(lengthText), [
    '0 µs',
    '999 µs',
    '1 ms',
    '9.4 ms',
    '119 s',
    '2 min',
    '2 h',
    '2 d',
    '20 833 d',
  ])
  assert.equal(signedText(-1_234), '−1.23 ms')
  assert.equal(signedText(0), '0 µs')
  assert.deepEqual([-12_345, 50, null].map(rateText), [
    '12.345 ppm slow',
    '0.050 ppm fast',
    'not learned yet',
  ])
  assert.equal(countText(1_234_567), '1 234 567')
  assert.equal(agoText(unixMs(0), unixMs(59_999)), '59 s ago')
  assert.equal(agoText(unixMs(120_000), unixMs(0)), 'in 2 min')
})

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
