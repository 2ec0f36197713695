// docs/vectors.md says which official vectors we test against, to the last byte.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { packageRoot } from '../../../shared/node/root.ts'
import { officialBytes, skip } from './official.ts'

const text = readFileSync(join(packageRoot(), 'docs/vectors.md'), 'utf8')
/** Name and SHA-256 of each file in the table. */
const documented = new Map(
  [...text.matchAll(/^\| `([\w.-]+)` \|.*\| `([0-9a-f]{64})` \|$/gm)].map(
    ([, file = '', digest = '']) => [file, digest] as const,
  ),
)

test('docs/vectors.md names every official file that a test reads, with source and version', () => {
  const sources = globSync('test/unit/tves/*.ts', { cwd: packageRoot() })
  const code = sources.map((file) => readFileSync(join(packageRoot(), file), 'utf8')).join('\n')
  const read = [...code.matchAll(/'((?:wycheproof|nist|mls)-[\w.-]+\.(?:json|rsp))'/g)]
  const files = new Set(read.map(([, file = '']) => file))
  assert.ok(files.size >= 9, `${files.size} files found in the tests`)
  for (const file of files) assert.ok(documented.has(file), file)
  assert.ok(documented.size >= files.size)
})

test('each official file has the SHA-256 of docs/vectors.md', { skip }, () => {
  assert.ok(documented.size > 0, 'the table is read')
  for (const [file, digest] of documented) {
    assert.equal(createHash('sha256').update(officialBytes(file)).digest('hex'), digest, file)
  }
})
