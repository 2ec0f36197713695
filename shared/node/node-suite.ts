// The provider on node:crypto. Two things make it fast:
// - hashes of what is public go through the one-shot crypto.hash, and come out as text of one
//   character per byte: a Buffer of its own costs more than a short hash, because the garbage
//   collector must track it.
// - what is short and handed to OpenSSL again and again lies in one array that stays: a small array
//   lives inside V8's heap and is moved out of it when native code first asks for it.
//
// Two things make it forget:
// - a secret hash comes out as a Buffer, which can be overwritten. A text cannot: with texts, every
//   node of a key tree was found in memory long after it was punctured (test/e2e/memory.test.ts).
//   This costs 0.6 to 1 microsecond for each.
// - AES keys stay raw bytes. A KeyObject is a copy that goes when the garbage collector comes: on a
//   quiet slave perhaps an hour later. OpenSSL cleanses the context of a cipher when its last
//   block is done. Here that costs nothing: Node 26 takes a raw key as fast.
//
// X25519 and ML-KEM know KeyObjects only. Those of a handshake live until the garbage collector
// comes, and OpenSSL cleanses them then (docs/threat-model.md; garbage.ts).

import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  hash,
  type KeyObject,
  randomFillSync,
} from 'node:crypto'
import { assert } from '../assert.ts'
import { type Aead, KEM_CIPHERTEXT_BYTES, type Kem, KEY_BYTES, type Suite } from '../tves/suite.ts'
import { type Random, secretBytes } from '../bytes.ts'
import { TAG_BYTES } from '../wire/limits.ts'

const GCM = 'aes-256-gcm'
const TAG = { authTagLength: TAG_BYTES }
const NO_HEAD = new Uint8Array(0)

/** The same bytes as a plain Uint8Array: a Buffer compares unequal to one, and its slice() is a
 * view. */
const plain = (buffer: Buffer): Uint8Array =>
  new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length)

/** Bytes `from` to before `to` of a text of one character per byte. */
function latin1Bytes(text: string, from: number, to: number): Uint8Array {
  const bytes = new Uint8Array(to - from)
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = text.charCodeAt(from + i)
  return bytes
}

const SHA256_BYTES = 32
const SHA512_BYTES = 64

/** Of what is public. */
const sha256 = (message: Uint8Array): Uint8Array =>
  latin1Bytes(hash('sha256', message, 'latin1'), 0, SHA256_BYTES)

const BLOCK_BYTES = 64
/** Longest message that fits behind the key's block without an array of its own: all that a
 * handshake mixes in. */
const SHORT_BYTES = 192
const inner = secretBytes(BLOCK_BYTES + SHORT_BYTES)
const outer = secretBytes(BLOCK_BYTES + SHA256_BYTES)
const secretSha256 = (message: Uint8Array): Buffer => hash('sha256', message, 'buffer')

/** RFC 2104, written out: createHmac makes objects that cost three times as much as the hashing,
 * and a handshake asks for 28 of them. */
function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  const block = key.length > BLOCK_BYTES ? secretSha256(key) : key
  const fits = message.length <= SHORT_BYTES
  const first = fits ? inner : secretBytes(BLOCK_BYTES + message.length)
  for (let i = 0; i < BLOCK_BYTES; i += 1) {
    const byte = block[i] ?? 0
    first[i] = byte ^ 0x36
    outer[i] = byte ^ 0x5c
  }
  first.set(message, BLOCK_BYTES)
  const within = secretSha256(first.subarray(0, BLOCK_BYTES + message.length))
  outer.set(within, BLOCK_BYTES)
  const tag = plain(secretSha256(outer))
  first.fill(0)
  outer.fill(0)
  within.fill(0)
  return tag
}

function nodeAead(key: Uint8Array): Aead {
  assert(key.length === KEY_BYTES, 'an AES-256 key has 32 bytes')
  return {
    seal(nonce, aad, plaintext, head = NO_HEAD) {
      const cipher = createCipheriv(GCM, key, nonce, TAG)
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
      const decipher = createDecipheriv(GCM, key, nonce, TAG)
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
    key: bufferOn(privateKey),
    format: 'raw-private',
    asymmetricKeyType: 'x25519',
  })
  privateKeys.set(privateKey, object)
  return object
}

/** The same memory as a Buffer: a copy would be one more to overwrite. */
const bufferOn = ({ buffer, byteOffset, length }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, length)

const ML_KEM = { asymmetricKeyType: 'ml-kem-768' } as const

/** Making a key pair from its seed costs 80 microseconds, and each seed is used twice. */
function kemKeyObject(seed: Uint8Array): KeyObject {
  const known = privateKeys.get(seed)
  if (known !== undefined) return known
  const object = createPrivateKey({ key: bufferOn(seed), format: 'raw-seed', ...ML_KEM })
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
  sha256,
  sha512: (message) => latin1Bytes(hash('sha512', message, 'latin1'), 0, SHA512_BYTES),
  sha512Halves: (message) => {
    const { buffer, byteOffset } = hash('sha512', message, 'buffer')
    const half = (at: number): Uint8Array => new Uint8Array(buffer, byteOffset + at, KEY_BYTES)
    return [half(0), half(KEY_BYTES)]
  },
  hmacSha256,
  aead: nodeAead,
  publicKey,
  dh,
  kem,
}

/** Fresh bytes from the operating system; perhaps of a secret. */
export const nodeRandom: Random = (length) => randomFillSync(secretBytes(length))
