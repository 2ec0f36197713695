// Fields that several messages share.

import { assert } from '../assert.ts'
import type { Writer } from '../bytes.ts'
import { FAULT_CODE_BYTES_MAX } from './limits.ts'

/** What the wire takes as a fault code; a newer slave may send one that we do not know. */
export const FAULT_CODE = new RegExp(`^[A-Z0-9-]{1,${FAULT_CODE_BYTES_MAX}}$`)

export function writeFixed(writer: Writer, bytes: Uint8Array, length: number): Writer {
  assert(bytes.length === length, 'a field of fixed length has that length')
  return writer.bytes(bytes)
}
