// The key of every second, from one secret, such that keys of the past can be destroyed.
//
// Seconds 0 .. 2^32-1 are the leaves of a binary tree. A node's two children come from one SHA-512
// of it; a leaf IS the AES key of its second. The holder of a node can make every leaf below it and
// no other. At second s a holder keeps just the nodes that cover [s, 2^32) and forgets the rest:
// the key of s-1 cannot be made from what is left, because that would mean inverting SHA-512.
//
//                     root                     at s = 5 we keep: leaf 5, node (6 7)
//               /             \                gone: root, both its children, (4 5), leaves 0-4
//          (0 1 2 3)        (4 5 6 7)          next second costs no hash; the one after one hash;
//          /      \         /      \           a jump of 30 days about 22: never a list of all
//       (0 1)    (2 3)   (4 5)    (6 7)        the seconds between, as a chain of hashes would
//
// Nodes stand from left to right and touch each other, so where each begins follows from `next`.
// They may be finer than necessary: leafAt keeps what it computed on its way. Goldreich,
// Goldwasser and Micali's construction (1986), punctured as in Aviram, Gellert and Jager (eprint
// 2019/228).
//
// A tree is a value: leafAt and puncture return another one, which shares the nodes that it keeps,
// and leave the first as it was. So puncturing alone erases nothing. Whoever held the first tree
// lets go of it by forgetTree, as soon as nothing can fall back to it: that overwrites the nodes
// that no other tree of his still holds. What is computed on the way down and kept by nobody is
// overwritten here.

import { assert } from '../assert.ts'
import { fromText, isSpent, Reader, secretBytes, secretConcat, Writer } from '../bytes.ts'
import type { Second } from '../units.ts'
import { RUN_SALT_BYTES } from '../wire/limits.ts'
import { KEY_BYTES, NONCE_BYTES, type Suite } from './suite.ts'

/** Depth of the tree: 2^32 seconds are 136 years. */
const DEPTH = 32
/** A path leaves at most one right sibling per level, and its leaf. */
const NODES_MAX = DEPTH + 1
const TREE_VERSION = 1
/** A node as it is stored: level and key. */
const NODE_BYTES = 1 + KEY_BYTES
const ROOT_LABEL = fromText('TVES/1 root')
const NODE_LABEL = fromText('TVES/1 node')
const IV_LABEL = fromText('TVES/1 iv')

/** Input of a node's hash: label, level, key. One array serves all and is wiped after each use: a
 * new one per hash would cost as much as the hash. */
const nodeMessage = secretConcat(NODE_LABEL, new Uint8Array(1 + KEY_BYTES))
const LEVEL_AT = NODE_LABEL.length
const KEY_AT = LEVEL_AT + 1

/** How a tree grows. Ours is below; the walk and the erasing do not depend on it, so that published
 * vectors of another tree of keys can test them. */
export interface Growth {
  /** Levels below the root: 2^depth leaves. */
  readonly depth: number
  /** Keys of the left and the right child of a node that lies at `level`. */
  readonly children: (key: Uint8Array, level: number) => readonly [Uint8Array, Uint8Array]
}

export interface TreeNode {
  /** 0 the root, 32 a leaf; it covers 2^(32 - level) seconds. */
  readonly level: number
  /** 32 bytes, secret. */
  readonly key: Uint8Array
}

export interface KeyTree {
  /** First second whose key can still be made; 2^32 when none can. */
  readonly next: number
  /** Cover [next, 2^32), from left to right without a gap. */
  readonly nodes: readonly TreeNode[]
  /** Gives each run its iv; 32 bytes, secret, never changes. */
  readonly ivKey: Uint8Array
}

/** Children as wire.md 7 defines them. */
const secondsBy = (suite: Suite): Growth => ({
  depth: DEPTH,
  children: (key, level) => {
    nodeMessage[LEVEL_AT] = level
    nodeMessage.set(key, KEY_AT)
    const pair = suite.sha512Halves(nodeMessage)
    nodeMessage.fill(0, LEVEL_AT)
    return pair
  },
})

/** The whole tree of an epoch. `secret`: 32 bytes, the caller's to overwrite. Source: wire.md 7. */
export function plantTree(suite: Suite, secret: Uint8Array): KeyTree {
  assert(secret.length === KEY_BYTES, 'an epoch secret has 32 bytes')
  const message = secretConcat(ROOT_LABEL, secret)
  const [root, ivKey] = suite.sha512Halves(message)
  message.fill(0)
  return { next: 0, nodes: [{ level: 0, key: root }], ivKey }
}

/** The tree from `from` on, its first node split until it begins there and lies at `level` or
 * deeper. */
