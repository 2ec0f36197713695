// The numbers that stand for names, on the wire and in the database, against the documents that
// promise them.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SOURCE_NUMBER } from '../../../services/billing/readings/db/source-numbers.ts'
import { packageRoot } from '../../../shared/node/root.ts'
import {
  COMMAND_TASK,
  CONTROL_TYPE,
  EXPECT_CODE,
  METER_CLOCK_OUTCOME,
  namesOf,
  READING_SOURCE,
  RECEIPT_OUTCOME,
  STAMP_STATE,
  TOMBSTONE_REASON,
} from '../../../shared/wire/numbers.ts'

const text = (path: string): string => readFileSync(join(packageRoot(), path), 'utf8')

/** Rows of the tables below the heading that begins with `heading`, cell by cell. */
function tableRows(heading: string): readonly (readonly string[])[] {
  const lines = text('docs/wire.md').split('\n')
  const start = lines.findIndex((line) => line.startsWith(heading))
  assert.notEqual(start, -1, `wire.md has "${heading}"`)
  const rest = lines.slice(start + 1)
  const end = rest.findIndex((line) => line.startsWith('#'))
  return rest
    .slice(0, end)
    .filter((line) => /^\| (?!---)/.test(line))
    .slice(1)
    .map((line) => line.split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()))
}

/** `1 done; 2 refused: why` as { done: 1, refused: 2 }. */
const listed = (list: string, separator: string): Record<string, number> =>
  Object.fromEntries(
    list.split(separator).map((entry) => {
      const [, number = '', name = ''] = /^(\d+) ([^:]+)/.exec(entry.trim()) ?? []
      return [name, Number(number)]
    }),
  )

const fields: readonly [string, Readonly<Record<string, number>>][] = [
  ['COMMAND', COMMAND_TASK],
  ['RECEIPT outcome', RECEIPT_OUTCOME],
  ['EXPECT code', EXPECT_CODE],
  ['TOMBSTONE reason', TOMBSTONE_REASON],
  ['METER CLOCK outcome', METER_CLOCK_OUTCOME],
  ['source of a head (8.2)', READING_SOURCE],
  ['clock state of a stamp (8.2)', STAMP_STATE],
]

test('wire.md 5.4 has a row for each field with named numbers, and no other', () => {
  assert.deepEqual(
    tableRows('### 5.4').map(([field]) => field),
    fields.map(([field]) => field),
  )
})

for (const [field, numbers] of fields) {
  test(`the numbers of ${field} are those of wire.md 5.4`, () => {
    const row = tableRows('### 5.4').find(([name]) => name === field)
    assert.deepEqual({ ...numbers }, listed(row?.[1] ?? '', ';'))
  })
}

test('the types of control messages are those of wire.md 5', () => {
  const rows = tableRows('## 5. Control messages').map(([type = '', name = '']) => [
    name.toLowerCase().replaceAll(' ', '-'),
    Number(type),
  ])
  assert.deepEqual({ ...CONTROL_TYPE }, Object.fromEntries(rows))
})

test('commands have the numbers of wire.md 5.1', () => {
  const numbers = tableRows('### 5.1').map(([number]) => Number(number))
  assert.deepEqual(Object.values(COMMAND_TASK), numbers)
})

test('the column "source" holds the numbers that its migration gives', () => {
  const [, list = ''] =
    /source: ([^.]+)\./.exec(text('migrations/0002_readings.sql').replaceAll('\n-- ', ' ')) ?? []
  assert.deepEqual({ ...SOURCE_NUMBER }, listed(list, ','))
})

test('every number leads back to its name, and an unknown one to none', () => {
  for (const [field, numbers] of fields) {
    const names = namesOf(numbers)
    for (const [name, number] of Object.entries(numbers)) {
      assert.equal(names.get(number), name, field)
    }
    assert.equal(names.get(255), undefined, field)
  }
})

test('two names with one number are our own mistake', () => {
  assert.throws(() => namesOf({ one: 1, other: 1 }), /has one name/)
})
