// The key of every second, from one secret, such that keys of the past can be destroyed.
//
// Seconds 0 .. 2^32-1 are the leaves of a binary tree. A node's two children come from one SHA-512
// of it; a leaf IS the AES key of its second. Whoever holds a node can make every leaf below it and
// no other. So a holder who is at second s keeps just the nodes that cover [s, 2^32) and forgets
// the rest: what is left cannot be turned back into s-1, because that would mean inverting SHA-512.
//
//                     root                     at s = 5 we keep: leaf 5, node (6 7)
//               /             \                gone: root, both its children, (4 5), leaves 0-4
//          (0 1 2 3)        (4 5 6 7)          next second costs no hash; the one after one hash;
//          /      \         /      \           a jump of 30 days about 22: never a list of all
//       (0 1)    (2 3)   (4 5)    (6 7)        the seconds between, as a chain of hashes would
//
// Nodes stand from left to right and touch each other, so where each begins follows from `next`.
// They may be finer than they need be: leafAt keeps what it computed on its way. Goldreich,
// Goldwasser and Micali's construction (1986), punctured as in Aviram, Gellert and Jager (eprint
// 2019/228).

import { assert } from '../assert.ts'
import { concat, fromText, Reader, Writer } from '../bytes.ts'
import type { Second } from '../units.ts'
import { RUN_SALT_BYTES } from '../wire/limits.ts'
import { KEY_BYTES, NONCE_BYTES, type Suite } from './suite.ts'

/** Depth of the tree: 2^32 seconds are 136 years. */
const DEPTH = 32
/** One past the last second. */
const END = 2 ** DEPTH
/** A path leaves at most one right sibling per level, and its leaf. */
const NODES_MAX = DEPTH + 1
const TREE_VERSION = 1
const ROOT_LABEL = fromText('TVES/1 root')
const NODE_LABEL = fromText('TVES/1 node')
const IV_LABEL = fromText('TVES/1 iv')

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

const span = (level: number): number => 2 ** (DEPTH - level)

/** The whole tree of an epoch. `secret`: 32 bytes. Source: wire.md 7. */
export function plantTree(suite: Suite, secret: Uint8Array): KeyTree {
  assert(secret.length === KEY_BYTES, 'an epoch secret has 32 bytes')
  const [root, ivKey] = halves(suite.sha512(concat(ROOT_LABEL, secret)))
  return { next: 0, nodes: [{ level: 0, key: root }], ivKey }
}

/** Copies, so that keeping the right half does not keep the left one in memory. */
function halves(digest: Uint8Array): readonly [Uint8Array, Uint8Array] {
  const left = digest.slice(0, KEY_BYTES)
  const right = digest.slice(KEY_BYTES)
  digest.fill(0)
  return [left, right]
}

function children(suite: Suite, node: TreeNode): readonly [TreeNode, TreeNode] {
  const message = new Uint8Array(NODE_LABEL.length + 1 + KEY_BYTES)
  message.set(NODE_LABEL)
  message[NODE_LABEL.length] = node.level
  message.set(node.key, NODE_LABEL.length + 1)
  const [left, right] = halves(suite.sha512(message))
  const level = node.level + 1
  return [
    { level, key: left },
    { level, key: right },
  ]
}

/** The tree from `from` on, its first node split until it begins there and lies at `level` or
 * deeper. */
function advance(suite: Suite, tree: KeyTree, from: number, level: number): KeyTree {
  let begin = tree.next
  let index = 0
  let node = tree.nodes[index]
  while (node !== undefined && begin + span(node.level) <= from) {
    begin += span(node.level)
    index += 1
    node = tree.nodes[index]
  }
  if (node === undefined) return { next: from, nodes: [], ivKey: tree.ivKey }
  const fresh: TreeNode[] = []
  while (begin < from || node.level < level) {
    const [left, right]: readonly [TreeNode, TreeNode] = children(suite, node)
    if (from < begin + span(left.level)) {
      fresh.push(right)
      node = left
    } else {
      begin += span(left.level)
      node = right
    }
  }
  fresh.push(node)
  fresh.reverse()
  return { next: from, nodes: fresh.concat(tree.nodes.slice(index + 1)), ivKey: tree.ivKey }
}

/** The key of a second, and the tree from that second on (its leaf kept, so that asking again is
 * free). Null when the tree is past it. At most 32 hashes; for consecutive seconds one on average.
 */
export function leafAt(
  suite: Suite,
  tree: KeyTree,
  second: Second,
): { readonly key: Uint8Array; readonly tree: KeyTree } | null {
  if (!Number.isInteger(second) || second < tree.next || second >= END) return null
  const first = tree.nodes[0]
  const ready = second === tree.next && first !== undefined && first.level === DEPTH
  const from = ready ? tree : advance(suite, tree, second, DEPTH)
  const leaf = from.nodes[0]
  assert(leaf !== undefined && leaf.level === DEPTH, 'a tree at a second begins with its leaf')
  return { key: leaf.key, tree: from }
}

/** The tree from `next` on: no key below `next` can be made from it. Never goes back: a `next` at
 * or below the tree's own changes nothing. */
export function puncture(suite: Suite, tree: KeyTree, next: Second): KeyTree {
  assert(Number.isInteger(next) && next <= END, 'a tree is punctured at a whole second')
  return next <= tree.next ? tree : advance(suite, tree, next, 0)
}

/** `version 1 || next u48 || iv key (32) || n u8 || n * { level u8, key (32) }`: at most 1,129
 * bytes. */
export function encodeTree(tree: KeyTree): Uint8Array {
  assert(tree.nodes.length <= NODES_MAX, 'a tree keeps one node per level and a leaf')
  const writer = new Writer().u8(TREE_VERSION).u48(tree.next).bytes(tree.ivKey)
  writer.u8(tree.nodes.length)
  for (const node of tree.nodes) writer.u8(node.level).bytes(node.key)
  return writer.done()
}

/** What encodeTree wrote, or null when these bytes are no tree (a damaged record). */
export function decodeTree(bytes: Uint8Array): KeyTree | null {
  const reader = new Reader(bytes)
  const version = reader.u8()
  const next = reader.u48()
  const ivKey = reader.bytes(KEY_BYTES)
  const count = reader.u8()
  if (!reader.ok || version !== TREE_VERSION || next > END || count > NODES_MAX) return null
  const nodes: TreeNode[] = []
  let begin = next
  for (let i = 0; i < count; i += 1) {
    const level = reader.u8()
    if (level > DEPTH || begin % span(level) !== 0) return null
    nodes.push({ level, key: reader.bytes(KEY_BYTES) })
    begin += span(level)
  }
  return reader.whole && begin === END ? { next, nodes, ivKey } : null
}

/** The 12-byte iv of a run; `salt` is the run's own, 16 bytes. Source: wire.md 7. */
export function runIv(suite: Suite, ivKey: Uint8Array, run: number, salt: Uint8Array): Uint8Array {
  assert(salt.length === RUN_SALT_BYTES, 'a run salt has 16 bytes')
  const message = new Writer().bytes(IV_LABEL).bytes(ivKey).u32(run).bytes(salt).done()
  return suite.sha512(message).slice(0, NONCE_BYTES)
}
