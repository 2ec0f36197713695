// How the file of an import is read: encoding, separator, headers, numbers, dates, lines.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  EncodingProbe,
  headOf,
  IMPORT_COLUMNS_MAX,
  isoDate,
  pointNumber,
} from '../../../services/billing/customers/core/imports/dialect.ts'
import { KIND_PLANS, KINDS } from '../../../services/billing/customers/core/imports/kinds.ts'
import { readLine } from '../../../services/billing/customers/core/imports/lines.ts'
import {
  guessMapping,
  headerKey,
  mappingProblem,
  readMapping,
} from '../../../services/billing/customers/core/imports/mapping.ts'
import { sampleOf } from '../../../services/billing/customers/core/imports/sample.ts'
import { readHead } from '../../../services/billing/customers/shell/imports/head.ts'
import { readRecords } from '../../../services/billing/customers/shell/imports/records.ts'

const probed = (...parts: readonly Uint8Array[]) => {
  const probe = new EncodingProbe()
  for (const part of parts) probe.take(part)
  const verdict = probe.end()
  return verdict.ok ? 'utf-8' : `${verdict.looks} line ${verdict.line}`
}
const bytes = (text: string, encoding: BufferEncoding = 'utf8') => Buffer.from(text, encoding)

test('a file that is not UTF-8 is told by what it looks like, and in which line (OPS-38)', () => {
  assert.equal(probed(bytes('a;b\nMüller;1\n')), 'utf-8')
  assert.equal(probed(bytes('\u{feff}a;b\nMüller;1\n')), 'utf-8')
  assert.equal(probed(bytes('a;b\nx;1\nMüller;1\n', 'latin1')), 'windows-1252 line 3')
  assert.equal(probed(bytes('\u{feff}a;b', 'utf16le')), 'utf-16le line 1')
  assert.equal(probed(bytes('a;b\n', 'utf16le')), 'utf-16le line 1')
  assert.equal(probed(bytes('a;b\n', 'utf16le').swap16()), 'utf-16be line 1')
  // A letter may lie on the edge of two parts; half of one at the end is no letter.
  assert.equal(probed(bytes('ü').subarray(0, 1), bytes('ü').subarray(1)), 'utf-8')
  assert.equal(probed(bytes('x\nü').subarray(0, 3)), 'windows-1252 line 2')
})

test('the separator is what stands most often outside quotes in the header line', () => {
  assert.equal(headOf('a;b,c;d\n1,2,3,4').delimiter, ';')
  assert.equal(headOf('"a;b;c;d",e,f').delimiter, ',')
  assert.equal(headOf('a\tb').delimiter, '\t')
  assert.equal(headOf('alone').delimiter, ',')
  assert.deepEqual(headOf('sep=;\r\na,b;c'), { delimiter: ';', skip: 7 })
})

test('dates are read as people write them; an order that nobody said is not guessed', () => {
  assert.equal(isoDate('1.5.2026', 'none'), '2026-05-01')
  assert.equal(isoDate('01.05.2026 10:30', 'month'), '2026-05-01 10:30')
  assert.equal(isoDate('01/05/2026', 'none'), '01/05/2026')
  assert.equal(isoDate('01/05/2026', 'day'), '2026-05-01')
  assert.equal(isoDate('01/05/2026', 'month'), '2026-01-05')
})

