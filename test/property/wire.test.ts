import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { concat } from '../../shared/bytes.ts'
import { obisOf } from '../../shared/meter/obis.ts'
import { type Reading, UNIT } from '../../shared/meter/reading.ts'
import type { Stamp } from '../../shared/clock/clock-state.ts'
import { second, spanMs, unixMs } from '../../shared/units.ts'
import {
  decodeContent,
  encodeOpener,
  encodeReadings,
  padContent,
  readingCount,
} from '../../shared/wire/content.ts'
import { decodeControl, encodeControl } from '../../shared/wire/control.ts'
import { decodeFrame, encodeHeader, type FrameHeader } from '../../shared/wire/frame.ts'
import { READING_VALUE_MAX } from '../../shared/wire/limits.ts'
import { namesOf, READING_SOURCE } from '../../shared/wire/numbers.ts'
import { headOf, type Opener } from '../../shared/wire/opener.ts'
import {
  decodeAttempt,
  decodeSessionHello,
  decodeSessionOffer,
  encodeAttempt,
  encodeSessionHello,
  encodeSessionOffer,
} from '../../shared/wire/payload.ts'
import { Deframer, lengthPrefixed } from '../../shared/wire/transport.ts'

import {
  bound,
  bytes,
  clockState,
  controls,
  number,
  record,
  sealedUpTo,
  u32,
  u64,
} from './arbitraries.ts'

test('every control message reads back as it was written (wire.md 5)', () => {
  fc.assert(
    fc.property(controls, (message) => {
      assert.deepEqual(decodeControl(encodeControl(message)), message)
    }),
    { numRuns: 400 },
  )
})

test('a control message one byte longer or shorter is refused', () => {
  fc.assert(
    fc.property(controls, (message) => {
      const plaintext = encodeControl(message)
      assert.equal(decodeControl(concat(plaintext, Uint8Array.of(0))), null)
      assert.equal(decodeControl(plaintext.subarray(0, -1)), null)
    }),
    { numRuns: 300 },
  )
})

test('handshake payloads read back as they were written (wire.md 3, 4)', () => {
  const wholeSecond = fc.integer({ min: 0, max: 2 ** 40 }).map((s) => unixMs(s * 1_000))
  const offers = record({
    device: bytes(8),
    t2: u64,
    t3: u64,
    bound,
    tolerance: fc.integer({ min: 1, max: 60 }),
    historyFrom: fc.option(fc.integer({ min: 1, max: 2 ** 48 - 1 }).map(unixMs)),
    origin: fc.option(wholeSecond),
  })
  fc.assert(
    fc.property(offers, bytes(8), fc.boolean(), (offer, processId, wantsEpoch) => {
      assert.deepEqual(decodeSessionOffer(encodeSessionOffer(offer)), offer)
      const hello = { processId, wantsEpoch }
      assert.deepEqual(decodeSessionHello(encodeSessionHello(hello)), hello)
    }),
    { numRuns: 200 },
  )
  assert.equal(decodeAttempt(encodeAttempt(7)), 7)
  assert.equal(decodeAttempt(encodeAttempt(0)), null)
})

const u48 = fc.integer({ min: 0, max: 2 ** 48 - 1 })
const stamps: fc.Arbitrary<Stamp> = record({
  agentTime: fc.oneof(fc.integer({ min: 0, max: 10_000 }), u48).map(unixMs),
  clockState,
  clockBound: fc.oneof(fc.constant(0xffff_ffff), fc.nat(0xffff_ffff)).map(spanMs),
  processMs: u48,
})
const values = fc.oneof(
  fc.integer({ min: -1_000, max: 1_000 }),
  fc.integer({ min: -READING_VALUE_MAX, max: READING_VALUE_MAX }),
  fc.constantFrom(READING_VALUE_MAX, -READING_VALUE_MAX),
)
const readings: fc.Arbitrary<Reading> = record({
  meter: fc.constantFrom('1', 'SN-00112233', 'a'.repeat(32)),
  register: fc.constantFrom(obisOf([1, 0, 1, 8, 0, 255]), obisOf([0, 1, 24, 2, 1, 255])),
  value: values,
  exponent: fc.constantFrom(-9, -3, 0, 9),
  unit: fc.constantFrom(UNIT.Wh, UNIT.m3),
  source: fc.constantFrom(...namesOf(READING_SOURCE).values()),
  meterTime: fc.option(
    fc.integer({ min: -8_640_000_000_000, max: 8_640_000_000_000 }).map((s) => unixMs(s * 1_000)),
  ),
  checked: fc.boolean(),
})

