import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { concat, fromText, Writer } from '../../../shared/bytes.ts'
import { obisOf } from '../../../shared/meter/obis.ts'
import { type Reading, UNIT } from '../../../shared/meter/reading.ts'
import { spanMs, unixMs } from '../../../shared/units.ts'
import {
  decodeContent,
  encodeOpener,
  encodeReadings,
  fitsFrame,
  padContent,
} from '../../../shared/wire/content.ts'
import { PLAINTEXT_BYTES_MAX, READINGS_ALWAYS_FIT } from '../../../shared/wire/limits.ts'
import { headOf, NO_PREVIOUS_RUN, type Opener } from '../../../shared/wire/opener.ts'

const BEGINS = unixMs(100_000)
const NO_HEADS: Opener = {
  kind: 'opener',
  processId: new Uint8Array(8),
  previous: NO_PREVIOUS_RUN,
  processStart: unixMs(0),
  heads: [],
}
const CONTEXT = { begins: BEGINS, opener: NO_HEADS }
const REGISTER = obisOf([1, 0, 1, 8, 0, 255])

const HONEST = {
  coding: 1,
  clock: 6,
  instant: 250,
  process: -20,
  bound: 5,
  blocks: 1,
  kind: 0,
  length: 1,
  meter: 'M',
  exponent: 0,
  unit: 30,
  flags: 4,
  count: 1,
  value: 7,
  time: -1,
}

/** One reading, written by hand, with one field another than in HONEST. */
function written(change: Partial<typeof HONEST>): Uint8Array {
  const field = { ...HONEST, ...change }
  const writer = new Writer().u8(field.coding).u8(field.clock)
  writer.svarint(field.instant).svarint(field.process).uvarint(field.bound)
  writer.uvarint(field.blocks).uvarint(field.kind)
  writer
    .u8(field.length)
    .bytes(fromText(field.meter))
    .bytes(Uint8Array.of(1, 0, 1, 8, 0, 255))
  writer.i8(field.exponent).u8(field.unit).u8(field.flags).uvarint(field.count)
  return writer.svarint(field.value).svarint(field.time).done()
}

const M: Reading = {
  meter: 'M',
  register: REGISTER,
  value: 7,
  exponent: 0,
  unit: UNIT.Wh,
  source: 'live',
  meterTime: unixMs(99_000),
  checked: true,
}
const STAMP = {
  agentTime: unixMs(100_250),
  clockState: 'S',
  clockBound: spanMs(5),
  processMs: 100_230,
} as const

