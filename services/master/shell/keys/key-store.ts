// The master's long-lived keys: its static X25519 key (two during a change), by which slaves know
// it, and `wrap.key`, under which psks and token secrets are stored in the database. The key trees
// have a key of their own that changes hourly (tree-keys.ts); this one stays, so that a restored
// backup does not force every slave to enrol again.

import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { concat, equalConstantTime, fromText, Reader } from '../../../../shared/bytes.ts'
import type { SecretPlace } from '../../../../shared/handover/roster.ts'
import { FaultError } from '../../../../shared/node/fault-error.ts'
import { makeFolders } from '../../../../shared/node/folders.ts'
import { nodeSuite } from '../../../../shared/node/node-suite.ts'
import type { KeyPair } from '../../../../shared/tves/noise.ts'
import { addSecret, eraseSecret, makeSecret, readSecret } from './key-files.ts'
import { unwrapUnder, WRAP_FORMS, type WrapKey, wrappedBy, wrapUnder } from './wrapping.ts'

const KEY_BYTES = 32
/** Under which number earlier versions wrapped. */
const UNBOUND_ID = 1
const ID_LABEL = fromText('TVES/1 wrap key id')
const FIRST_STATIC = 'master-static.key'
/** The first has no number; later ones count from 2. */
const STATIC_NAME = /^master-static(?:-(\d{1,6}))?\.key$/

/** Newest first; usually one. */
export type StaticKeys = readonly [KeyPair, ...KeyPair[]]

export interface KeyStore {
  readonly folder: string
  /** As the folder had them at the last look. */
  readonly staticKeys: StaticKeys
  /** Looks at the folder again; true when a static key came or went. */
  look(): boolean
  wrap(secret: Uint8Array, place: SecretPlace): Uint8Array
  /** Null when it was wrapped by another key or for another place, or is damaged. */
  unwrap(wrapped: Uint8Array, place: SecretPlace): Uint8Array | null
  /** What an earlier version wrapped (bound-rows.ts). */
  unwrapUnbound(wrapped: Uint8Array): Uint8Array | null
  /** Whether our key wrapped it, for whatever place. */
  isOurs(wrapped: Uint8Array): boolean
}

/** Opens the keys in `folder`, making them at the first start. OPS-10 when others can read them,
 * OPS-16 when a file is not 32 bytes long, OPS-04 when the folder cannot be written. */
export function openKeyStore(folder: string): KeyStore {
  try {
    makeFolders(folder, 0o700)
  } catch (error) {
    throw new FaultError('OPS-04', error instanceof Error ? error.message : folder)
  }
  if (staticFiles(folder).length === 0) {
    makeSecret(folder, FIRST_STATIC, new Uint8Array(randomBytes(KEY_BYTES)))
  }
  const bytes = keyFile(folder, 'wrap.key')
  const aead = nodeSuite.aead(bytes)
  const wrapKey: WrapKey = { form: WRAP_FORMS.secret, id: idOf(bytes), aead }
  const unbound: WrapKey = { form: WRAP_FORMS.unboundSecret, id: UNBOUND_ID, aead }
  const first = readStatic(folder, [])
  if (first === null) throw new FaultError('OPS-16', `${folder} has no static key`)
  let held = first
  return {
    folder,
    get staticKeys() {
      return held
    },
    look: () => {
      const found = readStatic(folder, held)
      // The folder was emptied: what we hold in memory is all there is.
      if (found === null) return false
      const same = found.length === held.length && found.every((key, at) => key === held[at])
      held = found
      return !same
    },
    wrap: (secret, place) => wrapUnder(wrapKey, secret, place),
    unwrap: (wrapped, place) => unwrapUnder(wrapKey, wrapped, place),
    unwrapUnbound: (wrapped) => unwrapUnder(unbound, wrapped, null),
    isOurs: (wrapped) => wrappedBy(wrapped, wrapKey.form) === wrapKey.id,
  }
}

/** A number that tells one wrap key from another, so that a lost key (OPS-24) is not mistaken for a
 * wrap that was moved (OPS-30). Says nothing of use about the key: 32 bits of a hash. */
const idOf = (key: Uint8Array): number => new Reader(nodeSuite.sha256(concat(ID_LABEL, key))).u32()

/** Adds a second static key, from now on the newest. OPS-12 when there are two already. */
export function addStaticKey(folder: string): void {
  const [newest, older] = staticFiles(folder)
  if (newest === undefined) throw new FaultError('OPS-12', `${folder} has no static key yet`)
  if (older !== undefined) {
    throw new FaultError('OPS-12', 'two keys are held: give the old one up first')
  }
  const name = `master-static-${numberOf(newest) + 1}.key`
  addSecret(folder, name, new Uint8Array(randomBytes(KEY_BYTES)))
}

/** Destroys every static key but the newest. */
export function eraseOldStaticKeys(folder: string): void {
  for (const name of staticFiles(folder).slice(1)) eraseSecret(folder, name)
}

/** Names, newest first; remains of an erased one are cleared away. */
function staticFiles(folder: string): readonly string[] {
  const names = readdirSync(folder).filter((name) => STATIC_NAME.test(name))
  const whole = names.filter((name) => {
    const there = readSecret(join(folder, name), KEY_BYTES) !== null
    if (!there) eraseSecret(folder, name)
    return there
  })
  return whole.toSorted((a, b) => numberOf(b) - numberOf(a))
}

const numberOf = (name: string): number => Number(STATIC_NAME.exec(name)?.[1] ?? 1)

/** Returns the same pair object for the same key: others compare by identity. */
function readStatic(folder: string, known: readonly KeyPair[]): StaticKeys | null {
  const [newest, ...older] = staticFiles(folder).flatMap((name) => {
    const privateKey = readSecret(join(folder, name), KEY_BYTES)
    if (privateKey === null) return []
    const before = known.find((key) => equalConstantTime(key.privateKey, privateKey))
    return [before ?? { privateKey, publicKey: nodeSuite.publicKey(privateKey) }]
  })
  return newest === undefined ? null : [newest, ...older]
}

function keyFile(folder: string, name: string): Uint8Array {
  const found = readSecret(join(folder, name), KEY_BYTES)
  if (found !== null) return found
  const key = new Uint8Array(randomBytes(KEY_BYTES))
  makeSecret(folder, name, key)
  return key
}
