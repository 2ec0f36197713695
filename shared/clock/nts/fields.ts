// The extension fields that carry NTS inside NTPv4 packets, and their one cipher.
// Source: RFC 8915 section 5; RFC 5297 (AES-SIV).
//
//   packet = NTP header, 48 bytes
//            unique identifier        32 random bytes; the answer repeats them
//            cookie, placeholders     what the server needs to know the keys; room for new ones
//            authenticator            nonce, and whatever is encrypted, under everything before it

import { aessiv } from '@noble/ciphers/aes.js'
import { Reader, Writer } from '../../bytes.ts'

/** Length of a unique identifier, bytes (RFC 8915 section 5.3 asks for 32 or more). */
export const UNIQUE_BYTES = 32
/** Length of our nonces, bytes: needs no extra padding (RFC 8915 section 5.6). */
export const NTS_NONCE_BYTES = 16
/** Key of AEAD_AES_SIV_CMAC_256, bytes. */
export const SIV_KEY_BYTES = 32
/** Bytes that AES-SIV puts before its ciphertext. */
export const SIV_BYTES = 16

export const FIELD = {
  unique: 0x0104,
  cookie: 0x0204,
  placeholder: 0x0304,
  authenticator: 0x0404,
} as const

const padded = (length: number): number => Math.ceil(length / 4) * 4

/** Nonce and ciphertext as the body of an authenticator. The nonce is the last of the associated
 * data (RFC 5297 section 3): `before` is the packet up to this field. */
export function sealAuthenticator(
  key: Uint8Array,
  nonce: Uint8Array,
  before: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  const sealed = aessiv(key, before, nonce).encrypt(plaintext)
  const out = new Writer().u16(nonce.length).u16(sealed.length)
  for (const part of [nonce, sealed]) {
    out.bytes(part).bytes(new Uint8Array(padded(part.length) - part.length))
  }
  return out.done()
}

/** The plaintext of an authenticator; null when it does not authenticate under this key with these
 * bytes. */
export function openAuthenticator(
  key: Uint8Array,
  before: Uint8Array,
  body: Uint8Array,
): Uint8Array | null {
  const reader = new Reader(body)
  const nonceBytes = reader.u16()
  const sealedBytes = reader.u16()
  const nonce = reader.bytes(padded(nonceBytes)).subarray(0, nonceBytes)
  const sealed = reader.bytes(padded(sealedBytes)).subarray(0, sealedBytes)
  if (!reader.ok) return null
  try {
    return aessiv(key, before, nonce).decrypt(sealed)
  } catch {
    return null
  }
}
