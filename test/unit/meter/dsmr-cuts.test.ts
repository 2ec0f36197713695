// Where a telegram begins and ends, and which checksum it has.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concat, fromText } from '../../../shared/bytes.ts'
import {
  type DsmrOptions,
  dsmrDecoder,
  encodeTelegram,
  TELEGRAM_BYTES_MAX,
} from '../../../shared/meter/dsmr/dsmr.ts'
import { CHECKSUMS, checksumOf, crcDigits } from '../../../shared/meter/crc16.ts'
import { monoUs } from '../../../shared/units.ts'

const AT = monoUs(1)
const OPTIONS: DsmrOptions = { allowUnchecked: false, standardOffsetMinutes: 60 }
const LENIENT: DsmrOptions = { ...OPTIONS, allowUnchecked: true }

const linesOf = (kwh: number) => [
  '/TST5\\2X-1',
  '',
  '0-0:1.0.0(260115120000W)',
  `1-0:1.8.1(${kwh}*kWh)`,
  `1-0:1.8.2(00009${kwh}*kWh)`,
]
const CUT = encodeTelegram(linesOf(1))
const NEXT = encodeTelegram(linesOf(2))
const bareOf = (kwh: number) => fromText(`${linesOf(kwh).join('\r\n')}\r\n!\r\n`)

/** The values of each telegram, or the fault. */
const outcome = (options: DsmrOptions, ...parts: readonly Uint8Array[]) =>
  dsmrDecoder(options)
    .push(concat(...parts), AT)
    .map((verdict) =>
      verdict.ok ? verdict.telegram.registers.map(({ value }) => value) : verdict.fault,
    )

test('a telegram cut anywhere, the next right behind it: the next is read, nothing of the cut one', () => {
  for (let length = 1; length < CUT.length - 2; length += 1) {
    const place = `cut after ${length} bytes`
    const cut = CUT.subarray(0, length)
    assert.deepEqual(outcome(OPTIONS, cut, NEXT), ['MTR-03', [2, 92]], place)
    assert.deepEqual(outcome(OPTIONS, cut, cut, NEXT).at(-1), [2, 92], `${place}, twice`)
  }
})

test('the same without checksums: two telegrams never become one', () => {
  const [cut, next] = [bareOf(1), bareOf(2)]
  for (let length = 1; length < cut.length - 2; length += 1) {
    const got = outcome(LENIENT, cut.subarray(0, length), next)
    assert.deepEqual(got, ['MTR-03', [2, 92]], `cut after ${length} bytes`)
  }
})

test('without checksums the header may be lost too: then neither is taken', () => {
  const [cut, next] = [bareOf(1), bareOf(2)]
  for (let begun = 1; begun < 5; begun += 1) {
    const torn = concat(cut.subarray(0, 70), next.subarray(0, begun), next.subarray(begun + 3))
    assert.ok(!outcome(LENIENT, torn).some((told) => Array.isArray(told)), `${begun}`)
    assert.deepEqual(outcome(LENIENT, torn, next).at(-1), [2, 92])
  }
  const binary = fromText('/TST5\\2X-1\r\n1-0:1.8.1(1*kWh)\r\n0-0:96.13.0(\x00)\r\n!\r\n')
  assert.deepEqual(outcome(LENIENT, binary), ['MTR-03'])
})

test('a "/" or a "!" inside a value belongs to it where the checksum says so', () => {
  const lines = [...linesOf(3), '0-0:96.13.0(a/b!c/d)', '0-0:96.13.1(/TST5!)', '0-0:96.13.2(!AB']
  assert.deepEqual(outcome(OPTIONS, encodeTelegram(lines)), [[3, 93]])
  assert.deepEqual(outcome(OPTIONS, encodeTelegram([...lines, '(!)!!', 'a!!!!!']), NEXT), [
    [3, 93],
    [2, 92],
  ])
  // At the beginning of a line it is the end, whatever follows.
  assert.deepEqual(outcome(OPTIONS, encodeTelegram([...lines, '!!!!!']), NEXT), [
    'MTR-03',
    'MTR-08',
    [2, 92],
  ])
})

