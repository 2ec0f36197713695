// The keys under which the devices' key trees are stored in the database: one file each,
// `trees-N.key`, the highest N the newest. Puncturing a tree in the database alone would not help:
// the older row survives in dead tuples, in the write-ahead log, in replicas and backups. So every
// hour a new key is made, all trees are rewrapped under it, punctured up to what is acknowledged by
// then, and the old key is destroyed: nothing opens any copy of an older row after that.
//
//   make new key, durable -> every tree under it, one transaction -> committed for certain
//     -> old key overwritten -> its name removed
//
// After a power cut anywhere: both keys are kept until the transaction is known to be committed;
// the next round clears up what is left over.

import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { assert } from '../../../../shared/assert.ts'
import { Reader, secretConcat, Writer } from '../../../../shared/bytes.ts'
import type { Rewrap, Roster, SecretPlace } from '../../../../shared/handover/roster.ts'
import type { DeviceId } from '../../../../shared/handover/sink.ts'
import { nodeRandom, nodeSuite } from '../../../../shared/node/node-suite.ts'
import { addSecret, eraseSecret, readSecret } from './key-files.ts'
import { unwrapUnder, WRAP_FORMS, type WrapKey, wrappedBy, wrapUnder } from './wrapping.ts'

const KEY_BYTES = 32
const ID_BYTES = 4
const NAME = /^trees-(\d{1,9})\.key$/
const nameOf = (id: number): string => `trees-${id}.key`

export class TreeKeys {
  readonly #folder: string
  readonly #keys = new Map<number, WrapKey>()
  /** What the ciphers in #keys read. */
  readonly #bytes = new Map<number, Uint8Array>()
  #newest: WrapKey
  #madeAt: number

  /** Reads the keys in `folder` and makes the first. OPS-10, OPS-16 as for every key file. */
  constructor(folder: string, nowMs: number) {
    this.#folder = folder
    for (const name of readdirSync(folder)) {
      const id = Number(NAME.exec(name)?.[1] ?? 0)
      const key = id === 0 ? null : this.#read(id)
      if (key !== null) this.#keys.set(id, key)
    }
    const newest = this.#keys.get(Math.max(0, ...this.#keys.keys()))
    this.#newest = newest ?? this.#make(1)
    this.#madeAt = newest === undefined ? nowMs : statSync(join(folder, nameOf(newest.id))).mtimeMs
  }

  /** When the newest was made, UTC milliseconds. */
  get madeAt(): number {
    return this.#madeAt
  }

  get newest(): number {
    return this.#newest.id
  }

  /** More than one: a rotation was begun and not finished. */
  get held(): readonly number[] {
    return [...this.#keys.keys()]
  }

  /** Under the newest key. */
  wrap(tree: Uint8Array, place: SecretPlace): Uint8Array {
    return wrapUnder(this.#newest, tree, place)
  }

  unwrap(wrapped: Uint8Array, place: SecretPlace): Uint8Array | null {
    const key = this.#keys.get(wrappedBy(wrapped, WRAP_FORMS.tree) ?? 0)
    return key === undefined ? null : unwrapUnder(key, wrapped, place)
  }

  /** What an earlier version wrapped (bound-rows.ts). */
  unwrapUnbound(wrapped: Uint8Array): Uint8Array | null {
    const form = WRAP_FORMS.unboundTree
    const key = this.#keys.get(wrappedBy(wrapped, form) ?? 0)
    return key === undefined ? null : unwrapUnder({ ...key, form }, wrapped, null)
  }

  /** Whether a key that we still hold wrapped it, for whatever place. */
  isOurs(wrapped: Uint8Array): boolean {
    return this.#keys.has(wrappedBy(wrapped, WRAP_FORMS.tree) ?? 0)
  }

  /** Makes a new key durable; from now on it is the newest. */
  add(nowMs: number): void {
    this.#newest = this.#make(this.#newest.id + 1)
    this.#madeAt = nowMs
  }

  /** Destroys all but the newest. */
  eraseOlder(cut: () => void): void {
    for (const id of this.held) {
      if (id === this.#newest.id) continue
      eraseSecret(this.#folder, nameOf(id), cut)
      this.#keys.delete(id)
      this.#bytes.get(id)?.fill(0)
      this.#bytes.delete(id)
    }
  }

  #make(id: number): WrapKey {
    const key = nodeRandom(KEY_BYTES)
    const record = secretConcat(new Writer().u32(id).done(), key)
    addSecret(this.#folder, nameOf(id), record)
    record.fill(0)
    const made = this.#wrapKey(id, key)
    this.#keys.set(id, made)
    return made
  }

  #wrapKey(id: number, key: Uint8Array): WrapKey {
    this.#bytes.set(id, key)
    return { form: WRAP_FORMS.tree, id, aead: nodeSuite.aead(key) }
  }

  #read(id: number): WrapKey | null {
    const bytes = readSecret(join(this.#folder, nameOf(id)), ID_BYTES + KEY_BYTES)
    if (bytes === null) {
      // Erased, and interrupted before its name was removed.
      eraseSecret(this.#folder, nameOf(id))
      return null
    }
    const reader = new Reader(bytes)
    if (reader.u32() !== id) return null
    const key = reader.secret(KEY_BYTES)
    bytes.fill(0)
    return this.#wrapKey(id, key)
  }
}

export type RotationStep = 'made' | 'rewrapped' | 'overwritten'

export interface Rotation {
  readonly trees: TreeKeys
  readonly roster: Pick<Roster, 'rewrap'>
  /** The tree, punctured up to what is acknowledged; null when no master has it in memory. What
   * comes of it, or of `unwrap`, is overwritten. */
  readonly current: (device: DeviceId, epoch: number) => Uint8Array | null
  /** Opens what is stored in the database. */
  readonly unwrap: (wrapped: Uint8Array, place: SecretPlace) => Uint8Array | null
  /** Resolves when no epoch wrapped before the call is still on its way to the database. */
  readonly settled: () => Promise<void>
  readonly nowMs: number
  /** For tests: called after each step; what it throws simulates a crash. */
  readonly cut?: (step: RotationStep) => void
}

/** One rotation. Rejects when the database does; both keys are kept then. */
export async function rotateTreeKey(rotation: Rotation): Promise<{ readonly epochs: number }> {
  const { trees, roster, current, unwrap, settled, nowMs, cut = () => {} } = rotation
  trees.add(nowMs)
  cut('made')
  await settled()
  let epochs = 0
  const rewrap: Rewrap = (batch) =>
    batch.map(({ device, epoch, keys }) => {
      const place: SecretPlace = { is: 'tree', device, epoch }
      const tree = current(device, epoch) ?? unwrap(keys, place)
      if (tree === null) return null
      epochs += 1
      const wrapped = trees.wrap(tree, place)
      tree.fill(0)
      return wrapped
    })
  const before = trees.newest
  await roster.rewrap(rewrap)
  assert(trees.newest === before, 'rotations come one after the other')
  cut('rewrapped')
  trees.eraseOlder(() => cut('overwritten'))
  return { epochs }
}
