// The wrap key of the key trees: rotation, and a power cut after each of its steps.

import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openKeyStore } from '../../../services/master/shell/keys/key-store.ts'
import {
  type RotationStep,
  rotateTreeKey,
  TreeKeys,
} from '../../../services/master/shell/keys/tree-keys.ts'
import type { Rewrap, SecretPlace } from '../../../shared/handover/roster.ts'
import { nodeRandom } from '../../../shared/node/node-suite.ts'

const EPOCHS = 5
const NOW = 1_790_000_000_000

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-trees-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Rows of a database whose transaction is all or nothing. */
class Rows {
  rows: Uint8Array[] = []
  /** 'before': it fails and nothing changed. 'after': it is durable, and the answer is lost. */
  trouble: 'before' | 'after' | null = null

  async rewrap(rewrap: Rewrap): Promise<void> {
    const made = rewrap(this.rows.map((keys, epoch) => ({ device: 'd', epoch, keys })))
    if (this.trouble === 'before') throw new Error('rolled back')
    this.rows = this.rows.map((row, at) => made[at] ?? row)
    if (this.trouble === 'after') throw new Error('the connection broke')
  }
}

const rotate = (trees: TreeKeys, roster: Rows, cut: (step: RotationStep) => void = () => {}) =>
  rotateTreeKey({
    trees,
    roster,
    current: () => null,
    unwrap: (wrapped, place) => trees.unwrap(wrapped, place),
    settled: async () => {},
    nowMs: NOW,
    cut,
  })

function filled(trees: TreeKeys): { rows: Rows; plain: Uint8Array[] } {
  const rows = new Rows()
  const plain = Array.from({ length: EPOCHS }, () => nodeRandom(900))
  rows.rows = plain.map((tree, epoch) => trees.wrap(tree, placeOf(epoch)))
  return { rows, plain }
}

const placeOf = (epoch: number): SecretPlace => ({ is: 'tree', device: 'd', epoch })

const openedRows = (trees: TreeKeys, rows: readonly Uint8Array[]) =>
  rows.map((row, epoch) => trees.unwrap(row, placeOf(epoch)))
const opened = (trees: TreeKeys, { rows }: Rows) => openedRows(trees, rows)

test('after a rotation the old rows no longer open, the new ones do, and one file is left', async (t) => {
  const folder = folderFor(t)
  const trees = new TreeKeys(folder, NOW)
  const { rows, plain } = filled(trees)
  const old = [...rows.rows]
  const key = readFileSync(join(folder, 'trees-1.key'))
  assert.equal((await rotate(trees, rows)).epochs, EPOCHS)
  assert.deepEqual(opened(trees, rows), plain)
  assert.deepEqual(readdirSync(folder), ['trees-2.key'])
  const again = new TreeKeys(folder, NOW)
  assert.deepEqual(opened(again, rows), plain)
  const none = old.map(() => null)
  assert.deepEqual(openedRows(again, old), none)
  // Proves that the line above means something: with the destroyed key they do open.
  writeFileSync(join(folder, 'trees-1.key'), key, { mode: 0o600 })
  const restored = new TreeKeys(folder, NOW)
  assert.deepEqual(openedRows(restored, old), plain)
})

for (const step of ['made', 'rewrapped', 'overwritten'] as const) {
  test(`a cut after "${step}" loses no tree, and the next rotation ends it`, async (t) => {
    const folder = folderFor(t)
    const before = new TreeKeys(folder, NOW)
    const { rows, plain } = filled(before)
    const cut = (at: RotationStep): void => {
      if (at === step) throw new Error('cut')
    }
    await assert.rejects(rotate(before, rows, cut), /cut/)
    const after = new TreeKeys(folder, NOW)
    assert.deepEqual(opened(after, rows), plain)
    assert.equal(after.newest, 2)
    assert.deepEqual(
      after.held.toSorted((a, b) => a - b),
      step === 'overwritten' ? [2] : [1, 2],
    )
    await rotate(after, rows)
    assert.deepEqual(opened(new TreeKeys(folder, NOW), rows), plain)
    assert.deepEqual(readdirSync(folder), ['trees-3.key'])
  })
}

for (const trouble of ['before', 'after'] as const) {
  test(`a transaction that fails ${trouble} it is durable leaves both keys`, async (t) => {
    const folder = folderFor(t)
    const trees = new TreeKeys(folder, NOW)
    const { rows, plain } = filled(trees)
    rows.trouble = trouble
    await assert.rejects(rotate(trees, rows))
    assert.deepEqual(opened(trees, rows), plain)
    assert.deepEqual(opened(new TreeKeys(folder, NOW), rows), plain)
    // An epoch stored in between is under the newest key.
    rows.rows.push(trees.wrap(nodeRandom(900), placeOf(EPOCHS)))
    rows.trouble = null
    assert.equal((await rotate(trees, rows)).epochs, EPOCHS + 1)
    assert.deepEqual(trees.held, [3])
    assert.equal(opened(new TreeKeys(folder, NOW), rows).filter((tree) => tree === null).length, 0)
  })
}

test('a tree that does not open is left as it is, and does not prevent a rotation', async (t) => {
  const trees = new TreeKeys(folderFor(t), NOW)
  const { rows } = filled(trees)
  const strange = new TreeKeys(folderFor(t), NOW).wrap(nodeRandom(900), placeOf(EPOCHS))
  rows.rows.push(strange)
  assert.equal((await rotate(trees, rows)).epochs, EPOCHS)
  assert.equal(rows.rows.at(-1), strange)
})

test('a rotation waits for an epoch that is being stored under the old key', async (t) => {
  const trees = new TreeKeys(folderFor(t), NOW)
  const { rows } = filled(trees)
  const late = trees.wrap(nodeRandom(900), placeOf(EPOCHS))
  await rotateTreeKey({
    trees,
    roster: rows,
    current: () => null,
    unwrap: (wrapped, place) => trees.unwrap(wrapped, place),
    settled: async () => {
      rows.rows.push(late)
    },
    nowMs: NOW,
  })
  assert.equal(opened(trees, rows).filter((tree) => tree === null).length, 0)
})

test('a key file that others can read is OPS-10, one of another length OPS-16', (t) => {
  const folder = folderFor(t)
  const file = join(folder, 'trees-1.key')
  const openTwice = () => new TreeKeys(folder, NOW)
  writeFileSync(file, nodeRandom(35), { mode: 0o600 })
  assert.throws(openTwice, /OPS-16/)
  rmSync(file)
  writeFileSync(file, nodeRandom(36), { mode: 0o644 })
  assert.throws(openTwice, /OPS-10/)
  const keys = join(folder, 'keys')
  openKeyStore(keys)
  writeFileSync(join(keys, 'wrap.key'), nodeRandom(5))
  assert.throws(() => openKeyStore(keys), /OPS-16/)
})
