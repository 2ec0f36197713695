// What the lines of a valid telegram say is read to the last digit, or named: case by case.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dsmrDecoder, encodeTelegram } from '../../../shared/meter/dsmr/dsmr.ts'
import { dsmrReadings, readableId } from '../../../shared/meter/dsmr/telegram.ts'
import { UNIT } from '../../../shared/meter/reading.ts'
import { monoUs } from '../../../shared/units.ts'

const AT = monoUs(7_000)
const NOON = Date.UTC(2026, 0, 15, 11)

function telegramOf(...lines: readonly string[]) {
  const bytes = encodeTelegram(['/TST5\\2X-1', '', '0-0:1.0.0(260115120000W)', ...lines])
  const [verdict] = dsmrDecoder({ allowUnchecked: false, standardOffsetMinutes: 60 }).push(
    bytes,
    AT,
  )
  assert.ok(verdict?.ok, JSON.stringify(verdict))
  return verdict.telegram
}
const valuesOf = (...lines: readonly string[]) =>
  telegramOf(...lines).registers.map(({ register, value, exponent, unit }) => [
    register.replace('*255', ''),
    value,
    exponent,
    unit,
  ])
const namesOf = (...lines: readonly string[]) =>
  telegramOf(...lines).leftOut.map(({ fault, what, unit, why }) => [fault, what, unit, why])

test('units in another letter case are the same units', () => {
  assert.deepEqual(
    valuesOf(
      '1-0:1.8.0(00031157.405*kwh)',
      '1-0:3.8.0(00000857.557*kVArh)',
      '1-0:4.8.0(00000918.106*kVarh)',
      '1-0:3.7.0(0000.314*kVAr)',
      '1-0:1.7.0(0004.344*kw)',
      '1-0:32.7.0(231.9*v)',
      '1-0:31.7.0(004.9*a)',
      '1-0:2.8.0(00000001*KWH)',
      '1-0:9.8.0(00000002*KVAH)',
      '1-0:14.7.0(50.01*HZ)',
      '0-1:24.2.1(260115110000W)(01269.375*M3)',
      '0-2:24.2.1(260115110000W)(00012.345*gj)',
      '0-3:24.2.1(260115110000W)(00001.5*MWH)',
      '0-4:24.2.1(260115110000W)(00001.5*mwh)',
    ),
    [
      ['1-0:1.8.0', 31_157_405, 0, UNIT.Wh],
      ['1-0:3.8.0', 857_557, 0, UNIT.varh],
      ['1-0:4.8.0', 918_106, 0, UNIT.varh],
      ['1-0:3.7.0', 314, 0, UNIT.var],
      ['1-0:1.7.0', 4_344, 0, UNIT.W],
      ['1-0:32.7.0', 2_319, -1, UNIT.V],
      ['1-0:31.7.0', 49, -1, UNIT.A],
      ['1-0:2.8.0', 1, 3, UNIT.Wh],
      ['1-0:9.8.0', 2, 3, UNIT.VAh],
      ['1-0:14.7.0', 5_001, -2, UNIT.Hz],
      ['0-1:24.2.1', 1_269_375, -3, UNIT.m3],
      ['0-2:24.2.1', 12_345, 6, UNIT.J],
      ['0-3:24.2.1', 15, 5, UNIT.Wh],
      ['0-4:24.2.1', 15, 5, UNIT.Wh],
    ],
  )
})

test('a small m before a capital is milli: taken for A and V, named for the rest, never mega', () => {
  assert.deepEqual(valuesOf('1-0:31.7.0(4900*mA)'), [['1-0:31.7.0', 4_900, -3, UNIT.A]])
  assert.deepEqual(valuesOf('1-0:1.8.0(4900*mWh)'), [])
  assert.deepEqual(namesOf('1-0:1.8.0(4900*mWh)'), [
    ['MTR-13', '1-0:1.8.0', 'mWh', 'unit not known'],
  ])
})

test('blanks around value, unit, code and line are no part of them', () => {
  const blanked = [
    '(00012.345*kWh )',
    '( 00012.345*kWh)',
    '(00012.345 *kWh)',
    '(00012.345* kWh)',
    '(00012.345*k Wh)',
    ' (00012.345*kWh)',
    '(00012.345*kWh) ',
    '(00012.345*kWh)\t',
  ]
  for (const text of blanked) {
    assert.deepEqual(valuesOf(`1-0:1.8.0${text}`), [['1-0:1.8.0', 12_345, 0, UNIT.Wh]], text)
  }
  assert.deepEqual(valuesOf('  1-0:1.8.0(1*Wh)'), [['1-0:1.8.0', 1, 0, UNIT.Wh]])
  assert.deepEqual(valuesOf('0-1:24.2.1 (260115110000W) ( 7*m3 )'), [['0-1:24.2.1', 7, 0, UNIT.m3]])
  assert.deepEqual(
    valuesOf('0-1:24.3.0(120517020000)(08)(60)(1)(0-1:24.2.1)( m3 )', ' (00124.4)'),
    [['0-1:24.2.1', 1_244, -1, UNIT.m3]],
  )
})

