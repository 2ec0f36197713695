// What a crypto provider offers. All other code uses only this, so that it runs on node:crypto
// (fast, constant time) and on @noble (portable, the reference that node:crypto is checked
// against).
//
// A key belongs to whoever passed it in, who overwrites it when it is spent; a cipher reads it at
// each call and is of no use from then on. (X25519 and ML-KEM: providers may keep what they derived
// from a private key for as long as its array lives.) Everything else that is passed in belongs to
// the caller again when the call returns.
//
// What comes out of sha512Halves, hmacSha256, dh and kem is secret, belongs to the caller, and lies
// where it can be overwritten (bytes.ts, secretBytes) if the provider promises erasure at all:
// node:crypto does, @noble does not. sha256 and sha512 are for what is public.

/** AES-256-GCM under one key, 12-byte nonces, 16-byte tags. */
export interface Aead {
  /** Returns `head` unchanged, then ciphertext, then tag. (Prefixing it here saves a copy of the
   * whole; it is authenticated only if `aad` contains it too.) */
  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, head?: Uint8Array): Uint8Array
  /** The plaintext, or null when `sealed` was not made with this key, nonce and aad. */
  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | null
}

/** ML-KEM-768. Source: FIPS 203. */
export interface Kem {
  /** Encapsulation key, 1,184 bytes, of a key pair given by its seed d || z, 64 bytes. */
  encapsulationKey(seed: Uint8Array): Uint8Array
  /** A fresh secret and the ciphertext that carries it; null when the key is malformed: not 1,184
   * bytes, or a coefficient not below the modulus (FIPS 203 section 7.2). */
  encapsulate(encapsulationKey: Uint8Array): Encapsulated | null
  /** The secret; another, unpredictable one when the ciphertext was made for another key (so what
   * is mixed from it does not authenticate). Null when it has not 1,088 bytes. */
  decapsulate(seed: Uint8Array, ciphertext: Uint8Array): Uint8Array | null
}

export interface Encapsulated {
  /** 1,088 bytes. */
  readonly ciphertext: Uint8Array
  /** 32 bytes. */
  readonly secret: Uint8Array
}

export interface Suite {
  sha256(message: Uint8Array): Uint8Array
  sha512(message: Uint8Array): Uint8Array
  /** SHA-512, as its first and its last 32 bytes, in two arrays: one can be overwritten and the
   * other kept. */
  sha512Halves(message: Uint8Array): readonly [Uint8Array, Uint8Array]
  hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array
  /** AES-256-GCM; `key` is 32 bytes. */
  aead(key: Uint8Array): Aead
  /** X25519 public key of a private key, both 32 bytes. */
  publicKey(privateKey: Uint8Array): Uint8Array
  /** X25519. Null when the result is all zero (the peer sent a point of small order) or `publicKey`
   * is not 32 bytes. Source: RFC 7748 section 6.1. */
  dh(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | null
  readonly kem: Kem
}

export const KEY_BYTES = 32
export const NONCE_BYTES = 12
/** ML-KEM-768: seed of a key pair, encapsulation key, ciphertext. */
export const KEM_SEED_BYTES = 64
export const KEM_KEY_BYTES = 1_184
export const KEM_CIPHERTEXT_BYTES = 1_088