void describe('content written by hand (wire.md 8.2)', () => {
  test('one reading of a head written in the frame is read', () => {
    const content = { kind: 'readings', groups: [{ stamp: STAMP, readings: [M] }] }
    assert.deepEqual(decodeContent(written({}), 1, CONTEXT), content)
    const unbounded = written({ clock: 2 })
    assert.equal(decodeContent(unbounded, 1, CONTEXT), null, 'the bound is not there')
  })

  test('every field outside what is allowed makes the content unreadable (BIL-06)', () => {
    const changes: readonly Partial<typeof HONEST>[] = [
      { coding: 3 },
      { clock: 8 + 6 },
      { clock: 128 + 6 },
      { instant: -100_001 },
      { instant: 2 ** 48 },
      { process: -100_251 },
      { process: 2 ** 48 },
      { bound: 0xffff_ffff },
      { blocks: 0 },
      { blocks: 2 },
      { kind: 1 },
      { kind: 2 },
      { kind: 3 },
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
      { time: 8_640_000_000_000 },
    ]
    for (const change of changes) {
      assert.equal(decodeContent(written(change), 1, CONTEXT), null, JSON.stringify(change))
    }
    for (const change of [
      { exponent: -9, flags: 4 + 8 + 2 },
      { instant: -100_000, process: 0 },
      { process: -100_250 },
      { bound: 0xffff_fffe },
      { time: 8_640_000_000_000 - 100 },
    ]) {
      assert.ok(decodeContent(written(change), 1, CONTEXT), JSON.stringify(change))
    }
    assert.equal(decodeContent(written({}), 0, CONTEXT), null)
    assert.equal(decodeContent(written({}), 1, { ...CONTEXT, opener: null }), null)
  })

  test('heads of the opener: k many, k and on, and none beyond the last', () => {
    const [one, two] = [
      { ...M, meterTime: null },
      { ...M, meter: 'N' },
    ]
    const opener = { ...NO_HEADS, heads: [one, two].map(headOf) }
    const read = (count: number, ...blocks: number[]) =>
      decodeContent(Uint8Array.of(1, 2, 0, 0, 1, ...blocks), count, { begins: BEGINS, opener })
    const stamp = { agentTime: BEGINS, clockState: 'S', clockBound: 0xffff_ffff }
    const group = { stamp: { ...stamp, processMs: 100_000 } }
    const content = (...readings: Reading[]) => ({
      kind: 'readings',
      groups: [{ ...group, readings }],
    })
    const at = (seconds: number) => ({ meterTime: unixMs(seconds * 1_000) })
    // Values 5, 4; then of the second head 6, 7, 8, 9 at 100, 101, 102 and 104 s.
    assert.deepEqual(read(2, 2, 2, 10, 1), content({ ...one, value: 5 }, { ...one, value: 4 }))
    assert.deepEqual(
      read(4, 4, 4, 12, 0, 2, 2, 2, 0, 2, 2),
      content(
        { ...two, value: 6, ...at(100) },
        { ...two, value: 7, ...at(101) },
        { ...two, value: 8, ...at(102) },
        { ...two, value: 9, ...at(104) },
      ),
    )
    assert.deepEqual(
      read(2, 3, 2, 10, 12, 1),
      content({ ...one, value: 5 }, { ...two, value: 6, ...at(99) }),
    )
    // 2^52 - 1 and one more, as differences and as values of their own.
    const most = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]
    assert.ok(read(2, 2, 2, ...most, 0))
    assert.equal(read(2, 2, 2, ...most, 2), null)
    const beyond = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]
    assert.ok(read(1, 3, 1, ...most))
    assert.equal(read(1, 3, 1, ...beyond), null)
    assert.equal(read(2, 5, 2, 10, 12, 1), null)
    assert.equal(read(1, 6, 1, 10, 0), null)
    assert.equal(read(1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 10), null)
  })

  test('an opener of 256 heads is read, one of 257 is not', () => {
    const heads = Array.from({ length: 256 }, () => headOf(M))
    const full = encodeOpener({ ...NO_HEADS, heads })
    assert.ok(decodeContent(full, 0, CONTEXT))
    const head = full.slice(-11)
    const at = 1 + 8 + 12 + 32 + 6
    assert.deepEqual(full.slice(at, at + 2), Uint8Array.of(0x80, 2))
    const one = concat(full.slice(0, at), Uint8Array.of(0x81, 2), full.slice(at + 2), head)
    assert.equal(decodeContent(one, 0, CONTEXT), null)
    const honest = concat(full.slice(0, at), Uint8Array.of(1), head)
    assert.deepEqual(decodeContent(honest, 0, CONTEXT), { ...NO_HEADS, heads: [headOf(M)] })
  })

  test('padding: zeros up to a multiple of 64, and nothing else (coding 2)', () => {
    const inner = written({})
    const padded = padContent(inner)
    assert.equal(padded.length, 64)
    assert.deepEqual(padded.slice(0, 3), Uint8Array.of(2, 0, inner.length))
    assert.deepEqual(decodeContent(padded, 1, CONTEXT), decodeContent(inner, 1, CONTEXT))
    const twice = concat(padded, new Uint8Array(64))
    assert.ok(decodeContent(twice, 1, CONTEXT) !== null)
    const bent = padded.slice()
    bent[63] = 1
    for (const wrong of [bent, padded.slice(0, 63), concat(padded, Uint8Array.of(0))]) {
      assert.equal(decodeContent(wrong, 1, CONTEXT), null)
    }
    assert.equal(decodeContent(padContent(padded), 1, CONTEXT), null)
    assert.equal(padContent(new Uint8Array(61)).length, 64)
    assert.equal(padContent(new Uint8Array(62)).length, 128)
    assert.equal(padContent(new Uint8Array(PLAINTEXT_BYTES_MAX)).length, 65_472)
  })
})

