// The law of the house, executable. Each rule is tried on samples first (it must be able to fail),
// then on every source file; a breach names file and line.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RULES } from './tidy/rules.ts'
import { projectFiles, readText, source } from './tidy/source.ts'

/** Fewer source files than this and the tests looked in the wrong place. */
const FILES_FLOOR = 100

const files = projectFiles()
  .filter((path) => /^(?:services|shared|test)\/.*\.tsx?$/.test(path))
  .map((path) => source(path, readText(path)))

test('the tidy tests see the project', () => {
  assert.ok(files.length >= FILES_FLOOR, `only ${files.length} source files found`)
})

for (const rule of RULES) {
  test(`tidy: ${rule.name}`, () => {
    for (const [path, text] of rule.bad) {
      assert.notDeepEqual(rule.breaches(source(path, text)), [], `lets pass: ${path}: ${text}`)
    }
    for (const [path, text] of rule.good) {
      assert.deepEqual(rule.breaches(source(path, text)), [], `refuses: ${path}: ${text}`)
    }
    const breaches = files.flatMap(rule.breaches)
    if (breaches.length > 0) assert.fail(breaches.join('\n'))
  })
}