test('numbers of any form are exact: no decimals, no whole part, signs, zeros, many digits', () => {
  const forms: readonly (readonly [string, number, number])[] = [
    ['123*Wh', 123, 0],
    ['123.*Wh', 123, 0],
    ['.5*Wh', 5, -1],
    ['-063*Wh', -63, 0],
    ['+5*Wh', 5, 0],
    ['-0.000*Wh', 0, -3],
    ['000000000000000000123.400*Wh', 123_400, -3],
    ['999999999999999*Wh', 999_999_999_999_999, 0],
    // Zeros at its end may go where it would not fit otherwise, and only there.
    ['9999999999999990*Wh', 999_999_999_999_999, 1],
    ['1.00000000000*Wh', 1_000_000_000, -9],
    ['0.123456789*kWh', 123_456_789, -6],
  ]
  for (const [text, value, exponent] of forms) {
    const expected = [['1-0:1.8.0', value, exponent, UNIT.Wh]]
    assert.deepEqual(valuesOf(`1-0:1.8.0(${text})`), expected, text)
  }
  for (const text of ['9999999999999999*Wh', '0.0000000001*Wh']) {
    assert.deepEqual(namesOf(`1-0:1.8.0(${text})`), [
      ['MTR-07', '1-0:1.8.0', 'Wh', 'too many digits'],
    ])
  }
})

test('codes in every spelling: value group F, a colon for a point, reduced', () => {
  for (const code of ['1-0:1.8.0', '1-0:1.8.0*255', '1-0:1.8.0.255', '1-0:1:8:0', '1.8.0']) {
    assert.deepEqual(valuesOf(`${code}(7*kWh)`), [['1-0:1.8.0', 7, 3, UNIT.Wh]], code)
  }
  assert.deepEqual(valuesOf('1-0:1.8.0*01(7*kWh)'), [['1-0:1.8.0*1', 7, 3, UNIT.Wh]])
})

test('a register is read whatever stands beside its value, and that is named', () => {
  const beside = ['MTR-15', '1-0:1.8.0', null, 'beside its value: no time that can be read']
  assert.deepEqual(valuesOf('1-0:1.8.0(00031157.405*kWh)(foo)()'), [
    ['1-0:1.8.0', 31_157_405, 0, UNIT.Wh],
  ])
  assert.deepEqual(namesOf('1-0:1.8.0(00031157.405*kWh)(foo)()'), [beside])
  // IEC 62056-21 puts the time of a maximum behind it.
  for (const line of ['(260110183000W)(02.589*kW)', '(02.589*kW)(260110183000w)']) {
    const [register] = telegramOf(`1-0:1.6.0${line}`).registers
    assert.equal(register?.value, 2_589)
    assert.equal(register.time, Date.UTC(2026, 0, 10, 17, 30), line)
  }
})

test("a time of its own that cannot be read is none, never the telegram's", () => {
  const telegram = telegramOf('1-0:1.6.0(260110183000)(02.589*kW)', '1-0:1.8.0(1*kWh)')
  assert.deepEqual(
    dsmrReadings(telegram, 'm').map(({ meterTime }) => meterTime),
    [null, NOON],
  )
})

test('two values under one code: the same is one, different ones are none and named', () => {
  const one = [['1-0:1.8.0', 5, 3, UNIT.Wh]]
  assert.deepEqual(valuesOf('1-0:1.8.0(5*kWh)(5*kWh)'), one)
  assert.deepEqual(valuesOf('1-0:1.8.0(5*kWh)', '1-0:1.8.0(5*kWh)'), one)
  assert.deepEqual(valuesOf('1-0:1.8.0(5*kWh)(6*kWh)'), [])
  assert.deepEqual(namesOf('1-0:1.8.0(5*kWh)(6*kWh)'), [
    ['MTR-13', '1-0:1.8.0', 'kWh', 'two values'],
  ])
  const thrice = ['1-0:1.8.0(5*kWh)', '1-0:1.8.0(6*kWh)', '1-0:1.8.0(5*kWh)']
  assert.deepEqual(valuesOf(...thrice), [])
  assert.deepEqual(namesOf(...thrice), [['MTR-13', '1-0:1.8.0', null, 'stated twice, differently']])
})

