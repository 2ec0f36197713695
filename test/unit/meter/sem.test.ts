import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fromText, toHex, toText } from '../../../shared/bytes.ts'
import { crc16Arc, crc16Ibm3740 } from '../../../shared/meter/crc16.ts'
import { UNIT } from '../../../shared/meter/reading.ts'
import {
  decodePlainLine,
  decodeSemBody,
  encodeSem,
  encodeSemBody,
  rowsThatFit,
  SEM_BODY_BYTES_MAX,
  SEM_ROWS_MAX,
  semReadings,
  type SemFrame,
} from '../../../shared/meter/sem/sem.ts'
import { encodePlainLine, semDecoder } from '../../../shared/meter/sem/stream.ts'
import { monoUs, spanMs, unixMs } from '../../../shared/units.ts'

const AT = monoUs(5_000)
const QUARTER = spanMs(900_000)

interface Vectors {
  readonly frames: readonly { readonly body: string; readonly hex: string }[]
  readonly refused: readonly { readonly body: string; readonly why: string }[]
}
const vectors: Vectors = JSON.parse(
  readFileSync(new URL('../../../../test/vectors/sem.json', import.meta.url), 'utf8'),
)

/** One frame, built the slow way to be independent of the encoder. */
function framed(body: string): Uint8Array {
  const covered = fromText(`${body}\x03`)
  const crc = crc16Ibm3740(covered).toString(16).toUpperCase().padStart(4, '0')
  return fromText(`\x02${body}\x03${crc}\r\n`)
}

test('both checksums have their catalogue check values', () => {
  assert.equal(crc16Arc(fromText('123456789')), 0xbb3d)
  assert.equal(crc16Ibm3740(fromText('123456789')), 0x29b1)
})

test('every vector decodes, encodes to the same bytes and comes back (vectors/sem.json)', () => {
  assert.ok(vectors.frames.length >= 8)
  for (const { body, hex } of vectors.frames) {
    const frame = decodeSemBody(body)
    assert.ok(frame, body)
    assert.equal(encodeSemBody(frame), body)
    assert.equal(toHex(encodeSem(frame)), hex, body)
    assert.deepEqual(semDecoder().push(encodeSem(frame), AT), [{ ok: true, frame, at: AT }])
  }
})

test('bodies that are not canonical are refused with MTR-03 (vectors/sem.json)', () => {
  assert.ok(vectors.refused.length >= 20)
  for (const { body, why } of vectors.refused) {
    assert.equal(decodeSemBody(body), null, `${why}: ${body}`)
    const [verdict, ...others] = semDecoder().push(framed(body), AT)
    assert.ok(verdict?.ok === false && verdict.fault === 'MTR-03', why)
    assert.deepEqual(others, [])
  }
})

test('a current reading becomes a live reading of 1-0:1.8.0 with the meter time', () => {
  const frame = decodeSemBody('V;C-1001;123456;1;Wh;1767225600')
  assert.ok(frame?.is === 'now')
  assert.deepEqual(semReadings(frame), [
    {
      meter: 'C-1001',
      register: '1-0:1.8.0*255',
      value: 123456,
      exponent: 1,
      unit: UNIT.Wh,
      source: 'live',
      meterTime: 1_767_225_600_000,
      checked: true,
    },
  ])
})

test('history rows are increments, an empty one is an interval without a value', () => {
  const frame = decodeSemBody('P;7;0;Wh;1;900;1767225600;1000;35;;-2')
  assert.ok(frame?.is === 'history')
  assert.equal(frame.more, true)
  assert.deepEqual(
    semReadings(frame).map((reading) => [reading.meterTime, reading.value, reading.source]),
    [
      [1_767_225_600_000, 1000, 'profile'],
      [1_767_226_500_000, 1035, 'profile'],
      [1_767_228_300_000, 1033, 'profile'],
    ],
  )
  assert.deepEqual(
    semReadings({ is: 'refusal', consumer: '7', code: 2 }),
    [],
    'a refusal has no readings',
  )
})

test('a plain line is a reading in kWh, marked unchecked; half a line is ignored', () => {
  assert.deepEqual(decodePlainLine('1001,1234.56'), {
    is: 'now',
    consumer: '1001',
    value: 123456,
    exponent: 1,
    unit: 'Wh',
    meterTime: null,
    checked: false,
  })
  for (const [line, taken] of [
    ['1001,0', true],
    ['1001,123456789.123456', true],
    ['1001,1234567890', false],
    ['1001,1.1234567', false],
    ['1001,', false],
    ['1001,1.', false],
    ['1001,.5', false],
    ['1001,-1', false],
    [',1', false],
    [`${'x'.repeat(32)},1`, true],
    [`${'x'.repeat(33)},1`, false],
    ['1001;1', false],
  ] as const) {
    assert.equal(decodePlainLine(line) !== null, taken, line)
    const verdicts = semDecoder().push(fromText(`${line}\r\n`), AT)
    assert.equal(
      verdicts.some((verdict) => verdict.ok),
      taken,
      line,
    )
  }
  const bytes = encodePlainLine('1001', '1234.56')
  assert.equal(toText(bytes), '1001,1234.56\r\n')
  const halves = semDecoder().push(fromText('1001,12\r34\r\n'), AT)
  assert.deepEqual(halves, [], 'a carriage return inside does not glue two halves together')
})