const openers: fc.Arbitrary<Opener> = record({
  kind: fc.constant('opener'),
  processId: bytes(8),
  previous: sealedUpTo,
  processStart: u48.map(unixMs),
  heads: fc.array(readings.map(headOf), { maxLength: 40 }),
})

test('openers read back as they were written, padded or not (wire.md 8.2)', () => {
  const context = { begins: unixMs(0), opener: null }
  fc.assert(
    fc.property(openers, (opener) => {
      const plaintext = encodeOpener(opener)
      assert.deepEqual(decodeContent(plaintext, 0, context), opener)
      assert.deepEqual(decodeContent(padContent(plaintext), 0, context), opener)
      assert.equal(decodeContent(plaintext, 1, context), null)
    }),
    { numRuns: 200 },
  )
})

/** Readings of heads in any order, and runs of neighbouring heads, as a read cycle brings them. */
const cycles = (heads: readonly Reading[]) =>
  fc.oneof(
    fc.array(fc.oneof(readings, fc.constantFrom(...heads)), { maxLength: 30 }),
    fc.tuple(fc.nat(heads.length - 1), fc.nat(30)).map(([from, to]) => heads.slice(from, to)),
    fc
      .constantFrom(...heads)
      .chain((head) => fc.array(values.map((value) => ({ ...head, value })))),
  )

const frames = fc
  .tuple(fc.array(readings, { minLength: 1, maxLength: 30 }), openers, u48)
  .chain(([heads, opener, second]) =>
    record({
      opener: fc.constant({ ...opener, heads: heads.map(headOf) }),
      begins: fc.constant(unixMs(Math.floor(second / 1_000) * 1_000)),
      groups: fc.array(
        record({ stamp: stamps, readings: cycles(heads) }).filter((g) => g.readings.length > 0),
        { maxLength: 6 },
      ),
    }),
  )

test('groups read back as they were written, and take every opener’s heads (wire.md 8.2)', () => {
  fc.assert(
    fc.property(frames, ({ opener, begins, groups }) => {
      const context = { begins, opener }
      const encoded = encodeReadings(groups, context)
      const { plaintext, readings: count } = encoded
      assert.equal(encoded.groups, groups.length)
      assert.equal(count, readingCount(groups))
      const content = { kind: 'readings', groups }
      assert.deepEqual(decodeContent(plaintext, count, context), content)
      assert.deepEqual(decodeContent(padContent(plaintext), count, context), content)
      assert.equal(padContent(plaintext).length % 64, 0)
      assert.equal(decodeContent(plaintext, count + 1, context), null)
      if (count > 0) assert.equal(decodeContent(plaintext, count - 1, context), null)
      assert.equal(decodeContent(plaintext, count, { begins, opener: null }), null)
    }),
    { numRuns: 400 },
  )
})

test('a frame header reads back as written, only with a tag behind it (wire.md 8)', () => {
  const headers: fc.Arbitrary<FrameHeader> = record({
    epoch: number,
    run: number,
    second: u32,
    sequence: u32,
    count: fc.nat(8_000),
    salt: bytes(16),
  }).map((fields) => {
    const opener = fields.sequence % 3 === 0
    const sequence = opener ? 0 : fields.sequence
    const count = opener ? 0 : fields.count
    const salt = opener ? fields.salt : null
    return { ...fields, opener, second: second(fields.second), sequence, count, salt }
  })
  fc.assert(
    fc.property(headers, fc.uint8Array({ minLength: 16, maxLength: 80 }), (header, sealed) => {
      const headerBytes = encodeHeader(header)
      assert.equal(headerBytes.length, header.opener ? 36 : 20)
      const parts = decodeFrame(concat(headerBytes, sealed))
      assert.deepEqual(parts, { header, headerBytes, sealed })
      assert.equal(decodeFrame(concat(headerBytes, sealed.subarray(0, 15))), null)
    }),
    { numRuns: 300 },
  )
})

