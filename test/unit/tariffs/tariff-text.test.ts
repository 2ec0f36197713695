import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  readTariffText,
  TARIFF_TEXT_MAX,
  tariffFile,
} from '../../../services/billing/tariffs/shell/tariff-text.ts'
import { tariffText } from '../../../services/billing/tariffs/core/print.ts'
import { MSEDCL, tariffOf } from '../../fixtures/bill-facts.ts'

const TEXT = tariffText(tariffOf(MSEDCL))

/** `line:column path: why` of every mistake. */
function mistakes(text: string): readonly string[] {
  const verdict = readTariffText(text)
  return verdict.ok
    ? []
    : verdict.faults.map(({ line, column, path, why }) => `${line}:${column} ${path}: ${why}`)
}

/** Where a piece of the text stands. */
function at(text: string, piece: string): string {
  const before = text.slice(0, text.indexOf(piece)).split('\n')
  return `${before.length}:${(before.at(-1) ?? '').length + 1}`
}

test('a document as we print it is read back as the same tariff', () => {
  const verdict = readTariffText(TEXT)
  assert.ok(verdict.ok)
  assert.equal(tariffText(verdict.tariff), TEXT)
})

test('every mistake is named, each at its line and column, in the order of the text', () => {
  const text = TEXT.replace('"INR"', '"inr"')
    .replace('"3.46"', '3.46')
    .replace('"rate": "7.43"', '"raet": "7.43"')
    .replace('"percent": "16"', '"percent": "16 %"')
  assert.deepEqual(mistakes(text), [
    `${at(text, '"inr"')} currency: not three capital letters`,
    `${at(text, '3.46')} charges[0].slabs[0].rate: not in quotes: numbers stand in them, as "3.46", so that no digit is lost`,
    `${at(text, '{ "upTo": "300", "raet"')} charges[0].slabs[1].rate: missing`,
    `${at(text, '"raet"')} charges[0].slabs[1].raet: unknown field`,
    `${at(text, '"16 %"')} charges[4].percent: not a decimal number in quotes, such as "3.46"`,
  ])
})

test('a wrong kind does not make every line after it wrong', () => {
  const text = TEXT.replace('"kind": "fixed"', '"kind": "fxied"')
  assert.deepEqual(mistakes(text), [
    `${at(text, '"fxied"')} charges[3].kind: not one of slabs, fixed, tax`,
  ])
})

test('a field that stands twice is refused: JSON.parse would silently take the second', () => {
  const text = TEXT.replace('"dueDays": 15', '"dueDays": 15, "dueDays": 16')
  assert.deepEqual(mistakes(text), [`${at(text, '"dueDays": 16')} : this field stands twice`])
})

const SYNTAX: readonly (readonly [what: string, text: string, mistake: RegExp])[] = [
  ['nothing', ' \n', /^1:1 : nothing here/],
  ['no JSON', 'tariff', /^1:1 : not a value/],
  ['a comma too many', '{"format": "ticklock-tariff/1",}', /^1:32 : /],
  ['a comment', '{ // mine\n}', /^1:3 : a comment/],
  ['an open text', '{"format": "tick\n}', /^1:12 : a text without its closing quote/],
  ['something behind it', '{} {}', /^1:4 : something stands behind/],
  ['ten thousand levels', '['.repeat(10_000), /^1:17 : nested too deeply$/],
  [
    'another language',
    '{"format": "ticklock-tariff/2"}',
    /^1:12 format: not one of ticklock-tariff\/1/,
  ],
  ['a list', '[]', /^1:1 document: not an object/],
  [
    'a zero byte in a label',
    TEXT.replace('"Wheeling"', '"a\\u0000"'),
    / charges\[1\]\.label: not a text that can/,
  ],
  [
    'half a letter',
    TEXT.replace('"Wheeling"', '"\\ud800"'),
    / charges\[1\]\.label: not a text that can/,
  ],
]
for (const [what, text, mistake] of SYNTAX) {
  test(`a text with ${what} is refused at its place`, () => {
    const [first = 'accepted'] = mistakes(text)
    assert.match(first, mistake)
  })
}

test('a megabyte is refused at once, and fifty mistakes are enough', () => {
  assert.match(
    mistakes(' '.repeat(TARIFF_TEXT_MAX) + TEXT)[0] ?? '',
    /longer than 65536 characters/,
  )
  assert.match(mistakes('['.repeat(1_048_576))[0] ?? '', /longer than/)
  const strays = Array.from({ length: 1_000 }, (_, i) => `"x${i}": 1`).join(',')
  assert.equal(mistakes(`{"format": "ticklock-tariff/1", ${strays}}`).length, 50)
})

test('a file is UTF-8 with or without its mark, or UTF-16 with one; anything else is named', () => {
  const of = (bytes: Uint8Array): string => {
    const read = tariffFile(bytes)
    return read.ok ? read.text : `${read.faults[0]?.line}: ${read.faults[0]?.why}`
  }
  const utf16 = Buffer.from(`\uFEFF${TEXT}`, 'utf16le')
  assert.equal(of(Buffer.from(`\uFEFF${TEXT}`)), TEXT)
  assert.equal(of(utf16), TEXT)
  assert.match(of(utf16.subarray(2)), /^1: a zero byte: if it is UTF-16/)
  assert.match(of(Buffer.from('{\n"name": "M\xFChl"}', 'latin1')), /^2: byte FC is not UTF-8/)
})
