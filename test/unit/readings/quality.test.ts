import assert from 'node:assert/strict'
import { test } from 'node:test'
import { consumptionOf } from '../../../services/billing/readings/core/consumption.ts'
import {
  QUALITY_BIT,
  isCumulative,
  bitsAgainstPrevious,
  bitsOfReading,
  qualityWords,
} from '../../../services/billing/readings/core/quality.ts'
import { ACTIVE_IMPORT_TOTAL, obisOf } from '../../../shared/meter/obis.ts'
import { type Reading, UNIT } from '../../../shared/meter/reading.ts'
import { unixMs } from '../../../shared/units.ts'

const HOUR = 3_600_000
const reading = (value: number, more: Partial<Reading> = {}): Reading => ({
  meter: 'M1',
  register: ACTIVE_IMPORT_TOTAL,
  value,
  exponent: 0,
  unit: UNIT.Wh,
  source: 'live',
  meterTime: null,
  checked: true,
  ...more,
})
const against = (from: number, to: number, digits: number | null, ms = HOUR) =>
  bitsAgainstPrevious(reading(to), unixMs(ms), { at: unixMs(0), value: from }, digits)

test('a step back is marked; past zero within half the range is a rollover', () => {
  assert.equal(against(100, 100, null), 0)
  assert.equal(against(100, 99, null), QUALITY_BIT.backwards)
  assert.equal(against(999_990, 5, 6), QUALITY_BIT.rollover)
  assert.equal(against(950_000, 50_000, 6), QUALITY_BIT.rollover)
  assert.equal(against(600_000, 100_000, 6), QUALITY_BIT.rollover)
  assert.equal(against(600_000, 100_001, 6), QUALITY_BIT.backwards)
  // More digits than registered: this is another register than the one we know.
  assert.equal(against(1_000_000, 5, 6), QUALITY_BIT.backwards)
})

test('quality bits and bills call the same pair of values a rollover (docs/billing.md)', () => {
  const [digits, multiplier, exponent] = [3, 1, 0]
  let rollovers = 0
  for (let from = 0; from < 1_100; from += 50) {
    for (let to = 0; to < from; to += 50) {
      const bounds = { opening: { value: from, exponent }, closing: { value: to, exponent } }
      const billed = consumptionOf({ digits, multiplier }, bounds)
      const rolledOver = against(from, to, digits) === QUALITY_BIT.rollover
      assert.equal(billed.ok, rolledOver, `${from} to ${to}`)
      if (rolledOver) rollovers += 1
    }
  }
  assert.ok(rollovers > 0)
})

test('a rollover in little time that no line could carry is also a spike', () => {
  assert.equal(against(6_000_000, 900_000, 7, 60_000), QUALITY_BIT.rollover | QUALITY_BIT.spike)
})

test('a spike is more than 500 kW averaged over at least an hour', () => {
  assert.equal(against(0, 500_000, null), 0)
  assert.equal(against(0, 500_001, null), QUALITY_BIT.spike)
  assert.equal(against(0, 500_000, null, 1_000), 0)
  assert.equal(against(0, 1_000_000, null, 2 * HOUR), 0)
})

test('a previous value that is not earlier sets no bit', () => {
  assert.equal(against(100, 0, null, 0), 0)
})

test('no checksum and a meter clock an hour off are marked, a profile is not', () => {
  const at = unixMs(10 * HOUR)
  assert.equal(bitsOfReading(reading(1, { checked: false }), at), QUALITY_BIT.noChecksum)
  assert.equal(
    bitsOfReading(reading(1, { meterTime: unixMs(9 * HOUR) }), at),
    QUALITY_BIT.implausibleTime,
  )
  assert.equal(bitsOfReading(reading(1, { meterTime: unixMs(10 * HOUR - 60_000) }), at), 0)
  assert.equal(bitsOfReading(reading(1, { meterTime: unixMs(0), source: 'profile' }), at), 0)
})

test('energy totals and volumes only grow, power and voltage do not', () => {
  assert.equal(isCumulative(reading(1)), true)
  assert.equal(
    isCumulative(reading(1, { unit: UNIT.m3, register: obisOf([7, 0, 3, 0, 0, 255]) })),
    true,
  )
  assert.equal(
    isCumulative(reading(1, { unit: UNIT.W, register: obisOf([1, 0, 1, 7, 0, 255]) })),
    false,
  )
  assert.equal(
    isCumulative(reading(1, { unit: UNIT.V, register: obisOf([1, 0, 32, 7, 0, 255]) })),
    false,
  )
})

test('quality bits in words, as migrations/0002 numbers them', () => {
  assert.deepEqual(qualityWords(0), [])
  assert.deepEqual(qualityWords(18), ['went backwards', 'implausible time'])
})

test('the bits are those that rows of earlier years hold (migrations/0002_readings.sql)', () => {
  assert.deepEqual(
    { ...QUALITY_BIT },
    { noChecksum: 1, backwards: 2, rollover: 4, spike: 8, implausibleTime: 16 },
  )
})

test('an hourly gas value has its own time, and is not marked for it; a year ahead it is', () => {
  const at = unixMs(Date.UTC(2026, 0, 15, 11, 2))
  const marked = (register: Reading['register'], ageMs: number) =>
    bitsOfReading(reading(1, { source: 'push', register, meterTime: unixMs(at - ageMs) }), at)
  const gas = obisOf([0, 1, 24, 2, 1, 255])
  const maximum = obisOf([1, 0, 1, 6, 0, 255])
  const { implausibleTime } = QUALITY_BIT
  // Hourly, read two minutes later; a minute ahead; a radio that was away for three months.
  for (const ageMs of [62 * 60_000, 5 * 60_000, 0, -60_000, 90 * 24 * HOUR]) {
    assert.equal(marked(gas, ageMs), 0, `${ageMs} ms old`)
    assert.equal(marked(maximum, ageMs), 0, `${ageMs} ms old`)
  }
  for (const ageMs of [-365 * 24 * HOUR, -HOUR, 401 * 24 * HOUR]) {
    assert.equal(marked(gas, ageMs), implausibleTime, `${ageMs} ms old`)
    assert.equal(marked(maximum, ageMs), implausibleTime, `${ageMs} ms old`)
  }
  // The electricity meter's own clock is as before.
  assert.equal(marked(ACTIVE_IMPORT_TOTAL, 62 * 60_000), implausibleTime)
})
