// Our walk over a tree of keys, and its erasing, against the official vectors of another such tree:
// the secret tree of Messaging Layer Security (RFC 9420 section 9), whose nodes split by HKDF with
// labels where ours split by one SHA-512. The same code runs with that growth put in.
//
// What maps: the tree from encryption_secret down to each leaf's secret, in any order that goes
// forward, and that nothing before the position can be made any more. What does not: behind a leaf
// MLS has two ratchets (handshake, application) of one key per generation, where our leaf IS the
// key; they are written out below, only to get from a leaf to the bytes the vectors list. Trees in
// the vectors have 1, 8 and 32 leaves, ours 2^32.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { concat, fromText, toHex, Writer } from '../../../shared/bytes.ts'
import { eraseBelow, type Growth, type KeyTree, leafOf } from '../../../shared/tves/tree.ts'
import { hex, officialText, skip } from './official.ts'

interface Generation {
  readonly generation: number
  readonly application_key: string
  readonly application_nonce: string
  readonly handshake_key: string
  readonly handshake_nonce: string
}
interface Vector {
  readonly cipher_suite: number
  readonly encryption_secret: string
  readonly leaves: readonly (readonly Generation[])[]
}

const NONE = new Uint8Array(0)
const HASH_OF_SUITE = ['', 'sha256', 'sha256', 'sha256', 'sha512', 'sha512', 'sha512', 'sha384']

/** ExpandWithLabel(secret, label, context, length): RFC 9420 section 8; every length here is of one
 * block. */
function expandWithLabel(
  hash: string,
  secret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number,
): Uint8Array {
  const full = fromText(`MLS 1.0 ${label}`)
  const info = new Writer()
    .u16(length)
    .u8(full.length)
    .bytes(full)
    .u8(context.length)
    .bytes(context)
  const block = createHmac(hash, secret)
    .update(concat(info.done(), Uint8Array.of(1)))
    .digest()
  assert.ok(length <= block.length)
  return new Uint8Array(block.subarray(0, length))
}

const growthOf = (hash: string, leaves: number, secretBytes: number): Growth => ({
  depth: Math.log2(leaves),
  children: (key) => [
    expandWithLabel(hash, key, 'tree', fromText('left'), secretBytes),
    expandWithLabel(hash, key, 'tree', fromText('right'), secretBytes),
  ],
})

/** The generations of one leaf's ratchet: RFC 9420 section 9.1. */
function assertRatchet(
  hash: string,
  leaf: Uint8Array,
  kind: 'application' | 'handshake',
  generations: readonly Generation[],
): void {
  let secret = expandWithLabel(hash, leaf, kind, NONE, leaf.length)
  let at = 0
  for (const each of generations) {
    const expected = [each[`${kind}_key`], each[`${kind}_nonce`]] as const
    const step = (label: string, length: number): Uint8Array =>
      expandWithLabel(hash, secret, label, new Writer().u32(at).done(), length)
    for (; at < each.generation; at += 1) secret = step('secret', leaf.length)
    assert.equal(toHex(step('key', expected[0].length / 2)), expected[0])
    assert.equal(toHex(step('nonce', expected[1].length / 2)), expected[1])
  }
}

const vectors = (): readonly Vector[] => JSON.parse(officialText('mls-secret-tree.json'))

/** Each vector's tree, with what its leaves are held to. */
function* trees() {
  for (const { cipher_suite: suite, encryption_secret: secret, leaves } of vectors()) {
    const hash = HASH_OF_SUITE[suite] ?? ''
    const root = hex(secret)
    const tree: KeyTree = { next: 0, nodes: [{ level: 0, key: root }], ivKey: NONE }
    const assertLeaf = (index: number, key: Uint8Array): void => {
      assertRatchet(hash, key, 'application', leaves[index] ?? [])
      assertRatchet(hash, key, 'handshake', leaves[index] ?? [])
    }
    yield { growth: growthOf(hash, leaves.length, root.length), tree, leaves, assertLeaf }
  }
}

test('MLS secret tree: all 287 leaves of all 21 trees, walked and erased one by one', {
  skip,
}, (t) => {
  const counts = { trees: 0, leaves: 0, generations: 0 }
  for (const { growth, tree, leaves, assertLeaf } of trees()) {
    let left = tree
    for (let index = 0; index < leaves.length; index += 1) {
      const found = leafOf(growth, left, index)
      assert.ok(found !== null)
      assertLeaf(index, found.key)
      left = eraseBelow(growth, found.tree, index + 1)
      assert.equal(leafOf(growth, left, index), null, 'an erased leaf cannot be made again')
      counts.leaves += 1
      counts.generations += leaves[index]?.length ?? 0
    }
    assert.deepEqual(left.nodes, [], 'after the last leaf nothing is kept')
    counts.trees += 1
  }
  t.diagnostic(`${counts.generations} generations of ${counts.leaves} leaves`)
  assert.deepEqual(counts, { trees: 21, leaves: 287, generations: 574 })
})

test('MLS secret tree: every jump from one leaf to a later one gives the same leaf', {
  skip,
}, (t) => {
  let jumps = 0
  for (const { growth, tree, leaves, assertLeaf } of trees()) {
    for (let from = 0; from < leaves.length; from += 1) {
      const left = eraseBelow(growth, tree, from)
      for (let to = from; to < leaves.length; to += 1) {
        const found = leafOf(growth, left, to)
        assert.ok(found !== null)
        if (from % 7 === to % 7) assertLeaf(to, found.key)
        assert.equal(leafOf(growth, found.tree, to - 1), null)
        jumps += 1
      }
    }
  }
  t.diagnostic(`${jumps} jumps`)
  assert.equal(jumps, 7 * (1 + 36 + 528))
})
