import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { concat, fromText } from '../../../shared/bytes.ts'
import {
  dsmrDecoder,
  encodeTelegram,
  TELEGRAM_BYTES_MAX,
  type DsmrVerdict,
} from '../../../shared/meter/dsmr/dsmr.ts'
import {
  decodeTelegram,
  dsmrReadings,
  type LeftOut,
  readableId,
} from '../../../shared/meter/dsmr/telegram.ts'
import { decodeStamp } from '../../../shared/meter/dsmr/time.ts'
import { UNIT } from '../../../shared/meter/reading.ts'
import { monoUs } from '../../../shared/units.ts'

const AT = monoUs(7_000)
const STRICT = { allowUnchecked: false, standardOffsetMinutes: 60 }
const LENIENT = { allowUnchecked: true, standardOffsetMinutes: 60 }

/** Our own telegram, in the layout of DSMR 5. */
const LINES = [
  '/TCK5TICKLOCK-1',
  '',
  '1-3:0.2.8(50)',
  '0-0:1.0.0(260115120000W)',
  '0-0:96.1.1(5449434B2D31)',
  '1-0:1.8.1(000009.533*kWh)',
  '1-0:2.8.2(000000.000*kWh)',
  '1-0:1.7.0(00.494*kW)',
  '1-0:32.7.0(226.0*V)',
  '1-0:31.7.0(003*A)',
  '1-0:1.6.0(260110183000W)(02.589*kW)',
  '1-1:31.4.0(100*A)(-063*A)',
  '0-0:17.0.0(016.1*kW)',
  '0-1:24.1.0(003)',
  '0-1:24.2.1(260115110000W)(12785.123*m3)',
  '0-2:24.2.1(632525252525S)(00000.000)',
]

/** What was left out although it should be a register. */
const faultsOf = (leftOut: readonly LeftOut[]) =>
  leftOut.map(({ fault }) => fault).filter((fault) => fault !== 'MTR-15')

const outline = (verdicts: readonly DsmrVerdict[]) =>
  verdicts.map((verdict) => (verdict.ok ? 'telegram' : verdict.fault))

test('a telegram becomes readings in the resolution the meter shows (DSMR P1 5.0.2, 6.12)', () => {
  const [verdict] = dsmrDecoder(STRICT).push(encodeTelegram(LINES), AT)
  assert.ok(verdict?.ok)
  assert.equal(verdict.at, AT)
  const { telegram } = verdict
  assert.equal(telegram.identification, 'TCK5TICKLOCK-1')
  assert.equal(readableId(telegram.equipmentId ?? ''), 'TICK-1')
  assert.deepEqual(faultsOf(telegram.leftOut), [])
  const noon = Date.UTC(2026, 0, 15, 11)
  const rows = dsmrReadings(telegram, 'P1-7').map((reading) => {
    assert.equal(reading.source, 'push')
    assert.equal(reading.checked, true)
    const { meter, register, value, exponent, unit, meterTime } = reading
    return [meter, register, value, exponent, unit, meterTime]
  })
  assert.deepEqual(rows, [
    ['P1-7', '1-0:1.8.1*255', 9533, 0, UNIT.Wh, noon],
    ['P1-7', '1-0:2.8.2*255', 0, 0, UNIT.Wh, noon],
    ['P1-7', '1-0:1.7.0*255', 494, 0, UNIT.W, noon],
    ['P1-7', '1-0:32.7.0*255', 2260, -1, UNIT.V, noon],
    ['P1-7', '1-0:31.7.0*255', 3, 0, UNIT.A, noon],
    ['P1-7', '1-0:1.6.0*255', 2589, 0, UNIT.W, Date.UTC(2026, 0, 10, 17, 30)],
    ['P1-7.1', '0-1:24.2.1*255', 12785123, -3, UNIT.m3, Date.UTC(2026, 0, 15, 10)],
  ])
})

test('a wrong checksum is MTR-02, and the next telegram is read (DSMR P1 5.0.2, 6.2)', () => {
  const good = encodeTelegram(LINES)
  const bad = encodeTelegram(LINES)
  bad[100] = 0x39
  assert.deepEqual(outline(dsmrDecoder(LENIENT).push(concat(bad, good), AT)), [
    'MTR-02',
    'telegram',
  ])
})

