// Secrets that travel in a cookie, a form or a link. The database keeps their SHA-256 only: they
// are random, so a plain hash is enough, and a stolen table opens nothing.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** Bytes of a session cookie and of a form cookie. */
export const SESSION_BYTES = 32
/** Bytes of a link: 128 bits cannot be guessed, and the link still fits into one SMS. */
export const LINK_BYTES = 16

const LINK = /^[A-Za-z0-9_-]{22}$/
const SESSION = /^[A-Za-z0-9_-]{43}$/

export const isLinkToken = (text: string): boolean => LINK.test(text)
export const isSessionToken = (text: string): boolean => SESSION.test(text)

export const tokenText = (random: Uint8Array): string => Buffer.from(random).toString('base64url')

/** What the database keeps of a token. */
export const tokenHash = (token: string): Buffer => createHash('sha256').update(token).digest()

/** The CSRF token of every form shown under this cookie: derived, so nothing more is stored. */
export const formToken = (cookie: string): string =>
  createHmac('sha256', cookie).update('ticklock form').digest('base64url')

export function fitsForm(cookie: string, given: string): boolean {
  const expected = Buffer.from(formToken(cookie))
  const found = Buffer.from(given)
  return expected.length === found.length && timingSafeEqual(expected, found)
}
