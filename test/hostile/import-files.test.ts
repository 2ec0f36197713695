// Mutated files of imports: whatever the bytes are, the answer is a verdict, a line is read or
// refused, and what is read can be staged as JSON and as text of the database.
// TICKLOCK_IMPORT_FILES says how many files; a slice of a million runs with the tests.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ENCODINGS } from '../../services/billing/customers/core/imports/dialect.ts'
import { KINDS } from '../../services/billing/customers/core/imports/kinds.ts'
import { readLine } from '../../services/billing/customers/core/imports/lines.ts'
import {
  guessMapping,
  type Mapping,
} from '../../services/billing/customers/core/imports/mapping.ts'
import { sampleOf } from '../../services/billing/customers/core/imports/sample.ts'
import { readRecords } from '../../services/billing/customers/shell/imports/records.ts'
import { csvLine } from '../../shared/documents/csv.ts'
import { isPlainText } from '../../shared/documents/plain-text.ts'
import { chanceOf } from '../sim/prng.ts'

const FILES = Number(process.env['TICKLOCK_IMPORT_FILES'] ?? 4_000)

/** What breaks readers of CSV, spreadsheets and databases. */
const POISON = [
  '"',
  '""',
  ',',
  ';',
  '\t',
  '\r',
  '\n',
  '\0',
  '\u{feff}',
  '\ud800',
  '=1+1',
  '1e999',
].map((text) => Buffer.from(text))

const SEEDS = KINDS.map((kind) => {
  const { head, rows } = sampleOf(kind)
  return {
    kind,
    file: Buffer.from([head, ...rows, ...rows].map((row) => csvLine([...row])).join('')),
  }
})

async function* once(part: Uint8Array): AsyncGenerator<Uint8Array> {
  yield part
}

test(`${FILES} mutated files are read or refused, and never anything else`, async () => {
  const { below } = chanceOf(2026, 'import files')
  const seen = { read: 0, refused: 0, lines: 0, refusals: 0 }
  for (let file = 0; file < FILES; file += 1) {
    const { kind, file: seed } = SEEDS[file % SEEDS.length] ?? { kind: 'flat' as const, file: null }
    let bytes = Buffer.from(seed ?? '')
    for (let blow = below(6); blow >= 0; blow -= 1) {
      const at = below(bytes.length + 1)
      const poison = POISON[below(POISON.length)] ?? Buffer.alloc(0)
      const end = at + below(8)
      const how = below(3)
      if (how === 0) bytes = Buffer.concat([bytes.subarray(0, at), poison, bytes.subarray(at)])
      else if (how === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)])
      else if (at < bytes.length) bytes[at] = below(256)
    }
    const encoding = ENCODINGS[below(8)] ?? 'utf-8'
    let mapping: Mapping = []
    const verdict = await readRecords(
      once(bytes),
      { encoding, delimiter: null },
      {
        head: (cells) => {
          mapping = guessMapping(kind, cells)
          return true
        },
        take: async (records) => {
          for (const { line, cells } of records) {
            const dialect = { decimal: '.', dates: 'none', zone: '' } as const
            const read = readLine(line, cells, { kind, mapping, dialect })
            seen.lines += 1
            if (read.ok) assert.ok(isPlainText(Object.values(read.line).join(' ')))
            else seen.refusals += read.refusals.length
            assert.ok(read.ok || read.refusals.length > 0)
          }
          return true
        },
      },
    )
    if (verdict.ok) seen.read += 1
    else seen.refused += 1
  }
  assert.equal(seen.read + seen.refused, FILES)
  assert.ok(seen.read > FILES / 4 && seen.refused > FILES / 50, JSON.stringify(seen))
  assert.ok(seen.lines > FILES / 2 && seen.refusals > FILES / 20, JSON.stringify(seen))
})
