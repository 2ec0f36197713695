// The master's two secrets on disk, each a 32-byte file of mode 0600 outside the database: its
// static X25519 key, and the wrap key under which every secret in the database lies (tokens, psks,
// key trees). Whoever has the database, its log or its backups, but not the wrap key, opens
// nothing.

import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { concat, fromText, Reader, Writer } from '../../../shared/bytes.ts'
import { makeFolders } from '../../../shared/node/folders.ts'
import { FaultError } from '../../../shared/node/fault-error.ts'
import { nodeSuite } from '../../../shared/node/node-suite.ts'
import type { KeyPair } from '../../../shared/tves/noise.ts'

const KEY_BYTES = 32
const NONCE_BYTES = 12
/** Form of a wrapped secret: u8 1, u32 wrap key id, nonce (12), ciphertext and tag. */
const FORM = 1
/** The first wrap key; rotation will count on from here. */
const WRAP_KEY_ID = 1
const LABEL = fromText('TVES/1 wrap')

export interface KeyStore {
  readonly staticKey: KeyPair
  wrap(secret: Uint8Array): Uint8Array
  /** Null when it was wrapped by another key or is damaged. */
  unwrap(wrapped: Uint8Array): Uint8Array | null
}

/** Opens the keys in `folder`, making them at the first start. OPS-10 when others can read them,
 * OPS-16 when a file has not 32 bytes, OPS-04 when the folder cannot be written. */
export function openKeyStore(folder: string): KeyStore {
  try {
    makeFolders(folder, 0o700)
  } catch (error) {
    throw new FaultError('OPS-04', error instanceof Error ? error.message : folder)
  }
  const privateKey = keyFile(join(folder, 'master-static.key'))
  const aead = nodeSuite.aead(keyFile(join(folder, 'wrap.key')))
  return {
    staticKey: { privateKey, publicKey: nodeSuite.publicKey(privateKey) },
    wrap: (secret) => {
      const head = new Writer().u8(FORM).u32(WRAP_KEY_ID).done()
      const nonce = new Uint8Array(randomBytes(NONCE_BYTES))
      return concat(head, nonce, aead.seal(nonce, concat(LABEL, head), secret))
    },
    unwrap: (wrapped) => {
      const reader = new Reader(wrapped)
      const head = reader.bytes(5)
      const nonce = reader.bytes(NONCE_BYTES)
      if (!reader.ok || head[0] !== FORM) return null
      return aead.open(nonce, concat(LABEL, head), reader.rest())
    },
  }
}

function keyFile(path: string): Uint8Array {
  const found = readKey(path)
  if (found !== null) return found
  const key = new Uint8Array(randomBytes(KEY_BYTES))
  // 'wx': never over a key that is there. Durable before it is used: what it wraps outlives a power
  // cut.
  const file = openSync(path, 'wx', 0o600)
  try {
    writeSync(file, key)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  return key
}

function readKey(path: string): Uint8Array | null {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) return null
  if ((found.mode & 0o077) !== 0 && process.platform !== 'win32') {
    throw new FaultError('OPS-10', path)
  }
  const key = new Uint8Array(readFileSync(path))
  if (key.length !== KEY_BYTES) throw new FaultError('OPS-16', `${path} is no key`)
  return key
}
