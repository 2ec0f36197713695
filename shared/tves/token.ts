// The one-time token by which an operator admits a device: which device it is (id), the proof that
// it may enrol (secret), and which master it may talk to (fingerprint), as 64 characters that a
// person can type. wire.md 3.

import { assert } from '../assert.ts'
import { concat, fromText, Reader } from '../bytes.ts'
import { TOKEN_ID_BYTES } from '../wire/limits.ts'
import { Secret } from '../secret.ts'
import type { Suite } from './suite.ts'

/** RFC 4648 base32. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const PSK_LABEL = fromText('TVES/1 token')
const TOKEN_SECRET_BYTES = 16
const FINGERPRINT_BYTES = 16
const TOKEN_CHARACTERS = 64
/** A pasted text longer than this is no token, whatever its spaces. */
const TEXT_LENGTH_MAX = 256

export interface EnrolmentToken {
  /** 8 bytes; travels in clear. */
  readonly id: Uint8Array
  /** 16 bytes. */
  readonly secret: Secret
  /** First 16 bytes of SHA-256 of the master's static public key. */
  readonly fingerprint: Uint8Array
}

/** 64 characters A-Z and 2-7, without spaces. */
export function encodeToken(token: EnrolmentToken): string {
  const secret = token.secret.reveal()
  assert(
    token.id.length === TOKEN_ID_BYTES &&
      secret.length === TOKEN_SECRET_BYTES &&
      token.fingerprint.length === FINGERPRINT_BYTES,
    'a token is 8 + 16 + 16 bytes',
  )
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of concat(token.id, secret, token.fingerprint)) {
    bits = (bits << 8) | byte
    held += 8
    for (; held >= 5; held -= 5) text += ALPHABET[(bits >> (held - 5)) & 31] ?? ''
    bits &= (1 << held) - 1
  }
  return text
}

/** Reads a token as people copy it: in any case, with spaces and hyphens anywhere. Null when it is
 * no token. */
export function decodeToken(text: string): EnrolmentToken | null {
  if (text.length > TEXT_LENGTH_MAX) return null
  const characters = text.replaceAll(/[\s-]/g, '').toUpperCase()
  if (characters.length !== TOKEN_CHARACTERS) return null
  const bytes: number[] = []
  let bits = 0
  let held = 0
  for (const character of characters) {
    const five = ALPHABET.indexOf(character)
    if (five < 0) return null
    bits = (bits << 5) | five
    held += 5
    if (held < 8) continue
    held -= 8
    bytes.push(bits >> held)
    bits &= (1 << held) - 1
  }
  const reader = new Reader(Uint8Array.from(bytes))
  const id = reader.bytes(TOKEN_ID_BYTES)
  const secret = new Secret(reader.bytes(TOKEN_SECRET_BYTES))
  return { id, secret, fingerprint: reader.bytes(FINGERPRINT_BYTES) }
}

/** What a slave recognises its master by. */
export const fingerprint = (suite: Suite, masterKey: Uint8Array): Uint8Array =>
  suite.sha256(masterKey).slice(0, FINGERPRINT_BYTES)

/** The Noise psk of an enrolment, from the token's secret. */
export const tokenPsk = (suite: Suite, secret: Uint8Array): Uint8Array =>
  suite.sha256(concat(PSK_LABEL, secret))