test('8,001 readings, an opener with readings, a first frame without salt: WIR-03', () => {
  const frame = (flags: number, sequence: number, count: number, salt: number) => {
    const body = new Uint8Array(20 + salt + 16)
    body.set([0x13, flags])
    const view = new DataView(body.buffer)
    view.setUint32(2, 1)
    view.setUint32(6, 1)
    view.setUint32(14, sequence)
    view.setUint16(18, count)
    return decodeFrame(body)
  }
  assert.ok(frame(0, 1, 8_000, 0) !== null)
  assert.equal(frame(0, 1, 8_001, 0), null)
  assert.equal(frame(0, 0, 1, 0), null)
  assert.ok(frame(1, 0, 0, 16) !== null)
  assert.equal(frame(1, 0, 1, 16), null)
  assert.equal(frame(1, 1, 0, 16), null)
  assert.equal(frame(2, 1, 0, 0), null)
  assert.equal(frame(1, 0, 0, 15), null)
})

test('bodies come out whole and in order, however the stream is cut (wire.md 2)', () => {
  const bodies = fc.array(fc.uint8Array({ minLength: 1, maxLength: 600 }), { maxLength: 8 })
  fc.assert(
    fc.property(bodies, fc.array(fc.integer({ min: 1, max: 90 })), (sent, cuts) => {
      const stream = concat(...sent.map(lengthPrefixed))
      const deframer = new Deframer()
      const taken: Uint8Array[] = []
      let at = 0
      for (let turn = 0; at < stream.length; turn += 1) {
        const length = cuts[turn % Math.max(cuts.length, 1)] ?? stream.length
        taken.push(...deframer.push(stream.subarray(at, at + length)).bodies)
        at += length
      }
      assert.deepEqual(taken, sent)
      assert.equal(deframer.pending, 0)
    }),
    { numRuns: 150 },
  )
})

test('the longest body passes, a length of zero ends the stream (WIR-03)', () => {
  const longest = new Uint8Array(65_535).fill(7)
  assert.deepEqual(new Deframer().push(lengthPrefixed(longest)).bodies, [longest])
  const deframer = new Deframer()
  const verdict = deframer.push(Uint8Array.of(0, 1, 9, 0, 0, 0, 1, 9))
  assert.deepEqual(verdict, { ok: false, fault: 'WIR-03', bodies: [Uint8Array.of(9)] })
  assert.deepEqual(deframer.push(Uint8Array.of(0, 1, 9)), {
    ok: false,
    fault: 'WIR-03',
    bodies: [],
  })
})

test('2,000 lengths of 65,535 claim no memory; what comes of a body takes at most twice as much', () => {
  const before = process.memoryUsage().arrayBuffers
  const links = Array.from({ length: 2_000 }, () => new Deframer())
  for (const link of links) link.push(Uint8Array.of(0xff, 0xff))
  const taken = process.memoryUsage().arrayBuffers - before
  assert.ok(taken < 1_048_576, `${taken} bytes`)
  const one = new Deframer()
  one.push(Uint8Array.of(0xff, 0xff))
  for (let come = 1; come <= 65_534; come += 1) {
    one.push(Uint8Array.of(come & 0xff))
    assert.ok(one.held <= Math.max(512, 2 * come), `${one.held} for ${come}`)
  }
  const [whole] = one.push(Uint8Array.of(7)).bodies
  assert.deepEqual(
    [whole?.length, whole?.[0], whole?.[65_533], whole?.at(-1)],
    [65_535, 1, 0xfe, 7],
  )
})

test('WIR-02: a body above the limit is refused at its length, and one at the limit is taken', () => {
  const deframer = new Deframer(2_048)
  assert.equal(deframer.push(lengthPrefixed(new Uint8Array(2_048))).bodies.length, 1)
  const refused = deframer.push(Uint8Array.of(0x08, 0x01))
  assert.deepEqual(refused, { ok: false, fault: 'WIR-02', bodies: [] })
  const widened = new Deframer(2_048)
  widened.limit = 65_535
  assert.equal(widened.push(lengthPrefixed(new Uint8Array(2_049))).bodies.length, 1)
})
