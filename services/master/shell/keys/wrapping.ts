// How a secret is stored in the database: sealed under a key from the key folder, whose number
// precedes it, and bound to the row and column it was made for: moved anywhere else it does not
// open. So whoever can write the database cannot exchange two devices' secrets.
//   form u8 | key id u32 | nonce (12) | ciphertext and tag
//   authenticated with it: label | form | key id | place
// Earlier versions bound nothing (forms 1 and 2): see bound-rows.ts.

import { randomBytes } from 'node:crypto'
import { concat, fromText, Reader, Writer } from '../../../../shared/bytes.ts'
import type { SecretPlace } from '../../../../shared/handover/roster.ts'
import { type Aead, NONCE_BYTES } from '../../../../shared/tves/suite.ts'

const HEAD_BYTES = 5
const LABEL = fromText('TVES/1 wrap')

/** What a wrapped secret is, by its first byte. */
export const WRAP_FORMS = {
  unboundSecret: 1,
  unboundTree: 2,
  secret: 3,
  tree: 4,
  drained: 5,
} as const
type Form = (typeof WRAP_FORMS)[keyof typeof WRAP_FORMS]

export interface WrapKey {
  readonly form: Form
  readonly id: number
  readonly aead: Aead
}

const PLACES = { psk: 1, token: 2, tree: 3, service: 4 } as const

/** No two places have the same bytes: each part has its length before it or a fixed one, or is the
 * last. */
function placeBytes(place: SecretPlace): Uint8Array {
  const owner = fromText(place.is === 'service' ? place.service : place.device)
  const head = new Writer().u8(PLACES[place.is]).u8(owner.length).done()
  return concat(head, owner, rowBytes(place))
}

const rowBytes = (place: SecretPlace): Uint8Array => {
  if (place.is === 'service') return fromText(place.peer)
  if (place.is === 'psk') return place.staticKey
  if (place.is === 'token') return fromText(place.token)
  return new Writer().u32(place.epoch).done()
}

/** `place` null: the forms of earlier versions, which are bound to no row. */
const bindingOf = (head: Uint8Array, place: SecretPlace | null): Uint8Array =>
  place === null ? concat(LABEL, head) : concat(LABEL, head, placeBytes(place))

export function wrapUnder(
  { form, id, aead }: WrapKey,
  secret: Uint8Array,
  place: SecretPlace | null,
): Uint8Array {
  const head = new Writer().u8(form).u32(id).done()
  // Random nonces: a key that wraps four billion secrets would repeat one with a chance of 2^-32.
  const nonce = new Uint8Array(randomBytes(NONCE_BYTES))
  return concat(head, nonce, aead.seal(nonce, bindingOf(head, place), secret))
}

/** The number of the key that wrapped it; null when these bytes are not of this form. */
export function wrappedBy(wrapped: Uint8Array, form: Form): number | null {
  const reader = new Reader(wrapped)
  const found = reader.u8()
  const id = reader.u32()
  return reader.ok && found === form ? id : null
}

/** True for what earlier versions wrapped. */
export const isUnbound = (wrapped: Uint8Array): boolean =>
  wrapped[0] === WRAP_FORMS.unboundSecret || wrapped[0] === WRAP_FORMS.unboundTree

/** Null when it was wrapped by another key or for another place, or is damaged. */
export function unwrapUnder(
  { form, id, aead }: WrapKey,
  wrapped: Uint8Array,
  place: SecretPlace | null,
): Uint8Array | null {
  if (wrappedBy(wrapped, form) !== id) return null
  const reader = new Reader(wrapped)
  const head = reader.bytes(HEAD_BYTES)
  const nonce = reader.bytes(NONCE_BYTES)
  const sealed = reader.rest()
  return reader.ok ? aead.open(nonce, bindingOf(head, place), sealed) : null
}
