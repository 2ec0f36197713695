// Readings by hand against what else is known of their register.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  type Around,
  findingsOf,
  isRefusal,
  misfitOf,
  placeAt,
  type PlaceOfMeter,
  type Shown,
} from '../../../services/billing/readings/core/manual.ts'
import { registerValue } from '../../../services/billing/readings/core/typed-register.ts'
import { startOfDay } from '../../../services/billing/civil/calendar.ts'
import { unixMs } from '../../../shared/units.ts'

const WH = 30
const at = (day: number, hour = 12) => unixMs(Date.UTC(2026, 5, day, hour))
/** A device's reading, whole Wh. */
const device = (day: number, value: number): Shown => ({
  at: at(day),
  value,
  exponent: 0,
  by: 'device',
})
/** Typed in kWh with so many decimals. */
const typed = (day: number, value: number, decimals = 1): Shown => ({
  at: at(day),
  value,
  exponent: 3 - decimals,
  by: 'technician',
})
const around = (part: Partial<Around>): Around => ({
  before: null,
  after: null,
  earlier: null,
  ...part,
})
const found = (reading: Shown, part: Partial<Around>, digits: number | null = 9) =>
  findingsOf(reading, around(part), { digits, unit: WH }).map(({ is }) => is)

test('a reading between its neighbours is neither refused nor asked about', () => {
  const beside = { before: device(1, 100_000), after: device(20, 300_000) }
  assert.deepEqual(found(typed(10, 2000), beside), [])
  assert.deepEqual(found(typed(10, 2000), {}), [])
})

test('less than before, more than later: refused (BIL-32), naming the other one', () => {
  assert.deepEqual(found(typed(10, 999), { before: device(1, 100_000) }), ['backwards'])
  assert.deepEqual(found(typed(10, 3001), { after: device(20, 300_000) }), ['backwards'])
  assert.deepEqual(found(typed(10, 3000), { after: device(20, 300_000) }), [])
})

test('a display cuts its last digit: 100.0 kWh fits behind 100.099, not behind 100.100', () => {
  assert.deepEqual(found(typed(10, 1000), { before: device(9, 100_099) }), [])
  assert.deepEqual(found(typed(10, 1000), { before: device(9, 100_100) }), ['backwards'])
  assert.deepEqual(found(typed(10, 100, 0), { before: device(9, 100_999) }), [])
})

test('through zero: asked about when its digits are known, refused when not', () => {
  const before = device(1, 999_900_000)
  assert.deepEqual(found(typed(10, 500), { before }), ['rolled over'])
  assert.deepEqual(found(typed(10, 500), { before }, null), ['backwards'])
})

test('another value of the same instant is refused; what the device said may be said again', () => {
  assert.deepEqual(found(typed(10, 1001), { before: device(10, 100_000) }), ['same instant'])
  assert.deepEqual(found(typed(10, 1000), { before: device(10, 100_000) }), [])
  const other: Shown = { ...device(10, 100_000), by: 'opening' }
  assert.deepEqual(found(typed(10, 1000), { before: other }), ['same instant'])
})

test('five times the usual is asked about, from 10 kWh a day on; a digit too many is refused', () => {
  // 10 kWh a day before.
  const beside = { earlier: device(1, 0), before: device(11, 100_000) }
  assert.deepEqual(found(typed(12, 1500), beside), [])
  assert.deepEqual(found(typed(12, 1501), beside), ['far above'])
  const quiet = { earlier: device(1, 100_000), before: device(11, 100_000) }
  assert.deepEqual(found(typed(12, 1100), quiet), [])
  assert.deepEqual(found(typed(12, 1101), quiet), ['far above'])
  // 500 kW for a day are 12,000 kWh.
  assert.deepEqual(found(typed(12, 121_000), beside), ['far above'])
  assert.deepEqual(found(typed(12, 121_001), beside), ['impossible'])
})

test('a usual that is younger than two days is none', () => {
  const beside = { earlier: device(10, 0), before: device(11, 1_000) }
  assert.deepEqual(found(typed(12, 9000), beside), [])
})

test('findings never depend on how many zeros a value was typed with', () => {
  fc.assert(
    fc.property(
      fc.nat(200_000),
      fc.nat(200_000),
      fc.integer({ min: 0, max: 3 }),
      (value, other, zeros) => {
        const long: Shown = { ...device(10, value * 10 ** zeros), exponent: -zeros }
        const one = findingsOf(device(10, value), around({ before: device(1, other) }), {
          digits: null,
          unit: WH,
        })
        const two = findingsOf(long, around({ before: device(1, other) }), {
          digits: null,
          unit: WH,
        })
        assert.deepEqual(one, two)
        assert.equal(one.some(isRefusal), value < other)
      },
    ),
  )
})

test('a typed value has no more digits than its register', () => {
  const register = { exponent: 0, digits: 9, power: 3 }
  const misfit = (text: string, own: Parameters<typeof misfitOf>[1] = register) => {
    const value = registerValue(text, 3)
    assert.ok(value !== null)
    return misfitOf(value, own)
  }
  assert.equal(misfit('012345.678'), null)
  assert.equal(misfit('012345.6780'), null)
  assert.deepEqual(misfit('12345.6789'), { is: 'too fine', decimals: 3 })
  assert.equal(misfit('999999.999'), null)
  assert.deepEqual(misfit('1000000'), { is: 'too large', digits: 9 })
  assert.equal(misfit('1000000', { ...register, digits: null }), null)
  assert.deepEqual(misfit('12.5', { ...register, exponent: 3 }), { is: 'too fine', decimals: 0 })
})

const place = (part: Partial<PlaceOfMeter>): PlaceOfMeter => ({
  address: '',
  servicePoint: 'SP-1',
  zone: 'Asia/Kolkata',
  from: startOfDay('2026-05-01', 'Asia/Kolkata'),
  to: startOfDay('2026-06-01', 'Asia/Kolkata'),
  contract: null,
  ...part,
})

test('a meter is where it hangs from its first instant to before its last', () => {
  const places = [place({})]
  const [from, to] = ['2026-05-01', '2026-06-01'].map((day) => startOfDay(day, 'Asia/Kolkata'))
  assert.ok(from !== undefined && to !== undefined)
  assert.equal(placeAt(places, from), places[0])
  assert.equal(placeAt(places, unixMs(from - 1)), null)
  assert.equal(placeAt(places, unixMs(to - 1)), places[0])
  assert.equal(placeAt(places, to), null)
})

test('a customer reads in the local days of their contract alone', () => {
  const places = [place({ contract: { from: '2026-05-10', to: '2026-05-20' } })]
  const midnight = (day: string) => startOfDay(day, 'Asia/Kolkata')
  assert.equal(placeAt(places, unixMs(midnight('2026-05-10') - 1)), null)
  assert.equal(placeAt(places, midnight('2026-05-10')), places[0])
  assert.equal(placeAt(places, unixMs(midnight('2026-05-20') - 1)), places[0])
  assert.equal(placeAt(places, midnight('2026-05-20')), null)
})