test('a wrong checksum is MTR-02 with its bytes, and the next frame is read', () => {
  const good = framed('V;1001;5;0;Wh;')
  const bad = framed('V;1001;5;0;Wh;')
  bad[8] = 0x36
  const decoder = semDecoder()
  assert.deepEqual(decoder.push(bad, AT), [
    { ok: false, fault: 'MTR-02', bytes: bad.length - 2, at: AT },
  ])
  assert.equal(decoder.push(good, AT)[0]?.ok, true)
})

test('a frame cut by the next STX is MTR-03 and the next frame is read whole', () => {
  const good = framed('V;1001;5;0;Wh;')
  for (let cut = 1; cut < good.length - 2; cut += 1) {
    const verdicts = semDecoder().push(Uint8Array.from([...good.slice(0, cut), ...good]), AT)
    assert.deepEqual(
      verdicts.map((verdict) => (verdict.ok ? 'frame' : `${verdict.fault} ${verdict.bytes}`)),
      [`MTR-03 ${cut}`, 'frame'],
    )
  }
})

test('noise before a frame is counted as MTR-08, at most once in 1,024 bytes', () => {
  const noise = new Uint8Array(2_500).fill(0xff)
  const verdicts = semDecoder().push(Uint8Array.from([...noise, ...framed('R;1')]), AT)
  assert.deepEqual(
    verdicts.map((verdict) => (verdict.ok ? 'frame' : `${verdict.fault} ${verdict.bytes}`)),
    ['MTR-08 1024', 'MTR-08 1024', 'MTR-08 452', 'frame'],
  )
})

test('a body of the greatest length is taken, one byte more is MTR-03', () => {
  const full = 'x'.repeat(SEM_BODY_BYTES_MAX - 1)
  const [atLimit] = semDecoder().push(framed(full), AT)
  assert.deepEqual(
    atLimit,
    { ok: false, fault: 'MTR-03', bytes: SEM_BODY_BYTES_MAX + 5, at: AT },
    'whole and not understood',
  )
  const [over] = semDecoder().push(framed(`${full}x`), AT)
  assert.deepEqual(over, { ok: false, fault: 'MTR-03', bytes: SEM_BODY_BYTES_MAX + 2, at: AT })
})

test('flush gives up an incomplete frame and reports the noise counted so far', () => {
  const decoder = semDecoder()
  decoder.push(fromText('\x02V;10'), AT)
  assert.deepEqual(decoder.flush(monoUs(9_000)), [{ ok: false, fault: 'MTR-03', bytes: 5, at: AT }])
  decoder.push(fromText('abc'), AT)
  assert.deepEqual(decoder.flush(AT), [{ ok: false, fault: 'MTR-08', bytes: 3, at: AT }])
  assert.deepEqual(decoder.flush(AT), [])
})

test('a frame carries the arrival time of its first byte', () => {
  const bytes = framed('V;1001;5;0;Wh;')
  const decoder = semDecoder()
  decoder.push(bytes.slice(0, 3), monoUs(100))
  const [verdict] = decoder.push(bytes.slice(3), monoUs(900))
  assert.equal(verdict?.at, 100)
})

test('a week with increments of five digits is cut where the frame is full', () => {
  const rows = Array.from({ length: SEM_ROWS_MAX + 1 }, (_, index) => ({
    intervalEnd: unixMs(1_767_225_600_000 + index * QUARTER),
    value: index * 12_345,
  }))
  const fit = rowsThatFit(rows, QUARTER)
  assert.ok(fit > 600 && fit < SEM_ROWS_MAX, String(fit))
  const small = rows.map(({ intervalEnd }, index) => ({ intervalEnd, value: index * 999 }))
  assert.equal(rowsThatFit(small, QUARTER), SEM_ROWS_MAX)
  const frame: SemFrame = {
    is: 'history',
    consumer: 'x'.repeat(32),
    exponent: -9,
    unit: 'varh',
    interval: QUARTER,
    rows: rows.slice(0, fit),
    more: true,
  }
  assert.ok(encodeSemBody(frame).length < SEM_BODY_BYTES_MAX)
  assert.deepEqual(semDecoder().push(encodeSem(frame), AT), [{ ok: true, frame, at: AT }])
})
