// Every telegram that a meter may send under a right checksum: each register is read with its exact
// value, or named; each line that is none is named; and so it stays when telegrams are cut.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { concat, fromText } from '../../shared/bytes.ts'
import { CHECKSUMS, checksumOf, crcDigits } from '../../shared/meter/crc16.ts'
import { dsmrDecoder, type DsmrVerdict, encodeTelegram } from '../../shared/meter/dsmr/dsmr.ts'
import { UNIT } from '../../shared/meter/reading.ts'
import { monoUs } from '../../shared/units.ts'

const AT = monoUs(1)
const RUNS = 500
const OPTIONS = { allowUnchecked: false, standardOffsetMinutes: 60 }

/** What a line of a telegram should come to. */
interface Line {
  readonly text: string
  /** `code value unit` with the value as a decimal fraction of the unit we keep; null: named. */
  readonly register: string | null
  readonly code: string
}

const UNITS: readonly (readonly [string, number, number])[] = [
  ['kWh', UNIT.Wh, 3],
  ['Wh', UNIT.Wh, 0],
  ['MWh', UNIT.Wh, 6],
  ['kvarh', UNIT.varh, 3],
  ['varh', UNIT.varh, 0],
  ['kVAh', UNIT.VAh, 3],
  ['VAh', UNIT.VAh, 0],
  ['kW', UNIT.W, 3],
  ['W', UNIT.W, 0],
  ['kvar', UNIT.var, 3],
  ['var', UNIT.var, 0],
  ['kVA', UNIT.VA, 3],
  ['VA', UNIT.VA, 0],
  ['V', UNIT.V, 0],
  ['A', UNIT.A, 0],
  ['Hz', UNIT.Hz, 0],
  ['m3', UNIT.m3, 0],
  ['GJ', UNIT.J, 9],
  ['MJ', UNIT.J, 6],
]

/** The same letters, each small or capital; but not milli for mega. */
const recased = (unit: string): fc.Arbitrary<string> =>
  fc
    .array(fc.boolean(), { minLength: unit.length, maxLength: unit.length })
    .map((capital) =>
      unit
        .split('')
        .map((c, at) => (capital[at] ? c.toUpperCase() : c.toLowerCase()))
        .join(''),
    )
    .map((spelling) => (/^m[A-Z]/.test(spelling) ? spelling.toUpperCase() : spelling))