const longest: Reading = {
  meter: 'M'.repeat(32),
  register: REGISTER,
  value: 2 ** 52 - 1,
  exponent: -9,
  unit: UNIT.Wh,
  source: 'push',
  meterTime: unixMs(8_640_000_000_000_000),
  checked: false,
}
const worst = {
  agentTime: unixMs(2 ** 48 - 1),
  clockState: 'U',
  clockBound: spanMs(0xffff_fffe),
  processMs: 0,
} as const
const alternating = Array.from({ length: READINGS_ALWAYS_FIT }, (_, i) => ({
  ...longest,
  meter: i % 2 === 0 ? longest.meter : 'N'.repeat(32),
}))

test('1,000 readings of one instant fit whatever they are, each in its own block', () => {
  const groups = [{ stamp: worst, readings: alternating }]
  const encoded = encodeReadings(groups, CONTEXT)
  assert.ok(encoded.plaintext.length <= PLAINTEXT_BYTES_MAX, `${encoded.plaintext.length} bytes`)
  const content = { kind: 'readings', groups }
  assert.deepEqual(decodeContent(encoded.plaintext, READINGS_ALWAYS_FIT, CONTEXT), content)
})

test('groups share a frame as long as they fit, by bytes and by readings', () => {
  const large = { stamp: worst, readings: alternating }
  const small = { stamp: STAMP, readings: [M] }
  const byBytes = encodeReadings([small, large, large, small], CONTEXT)
  assert.deepEqual([byBytes.groups, byBytes.readings], [2, 1_001])
  const content = { kind: 'readings', groups: [small, large] }
  assert.deepEqual(decodeContent(byBytes.plaintext, 1_001, CONTEXT), content)
  const profile = Array.from({ length: 999 }, (_, i) => ({ ...M, value: i }))
  const many = Array.from({ length: 9 }, () => ({ stamp: STAMP, readings: profile }))
  const byCount = encodeReadings(many, CONTEXT)
  assert.deepEqual([byCount.groups, byCount.readings], [8, 7_992])
})

const profileOf = (meters: number) =>
  Array.from({ length: 8_000 }, (_, i) => ({
    ...longest,
    meter: `SN-${Math.floor((i * meters) / 8_000)}`,
    value: 1_000_000 + 250 * i,
    meterTime: unixMs((1_790_000_000 + 900 * i) * 1_000),
  }))

test('8,000 load-profile readings of a few meters fit one body too', () => {
  const encoded = encodeReadings([{ stamp: worst, readings: profileOf(4) }], CONTEXT)
  assert.ok(encoded.plaintext.length < 25_000, `${encoded.plaintext.length} bytes`)
  assert.equal(decodeContent(encoded.plaintext, 8_000, CONTEXT)?.kind, 'readings')
})

test('a register of the same meter costs its head without the meter number', () => {
  const size = (...readings: Reading[]) =>
    encodeReadings([{ stamp: worst, readings }], CONTEXT).plaintext.length
  const other = { ...longest, register: obisOf([1, 0, 2, 8, 0, 255]) }
  // Kind, head, count, value, time.
  assert.equal(size(longest, other) - size(longest), 1 + 10 + 1 + 8 + 7)
})

test('known heads in their order cost two bytes in all, in any other order two each', () => {
  const cycle = Array.from({ length: 32 }, (_, i) => ({ ...M, value: 0, meter: `M-${i}` }))
  const opener = { ...NO_HEADS, heads: cycle.map(headOf) }
  const size = (readings: readonly Reading[]) =>
    encodeReadings([{ stamp: STAMP, readings }], { begins: BEGINS, opener }).plaintext.length
  const group = 1 + 1 + 2 + 1 + 1 + 1
  assert.equal(size(cycle), group + 2 + 32 * 2)
  assert.equal(size(cycle.toReversed()), group + 32 * (2 + 2))
  assert.equal(encodeOpener(opener).length, 1 + 8 + 12 + 32 + 6 + 1 + 10 * 13 + 22 * 14)
})

test('a value that a meter may send and a frame cannot carry is found before sealing (MTR-07)', () => {
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
