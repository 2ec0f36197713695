import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { csvPieces, csvRow, defused, undefused } from '../../../services/billing/kit/csv.ts'
import { readCsv } from '../../../shared/documents/csv.ts'

test('text that a spreadsheet would run gets an apostrophe in front', () => {
  for (const [text, shown] of [
    ['=1+1', "'=1+1"],
    ['+49 30 1234', "'+49 30 1234"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t'=1"],
    ['\r=1', "'\r'=1"],
    ['  =1', "'  =1"],
    ['＝1', "'＝1"],
    ['＋1', "'＋1"],
    ['－1', "'－1"],
    ['＠a', "'＠a"],
    ["'=1", "''=1"],
    // Where the program splits at semicolons, or takes a line end for one, a cell begins there.
    ['Flat 3;=1', "Flat 3;'=1"],
    ['Flat 3\n@x', "Flat 3\n'@x"],
    ['a=b', 'a=b'],
    ["O'Brien", "O'Brien"],
    ['Lake Road 12-14', 'Lake Road 12-14'],
  ] as const) {
    assert.equal(defused(text), shown, JSON.stringify(text))
    assert.equal(undefused(shown), text, JSON.stringify(text))
  }
})

const nasty = fc.string({
  unit: fc.oneof(
    fc.constantFrom(...Array.from(`=+-@＝＋－＠'";,\t\r\n a`)),
    fc.string({ maxLength: 1 }),
  ),
})

test('no cell begins a formula for any separator, and every text comes back', () => {
  fc.assert(
    fc.property(nasty, (text) => {
      const safe = defused(text)
      assert.equal(undefused(safe), text)
      for (const piece of safe.split(/[;\t\r\n]/)) assert.doesNotMatch(piece, /^\s*[=+\-@＝＋－＠]/)
    }),
  )
})

test('a file is UTF-8 with its mark, lines end with CR LF, numbers stay numbers', async () => {
  const rows = [['=A', -5, { exact: '-12.345' }, null, 'say "hi", Ada']]
  let text = ''
  for await (const piece of csvPieces({ head: ['Name', 'n'], rows })) text += piece
  assert.equal(text, '\uFEFF"Name","n"\r\n"\'=A",-5,-12.345,,"say ""hi"", Ada"\r\n')
})

test('what is written is read again as it was', () => {
  fc.assert(
    fc.property(fc.array(nasty, { minLength: 2, maxLength: 5 }), (texts) => {
      const verdict = readCsv(csvRow(texts))
      assert.ok(verdict.ok)
      assert.deepEqual(
        verdict.rows[0]?.map(({ text }) => undefused(text)),
        texts,
      )
    }),
  )
})

test('a number that is none is a mistake of ours', () => {
  assert.throws(() => csvRow([Number.NaN]))
  assert.throws(() => csvRow([{ exact: '=1' }]))
})

test('no more than a piece of a long list is held', async () => {
  let made = 0
  function* rows() {
    for (; made < 100_000; made += 1) yield [made, 'x'.repeat(100)]
  }
  const pieces = csvPieces({ head: ['n', 'x'], rows: rows() })
  const first = await pieces.next()
  assert.ok(made < 400, `${made} rows were made before the first piece was taken`)
  assert.ok(first.done === false && first.value.length < 40_000)
})
