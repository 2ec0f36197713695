// HKDF with HMAC-SHA256 (RFC 5869): Noise mixes keys with it, and we export secrets by it.

import { assert } from '../assert.ts'
import { concat } from '../bytes.ts'
import { KEY_BYTES, type Suite } from './suite.ts'

/** Longest output of one extracted key, bytes. Source: RFC 5869 section 2.3. */
const OUTPUT_BYTES_MAX = 255 * KEY_BYTES

/** Returns `length` bytes derived from `secret`, which need not be uniform; `salt` separates the
 * callers, `info` their purposes. */
export function hkdf(
  suite: Suite,
  {
    salt,
    secret,
    info,
  }: { readonly salt: Uint8Array; readonly secret: Uint8Array; readonly info: Uint8Array },
  length: number,
): Uint8Array {
  assert(length <= OUTPUT_BYTES_MAX, 'HKDF gives 255 blocks at most')
  const key = suite.hmacSha256(salt, secret)
  const blocks: Uint8Array[] = []
  let last: Uint8Array = new Uint8Array(0)
  for (let number = 1; (number - 1) * KEY_BYTES < length; number += 1) {
    last = suite.hmacSha256(key, concat(last, info, Uint8Array.of(number)))
    blocks.push(last)
  }
  return concat(...blocks).slice(0, length)
}
