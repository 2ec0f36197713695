// The stream hash: one value that stands for every frame of a run so far, in order. Both sides
// compute it and acknowledgements quote it, so a frame that one side holds and the other has lost
// or altered is noticed at the next contact.

import { assert } from '../assert.ts'
import { concat, fromText, Writer } from '../bytes.ts'
import { DEVICE_ID_BYTES } from '../wire/limits.ts'
import type { Suite } from './suite.ts'

const LABEL = fromText('TVES/1 stream')

/** h(-1): the hash of a run that has no frame yet. `device` 8 bytes. Source: wire.md 6.
 */
export function streamStart(
  suite: Suite,
  device: Uint8Array,
  epoch: number,
  run: number,
): Uint8Array {
  assert(device.length === DEVICE_ID_BYTES, 'a device id has 8 bytes')
  return suite.sha256(new Writer().bytes(LABEL).bytes(device).u32(epoch).u32(run).done())
}

/** h(n) from h(n-1) and the whole body of frame n. Source: wire.md 6. */
export const streamNext = (suite: Suite, hash: Uint8Array, body: Uint8Array): Uint8Array =>
  suite.sha256(concat(hash, suite.sha256(body)))
