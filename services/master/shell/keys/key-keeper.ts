// What the master does with its own keys while it runs, once a second: it notices a static key that
// an operator added or removed, remembers which device called under which, drops the old one when
// no device needs it any more, rewraps the key trees every hour, and looks through closed epochs.

import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FaultCode } from '../../../../shared/faults.ts'
import type { Roster, SecretPlace } from '../../../../shared/handover/roster.ts'
import type { DeviceId } from '../../../../shared/handover/sink.ts'
import { errorText } from '../../../../shared/node/fault-error.ts'
import { nodeSuite } from '../../../../shared/node/node-suite.ts'
import { masterKeyTag } from '../../../../shared/tves/handshake.ts'
import { bindRows } from './bound-rows.ts'
import { eraseOldStaticKeys, type KeyStore, type StaticKeys } from './key-store.ts'
import { DrainedKeys } from './drained-keys.ts'
import { rotateTreeKey, type TreeKeys } from './tree-keys.ts'
import { isUnbound } from './wrapping.ts'

/** Age at which the trees' wrap key is replaced. */
const TREE_KEY_AGE_MS = 3_600_000
/** Pause after a failed rotation. */
const RETRY_MS = 60_000
/** How often we check whether the old static key is still needed. */
const OLD_KEY_MS = 5_000
/** How often closed epochs are looked through. */
const TIDY_MS = 600_000

export interface KeeperSetup {
  readonly keys: KeyStore
  readonly trees: TreeKeys
  readonly roster: Roster
  /** The core's. */
  readonly tree: (device: DeviceId, epoch: number) => Uint8Array | null
  readonly renewKeys: (keys: StaticKeys) => void
  readonly log: (code: FaultCode, detail: string) => void
  readonly say: (line: string) => void
}

export class KeyKeeper {
  readonly #setup: KeeperSetup
  /** Not stored yet. */
  #calledUnder = new Map<DeviceId, Uint8Array>()
  /** Enrolments and epochs on their way to the database. */
  readonly #writes = new Set<Promise<unknown>>()
  #rotating: Promise<void> | null = null
  #looking = false
  #rotateAfterMs = 0
  #tidyAfterMs = 0
  readonly #drained: DrainedKeys
  #askAfterMs = 0

  constructor(setup: KeeperSetup) {
    this.#setup = setup
    this.#drained = new DrainedKeys(setup.keys.folder)
  }

  unwrap(wrapped: Uint8Array, place: SecretPlace): Uint8Array | null {
    const { keys, trees } = this.#setup
    if (place.is !== 'tree') return keys.unwrap(wrapped, place)
    return trees.unwrap(wrapped, place) ?? this.#drained.unwrap(wrapped, place)
  }

  /** Why a wrap does not open: OPS-24 when its key is not here, OPS-30 when it is: then the wrap is
   * not the one that was stored in this row, or is of the unbound form. */
  whyClosed(wrapped: Uint8Array): FaultCode {
    const { keys, trees } = this.#setup
    const held = [keys, trees, this.#drained].some((store) => store.isOurs(wrapped))
    return isUnbound(wrapped) || held ? 'OPS-30' : 'OPS-24'
  }

  /** Before the first load: what an earlier version wrapped is bound to its row. */
  async bind(): Promise<void> {
    const { keys, trees, roster, say } = this.#setup
    const bound = await bindRows({ keys, trees, roster })
    if (bound > 0)
      say(`wrapped secrets: ${bound} of an earlier version are bound to their rows now`)
  }

  /** Wraps a tree, overwrites it and stores the wrap; a rotation waits for it. */
  store(
    tree: Uint8Array,
    place: SecretPlace,
    write: (wrapped: Uint8Array) => Promise<void>,
  ): Promise<void> {
    const wrapped = this.#setup.trees.wrap(tree, place)
    tree.fill(0)
    return this.track(write(wrapped))
  }

  /** Wraps and overwrites the tree of an epoch that is drained: it does not move any more. */
  setAside(tree: Uint8Array, place: SecretPlace, nowMs: number): Uint8Array {
    const wrapped = this.#drained.wrap(tree, place, nowMs)
    tree.fill(0)
    return wrapped
  }

  track<T>(work: Promise<T>): Promise<T> {
    const done = work.finally(() => this.#writes.delete(done))
    this.#writes.add(done)
    return done
  }

  called(device: DeviceId, tag: Uint8Array): void {
    this.#calledUnder.set(device, tag)
  }

  /** About once a second. */
  async look(nowMs: number): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      if (this.#setup.keys.look()) this.#takeStaticKeys()
      await this.#storeCalledUnder()
      await this.#dropOld(nowMs)
      if (this.#rotationDue(nowMs)) await this.rotate(nowMs)
      await this.#tidyEpochs(nowMs)
    } catch (error) {
      this.#setup.log('OPS-08', `keys: ${errorText(error)}`)
    } finally {
      this.#looking = false
    }
  }

  /** Rewraps all key trees under a new key; joins a rotation that is running. */
  rotate(nowMs: number): Promise<void> {
    this.#rotating ??= this.#rotate(nowMs).finally(() => {
      this.#rotating = null
    })
    return this.#rotating
  }

