import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { concat, fromText } from '../../shared/bytes.ts'
import { nodeSuite } from '../../shared/node/node-suite.ts'
import { nobleSuite } from '../../shared/tves/noble-suite.ts'
import {
  decodeTree,
  encodeTree,
  type KeyTree,
  leafAt,
  plantTree,
  puncture,
} from '../../shared/tves/tree.ts'
import { second } from '../../shared/units.ts'

const END = 2 ** 32
const secret = Uint8Array.from({ length: 32 }, (_, i) => i)

/** The definition of wire.md 7, bit by bit, without any cleverness. */
function leafByDefinition(index: number): Uint8Array {
  let node = nodeSuite.sha512(concat(fromText('TVES/1 root'), secret)).slice(0, 32)
  for (let level = 0; level < 32; level += 1) {
    const both = nodeSuite.sha512(concat(fromText('TVES/1 node'), Uint8Array.of(level), node))
    const right = Math.floor(index / 2 ** (31 - level)) % 2 === 1
    node = right ? both.slice(32) : both.slice(0, 32)
  }
  return node
}

/** Nodes touch from `next` to the end, each on its own grid: so none covers a second below `next`.
 */
function assertCovers(tree: KeyTree): void {
  let begin = tree.next
  for (const { level, key } of tree.nodes) {
    assert.equal(key.length, 32)
    assert.equal(begin % 2 ** (32 - level), 0)
    begin += 2 ** (32 - level)
  }
  assert.equal(begin, END)
}

const anySecond = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: END - 1 }),
  fc.integer({ min: END - 40, max: END - 1 }),
  fc.integer({ min: 0, max: 32 }).map((bits) => Math.min(2 ** bits, END - 1)),
)

test('a leaf is as defined, after any path and puncturing (wire.md 7)', () => {
  fc.assert(
    fc.property(fc.array(anySecond, { maxLength: 8 }), anySecond, (stops, last) => {
      let tree = plantTree(nodeSuite, secret)
      const path = [...stops.filter((stop) => stop <= last).sort((a, b) => a - b), last]
      path.forEach((stop, index) => {
        tree = puncture(nodeSuite, tree, second(index % 2 === 0 ? stop : Math.max(stop - 1, 0)))
        const leaf = leafAt(nodeSuite, tree, second(stop))
        assert.ok(leaf !== null)
        tree = leaf.tree
        assert.equal(tree.next, stop)
        assertCovers(tree)
        assert.deepEqual(leaf.key, leafByDefinition(stop))
        assert.deepEqual(leafAt(nodeSuite, tree, second(stop))?.tree, tree)
      })
    }),
    { numRuns: 150 },
  )
})

test('nothing kept covers an earlier second: jump, walk, puncture (wire.md 7)', () => {
  fc.assert(
    fc.property(fc.array(anySecond, { minLength: 1, maxLength: 8 }), fc.boolean(), (to, walk) => {
      let tree = plantTree(nodeSuite, secret)
      for (const next of to) {
        const before = tree.next
        tree = puncture(nodeSuite, tree, second(next))
        if (walk && next >= before) tree = leafAt(nodeSuite, tree, second(next))?.tree ?? tree
        assert.equal(tree.next, Math.max(before, next))
        assertCovers(tree)
        const below = tree.next - 1
        if (below >= 0) assert.equal(leafAt(nodeSuite, tree, second(below)), null)
      }
    }),
    { numRuns: 150 },
  )
})

test('the nodes kept are those of the definition and nothing above them', () => {
  // Small enough to name every node: each kept key must be a node of the true tree whose range is
  // kept.
  for (const next of [0, 1, 2, 5, 6, 7, 8, END - 3, END - 1]) {
    const tree = puncture(nodeSuite, plantTree(nodeSuite, secret), second(next))
    let begin = tree.next
    for (const { level, key } of tree.nodes) {
      const leftmost = leafAt(
        nodeSuite,
        { next: begin, nodes: [{ level, key }], ivKey: tree.ivKey },
        second(begin),
      )
      assert.deepEqual(leftmost?.key, leafByDefinition(begin))
      begin += 2 ** (32 - level)
    }
  }
})

test('the end of the tree: its last second has a key, then none is left', () => {
  const last = leafAt(nodeSuite, plantTree(nodeSuite, secret), second(END - 1))
  assert.deepEqual(last?.key, leafByDefinition(END - 1))
  const empty = puncture(nodeSuite, last?.tree ?? plantTree(nodeSuite, secret), second(END))
  assert.deepEqual(empty.nodes, [])
  assert.equal(leafAt(nodeSuite, empty, second(END)), null)
  assert.deepEqual(decodeTree(encodeTree(empty)), empty)
})

test('consecutive seconds cost at most one hash each on average, a jump at most 32', () => {
  let hashes = 0
  const suite = {
    ...nodeSuite,
    sha512Halves: (message: Uint8Array) => {
      hashes += 1
      return nodeSuite.sha512Halves(message)
    },
  }
  let tree = leafAt(suite, plantTree(suite, secret), second(1_000_000))?.tree
  assert.ok(tree !== undefined && hashes <= 33)
  hashes = 0
  for (let s = 1_000_001; s <= 1_001_024; s += 1) {
    tree = leafAt(suite, puncture(suite, tree, second(s)), second(s))?.tree ?? tree
  }
  assert.ok(hashes <= 1_024 + 32, `${hashes} hashes for 1,024 seconds`)
  hashes = 0
  const month = leafAt(suite, tree, second(1_001_024 + 30 * 86_400))
  assert.ok(month !== null && hashes <= 32, `${hashes} hashes for a jump of 30 days`)
  assert.ok(encodeTree(month.tree).length <= 1_229, 'at most 1.2 KiB of state')
})

test('a tree reads back as it was written, from any position, in both suites', () => {
  const noble = nobleSuite(nodeSuite)
  fc.assert(
    fc.property(anySecond, (at) => {
      const leaf = leafAt(nodeSuite, plantTree(nodeSuite, secret), second(at))
      const other = leafAt(noble, plantTree(noble, secret), second(at))
      assert.deepEqual(leaf, other)
      assert.ok(leaf !== null)
      assert.deepEqual(decodeTree(encodeTree(leaf.tree)), leaf.tree)
    }),
    { numRuns: 60 },
  )
})

test('a damaged tree record: null, or a tree that covers what it says', () => {
  const whole = encodeTree(
    leafAt(nodeSuite, plantTree(nodeSuite, secret), second(77_777))?.tree ??
      plantTree(nodeSuite, secret),
  )
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.nat(whole.length + 8),
      (edits, length) => {
        const bytes = new Uint8Array(length)
        bytes.set(whole.subarray(0, length))
        for (const [at, value] of edits) if (at < length) bytes[at] = value
        const tree = decodeTree(bytes)
        if (tree !== null) assertCovers(tree)
      },
    ),
    { numRuns: 5_000 },
  )
})
