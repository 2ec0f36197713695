import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { concat, fromText } from '../../shared/bytes.ts'
import { dsmrDecoder, encodeTelegram } from '../../shared/meter/dsmr/dsmr.ts'
import { dsmrReadings } from '../../shared/meter/dsmr/telegram.ts'
import {
  decodeSemBody,
  encodeSem,
  encodeSemBody,
  rowsThatFit,
  SEM_ROWS_MAX,
  type SemFrame,
} from '../../shared/meter/sem/sem.ts'
import { encodePlainLine, semDecoder } from '../../shared/meter/sem/stream.ts'
import { monoUs, spanMs, unixMs, spanUs, unixUs } from '../../shared/units.ts'

const AT = monoUs(1)
const RUNS = 200

const letters = 'ABCXYZabcxyz0123456789._-'.split('')
const meterNumber = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 32 })
const address = fc.oneof(meterNumber, fc.constant('*'))
const instant = fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => unixMs(seconds * 1_000))
const unit = fc.constantFrom('Wh' as const, 'varh' as const, 'VAh' as const)
const exponent = fc.integer({ min: -9, max: 9 })
const value = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -5, max: 5 }))

const askHistory = fc
  .tuple(address, instant, instant, fc.integer({ min: 1, max: SEM_ROWS_MAX }))
  .map(
    ([address, one, two, rowsMax]): SemFrame => ({
      is: 'ask-history',
      address,
      from: unixMs(Math.min(one, two)),
      to: unixMs(Math.max(one, two)),
      rowsMax,
    }),
  )
const now = fc.tuple(meterNumber, value, exponent, unit, fc.option(instant)).map(
  ([consumer, value, exponent, unit, meterTime]): SemFrame => ({
    is: 'now',
    consumer,
    value,
    exponent,
    unit,
    meterTime,
    checked: true,
  }),
)
const steps = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: -9, max: 99_999 })),
  { maxLength: SEM_ROWS_MAX },
)
const history = fc
  .tuple(meterNumber, exponent, unit, instant, fc.integer({ min: 1, max: 86_400 }), steps)
  .map(([consumer, exponent, unit, first, seconds, steps]): SemFrame => {
    const interval = spanMs(seconds * 1_000)
    let end: number = first
    let sum = 1_000_000
    const all = steps.map(([gap, increment]) => {
      end += gap * interval
      sum += increment
      return { intervalEnd: unixMs(end), value: sum }
    })
    const rows = all.slice(0, rowsThatFit(all, interval))
    const more = rows.length < all.length
    return { is: 'history', consumer, exponent, unit, interval, rows, more }
  })
const token = fc.integer({ min: 0, max: 999 })
const hundredths = fc
  .integer({ min: 0, max: 900_719_925_473 })
  .map((value) => unixUs(value * 10_000))
const change = fc.oneof(
  fc
    .tuple(fc.constantFrom('light' as const, 'write' as const), hundredths)
    .map(([how, utc]) => ({ how, utc })),
  fc
    .integer({ min: -90_000, max: 90_000 })
    .map((by) => ({ how: 'shift' as const, by: spanUs(by * 10_000) })),
)
const clockFrame: fc.Arbitrary<SemFrame> = fc.oneof(
  fc
    .tuple(address, token)
    .map(([address, token]): SemFrame => ({ is: 'ask-clock', address, token })),
  fc
    .tuple(meterNumber, token, change)
    .map(([address, token, change]): SemFrame => ({ is: 'ask-change', address, token, change })),
  fc
    .tuple(meterNumber, token, hundredths, fc.integer({ min: 0, max: 255 }))
    .map(
      ([consumer, token, utc, status]): SemFrame => ({ is: 'clock', consumer, token, utc, status }),
    ),
  fc
    .tuple(meterNumber, token, fc.constantFrom('ack' as const, 'nak' as const))
    .map(([consumer, token, answer]): SemFrame => ({ is: 'changed', consumer, token, answer })),
)
const frame: fc.Arbitrary<SemFrame> = fc.oneof(
  clockFrame,
  address.map((address): SemFrame => ({ is: 'ask-now', address })),
  askHistory,
  now,
  history,
  fc
    .tuple(meterNumber, fc.integer({ min: 1, max: 999 }))
    .map(([consumer, code]): SemFrame => ({ is: 'refusal', consumer, code })),
)

