// The CSV file of devices, and the labels made of it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import encodeQR from 'qr'
import decodeQR from 'qr/decode.js'
import { readDeviceList } from '../../../services/commands/work/device-list.ts'
import { grouped, labelPage } from '../../../services/billing/fleet/pages/token-labels.ts'
import { csvLine, readCsv } from '../../../shared/documents/csv.ts'
import { nodeRandom } from '../../../shared/node/node-suite.ts'
import { Secret } from '../../../shared/secret.ts'
import { decodeToken, encodeToken } from '../../../shared/tves/token.ts'
import { unixMs } from '../../../shared/units.ts'

const DEFAULTS = { historyFrom: unixMs(5), zone: 'Asia/Dhaka' }

const cells = (text: string) => {
  const verdict = readCsv(text)
  return verdict.ok ? verdict.rows.map((row) => row.map((cell) => cell.text)) : verdict
}

test('reads what RFC 4180 allows: quotes, commas and line ends inside them, CRLF, a BOM', () => {
  assert.deepEqual(cells('a,b\r\n"x, ""y""",\n\n"1\n2",z'), [
    ['a', 'b'],
    ['x, "y"', ''],
    ['1\n2', 'z'],
  ])
  assert.deepEqual(cells('\uFEFFname\n'), [['name']])
  assert.deepEqual(cells(''), [])
  assert.deepEqual(cells('a,'), [['a', '']])
  assert.deepEqual(cells(csvLine(['a,"b"', 'c\nd', 'e'])), [['a,"b"', 'c\nd', 'e']])
})

test('reads what office programs save: semicolons, tabs, a line that names them, CR alone', () => {
  const expected = [
    ['name', 'history_from'],
    ['M\u00fchl', 'none'],
    ['M\u00f6hl, a;b\t"c"\nd', ''],
  ]
  for (const separator of [',', ';', '\t']) {
    for (const end of ['\n', '\r\n', '\r']) {
      for (const named of ['', `sep=${separator}${end}`, `"sep=${separator}"${end}`]) {
        const text = [
          ['name', 'history_from'],
          ['M\u00fchl', 'none'],
          ['"M\u00f6hl, a;b\t""c""\nd"', ''],
        ].map((row) => row.join(separator) + end)
        assert.deepEqual(cells(`\uFEFF${named}${text.join('')}`), expected, JSON.stringify(text))
      }
    }
  }
  // Where the first line has no separator, the others have one column too.
  assert.deepEqual(cells('name\na;b\n'), [['name'], ['a;b']])
  assert.deepEqual(cells('"a,b";c\nd,e;f'), [
    ['a,b', 'c'],
    ['d,e', 'f'],
  ])
})

test('names line and column of what is no CSV', () => {
  const at = (text: string) => {
    const verdict = readCsv(text)
    return verdict.ok ? null : [verdict.line, verdict.column]
  }
  assert.deepEqual(at('a\nb,"c'), [2, 3])
  assert.deepEqual(at('a\n"b"c'), [2, 4])
  assert.deepEqual(at('a\nb"c"'), [2, 2])
  assert.deepEqual(at('"x\ny",z"'), [2, 5])
})

test('a list of devices: history from a date at local midnight, the usual, or not at all', () => {
  const text = 'name,history_from\nattic,2026-03-01\ncellar,\n"shed, left",none\n'
  assert.deepEqual(readDeviceList(text, DEFAULTS), [
    { name: 'attic', historyFrom: Date.parse('2026-02-28T18:00:00Z') },
    { name: 'cellar', historyFrom: 5 },
    { name: 'shed, left', historyFrom: null },
  ])
  assert.deepEqual(readDeviceList('name\na\n', DEFAULTS), [{ name: 'a', historyFrom: 5 }])
})

test('OPS-05 names line and column of what is wrong in a list', () => {
  for (const [text, place] of [
    ['', 'line 1, column 1'],
    ['device\na\n', 'line 1, column 1'],
    ['name,from\na,\n', 'line 1, column 1'],
    ['name,history_from,x\n', 'line 1, column 19'],
    ['name\na\nb\na\n', 'line 4, column 1'],
    ['name\na,b\n', 'line 2, column 3'],
    ['name,history_from\na,2026-02-30\n', 'line 2, column 3'],
    ['name,history_from\na,1.3.2026\n', 'line 2, column 3'],
    ['name\n" a"\n', 'line 2, column 1'],
    [`name\n${'a'.repeat(65)}\n`, 'line 2, column 1'],
    ['name\nM\uFFFDhl\n', 'line 2, column 1'],
    ['name\nMu\u0308hl\nM\u00fchl\n', 'line 3, column 1'],
    ['name\na\u00a0\n', 'line 2, column 1'],
    ['name;history_from\na;1.3.2026\n', 'line 2, column 3'],
    ['sep=;\r\nname;history_from\r\n"a\r\nb";none\r\n', 'line 3, column 1'],
  ] as const) {
    const said = new RegExp(`OPS-05 .*${place}: `)
    assert.throws(() => readDeviceList(text, DEFAULTS), said, JSON.stringify(text))
  }
})

test('a label shows name, token and a QR code that reads as the token', () => {
  const parts = {
    id: nodeRandom(8),
    secret: new Secret(nodeRandom(16)),
    fingerprint: nodeRandom(16),
  }
  const token = encodeToken(parts)
  const page = labelPage([{ name: 'a<b>&"c', device: '0011', token }])
  assert.ok(page.includes('a&lt;b&gt;&amp;&quot;c') && !page.includes('a<b>'))
  assert.ok(page.includes(grouped(token)))
  assert.equal(grouped(token).replaceAll('-', ''), token)
  assert.equal(page.match(/<svg/g)?.length, 1)
  assert.doesNotMatch(page, /<script|https?:\/\/(?!www\.w3\.org)/)
  const scale = 4
  const rows = encodeQR(token, 'raw', { ecc: 'medium', border: 4, scale })
  const pixels = rows.flatMap((row) =>
    row.flatMap((dark) => (dark ? [0, 0, 0, 255] : [255, 255, 255, 255])),
  )
  const width = rows[0]?.length ?? 0
  const data = Uint8Array.from(pixels)
  assert.equal(decodeQR({ width, height: rows.length, data }), token)
  assert.deepEqual(decodeToken(token)?.id, parts.id)
})