test('the end in every spelling: small digits, blanks, no zeros in front, no line end before it', () => {
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
  const whole = text(NEXT)
  for (const end of [
    whole.toLowerCase().slice(-7),
    whole.slice(-7).replace('!', ' !'),
    whole.slice(-7).replace('!', '! '),
    whole.slice(-7).replace('\r\n', ' \r\n'),
    whole.slice(-7).replace('\r\n', '\n'),
  ]) {
    // Blanks before the "!" are covered by the checksum.
    const covered = whole.slice(0, -7) + end.slice(0, end.indexOf('!') + 1)
    const crc = crcDigits(crcArc(covered))
    const digits = end.includes(crc.toLowerCase()) ? crc.toLowerCase() : crc
    const sent = covered + end.slice(end.indexOf('!') + 1).replace(/[0-9a-fA-F]{4}/, digits)
    assert.deepEqual(
      outcome(OPTIONS, fromText(sent), CUT),
      [
        [2, 92],
        [1, 91],
      ],
      JSON.stringify(end),
    )
  }
  const unended = whole.slice(0, -9)
  const sent = `${unended}!${crcDigits(crcArc(`${unended}!`))}\r\n`
  assert.deepEqual(outcome(OPTIONS, fromText(sent), CUT), [
    [2, 92],
    [1, 91],
  ])
})

const crcArc = (text: string): number => {
  const [arc] = CHECKSUMS
  assert.ok(arc?.name === 'arc')
  return checksumOf(arc, fromText(text))
}

test('a checksum below 0x1000 may lack its zeros', () => {
  for (let kwh = 0; ; kwh += 1) {
    const text = `/TST5\\2X-1\r\n1-0:1.8.0(${kwh}*kWh)\r\n!`
    const crc = crcArc(text)
    if (crc >= 0x1000) continue
    assert.deepEqual(outcome(OPTIONS, fromText(`${text}${crc.toString(16)}\r\n`), NEXT), [
      [kwh],
      [2, 92],
    ])
    break
  }
})

test('a cut telegram and a whole one that are longer together than one may be', () => {
  const filler = Array.from({ length: 600 }, (_, index) => `0-0:96.13.0(${index})`)
  const long = encodeTelegram([...linesOf(4), ...filler.slice(0, 350)])
  const cut = encodeTelegram([...linesOf(1), ...filler.slice(0, 350)]).subarray(0, -20)
  assert.ok(long.length < TELEGRAM_BYTES_MAX && cut.length + long.length > TELEGRAM_BYTES_MAX)
  assert.deepEqual(outcome(OPTIONS, cut, long), ['MTR-03', [4, 94]])
})

/** A telegram under any checksum. */
function under(name: string, kwh: number): Uint8Array {
  const covered = fromText(`${linesOf(kwh).join('\r\n')}\r\n!`)
  const checksum = CHECKSUMS.find((known) => known.name === name)
  assert.ok(checksum)
  return concat(covered, fromText(`${crcDigits(checksumOf(checksum, covered))}\r\n`))
}

test('another checksum over the same bytes is refused by its name, or taken and marked', () => {
  for (const { name } of CHECKSUMS) {
    const bytes = under(name, 5)
    const [refused] = dsmrDecoder(OPTIONS).push(bytes, AT)
    if (name === 'arc') {
      assert.ok(refused?.ok && refused.telegram.checked)
      continue
    }
    assert.ok(refused?.ok === false, name)
    assert.deepEqual([refused.fault, refused.fits], ['MTR-14', name])
    for (const allowUnchecked of [true, false]) {
      const decoder = dsmrDecoder({ ...OPTIONS, allowUnchecked, checksum: name })
      const [taken, own, damaged] = decoder.push(concat(bytes, NEXT, flipped(bytes)), AT)
      assert.ok(taken?.ok && !taken.telegram.checked, name)
      // The protocol's own checksum is always right.
      assert.ok(own?.ok && own.telegram.checked)
      assert.equal(damaged?.ok === false && damaged.fault, 'MTR-02', name)
    }
    // Not by switching it off.
    assert.deepEqual(outcome(LENIENT, bytes), ['MTR-14'], name)
  }
})

function flipped(bytes: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(bytes)
  changed[60] = (changed[60] ?? 0) ^ 1
  return changed
}

test('the catalogue of checksums has its check values (G. Cook)', () => {
  const checks = CHECKSUMS.slice(0, 9).map((known) => [
    known.name,
    crcDigits(checksumOf(known, fromText('123456789'))),
  ])
  assert.deepEqual(checks, [
    ['arc', 'BB3D'],
    ['modbus', '4B37'],
    ['usb', 'B4C8'],
    ['x-25', '906E'],
    ['kermit', '2189'],
    ['mcrf4xx', '6F91'],
    ['ibm-3740', '29B1'],
    ['xmodem', '31C3'],
    ['umts', 'FEE8'],
  ])
  const swapped = CHECKSUMS.find(({ name }) => name === 'x-25-swapped')
  assert.ok(swapped)
  assert.equal(crcDigits(checksumOf(swapped, fromText('123456789'))), '6E90')
})
