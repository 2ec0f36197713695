// The law of the house, executable. Each rule is tried on samples first (it must be able to fail),
// then on every source file; a breach names file and line.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { circles } from './tidy/circles.ts'
import { DOMAINS, foreignWrites, readmeFaults, tableOwners } from './tidy/domains.ts'
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

test('tidy: what lies in one folder imports without a circle, types included', () => {
  const one = source('shared/a/one.ts', "import type { B } from '../b/two.ts'")
  const two = source('shared/b/two.ts', "import { c } from './three.ts'")
  const three = source('shared/b/three.ts', "import { x } from '../a/x.ts'")
  assert.deepEqual(circles([one, two]), [])
  assert.deepEqual(circles([one, two, three]), [
    'shared: shared/a/one.ts imports shared/b/two.ts, shared/b/three.ts imports shared/a/x.ts',
  ])
  const own = source('shared/b/four.ts', "import { a } from './five.ts'")
  const back = source('shared/b/five.ts', "import { a } from './four.ts'")
  assert.equal(circles([own, back]).length, 1)
  const found = circles(files)
  if (found.length > 0) assert.fail(found.join('\n'))
})

test('tidy: a table is written by the domain that declares it', () => {
  const owners = new Map([['bills', 'bills']])
  const path = 'services/billing/notices/db/a.ts'
  const writes = ["db.insertInto('bills')", '`delete from bills where id = 1`']
  for (const text of [...writes, '`update bills as b set total = 1`', '`update bills set x = 1`']) {
    assert.deepEqual(foreignWrites(path, text, owners), [`${path} writes bills of bills`], text)
  }
  for (const text of ["db.selectFrom('bills')", '`insert into notices (id) values (1)`']) {
    assert.deepEqual(foreignWrites(path, text, owners), [])
  }
  assert.deepEqual(foreignWrites('services/billing/bills/db/a.ts', writes.join('\n'), owners), [])
  const declared = tableOwners(files)
  assert.equal(declared.get('bills'), 'bills', 'no table was found')
  const found = files.flatMap(({ path: each, uncommented }) =>
    foreignWrites(each, uncommented, declared),
  )
  if (found.length > 0) assert.fail(found.join('\n'))
})

test('tidy: every domain of billing says in a short README what it owns', () => {
  const whole = '# a\nOwns b. Does not own c. Tables: d. Invariant: e. Start reading at f.\n'
  assert.deepEqual(readmeFaults('a', whole), [])
  assert.deepEqual(readmeFaults('a', null), ['a is missing'])
  assert.deepEqual(readmeFaults('a', whole.replace('Invariant', '')), ['a does not say: Invariant'])
  assert.deepEqual(readmeFaults('a', whole + '\n'.repeat(30) + 'x'), ['a has 33 lines'])
  const there = new Set(projectFiles())
  const found = Object.keys(DOMAINS).flatMap((domain) => {
    const path = `services/billing/${domain}/README.md`
    return readmeFaults(path, there.has(path) ? readText(path) : null)
  })
  if (found.length > 0) assert.fail(found.join('\n'))
})