function advance(growth: Growth, tree: KeyTree, from: number, level: number): KeyTree {
  const { depth, children } = growth
  let begin = tree.next
  let index = 0
  let node = tree.nodes[index]
  while (node !== undefined && begin + 2 ** (depth - node.level) <= from) {
    begin += 2 ** (depth - node.level)
    index += 1
    node = tree.nodes[index]
  }
  if (node === undefined) return { next: from, nodes: [], ivKey: tree.ivKey }
  // From right to left, as the split makes them; reversed at the end.
  const fresh: TreeNode[] = []
  let { key, level: at } = node
  assert(!isSpent(key), 'a tree is asked before it is forgotten')
  while (begin < from || at < level) {
    const [left, right] = children(key, at)
    // Only the first belongs to the tree we were given.
    if (key !== node.key) key.fill(0)
    at += 1
    const middle = begin + 2 ** (depth - at)
    if (from < middle) {
      fresh.push({ level: at, key: right })
      key = left
    } else {
      begin = middle
      key = right
      left.fill(0)
    }
  }
  fresh.push({ level: at, key })
  fresh.reverse()
  for (let rest = index + 1; rest < tree.nodes.length; rest += 1) {
    const kept = tree.nodes[rest]
    if (kept !== undefined) fresh.push(kept)
  }
  return { next: from, nodes: fresh, ivKey: tree.ivKey }
}

/** leafAt() of any tree of keys: the key of leaf `index`, and the tree from that leaf on. */
export function leafOf(
  growth: Growth,
  tree: KeyTree,
  index: number,
): { readonly key: Uint8Array; readonly tree: KeyTree } | null {
  const { depth } = growth
  if (!Number.isInteger(index) || index < tree.next || index >= 2 ** depth) return null
  const first = tree.nodes[0]
  const ready = index === tree.next && first !== undefined && first.level === depth
  const from = ready ? tree : advance(growth, tree, index, depth)
  const leaf = from.nodes[0]
  assert(leaf !== undefined && leaf.level === depth, 'a tree at a leaf begins with it')
  return { key: leaf.key, tree: from }
}

/** puncture() of any tree of keys. */
export function eraseBelow(growth: Growth, tree: KeyTree, next: number): KeyTree {
  const holds = Number.isInteger(next) && next <= 2 ** growth.depth
  assert(holds, 'a tree is punctured at one of its leaves, or at its end')
  return next <= tree.next ? tree : advance(growth, tree, next, 0)
}

/** The key of a second, and the tree from that second on (its leaf kept, so that asking again is
 * free). Null when the tree is past it. At most 32 hashes; for consecutive seconds one on average.
 */
export const leafAt = (
  suite: Suite,
  tree: KeyTree,
  second: Second,
): { readonly key: Uint8Array; readonly tree: KeyTree } | null =>
  leafOf(secondsBy(suite), tree, second)

/** The tree from `next` on: no key below `next` can be made from it. It never goes back: a `next`
 * at or below the tree's own changes nothing. */
export const puncture = (suite: Suite, tree: KeyTree, next: Second): KeyTree =>
  eraseBelow(secondsBy(suite), tree, next)

/** Overwrites the nodes of a tree that is not needed any more, but for those that `kept` holds:
 * trees that this one was made from, or that were made from it. Two such trees are the same from
 * the first node on that they share. */
export function forgetTree(tree: KeyTree, ...kept: readonly KeyTree[]): void {
  for (const { key } of tree.nodes) {
    if (kept.some(({ nodes }) => nodes.some((node) => node.key === key))) return
    key.fill(0)
  }
}

/** `version 1 || next u48 || iv key (32) || n u8 || n * { level u8, key (32) }`: at most 1,129
 * bytes. They are the caller's to overwrite. */
export function encodeTree({ next, nodes, ivKey }: KeyTree): Uint8Array {
  assert(nodes.length <= NODES_MAX, 'a tree keeps one node per level and a leaf')
  const head = new Writer().u8(TREE_VERSION).u48(next).bytes(ivKey).u8(nodes.length).done()
  const bytes = secretBytes(head.length + nodes.length * NODE_BYTES)
  bytes.set(head)
  for (const [index, { level, key }] of nodes.entries()) {
    const at = head.length + index * NODE_BYTES
    assert(!isSpent(key), 'a tree is stored before it is forgotten')
    bytes[at] = level
    bytes.set(key, at + 1)
  }
  return bytes
}

/** What encodeTree wrote, or null when these bytes are no tree (a record that is damaged or
 * overwritten). */
export function decodeTree(bytes: Uint8Array): KeyTree | null {
  const end = 2 ** DEPTH
  const reader = new Reader(bytes)
  const version = reader.u8()
  const next = reader.u48()
  const ivKey = reader.bytes(KEY_BYTES)
  const count = reader.u8()
  if (!reader.ok || version !== TREE_VERSION || next > end || count > NODES_MAX) return null
  const nodes: TreeNode[] = []
  let begin = next
  for (let i = 0; i < count; i += 1) {
    const level = reader.u8()
    if (level > DEPTH || begin % 2 ** (DEPTH - level) !== 0) return null
    const key = reader.secret(KEY_BYTES)
    if (isSpent(key)) return null
    nodes.push({ level, key })
    begin += 2 ** (DEPTH - level)
  }
  return reader.whole && begin === end ? { next, nodes, ivKey } : null
}

/** The 12-byte iv of a run; `salt` is the run's own, 16 bytes. Source: wire.md 7. */
export function runIv(suite: Suite, ivKey: Uint8Array, run: number, salt: Uint8Array): Uint8Array {
  assert(salt.length === RUN_SALT_BYTES, 'a run salt has 16 bytes')
  const message = new Writer().bytes(IV_LABEL).bytes(ivKey).u32(run).bytes(salt).done()
  return suite.sha512(message).slice(0, NONCE_BYTES)
}
