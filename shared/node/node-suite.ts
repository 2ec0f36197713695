// The provider on node:crypto. Two things make it fast: hashes go through the one-shot crypto.hash,
// and every key is a KeyObject. (A raw key costs createCipheriv 25 to 40 microseconds: it throws
// and catches inside, with two stack traces, before it accepts the bytes.)

import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  hash,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import {
  type Aead,
  KEM_CIPHERTEXT_BYTES,
  type Kem,
  KEY_BYTES,
  type Random,
  type Suite,
  TAG_BYTES,
} from '../tves/suite.ts'

const GCM = 'aes-256-gcm'
const TAG = { authTagLength: TAG_BYTES }
const NO_HEAD = new Uint8Array(0)

/** The same bytes as a plain Uint8Array: a Buffer's slice() is a view, and it compares unequal. */
const plain = (buffer: Buffer): Uint8Array =>
  new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length)

function nodeAead(key: Uint8Array): Aead {
  const object = createSecretKey(key)
  return {
    seal(nonce, aad, plaintext, head = NO_HEAD) {
      const cipher = createCipheriv(GCM, object, nonce, TAG)
      cipher.setAAD(aad)
      // Not zeroed: every byte of it is written below.
      const sealed = plain(Buffer.allocUnsafeSlow(head.length + plaintext.length + TAG_BYTES))
      sealed.set(head)
      sealed.set(cipher.update(plaintext), head.length)
      cipher.final()
      sealed.set(cipher.getAuthTag(), head.length + plaintext.length)
      return sealed
    },
    open(nonce, aad, sealed) {
      const length = sealed.length - TAG_BYTES
      if (length < 0) return null
      const decipher = createDecipheriv(GCM, object, nonce, TAG)
      decipher.setAAD(aad)
      decipher.setAuthTag(sealed.subarray(length))
      const plaintext = decipher.update(sealed.subarray(0, length))
      try {
        decipher.final()
      } catch {
        return null
      }
      return plain(plaintext)
    },
  }
}

/** Private keys already turned into KeyObjects (45 microseconds each), for as long as their arrays
 * live. */
const privateKeys = new WeakMap<Uint8Array, KeyObject>()

function privateKeyObject(privateKey: Uint8Array): KeyObject {
  const known = privateKeys.get(privateKey)
  if (known !== undefined) return known
  const object = createPrivateKey({
    key: Buffer.from(privateKey),
    format: 'raw-private',
    asymmetricKeyType: 'x25519',
  })
  privateKeys.set(privateKey, object)
  return object
}

const ML_KEM = { asymmetricKeyType: 'ml-kem-768' } as const

/** Making a key pair of its seed costs 80 microseconds, and each seed is used twice. */
function kemKeyObject(seed: Uint8Array): KeyObject {
  const known = privateKeys.get(seed)
  if (known !== undefined) return known
  const object = createPrivateKey({ key: Buffer.from(seed), format: 'raw-seed', ...ML_KEM })
  privateKeys.set(seed, object)
  return object
}

const kem: Kem = {
  encapsulationKey: (seed) =>
    new Uint8Array(createPublicKey(kemKeyObject(seed)).export({ format: 'raw-public' })),
  encapsulate: (encapsulationKey) => {
    try {
      const key = Buffer.from(encapsulationKey)
      const made = encapsulate(createPublicKey({ key, format: 'raw-public', ...ML_KEM }))
      return { ciphertext: plain(made.ciphertext), secret: plain(made.sharedKey) }
    } catch {
      // OpenSSL checks length and modulus at the import (FIPS 203 section 7.2); nothing else fails.
      return null
    }
  },
  decapsulate: (seed, ciphertext) =>
    ciphertext.length === KEM_CIPHERTEXT_BYTES
      ? plain(decapsulate(kemKeyObject(seed), ciphertext))
      : null,
}

function publicKey(privateKey: Uint8Array): Uint8Array {
  const raw = createPublicKey(privateKeyObject(privateKey)).export({ format: 'raw-public' })
  return new Uint8Array(raw)
}

function dh(privateKey: Uint8Array, peer: Uint8Array): Uint8Array | null {
  if (peer.length !== KEY_BYTES) return null
  const own = privateKeyObject(privateKey)
  const other = createPublicKey({
    key: Buffer.from(peer),
    format: 'raw-public',
    asymmetricKeyType: 'x25519',
  })
  try {
    return plain(diffieHellman({ privateKey: own, publicKey: other }))
  } catch {
    // OpenSSL refuses an all-zero result (RFC 7748 section 6.1): the only way this can fail here.
    return null
  }
}

export const nodeSuite: Suite = {
  sha256: (message) => plain(hash('sha256', message, 'buffer')),
  sha512: (message) => plain(hash('sha512', message, 'buffer')),
  hmacSha256: (key, message) =>
    plain(createHmac('sha256', createSecretKey(key)).update(message).digest()),
  aead: nodeAead,
  publicKey,
  dh,
  kem,
}

/** Fresh bytes from the operating system. */
export const nodeRandom: Random = (length) => new Uint8Array(randomBytes(length))