test('a telegram without checksum is MTR-04, or taken and marked when allowed', () => {
  const bare = fromText(`${LINES.join('\r\n')}\r\n!\r\n`)
  assert.deepEqual(outline(dsmrDecoder(STRICT).push(bare, AT)), ['MTR-04'])
  const [verdict] = dsmrDecoder(LENIENT).push(bare, AT)
  assert.ok(verdict?.ok)
  assert.equal(verdict.telegram.checked, false)
  const checked = dsmrReadings(verdict.telegram, 'm').map((reading) => reading.checked)
  assert.deepEqual(
    checked,
    Array.from(checked, () => false),
  )
  assert.ok(checked.length > 5, `${checked.length} readings`)
})

test('cut short, half a checksum and a header that is not text are MTR-03, then it resumes', () => {
  const good = encodeTelegram(LINES)
  const cut = good.slice(0, 90)
  const half = fromText(`${LINES.join('\r\n')}\r\n!AB\r\n`)
  const binary = (at: number) => good.map((byte, index) => (index === at ? 0x80 : byte))
  for (const damaged of [concat(cut, fromText('\r\n')), half, fromText('/x\r\n!GGGG\r\n')]) {
    const verdicts = outline(dsmrDecoder(LENIENT).push(concat(damaged, good), AT))
    assert.deepEqual(verdicts, ['MTR-03', 'telegram'])
  }
  const inHeader = outline(dsmrDecoder(LENIENT).push(concat(binary(6), good), AT))
  assert.deepEqual(inHeader, ['MTR-03', 'MTR-08', 'telegram'])
  // Behind the header the checksum decides.
  const behind = outline(dsmrDecoder(LENIENT).push(concat(binary(60), good), AT))
  assert.deepEqual(behind, ['MTR-02', 'telegram'])
})

test('a telegram of the greatest length is taken, one byte more is MTR-03', () => {
  const padded = (bytes: number) => {
    const bare = encodeTelegram(LINES).length - '0000\r\n'.length
    return encodeTelegram([...LINES, 'x'.repeat(bytes - bare - 2)])
  }
  assert.deepEqual(outline(dsmrDecoder(STRICT).push(padded(TELEGRAM_BYTES_MAX), AT)), ['telegram'])
  const [over] = dsmrDecoder(STRICT).push(padded(TELEGRAM_BYTES_MAX + 1), AT)
  assert.ok(over?.ok === false && over.fault === 'MTR-03')
  assert.equal(over.bytes, TELEGRAM_BYTES_MAX + 1)
})

test('a number that does not fit is counted, not rounded', () => {
  const text = '/X\r\n1-0:1.8.0(9999999999999.999*kWh)\r\n1-0:2.8.0(000999999999999.999*kWh)\r\n'
  const telegram = decodeTelegram(text, { standardOffsetMinutes: 60, checked: true })
  assert.deepEqual(faultsOf(telegram.leftOut), ['MTR-07'])
  assert.deepEqual(
    telegram.registers.map(({ value }) => value),
    [999_999_999_999_999],
  )
})

test('stamps: S is an hour earlier in UTC than W; no letter or no real time gives none', () => {
  assert.equal(decodeStamp('260329015959W', 60), Date.UTC(2026, 2, 29, 0, 59, 59))
  assert.equal(decodeStamp('260329030000S', 60), Date.UTC(2026, 2, 29, 1, 0, 0))
  assert.equal(decodeStamp('240229000000W', 0), Date.UTC(2024, 1, 29))
  assert.equal(decodeStamp('261231235959W', -60), Date.UTC(2027, 0, 1, 0, 59, 59))
  for (const text of [
    '260329030000',
    '250229000000W',
    '261301000000W',
    '260100000000W',
    '260101240000W',
    '260101006000W',
    '260101000060W',
    '632525252525S',
    '',
  ]) {
    assert.equal(decodeStamp(text, 60), null, text)
  }
})

const CAPTURES = join(
  fileURLToPath(new URL('../../../../', import.meta.url)),
  '../shared/captures/dsmr',
)

interface Expected {
  readonly dsmr: { readonly crc?: { readonly valid: boolean } }
  readonly metadata: { readonly timestamp?: string; readonly equipmentId?: string }
  readonly electricity: Readonly<Record<string, unknown>>
  readonly mBus: Readonly<Record<string, { value?: number; timestamp?: string; unit?: string }>>
}

