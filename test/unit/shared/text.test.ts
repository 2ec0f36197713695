// The bytes of files that people write: read as they were written, or refused with their place.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { concat, fromText } from '../../../shared/bytes.ts'
import { decodeText, isEncoding } from '../../../shared/documents/text.ts'

const latin = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0))
const utf16 = (text: string, little: boolean) => {
  const bytes = new Uint8Array(text.length * 2)
  const view = new DataView(bytes.buffer)
  for (let at = 0; at < text.length; at += 1) view.setUint16(at * 2, text.charCodeAt(at), little)
  return bytes
}
const NAMES = 'name;history_from\r\nM\u00fchl;none\r\nM\u00f6hl;none\r\n'

test('bytes of Windows-1252 are refused with line and column, or read when it is named', () => {
  const verdict = decodeText(latin(NAMES))
  assert.ok(!verdict.ok)
  const { line, column, problem } = verdict
  assert.deepEqual([line, column], [2, 2])
  assert.match(problem, /byte FC is not UTF-8: .*name its encoding \(windows-1252\)/)
  assert.deepEqual(decodeText(latin(NAMES), 'windows-1252'), { ok: true, text: NAMES })
  // The euro sign is a byte that Latin-1 does not have.
  const euro = decodeText(Uint8Array.of(0x80), 'windows-1252')
  assert.deepEqual(euro, { ok: true, text: '\u20ac' })
})

test('a byte order mark says what a file is, whatever is named', () => {
  const marked = [
    concat(Uint8Array.of(0xef, 0xbb, 0xbf), fromText(NAMES)),
    concat(Uint8Array.of(0xff, 0xfe), utf16(NAMES, true)),
    concat(Uint8Array.of(0xfe, 0xff), utf16(NAMES, false)),
  ]
  for (const bytes of marked) {
    assert.deepEqual(decodeText(bytes), { ok: true, text: NAMES })
    assert.deepEqual(decodeText(bytes, 'windows-1252'), { ok: true, text: NAMES })
  }
})

test('UTF-16 without its mark is refused where its first zero is, and read when it is named', () => {
  const verdict = decodeText(utf16(NAMES, true))
  assert.ok(!verdict.ok)
  assert.deepEqual([verdict.line, verdict.column], [1, 2])
  assert.match(verdict.problem, /utf-16le/)
  assert.deepEqual(decodeText(utf16(NAMES, true), 'utf-16le'), { ok: true, text: NAMES })
})

test('the place is that of the first character that is none, whatever the line ends', () => {
  for (const end of ['\n', '\r\n', '\r']) {
    const before = concat(fromText(`a${end}${end}\u00fc\u{1F4A1}x`), Uint8Array.of(0xff, 0x0a))
    const verdict = decodeText(before)
    assert.ok(!verdict.ok)
    assert.deepEqual([verdict.line, verdict.column], [3, 4], JSON.stringify(end))
  }
  const cut = decodeText(fromText('\u00fc').subarray(0, 1))
  assert.ok(!cut.ok)
  assert.match(cut.problem, /byte C3 is not UTF-8/)
})

test('a character that was lost before is refused too, in any encoding', () => {
  const lost = decodeText(fromText('name\nM\uFFFDhl'))
  assert.ok(!lost.ok)
  assert.deepEqual([lost.line, lost.column], [2, 2])
  assert.match(lost.problem, /lost when this was saved/)
  for (const bytes of [utf16('M\uFFFDhl', true), utf16('Mhl', true).subarray(0, 5)]) {
    assert.equal(decodeText(bytes, 'utf-16le').ok, false)
  }
})

test('encodings have the names of the Encoding Standard', () => {
  for (const name of ['utf-8', 'windows-1252', 'latin1', 'UTF-16LE', 'windows-1250', 'gbk']) {
    assert.ok(isEncoding(name), name)
  }
  for (const name of ['', 'none', 'windows', 'utf8x']) assert.ok(!isEncoding(name), name)
})

test('whatever the bytes: the text has no U+FFFD and gives the bytes back, or there is none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const verdict = decodeText(bytes)
      if (!verdict.ok) return
      assert.ok(!verdict.text.includes('\uFFFD'))
      const again = fromText(verdict.text)
      const isMarked = /^(?:efbbbf|fffe|feff)/.test(bytes.toHex())
      if (!isMarked) assert.equal(again.toHex(), bytes.toHex())
    }),
    { numRuns: 500 },
  )
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      const clean = text.replace(/[\uFFFD\0]|^\uFEFF/g, '')
      assert.deepEqual(decodeText(fromText(clean)), { ok: true, text: clean.toWellFormed() })
    }),
    { numRuns: 500 },
  )
})
