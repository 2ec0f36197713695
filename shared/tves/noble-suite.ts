// The portable provider, on @noble: the reference that node:crypto is checked against, and what a
// browser can run. Its AES uses tables and promises no constant time, so it must not serve a shared
// host. X25519 and ML-KEM are passed in: @noble/hashes and @noble/ciphers have none.

import { gcm } from '@noble/ciphers/aes.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { concat } from '../bytes.ts'
import { TAG_BYTES } from '../wire/limits.ts'
import { type Aead, KEY_BYTES, type Suite } from './suite.ts'

function nobleAead(key: Uint8Array): Aead {
  return {
    seal: (nonce, aad, plaintext, head) => {
      const sealed = gcm(key, nonce, aad).encrypt(plaintext)
      return head === undefined ? sealed : concat(head, sealed)
    },
    open: (nonce, aad, sealed) => {
      if (sealed.length < TAG_BYTES) return null
      try {
        return gcm(key, nonce, aad).decrypt(sealed)
      } catch {
        return null
      }
    },
  }
}

export function nobleSuite(asymmetric: Pick<Suite, 'publicKey' | 'dh' | 'kem'>): Suite {
  return {
    sha256: (message) => sha256(message),
    sha512: (message) => sha512(message),
    sha512Halves: (message) => {
      const digest = sha512(message)
      return [digest.slice(0, KEY_BYTES), digest.slice(KEY_BYTES)]
    },
    hmacSha256: (key, message) => hmac(sha256, key, message),
    aead: nobleAead,
    publicKey: asymmetric.publicKey,
    dh: asymmetric.dh,
    kem: asymmetric.kem,
  }
}
