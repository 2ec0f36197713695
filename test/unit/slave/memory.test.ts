// Everything that can be reached from the state of a slave and of its master, after an epoch was
// filled: no node above a key that is spent, no spent leaf, no root, no epoch secret. What lies in
// the process beside that: e2e/memory.test.ts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toHex } from '../../../shared/bytes.ts'
import { decodeTree } from '../../../shared/tves/tree.ts'
import { monoUs } from '../../../shared/units.ts'
import { goneKeys } from '../../e2e/memory-image.ts'
import { bytesIn } from '../../sim/memory.ts'
import { Walk } from './walk.ts'
import { readingOf } from '../pairs/pair-world.ts'

const SECOND = 1_000_000
const FRAMES = 300
const KEY_BYTES = 32

/** Names of the keys that lie anywhere in what can be reached. */
function found(root: unknown, gone: ReadonlyMap<string, Uint8Array>): readonly string[] {
  const names = new Map([...gone].map(([name, key]) => [toHex(key), name]))
  const seen = new Set<string>()
  for (const bytes of bytesIn(root)) {
    for (let at = 0; at + KEY_BYTES <= bytes.length; at += 1) {
      const name = names.get(toHex(bytes.subarray(at, at + KEY_BYTES)))
      if (name !== undefined) seen.add(name)
    }
  }
  return [...seen]
}

test('after 300 seconds no state at slave or master holds a spent key (wire.md 7)', () => {
  const walk = new Walk()
  walk.connect()
  const offered = walk.state.jobs.busy?.handed?.epochs?.[0]
  assert.ok(offered !== undefined)
  const root = decodeTree(offered.tree)?.nodes[0]?.key
  assert.ok(root !== undefined)
  walk.storeAll()
  const spent: number[] = []
  for (let n = 0; n < FRAMES; n += 1) {
    walk.mono += (n % 50 === 49 ? 97 : 1) * SECOND
    const asked = { on: 'readings', meter: 'M-1', request: 'push', more: false } as const
    walk.tell({ ...asked, at: monoUs(walk.mono), readings: [readingOf('M-1')] })
    // Now and then the disk refuses first, and the same frames are handed to it again.
    if (n % 40 === 7) {
      walk.refuse()
      walk.mono += 2 * SECOND
      walk.tell({ on: 'tick' })
    }
    spent.push(walk.state.jobs.busy?.handed?.frames?.at(-1)?.second ?? 0)
    walk.storeAll()
  }
  const last = Math.max(...spent)
  const before = spent.filter((at) => at < last)
  const gone = goneKeys(root, before, last)
  assert.ok(gone.size > FRAMES, `${gone.size} keys`)
  assert.deepEqual(found(walk.state, gone), [], 'the slave')
  assert.deepEqual(found(walk.roster, gone), [], 'the master')
  // The search finds what is there: the leaf of the last second at the master, which may be used
  // again, and at the slave until that second is over.
  const leaf = goneKeys(root, [last], last + 1)
  assert.ok(found(walk.roster, leaf).length > 0)
  assert.ok(found(walk.state, leaf).length > 0)
  walk.mono += 2 * SECOND
  walk.tell({ on: 'tick' })
  assert.deepEqual(found(walk.state, leaf), [], 'the second is over')
})