const blanks = fc.constantFrom('', '', '', ' ', '  ', '\t')
const digits = (maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'.split('')), minLength: 0, maxLength })
const number = fc
  .tuple(fc.constantFrom('', '', '-', '+'), digits(9), fc.option(digits(6), { nil: null }))
  .filter(([, whole, decimals]) => whole + (decimals ?? '') !== '')
  .map(([sign, whole, decimals]) => ({
    text: `${sign}${whole}${decimals === null ? '' : `.${decimals}`}`,
    value: `${sign}${whole}${decimals ?? ''}`,
    decimals: decimals?.length ?? 0,
  }))

const group = fc.integer({ min: 0, max: 255 })
/** A code of a measured value; different for each index, so that none is stated twice. */
const codeAt = (index: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constant(`1-0:1.8.${index}`),
    fc.tuple(group, fc.constantFrom(6, 7, 8)).map(([c, d]) => `1-1:${c}.${d}.${index}`),
    fc.constantFrom(1, 2, 3, 4).map((channel) => `0-${channel}:24.2.${index}`),
  )

const register = (index: number): fc.Arbitrary<Line> =>
  fc
    .tuple(codeAt(index), number, fc.constantFrom(...UNITS), blanks, blanks, blanks, blanks)
    .chain(([code, { text, value, decimals }, [unit, kept, power], ...around]) =>
      recased(unit).map((spelling): Line => {
        const [a, b, c, d] = around
        const stamp = code.startsWith('0-') ? '(260115110000W)' : ''
        const whole = BigInt(value.replace('+', '').replace('-', '') || '0')
        const signed = value.startsWith('-') ? -whole : whole
        return {
          text: `${a}${code}${stamp}(${b}${text}${c}*${d}${spelling}${a})${b}`,
          register: `${code} ${signed} ${power - decimals} ${kept}`,
          code,
        }
      }),
    )

const wordy = fc.string({
  unit: fc.constantFrom(...'abcXYZ019 /!.:-_*#'.split('')),
  minLength: 1,
  maxLength: 20,
})
const other = (index: number): fc.Arbitrary<Line> =>
  fc
    .oneof(
      wordy.map((text) => ({ code: `0-0:96.13.${index}`, text: `0-0:96.13.${index}(${text})` })),
      fc
        .constantFrom('kWx', 'l/h', 'mWh', 'C', 'kcal')
        .map((unit) => ({ code: `1-0:1.8.${index}`, text: `1-0:1.8.${index}(12.5*${unit})` })),
      fc
        .constantFrom('(5)', '()', '(5*kWh)(6*kWh)', '(1e3*kWh)', '(99999999999999999*kWh)')
        .map((rest) => ({ code: `1-0:2.8.${index}`, text: `1-0:2.8.${index}${rest}` })),
      wordy.map((text) => ({ code: '', text: `x${text}` })),
    )
    .map((line) => ({ ...line, register: null }))

const telegram = fc
  .array(fc.boolean(), { minLength: 1, maxLength: 20 })
  .chain((isRegister) =>
    fc.tuple(...isRegister.map((is, index) => (is ? register(index) : other(index)))),
  )

const HEADER = ['/TST5\\2X-1', '']
const bytesOf = (lines: readonly Line[]) =>
  encodeTelegram([...HEADER, ...lines.map(({ text }) => text)])

/** `code value exponent unit` of the registers of a telegram. */
function registersOf(verdict: DsmrVerdict | undefined): readonly string[] {
  assert.ok(verdict?.ok, JSON.stringify(verdict))
  return verdict.telegram.registers.map(
    ({ register, value, exponent, unit }) =>
      `${register.replace('*255', '')} ${value} ${exponent} ${unit}`,
  )
}
const expectedOf = (lines: readonly Line[]): readonly string[] =>
  lines.flatMap(({ register }) => (register === null ? [] : [register]))

test('each line of a valid telegram is a register with its exact value, or is named', () => {
  fc.assert(
    fc.property(telegram, (lines) => {
      const [verdict, ...more] = dsmrDecoder(OPTIONS).push(bytesOf(lines), AT)
      assert.deepEqual(registersOf(verdict), expectedOf(lines))
      assert.ok(verdict?.ok)
      assert.deepEqual(more, [])
      const { leftOut } = verdict.telegram
      const named = lines.filter(({ register }) => register === null)
      assert.equal(leftOut.length, named.length)
      for (const { code } of named) assert.ok(leftOut.some(({ what }) => what.includes(code)))
    }),
    { numRuns: RUNS },
  )
})

test('any of the known checksums: named when wrong for this line, read when configured', () => {
  fc.assert(
    fc.property(telegram, fc.constantFrom(...CHECKSUMS), (lines, checksum) => {
      const covered = bytesOf(lines).subarray(0, -6)
      const digits = crcDigits(checksumOf(checksum, covered))
      const bytes = concat(covered, fromText(`${digits}\r\n`))
      const [strict] = dsmrDecoder(OPTIONS).push(bytes, AT)
      // Two checksums of the same bytes are the same once in 65,536 telegrams.
      assert.ok(strict?.ok === true || strict?.fault === 'MTR-14')
      const [verdict] = dsmrDecoder({ ...OPTIONS, checksum: checksum.name }).push(bytes, AT)
      assert.deepEqual(registersOf(verdict), expectedOf(lines))
    }),
    { numRuns: RUNS },
  )
})

test('behind a cut telegram, or any noise without a line end, the next one is read whole', () => {
  const noise = fc.oneof(fc.uint8Array({ maxLength: 200 }), wordy.map(fromText))
  fc.assert(
    fc.property(telegram, telegram, fc.nat(), noise, (cut, next, at, noise) => {
      const whole = bytesOf(cut)
      const part = whole.subarray(0, 1 + (at % (whole.length - 3)))
      const verdicts = dsmrDecoder(OPTIONS).push(concat(noise, part, bytesOf(next)), AT)
      assert.deepEqual(registersOf(verdicts.at(-1)), expectedOf(next))
      assert.equal(verdicts.filter(({ ok }) => ok).length, 1, 'nothing of the cut one')
    }),
    { numRuns: RUNS },
  )
})

test('without checksums a cut telegram and the next never become one', () => {
  const bareOf = (lines: readonly Line[]) =>
    concat(bytesOf(lines).subarray(0, -6), fromText('\r\n'))
  const plain = telegram.filter((lines) => lines.every(({ text }) => !/[/!]/.test(text)))
  fc.assert(
    fc.property(plain, plain, fc.nat(), (cut, next, at) => {
      const whole = bareOf(cut)
      const part = whole.subarray(0, 1 + (at % (whole.length - 3)))
      const decoder = dsmrDecoder({ ...OPTIONS, allowUnchecked: true })
      const verdicts = decoder.push(concat(part, bareOf(next)), AT)
      assert.deepEqual(registersOf(verdicts.at(-1)), expectedOf(next))
      assert.deepEqual(
        verdicts.map((verdict) => (verdict.ok ? 'telegram' : verdict.fault)),
        ['MTR-03', 'telegram'],
      )
    }),
    { numRuns: RUNS },
  )
})
