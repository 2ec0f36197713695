import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  agoText,
  clockText,
  countText,
  lengthText,
  signedText,
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

test('registers, clocks and spans in words', () => {
  assert.equal(registerText('1-0:1.8.0*255'), 'Energy imported, total')
  assert.equal(registerText('1-0:99.1.0*255'), '1-0:99.1.0*255')
  assert.equal(clockText('S', 12), 'synchronised, within 12 ms')
  assert.equal(clockText('U', CLOCK_BOUND_UNKNOWN), 'unknown')
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
