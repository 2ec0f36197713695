// How a secret is stored in the database: sealed under a key from the key folder, whose number
// precedes it.
//   form u8 | key id u32 | nonce (12) | ciphertext and tag;  form and id are authenticated

import { randomBytes } from 'node:crypto'
import { concat, fromText, Reader, Writer } from '../../../../shared/bytes.ts'
import { type Aead, NONCE_BYTES } from '../../../../shared/tves/suite.ts'

const HEAD_BYTES = 5
const LABEL = fromText('TVES/1 wrap')

/** What a wrapped secret is, by its first byte. */
export const WRAP_FORMS = { secret: 1, tree: 2 } as const
type Form = (typeof WRAP_FORMS)[keyof typeof WRAP_FORMS]

export interface WrapKey {
  readonly form: Form
  readonly id: number
  readonly aead: Aead
}

export function wrapUnder({ form, id, aead }: WrapKey, secret: Uint8Array): Uint8Array {
  const head = new Writer().u8(form).u32(id).done()
  // Random nonces: a key that wraps four billion secrets would repeat one with a chance of 2^-32.
  const nonce = new Uint8Array(randomBytes(NONCE_BYTES))
  return concat(head, nonce, aead.seal(nonce, concat(LABEL, head), secret))
}

/** The number of the key that wrapped it; null when these bytes are not of this form. */
export function wrappedBy(wrapped: Uint8Array, form: Form): number | null {
  const reader = new Reader(wrapped)
  const found = reader.u8()
  const id = reader.u32()
  return reader.ok && found === form ? id : null
}

/** Null when it was wrapped by another key or is damaged. */
export function unwrapUnder({ form, id, aead }: WrapKey, wrapped: Uint8Array): Uint8Array | null {
  if (wrappedBy(wrapped, form) !== id) return null
  const reader = new Reader(wrapped)
  const head = reader.bytes(HEAD_BYTES)
  const nonce = reader.bytes(NONCE_BYTES)
  const sealed = reader.rest()
  return reader.ok ? aead.open(nonce, concat(LABEL, head), sealed) : null
}