  #rotationDue(nowMs: number): boolean {
    const { trees, keys } = this.#setup
    if (nowMs < this.#rotateAfterMs && nowMs > this.#rotateAfterMs - 2 * RETRY_MS) return false
    const old = Math.abs(nowMs - trees.madeAt) >= TREE_KEY_AGE_MS
    return old || trees.held.length > 1 || existsSync(join(keys.folder, REQUEST))
  }

  async #rotate(nowMs: number): Promise<void> {
    const { trees, roster, tree, keys, say } = this.#setup
    this.#rotateAfterMs = nowMs + RETRY_MS
    const { epochs } = await rotateTreeKey({
      trees,
      roster,
      current: tree,
      unwrap: (wrapped, place) => this.unwrap(wrapped, place),
      settled: () => this.#settled(),
      nowMs,
    })
    this.#rotateAfterMs = 0
    rmSync(join(keys.folder, REQUEST), { force: true })
    say(`key trees rewrapped: ${epochs} under key ${trees.newest}, the older key is destroyed`)
  }

  async #settled(): Promise<void> {
    await Promise.allSettled(this.#writes)
  }

  async #tidyEpochs(nowMs: number): Promise<void> {
    if (Math.abs(nowMs - this.#tidyAfterMs) < TIDY_MS) return
    this.#tidyAfterMs = nowMs
    const { destroyed } = await this.#setup.roster.tidyEpochs()
    this.#drained.eraseOld(nowMs)
    if (destroyed > 0) this.#setup.say(`closed epochs: ${destroyed} are over, their keys destroyed`)
  }

  #takeStaticKeys(): void {
    const { keys, renewKeys, say } = this.#setup
    renewKeys(keys.staticKeys)
    say(`static keys: ${keys.staticKeys.length}, newest ${tagOf(keys.staticKeys).toHex()}`)
  }

  async #storeCalledUnder(): Promise<void> {
    const unstored = this.#calledUnder
    if (unstored.size === 0) return
    this.#calledUnder = new Map()
    try {
      await this.#setup.roster.calledUnder(unstored)
    } catch (error) {
      // What arrived meanwhile is newer.
      this.#calledUnder = new Map([...unstored, ...this.#calledUnder])
      throw error
    }
  }

  /** The old static key is destroyed when every device has confirmed the new one. */
  async #dropOld(nowMs: number): Promise<void> {
    const { keys, roster, renewKeys, say } = this.#setup
    const { staticKeys } = keys
    if (staticKeys.length < 2 || Math.abs(nowMs - this.#askAfterMs) < OLD_KEY_MS) return
    this.#askAfterMs = nowMs
    const needed = async (): Promise<boolean> => {
      const { devices, tokens } = await roster.olderKeys(tagOf(staticKeys))
      return devices + tokens > 0
    }
    if (await needed()) return
    // No device enrols under it from here on; the second look sees one that was just being stored.
    renewKeys([staticKeys[0]])
    await this.#settled()
    if (await needed()) {
      renewKeys(staticKeys)
      return
    }
    eraseOldStaticKeys(keys.folder)
    keys.look()
    say('static key: every device has confirmed the newest, the old one is destroyed')
  }
}

/** A file of this name in the key folder asks the running master for a rotation; it is removed when
 * that is done. */
const REQUEST = 'rotate-trees'

export const requestRotation = (folder: string): void =>
  writeFileSync(join(folder, REQUEST), '', { mode: 0o600 })

export const rotationRequested = (folder: string): boolean => existsSync(join(folder, REQUEST))

const tagOf = ([newest]: StaticKeys): Uint8Array => masterKeyTag(nodeSuite, newest.publicKey)
