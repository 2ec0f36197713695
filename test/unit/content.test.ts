import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromText, Writer } from '../../shared/bytes.ts'
import { obisOf } from '../../shared/meter/obis.ts'
import { type Reading, UNIT } from '../../shared/meter/reading.ts'
import { spanMs, unixMs } from '../../shared/units.ts'
import { decodeContent, encodeContent, fitsFrame } from '../../shared/wire/content.ts'
import { BODY_BYTES_MAX, READINGS_ALWAYS_FIT } from '../../shared/wire/limits.ts'

const HONEST = {
  coding: 1,
  clockState: 'S',
  bound: 5,
  length: 1,
  meter: 'M',
  exponent: 0,
  unit: 30,
  flags: 4,
  count: 1,
  value: 7,
  time: 100,
}

/** One reading, written by hand, with one field another than in HONEST. */
function written(change: Partial<typeof HONEST>): Uint8Array {
  const field = { ...HONEST, ...change }
  const writer = new Writer().u8(field.coding).uvarint(1).u48(2)
  writer.u8(field.clockState.charCodeAt(0)).uvarint(field.bound)
  writer
    .u8(field.length)
    .bytes(fromText(field.meter))
    .bytes(Uint8Array.of(1, 0, 1, 8, 0, 255))
  writer.i8(field.exponent).u8(field.unit).u8(field.flags).uvarint(field.count)
  return writer.svarint(field.value).svarint(field.time).done()
}

test('one reading written by hand is read (wire.md 8.1)', () => {
  const content = decodeContent(written({}), 1)
  assert.ok(content?.kind === 'readings')
  assert.deepEqual(content.readings, [
    {
      meter: 'M',
      register: obisOf([1, 0, 1, 8, 0, 255]),
      value: 7,
      exponent: 0,
      unit: UNIT.Wh,
      source: 'live',
      meterTime: unixMs(100_000),
      checked: true,
    },
  ])
})

test('every field outside what wire.md 8.1 allows makes the content unreadable (BIL-06)', () => {
  const changes: readonly Partial<typeof HONEST>[] = [
    { coding: 2 },
    { clockState: 'X' },
    { bound: 0x1_0000_0000 },
    { length: 0, meter: '' },
    { length: 33, meter: 'M'.repeat(33) },
    { meter: '/' },
    { exponent: 10 },
    { exponent: -10 },
    { unit: 1 },
    { flags: 4 + 3 },
    { flags: 4 + 16 },
    { flags: 4 + 128 },
    { count: 0 },
    { count: 2 },
    { time: 8_640_000_000_001 },
  ]
  for (const change of changes) {
    assert.equal(decodeContent(written(change), 1), null, JSON.stringify(change))
  }
  assert.ok(decodeContent(written({ exponent: -9, flags: 4 + 8 + 2 }), 1) !== null)
  assert.equal(decodeContent(written({}), 0), null)
})

const longest: Reading = {
  meter: 'M'.repeat(32),
  register: obisOf([1, 0, 1, 8, 0, 255]),
  value: 2 ** 52 - 1,
  exponent: -9,
  unit: UNIT.Wh,
  source: 'push',
  meterTime: unixMs(8_640_000_000_000_000),
  checked: false,
}
const stamp = {
  agentTime: unixMs(2 ** 48 - 1),
  clockState: 'U',
  clockBound: spanMs(0xffff_ffff),
  processMs: Number.MAX_SAFE_INTEGER,
} as const

test('1,000 readings fit one body whatever they are, each in its own block', () => {
  const readings = Array.from({ length: READINGS_ALWAYS_FIT }, (_, i) => ({
    ...longest,
    meter: i % 2 === 0 ? longest.meter : 'N'.repeat(32),
  }))
  const plaintext = encodeContent({ kind: 'readings', stamp, readings })
  assert.ok(plaintext.length <= BODY_BYTES_MAX - 36, `${plaintext.length} bytes`)
  assert.deepEqual(decodeContent(plaintext, readings.length), { kind: 'readings', stamp, readings })
})

test('8,000 load-profile readings of a few meters fit one body too', () => {
  const readings = Array.from({ length: 8_000 }, (_, i) => ({
    ...longest,
    meter: `SN-${Math.floor(i / 2_000)}`,
    value: 1_000_000 + 250 * i,
    meterTime: unixMs((1_790_000_000 + 900 * i) * 1_000),
  }))
  const plaintext = encodeContent({ kind: 'readings', stamp, readings })
  assert.ok(plaintext.length <= BODY_BYTES_MAX - 36, `${plaintext.length} bytes`)
  assert.equal(decodeContent(plaintext, 8_000)?.kind, 'readings')
})

test('a register of the same meter costs its head without the meter number', () => {
  const one = encodeContent({ kind: 'readings', stamp, readings: [longest] }).length
  const other = { ...longest, register: obisOf([1, 0, 2, 8, 0, 255]) }
  const two = encodeContent({ kind: 'readings', stamp, readings: [longest, other] }).length
  assert.equal(
    two - one,
    one - encodeContent({ kind: 'readings', stamp, readings: [] }).length - 32,
  )
})

test('what a meter may say and a frame cannot carry is told before sealing (MTR-07)', () => {
  assert.ok(fitsFrame(longest))
  assert.ok(fitsFrame({ ...longest, value: -(2 ** 52) + 1 }))
  for (const change of [
    { value: 2 ** 52 },
    { value: -(2 ** 52) },
    { value: 0.5 },
    { value: Number.NaN },
    { exponent: 10 },
    { exponent: 0.5 },
    { meter: '' },
    { meter: 'a b' },
    { meterTime: unixMs(8_640_000_000_001_000) },
  ]) {
    assert.equal(fitsFrame({ ...longest, ...change }), false, JSON.stringify(change))
  }
})
