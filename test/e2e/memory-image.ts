// What a thief of a running process gets: every byte of its memory, read from outside, searched for
// keys that should be gone. Linux only: elsewhere the search is skipped and says so.

import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { toHex } from '../../shared/bytes.ts'
import { nodeSuite } from '../../shared/node/node-suite.ts'
import { type KeyTree, leafAt } from '../../shared/tves/tree.ts'
import { second } from '../../shared/units.ts'
import { secretsIn } from './thief.ts'

/** Read at once, bytes: larger mappings are read in parts. */
const PART_BYTES = 1 << 26
/** Longest secret looked for: parts overlap by this much. */
const SECRET_BYTES = 32

/** Everything in the memory of process `pid` that it can have written: heap, stacks, anonymous
 * mappings, the data of its libraries. Null: this machine does not let us look. */
export function memoryOf(pid: number): readonly Buffer[] | null {
  if (process.platform !== 'linux') return null
  let file: number
  try {
    file = openSync(`/proc/${pid}/mem`, 'r')
  } catch {
    return null
  }
  const parts: Buffer[] = []
  for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
    const [, from = '', to = '', rights = ''] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line) ?? []
    if (!rights.startsWith('rw')) continue
    const end = Number.parseInt(to, 16)
    for (let at = Number.parseInt(from, 16); at < end; at += PART_BYTES - SECRET_BYTES) {
      const part = Buffer.allocUnsafeSlow(Math.min(PART_BYTES, end - at))
      try {
        parts.push(part.subarray(0, readSync(file, part, 0, part.length, at)))
      } catch {
        // A guard page, or a mapping that went away meanwhile.
      }
    }
  }
  closeSync(file)
  return parts
}

/** The keys of an epoch that its holder destroyed on the way: every node between the root and the
 * key of each spent second, by where it lies. */
export function goneKeys(
  root: Uint8Array,
  spent: readonly number[],
  kept: number,
): ReadonlyMap<string, Uint8Array> {
  const gone = new Map<string, Uint8Array>()
  for (const at of spent) for (const [name, key] of pathTo(root, at)) gone.set(name, key)
  // Still needed: what covers nothing but seconds from `kept` on.
  for (const name of gone.keys()) if (beginOf(name) >= kept) gone.delete(name)
  return gone
}

const nameOf = (level: number, index: number): string => `level ${level} node ${index}`

function beginOf(name: string): number {
  const [level = 0, index = 0] = (name.match(/\d+/g) ?? []).map(Number)
  return index * 2 ** (32 - level)
}

/** From the root down to the leaf of a second. The tree itself tells each node: it is the leaf
 * of a tree that begins there. */
function pathTo(root: Uint8Array, at: number): readonly (readonly [string, Uint8Array])[] {
  const path: (readonly [string, Uint8Array])[] = [[nameOf(0, 0), root]]
  let tree: KeyTree = { next: 0, nodes: [{ level: 0, key: root }], ivKey: new Uint8Array(32) }
  const message = new Uint8Array(11 + 1 + 32)
  message.set(Buffer.from('TVES/1 node'))
  let key = root
  for (let level = 0; level < 32; level += 1) {
    message[11] = level
    message.set(key, 12)
    const both = nodeSuite.sha512(message)
    const index = Math.floor(at / 2 ** (31 - level))
    key = index % 2 === 0 ? both.slice(0, 32) : both.slice(32)
    path.push([nameOf(level + 1, index), key])
  }
  const leaf = leafAt(nodeSuite, tree, second(at))
  tree = leaf?.tree ?? tree
  if (leaf === null || toHex(leaf.key) !== toHex(key)) throw new Error('a path ends at its leaf')
  return path
}

export interface Found {
  /** Keys that should be gone, and how many of them the memory still holds. */
  readonly gone: number
  readonly stray: readonly string[]
  /** Of the frames sealed in spent seconds, those that a stray key opens. */
  readonly frames: number
  readonly opened: number
}

/** `frames`: the second of each frame. */
export function search(
  memory: readonly Buffer[],
  gone: ReadonlyMap<string, Uint8Array>,
  frames: readonly number[],
): Found {
  const stray = secretsIn(memory, gone)
  const opens = (at: number): boolean =>
    stray.some((name) => {
      const [level = 0, index = -1] = (name.match(/\d+/g) ?? []).map(Number)
      return name.startsWith('level') && Math.floor(at / 2 ** (32 - level)) === index
    })
  return { gone: gone.size, stray, frames: frames.length, opened: frames.filter(opens).length }
}

export const told = ({ gone, stray, frames, opened }: Found): string =>
  `${opened} of ${frames} frames opened; ${stray.length} of ${gone} keys found`
