// The environment variables: one list in the code, and what the documents promise of it.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readSettings } from '../../../services/settings.ts'
import { variable, variableDefaults } from '../../../services/variables.ts'
import { packageRoot } from '../../../shared/node/root.ts'

const text = (path: string): string => readFileSync(join(packageRoot(), path), 'utf8')

/** Name and default of each variable that a table of the document lists; a default in brackets
 * stands for none. */
function documented(path: string): ReadonlyMap<string, string> {
  const rows = text(path).matchAll(/^\| (`(?:TICKLOCK_|DATABASE_)[^|]*) \| ([^|]*)\|/gm)
  const pairs = [...rows].flatMap(([, names = '', defaults = '']) => {
    const listed = [...names.matchAll(/`([A-Z_]+)`/g)].map(([, name = '']) => name)
    const values = defaults.trim().startsWith('(') ? [] : defaults.trim().split(', ')
    const [first = ''] = listed
    return listed.map((name, at): [string, string] => [
      name.startsWith('_') ? `${first}${name}` : name,
      values[at] ?? '',
    ])
  })
  return new Map(pairs)
}

test('docs/operating.md lists every variable with what holds when it is not set', () => {
  const defaults = variableDefaults()
  const told = documented('docs/operating.md')
  assert.deepEqual([...told.keys()].toSorted(), [...defaults.keys()].toSorted())
  for (const [name, otherwise] of told) {
    // What stands on bills is a placeholder until the operator says it.
    if (!name.startsWith('TICKLOCK_UTILITY')) assert.equal(otherwise, defaults.get(name), name)
  }
})

test('README.md says the same of those it lists', () => {
  const told = documented('README.md')
  assert.ok(told.size >= 8)
  for (const [name, otherwise] of told) assert.equal(otherwise, variableDefaults().get(name), name)
})

test('no file of a service names a variable that is not in the list', () => {
  const known = variableDefaults()
  const named = readdirSync(join(packageRoot(), 'services'), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path))
    .flatMap((path) => text(join('services', path)).match(/\bTICKLOCK_[A-Z_]+\b/g) ?? [])
  assert.ok(named.length > known.size)
  assert.deepEqual(
    [...new Set(named)].filter((name) => !known.has(name)),
    [],
  )
})

test('a variable that is set to nothing counts as not set', () => {
  assert.equal(variable({ TICKLOCK_ZONE: '' }, 'TICKLOCK_ZONE'), 'UTC')
  assert.deepEqual(
    readSettings({ TICKLOCK_DATA: '', DATABASE_URL: '', TICKLOCK_TCP_PORT: '' }),
    readSettings({}),
  )
})

test('OPS-05 names the variable and its range', () => {
  assert.throws(
    () => readSettings({ TICKLOCK_TOLERANCE_S: '61' }),
    /OPS-05 .*TICKLOCK_TOLERANCE_S="61" is not a number 1 to 60/,
  )
  assert.equal(readSettings({ TICKLOCK_TOLERANCE_S: '60' }).toleranceSeconds, 60)
  assert.equal(readSettings({ TICKLOCK_CLOCK_BOUND_MS: 'unknown' }).clockBoundUs, null)
})
