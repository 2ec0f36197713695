// What a thief does with copied files: reads every byte of them, looks for secrets, picks out
// whatever looks like a wrapped key tree (live rows, dead rows, the write-ahead log), and tries the
// stolen keys.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { SecretPlace } from '../../shared/handover/roster.ts'
import { nodeSuite } from '../../shared/node/node-suite.ts'
import { openFrame } from '../../shared/tves/seal.ts'
import type { Aead } from '../../shared/tves/suite.ts'
import { decodeTree, type KeyTree, leafAt, runIv } from '../../shared/tves/tree.ts'
import { decodeFrame } from '../../shared/wire/frame.ts'
import { unwrapUnder, WRAP_FORMS } from '../../services/master/shell/keys/wrapping.ts'

const PAGE_BYTES = 8_192
/** Header of a page of the write-ahead log; of the first page in a file. */
const WAL_HEADER = 24
const WAL_LONG_HEADER = 40

/** Every file under a folder; those of the write-ahead log once more without their page headers,
 * which would cut a record in two. A file that disappears meanwhile is left out. */
export function loot(folder: string): Buffer[] {
  const found: Buffer[] = []
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat?.isDirectory() === true) found.push(...loot(path))
    if (stat?.isFile() !== true) continue
    const bytes = readFileSync(path)
    found.push(bytes)
    if (/^[0-9A-F]{24}$/.test(name)) found.push(withoutPageHeaders(bytes))
  }
  return found
}

function withoutPageHeaders(wal: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < wal.length; at += PAGE_BYTES) {
    parts.push(wal.subarray(at + (at === 0 ? WAL_LONG_HEADER : WAL_HEADER), at + PAGE_BYTES))
  }
  return Buffer.concat(parts)
}

/** Names of the secrets (16 bytes or more) that occur anywhere. */
export function secretsIn(
  files: readonly Buffer[],
  secrets: ReadonlyMap<string, Uint8Array>,
): readonly string[] {
  const [begins, byHead] = [new Uint8Array(2 ** 24), new Map<number, [string, Buffer][]>()]
  for (const [name, secret] of secrets) {
    const bytes = Buffer.from(secret)
    begins[bytes.readUIntBE(0, 3)] = 1
    const head = bytes.readUInt32BE(0)
    byHead.set(head, [...(byHead.get(head) ?? []), [name, bytes]])
  }
  const found = new Set<string>()
  for (const file of files) {
    for (let at = 0; at + 4 <= file.length; at += 1) {
      const three = ((file[at] ?? 0) << 16) | ((file[at + 1] ?? 0) << 8) | (file[at + 2] ?? 0)
      if (begins[three] !== 1) continue
      for (const [name, bytes] of byHead.get(file.readUInt32BE(at)) ?? []) {
        if (file.subarray(at, at + bytes.length).equals(bytes)) found.add(name)
      }
    }
  }
  return [...found]
}

const HEAD_BYTES = 17
const TREE_HEAD = 1 + 6 + 32 + 1
const NODE = 33
const NODES_MAX = 33
const TAG = 16
/** Key ids looked for. */
const IDS_MAX = 16

export interface Blob {
  readonly id: number
  /** From its first byte to the end of the longest tree. */
  readonly bytes: Buffer
}

/** Everything that may be a wrapped key tree. */
export function wrappedTrees(files: readonly Buffer[]): readonly Blob[] {
  const found = new Map<string, Blob>()
  const longest = HEAD_BYTES + TREE_HEAD + NODES_MAX * NODE + TAG
  for (const file of files) {
    for (let id = 1; id <= IDS_MAX; id += 1) {
      const head = Buffer.from([WRAP_FORMS.tree, 0, 0, 0, id])
      for (let at = file.indexOf(head); at >= 0; at = file.indexOf(head, at + 1)) {
        const bytes = file.subarray(at, at + longest)
        const start = bytes.subarray(5, 5 + 32)
        if (new Set(start).size < 20) continue
        found.set(start.toString('hex'), { id, bytes })
      }
    }
  }
  return [...found.values()]
}

/** The tree in a blob, whatever its length and row, under the key with its number; null when it
 * does not open. */
export function openBlob(
  blob: Blob,
  keys: ReadonlyMap<number, Aead>,
  places: readonly SecretPlace[],
): KeyTree | null {
  const aead = keys.get(blob.id)
  if (aead === undefined) return null
  const key = { form: WRAP_FORMS.tree, id: blob.id, aead }
  for (let nodes = 1; nodes <= NODES_MAX; nodes += 1) {
    const wrapped = blob.bytes.subarray(0, HEAD_BYTES + TREE_HEAD + nodes * NODE + TAG)
    for (const place of places) {
      const plain = unwrapUnder(key, wrapped, place)
      if (plain !== null) return decodeTree(plain)
    }
  }
  return null
}

/** The tree keys in a key folder, by number. */
export function treeKeysIn(folder: string): ReadonlyMap<number, Aead> {
  const keys = new Map<number, Aead>()
  for (const name of readdirSync(folder)) {
    if (!/^trees-\d+\.key$/.test(name)) continue
    const bytes = readFileSync(join(folder, name))
    keys.set(bytes.readUInt32BE(0), nodeSuite.aead(new Uint8Array(bytes.subarray(4))))
  }
  return keys
}

export interface Recorded {
  readonly device: Uint8Array
  readonly transcript: Uint8Array
  readonly body: Uint8Array
  /** Salt of its run, from the opener. */
  readonly salt: Uint8Array
}

/** True when any of the trees opens the frame. */
export function opens(trees: readonly KeyTree[], recorded: Recorded): boolean {
  const parts = decodeFrame(recorded.body)
  if (parts === null) return false
  const { header, headerBytes, sealed } = parts
  return trees.some((tree) => {
    const leaf = leafAt(nodeSuite, tree, header.second)
    if (leaf === null) return false
    const { device, transcript, salt } = recorded
    const iv = runIv(nodeSuite, tree.ivKey, header.run, salt)
    const { sequence } = header
    const frame = { key: leaf.key, iv, device, transcript, headerBytes, sequence, sealed }
    return openFrame(nodeSuite, frame) !== null
  })
}