test('a number with the other decimal mark stays what no register takes', () => {
  assert.equal(pointNumber('1234,5', ','), '1234.5')
  assert.equal(pointNumber('1234.5', '.'), '1234.5')
  for (const text of ['1.234', '1.234,5']) assert.match(pointNumber(text, ','), /^"/)
  assert.equal(pointNumber('1,234', '.'), '1,234')
})

test('headers in several languages find their column; each column is taken once', () => {
  const mapped = (kind: 'flat' | 'readings', headers: string) =>
    guessMapping(kind, headers.split(';')).map((target) => target ?? '-')
  assert.deepEqual(mapped('flat', 'Kundennummer;NAME;Wohnung;Zählernummer;Einzug;Tarif;Farbe'), [
    'customer.number',
    'customer.name',
    'point.code',
    'meter.number',
    'contract.from',
    'contract.tariff',
    '-',
  ])
  assert.deepEqual(mapped('flat', 'N° client;Nom;Compteur;Index;Date début'), [
    '-',
    'customer.name',
    'meter.number',
    'opening.value',
    'contract.from',
  ])
  assert.deepEqual(mapped('readings', 'Meter number;Meter;Date;Stand'), [
    'meter.number',
    '-',
    'reading.at',
    'reading.value',
  ])
  assert.equal(headerKey(['Zähler-Nr.', 'E-Mail']), headerKey(['zahler nr', 'EMAIL']))
})

test('a mapping is refused when it is double, strange, or lacks what its kind needs', () => {
  assert.match(mappingProblem('customers', ['customer.name']) ?? '', /"Customer number"/)
  const twice = ['customer.number', 'customer.number'] as const
  assert.match(mappingProblem('customers', twice) ?? '', /two columns/)
  assert.match(mappingProblem('customers', ['meter.number']) ?? '', /no column of this kind/)
  assert.equal(readMapping('customers', ['customer.number', 'nonsense']), null)
  assert.deepEqual(readMapping('customers', ['customer.number', '']), ['customer.number', null])
})

test('the sample of each kind maps itself and is read without a refusal', () => {
  for (const kind of KINDS) {
    const { head, rows } = sampleOf(kind)
    const mapping = guessMapping(kind, head)
    assert.equal(mappingProblem(kind, mapping), null, kind)
    assert.ok(
      mapping.every((target) => target !== null && KIND_PLANS[kind].columns.includes(target)),
    )
    const dialect = { decimal: '.', dates: 'none', zone: '' } as const
    for (const row of rows) {
      const verdict = readLine(2, row, { kind, mapping, dialect })
      assert.ok(verdict.ok, JSON.stringify(verdict))
    }
  }
})

async function* once(part: Uint8Array): AsyncGenerator<Uint8Array> {
  yield part
}

/** Every line with its number, or why the file is refused. */
async function read(text: string, encoding: 'utf-8' | 'windows-1252' = 'utf-8') {
  const lines: string[] = []
  const verdict = await readRecords(
    once(bytes(text)),
    { encoding, delimiter: null },
    {
      head: () => true,
      take: async (records) => {
        lines.push(...records.map(({ line, cells }) => `${line} ${cells.join('|')}`))
        return true
      },
    },
  )
  return verdict.ok ? lines : [`${verdict.fault} ${verdict.detail}`]
}

test('lines keep their numbers through quotes, blank lines and every line end', async () => {
  const text = 'a;b\r\n1;"x\ny"\r\n\r\n;\r\n"2;""3""";4\r\n'
  assert.deepEqual(await read(text), ['2 1|x\ny', '6 2;"3"|4'])
  assert.deepEqual(await read("sep=;\na;b\n1;'+49"), ['3 1|+49'])
})

test('what is no CSV, or too much, is refused as a whole, with its place (OPS-39)', async () => {
  const one = async (text: string) => (await read(text))[0] ?? ''
  assert.match(await one('a,b\n1,"2\n'), /^OPS-39 line 2: a quote is never closed/)
  assert.match(await one('a,b\n1,"2"x\n'), /^OPS-39 line 2: something follows/)
  assert.match(await one(''), /^OPS-39 it is empty/)
  const columns = (count: number) => Array.from({ length: count }, (_, at) => `c${at}`).join(',')
  assert.match(await one(`${columns(IMPORT_COLUMNS_MAX + 1)}\n1\n`), /^OPS-39 it has 101 columns/)
  assert.equal((await read(`${columns(IMPORT_COLUMNS_MAX)}\n1\n`)).length, 1)
  assert.match(await one(`a,b\n1,"${'x'.repeat(200_000)}`), /^OPS-39 .*too long|never closed/)
})

test('a workbook or an archive is no CSV, in whatever encoding it is read (OPS-39)', async () => {
  const archive = async function* () {
    yield Buffer.from('PK\u0003\u0004\u0014\u0000\u0006\u0000number,name\n1,2\n', 'latin1')
  }
  for (const encoding of ['windows-1252', 'utf-16le'] as const) {
    const verdict = await readHead(archive(), { encoding, delimiter: null })
    const said = verdict.ok ? '' : `${verdict.fault} ${verdict.detail}`
    assert.match(said, /^OPS-39 .*no text/, encoding)
  }
})

test('a line of nothing but separators needs no memory: it is refused, alone where it ends', async () => {
  const short = await read(`a,b\n1${','.repeat(5_000)}\n2,3\n`)
  assert.deepEqual(short, [`2 1${'|'.repeat(IMPORT_COLUMNS_MAX)}`, '3 2|3'])
  const parts = async function* () {
    yield bytes('a,b\n')
    for (let part = 0; part < 40; part += 1) yield Buffer.alloc(262_144, ',')
    assert.fail('it is read no further')
  }
  const reading = { encoding: 'utf-8', delimiter: null } as const
  const verdict = await readRecords(parts(), reading, { head: () => true, take: async () => true })
  assert.match(verdict.ok ? '' : verdict.detail, /^a line has more than \d+ cells/)
})
