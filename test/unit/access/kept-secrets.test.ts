// Secrets between two pages: for the operator who typed them, for what they were typed for, for a
// while.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { openKeptSecrets } from '../../../services/billing/access/shell/kept-secrets.ts'

const word = () => new Uint8Array([1, 2, 3])

test('kept for one operator and one purpose; a copy leaves it there', () => {
  const kept = openKeptSecrets()
  kept.keep(1, 'mail a', word())
  assert.deepEqual(kept.copy(1, 'mail a'), word())
  kept.copy(1, 'mail a')?.fill(0)
  assert.deepEqual(kept.copy(1, 'mail a'), word())
  assert.equal(kept.copy(2, 'mail a'), null)
  assert.equal(kept.copy(1, 'mail b'), null)
})

test('overwritten when it is replaced, forgotten, too old, or crowded out', async () => {
  const kept = openKeptSecrets(20)
  const [first, second, third] = [word(), word(), word()]
  kept.keep(1, 'a', first)
  kept.keep(1, 'a', second)
  assert.deepEqual([...first], [0, 0, 0])
  kept.forget(1, 'a')
  assert.deepEqual([...second], [0, 0, 0])
  kept.keep(1, 'b', third)
  await wait(60)
  assert.deepEqual([...third], [0, 0, 0])
  assert.equal(kept.copy(1, 'b'), null)
  const crowded = openKeptSecrets()
  const oldest = word()
  crowded.keep(0, 'x', oldest)
  for (let n = 1; n <= 32; n += 1) crowded.keep(n, 'x', word())
  assert.deepEqual([...oldest], [0, 0, 0])
})