test('every line that becomes no register is named with code and unit', () => {
  assert.deepEqual(
    namesOf(
      '1-0:1.8.0(1*kcal)',
      '1-0:2.8.0(1.5)',
      '1-0:1.7.0()',
      '1-0:1.8.1(1e3*kWh)',
      '0-1:24.2.1(260115110000W)(00001.5)',
      '0-2:24.2.1(632525252525S)(00000.000)',
      '0-0:17.0.0(016.1*kW)',
      '0-0:96.7.21(00004)',
      '1-0:99.97.0(1)(0-0:96.7.19)(260101152415W)(0000000240*s)',
      'F.F(00)',
      'E.7(12.5*kWh)',
      '1-0:1.8.0 12.345 kWh',
      '1-0:1.8.0(12.3(45)*kWh)',
    ),
    [
      ['MTR-13', '1-0:1.8.0', 'kcal', 'unit not known'],
      ['MTR-13', '1-0:2.8.0', null, 'no number with a unit'],
      ['MTR-13', '1-0:1.7.0', null, 'no value'],
      ['MTR-13', '1-0:1.8.1', null, 'no number with a unit'],
      ['MTR-13', '0-1:24.2.1', null, 'no number with a unit'],
      ['MTR-15', '0-2:24.2.1', null, 'no number with a unit'],
      ['MTR-15', '0-0:17.0.0', 'kW', 'not a register that is kept'],
      ['MTR-15', '0-0:96.7.21', null, 'not a register that is kept'],
      ['MTR-15', '1-0:99.97.0', 's', 'not a register that is kept'],
      ['MTR-15', 'F.F', null, 'not an OBIS code'],
      ['MTR-13', 'E.#', 'kWh', 'not an OBIS code'],
      ['MTR-13', '#-#:#.#.# ##.### kWh', null, 'not of the form code(value)'],
      ['MTR-13', '#-#:#.#.#(##.#(##)*kWh)', null, 'not of the form code(value)'],
    ],
  )
})

test('a power factor is a number without a unit', () => {
  assert.deepEqual(valuesOf('1-0:13.7.0(0.998)'), [['1-0:13.7.0', 998, -3, UNIT.none]])
})

test('bytes outside ASCII under a right checksum spoil no register', () => {
  const lines = '/TST5\\2X-1\r\n\r\n1-0:1.8.0(7*kWh)\r\n0-1:24.2.1(260115110000W)(7*m\xb3)\r\n'
  const covered = Uint8Array.from(`${lines}0-0:96.13.0(M\xfchl\0)\r\n!`, (c) => c.charCodeAt(0))
  let crc = 0
  for (const byte of covered) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1
  }
  const tail = new TextEncoder().encode(crc.toString(16))
  const [verdict] = dsmrDecoder({ allowUnchecked: false, standardOffsetMinutes: 60 }).push(
    Uint8Array.from([...covered, ...tail, 0x0d, 0x0a]),
    AT,
  )
  assert.ok(verdict?.ok, JSON.stringify(verdict))
  assert.deepEqual(
    verdict.telegram.registers.map(({ value }) => value),
    [7, 7],
  )
})

test("the meter's own number: Sweden's place, Luxembourg's before all, never a channel's", () => {
  const idOf = (...lines: readonly string[]) => {
    const { equipmentId } = telegramOf(...lines)
    return equipmentId === null ? null : readableId(equipmentId)
  }
  const [swedish, dutch, luxembourg] = [
    '0-0:96.1.0(3830303436393734)',
    '0-0:96.1.1(4B384547)',
    '0-0:42.0.0(53414731)',
  ]
  assert.equal(idOf(swedish), '80046974')
  assert.equal(idOf(dutch, swedish), 'K8EG')
  assert.equal(idOf(luxembourg, dutch, swedish), 'SAG1')
  assert.equal(idOf(swedish, dutch, luxembourg), 'SAG1')
  assert.equal(idOf(dutch, '0-0:42.0.0()'), 'K8EG')
  assert.equal(idOf('0-0:96.1.1*255(4B384547)'), 'K8EG')
  for (const line of ['0-1:96.1.1(31)', '0-1:96.1.0(31)', '0-1:42.0.0(31)', '1-0:96.1.1(31)']) {
    assert.equal(idOf(line), null, line)
    assert.equal(idOf(swedish, line), '80046974', line)
  }
})