/** Where the expected file keeps a register's value: the path, and the unit's power of ten. */
const PATHS: readonly (readonly [RegExp, string, string])[] = [
  [/^1-\d:1\.8\.0/, 'total.received', 'Wh'],
  [/^1-\d:2\.8\.0/, 'total.returned', 'Wh'],
  [/^1-\d:1\.8\.([12])/, 'tariffs.$.received', 'Wh'],
  [/^1-\d:2\.8\.([12])/, 'tariffs.$.returned', 'Wh'],
  [/^1-\d:1\.7\.0/, 'powerReceivedTotal', 'W'],
  [/^1-\d:2\.7\.0/, 'powerReturnedTotal', 'W'],
  [/^1-\d:([357])2\.7\.0/, 'voltage.l$', 'V'],
  [/^1-\d:([357])1\.7\.0/, 'current.l$', 'A'],
  [/^1-\d:([246])1\.7\.0/, 'powerReceived.l$', 'W'],
  [/^1-\d:([246])2\.7\.0/, 'powerReturned.l$', 'W'],
]

const flat = (value: unknown, path: string): readonly (readonly [string, number])[] => {
  if (typeof value === 'number') return [[path, value]]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    flat(inner, path === '' ? key : `${path}.${key}`),
  )
}

function checkCapture(file: string) {
  const expected: Expected = JSON.parse(readFileSync(file.replace(/txt$/, 'json'), 'utf8'))
  const disk = readFileSync(file, 'latin1').replace(/\r?\n/g, '\r\n')
  const text = disk.includes('\r\n!') ? disk : `${disk}!`
  const bare = text.slice(0, text.indexOf('\r\n!') + 2)

  const checksumOf = (valid: boolean | undefined) =>
    valid === undefined ? 'MTR-04' : valid ? 'telegram' : 'MTR-02'
  const asItIs = dsmrDecoder(STRICT).push(fromText(`${text.trimEnd()}\r\n`), AT)
  assert.deepEqual(outline(asItIs), [checksumOf(expected.dsmr.crc?.valid)], file)

  const [verdict] = dsmrDecoder(STRICT).push(encodeTelegram(bare.trimEnd().split('\r\n')), AT)
  assert.ok(verdict?.ok, file)
  const { telegram } = verdict
  // One was printed with a time in the 34th month.
  assert.deepEqual(faultsOf(telegram.leftOut.filter(({ what }) => what !== '0-0:1.0.0')), [])
  const wanted = new Map(
    flat(expected.electricity, '').filter(([path]) => path !== 'currentTariff'),
  )
  for (const { channel, register, value, exponent, time } of telegram.registers) {
    const number = Number(`${value}e${exponent}`)
    if (channel > 0) {
      const meter = expected.mBus[String(channel)]
      assert.equal(number, meter?.value, `${file} ${register}`)
      if (time !== null && meter?.timestamp !== undefined) {
        assert.ok([60, 120].includes((Date.parse(meter.timestamp) - time) / 60_000), file)
      }
      continue
    }
    const row = PATHS.find(([pattern]) => pattern.test(register))
    if (row === undefined) continue
    const part = Number(row[0].exec(register)?.[1] ?? 0)
    const phase = row[1].startsWith('tariffs') ? part : Math.floor((part + (part % 2 ? -1 : 0)) / 2)
    const path = row[1].replace('$', String(phase))
    assert.equal(number, wanted.get(path), `${file} ${register} ${path}`)
    wanted.delete(path)
  }
  assert.deepEqual([...wanted.keys()], [], `${file}: registers that were not read`)
  for (const [channel, { value }] of Object.entries(expected.mBus)) {
    const found = telegram.registers.some((register) => register.channel === Number(channel))
    assert.equal(found, value !== undefined, `${file}: channel ${channel}`)
  }
  const id = expected.metadata.equipmentId
  if (id !== undefined) assert.equal(telegram.equipmentId, id)
}

test('public telegrams give the registers and checksum verdict of their .json', (t) => {
  if (!existsSync(CAPTURES)) {
    t.skip(`no captures at ${CAPTURES}`)
    return
  }
  const files = globSync(join(CAPTURES, '*.txt'))
  assert.ok(files.length >= 11, `only ${files.length} telegrams in ${CAPTURES}`)
  for (const file of files) checkCapture(file)
})