/** The same bytes in pieces whose lengths repeat in turn. */
function pieces(bytes: Uint8Array, lengths: readonly number[]): readonly Uint8Array[] {
  const cut: Uint8Array[] = []
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const length = lengths[turn % lengths.length] ?? 1
    cut.push(bytes.subarray(at, at + length))
    at += length
  }
  return cut
}
const chunkLengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 })
const noise = fc.uint8Array({ maxLength: 60 })

test('every SEM frame comes back from its bytes, and its text has one spelling', () => {
  fc.assert(
    fc.property(frame, (frame) => {
      const verdicts = semDecoder().push(encodeSem(frame), AT)
      assert.deepEqual(verdicts, [{ ok: true, frame, at: AT }])
      const body = encodeSemBody(frame)
      assert.deepEqual(decodeSemBody(body), frame)
    }),
    { numRuns: RUNS },
  )
})

test('SEM: any chunking gives the same verdicts, noise and plain lines included', () => {
  const part = fc.oneof(
    frame.map(encodeSem),
    noise,
    meterNumber.map((number) => encodePlainLine(number, '12.5')),
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), chunkLengths, (parts, lengths) => {
      const bytes = concat(...parts)
      const whole = semDecoder()
      const expected = [...whole.push(bytes, AT), ...whole.flush(AT)]
      const decoder = semDecoder()
      const got = pieces(bytes, lengths).flatMap((piece) => decoder.push(piece, AT))
      assert.deepEqual([...got, ...decoder.flush(AT)], expected)
    }),
    { numRuns: RUNS },
  )
})

test('SEM: after any noise the next frame is read', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5_000 }), frame, (noise, frame) => {
      const last = semDecoder()
        .push(concat(noise, encodeSem(frame)), AT)
        .at(-1)
      assert.deepEqual(last, { ok: true, frame, at: AT })
    }),
    { numRuns: RUNS },
  )
})

const energy = fc.tuple(fc.integer({ min: 0, max: 999_999 }), fc.integer({ min: 0, max: 999 }))
const two = (number: number, digits: number) => String(number).padStart(digits, '0')
const telegram = fc.array(energy, { minLength: 1, maxLength: 4 }).map((registers) => ({
  bytes: encodeTelegram([
    '/TCK5PROPERTY',
    '',
    ...registers.map(([kWh, wh], tariff) => `1-0:1.8.${tariff}(${two(kWh, 6)}.${two(wh, 3)}*kWh)`),
  ]),
  values: registers.map(([kWh, wh]) => kWh * 1_000 + wh),
}))

test('DSMR: every register value arrives as the integer the meter shows, in any chunking', () => {
  const options = { allowUnchecked: false, standardOffsetMinutes: 60 }
  fc.assert(
    fc.property(fc.array(telegram, { maxLength: 3 }), chunkLengths, (telegrams, lengths) => {
      const decoder = dsmrDecoder(options)
      const bytes = concat(...telegrams.map((one) => one.bytes))
      const got = pieces(bytes, lengths).flatMap((piece) => decoder.push(piece, AT))
      assert.deepEqual(got, dsmrDecoder(options).push(bytes, AT))
      const values = got.map((verdict) => {
        assert.ok(verdict.ok)
        return dsmrReadings(verdict.telegram, 'm').map((reading) => reading.value)
      })
      assert.deepEqual(
        values,
        telegrams.map((one) => one.values),
      )
    }),
    { numRuns: RUNS },
  )
})

test('DSMR: after any noise the telegram that follows a line end is read', () => {
  const options = { allowUnchecked: false, standardOffsetMinutes: 60 }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), telegram, (noise, { bytes, values }) => {
      const stream = concat(noise, fromText('\r\n'), bytes)
      const last = dsmrDecoder(options).push(stream, AT).at(-1)
      assert.ok(last?.ok)
      assert.equal(last.telegram.registers.length, values.length)
    }),
    { numRuns: RUNS },
  )
})
