// The key of the day under which drained epochs wait out their grace.

import assert from 'node:assert/strict'
import { mkdirSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { DrainedKeys } from '../../../services/master/shell/keys/drained-keys.ts'
import { DRAINED_KEPT_DAYS } from '../../../shared/wire/limits.ts'
import { folderFor } from '../../fixtures/folder.ts'

const DAY_MS = 86_400_000
const START_MS = 20_000 * DAY_MS
const PLACE = { is: 'tree', device: '0011223344556677', epoch: 7 } as const
const TREE = new Uint8Array(100).fill(3)

test('one key a day, read again at the next start, destroyed when all it wrapped is over', (t) => {
  const folder = folderFor(t)
  mkdirSync(folder)
  const keys = new DrainedKeys(folder)
  assert.deepEqual(readdirSync(folder), [])
  const first = keys.wrap(TREE, PLACE, START_MS)
  const second = keys.wrap(TREE, PLACE, START_MS + DAY_MS - 1)
  const third = keys.wrap(TREE, PLACE, START_MS + DAY_MS)
  assert.deepEqual(readdirSync(folder).toSorted(), ['drained-20000.key', 'drained-20001.key'])
  const again = new DrainedKeys(folder)
  for (const wrapped of [first, second, third]) {
    assert.deepEqual(again.unwrap(wrapped, PLACE), TREE)
    assert.equal(again.unwrap(wrapped, { ...PLACE, epoch: 8 }), null, 'bound to its row')
  }
  // A row that was wrapped in the last instant of its day lives this long.
  const rowsGone = START_MS + DAY_MS + DRAINED_KEPT_DAYS * DAY_MS
  again.eraseOld(rowsGone)
  assert.deepEqual(again.unwrap(second, PLACE), TREE)
  again.eraseOld(rowsGone + 2 * DAY_MS)
  assert.deepEqual(readdirSync(folder), ['drained-20001.key'])
  assert.equal(again.unwrap(first, PLACE), null)
  assert.deepEqual(again.unwrap(third, PLACE), TREE)
})
