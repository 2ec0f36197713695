// HKDF with HMAC-SHA256 (RFC 5869): Noise mixes keys with it, and we export secrets by it.

import { assert } from '../assert.ts'
import { secretBytes } from '../bytes.ts'
import { KEY_BYTES, type Suite } from './suite.ts'

/** Longest output of one extracted key, bytes. Source: RFC 5869 section 2.3. */
const OUTPUT_BYTES_MAX = 255 * KEY_BYTES

/** Returns `length` bytes derived from `secret`, which need not be uniform; `salt` separates the
 * callers, `info` their purposes. Nothing else is left of them in memory. */
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
  const output = secretBytes(length)
  // The block before, where there is one, then info and the block's number.
  const message = secretBytes(KEY_BYTES + info.length + 1)
  message.set(info, KEY_BYTES)
  for (let number = 1; (number - 1) * KEY_BYTES < length; number += 1) {
    message[message.length - 1] = number
    const from = number === 1 ? message.subarray(KEY_BYTES) : message
    const block = suite.hmacSha256(key, from)
    const at = (number - 1) * KEY_BYTES
    output.set(block.subarray(0, length - at), at)
    message.set(block)
    block.fill(0)
  }
  message.fill(0)
  key.fill(0)
  return output
}
