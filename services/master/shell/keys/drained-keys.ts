// The keys under which drained epochs wait out their grace (wire.md 6.5): one file for each day,
// `drained-N.key`, N the day since 1970. Wrapping these trees anew every hour, as those in use are
// (tree-keys.ts), would rewrite hundreds of rows of each device for nothing: they do not move any
// more. A tree is wrapped here only as it is when it is drained, so an old copy of such a row says
// no more than the row; and when the day's key is destroyed, no copy opens.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { SecretPlace } from '../../../../shared/handover/roster.ts'
import { nodeRandom, nodeSuite } from '../../../../shared/node/node-suite.ts'
import { DRAINED_KEPT_DAYS } from '../../../../shared/wire/limits.ts'
import { addSecret, eraseSecret, readSecret } from './key-files.ts'
import { unwrapUnder, WRAP_FORMS, type WrapKey, wrappedBy, wrapUnder } from './wrapping.ts'

const KEY_BYTES = 32
const DAY_MS = 86_400_000
/** Days that a key outlives what it wrapped: a row goes within the hour, and its day was not over
 * when it was wrapped. */
const MARGIN_DAYS = 2
const NAME = /^drained-(\d{1,9})\.key$/
const nameOf = (day: number): string => `drained-${day}.key`
const dayOf = (nowMs: number): number => Math.floor(nowMs / DAY_MS)

export class DrainedKeys {
  readonly #folder: string
  readonly #keys = new Map<number, WrapKey>()
  /** What the ciphers in #keys read. */
  readonly #bytes = new Map<number, Uint8Array>()

  /** Reads the keys in `folder`. OPS-10, OPS-16 as for every key file. */
  constructor(folder: string) {
    this.#folder = folder
    for (const name of readdirSync(folder)) {
      const day = Number(NAME.exec(name)?.[1] ?? 0)
      const key = day === 0 ? null : readSecret(join(folder, name), KEY_BYTES)
      if (key !== null) this.#hold(day, key)
      // Erased, and interrupted before its name was removed.
      else if (day !== 0) eraseSecret(folder, name)
    }
  }

  /** Days of which a key is held. */
  get held(): readonly number[] {
    return [...this.#keys.keys()]
  }

  /** Under the key of the day, which is made when there is none. */
  wrap(tree: Uint8Array, place: SecretPlace, nowMs: number): Uint8Array {
    return wrapUnder(this.#keys.get(dayOf(nowMs)) ?? this.#make(dayOf(nowMs)), tree, place)
  }

  unwrap(wrapped: Uint8Array, place: SecretPlace): Uint8Array | null {
    const key = this.#keys.get(wrappedBy(wrapped, WRAP_FORMS.drained) ?? 0)
    return key === undefined ? null : unwrapUnder(key, wrapped, place)
  }

  /** Whether the key that wrapped it is here. */
  isOurs(wrapped: Uint8Array): boolean {
    return this.#keys.has(wrappedBy(wrapped, WRAP_FORMS.drained) ?? 0)
  }

  /** Destroys the keys whose epochs are all gone. */
  eraseOld(nowMs: number): void {
    for (const day of this.held) {
      if (day >= dayOf(nowMs) - DRAINED_KEPT_DAYS - MARGIN_DAYS) continue
      eraseSecret(this.#folder, nameOf(day))
      this.#keys.delete(day)
      this.#bytes.get(day)?.fill(0)
      this.#bytes.delete(day)
    }
  }

  #make(day: number): WrapKey {
    const key = nodeRandom(KEY_BYTES)
    addSecret(this.#folder, nameOf(day), key)
    return this.#hold(day, key)
  }

  #hold(id: number, key: Uint8Array): WrapKey {
    const made = { form: WRAP_FORMS.drained, id, aead: nodeSuite.aead(key) }
    this.#keys.set(id, made)
    this.#bytes.set(id, key)
    return made
  }
}
