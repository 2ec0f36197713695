// A frame is sealed once, in the second its readings were taken; that very body is stored, sent,
// and sent again. The nonce is never sent: it is the run's iv with the sequence number mixed in,
// and a run never uses a sequence number twice.

import { assert } from '../assert.ts'
import { concat, fromText } from '../bytes.ts'
import { encodeHeader, type FrameHeader } from '../wire/frame.ts'
import { BODY_BYTES_MAX } from '../wire/limits.ts'
import { type Aead, NONCE_BYTES, type Suite } from './suite.ts'

const LABEL = fromText('TVES/1 frame')

/** What sealing and opening share; both sides know it before the frame. */
interface FrameContext {
  /** The second's key, 32 bytes, or what the suite made of it. */
  readonly key: Uint8Array | Aead
  /** The run's iv, 12 bytes (runIv). */
  readonly iv: Uint8Array
  /** Device id, 8 bytes. */
  readonly device: Uint8Array
  /** The epoch's transcript hash, 32 bytes. */
  readonly transcript: Uint8Array
}

const aeadOf = (suite: Suite, key: Uint8Array | Aead): Aead =>
  key instanceof Uint8Array ? suite.aead(key) : key

/** iv with its last four bytes XOR sequence. */
function frameNonce(iv: Uint8Array, sequence: number): Uint8Array {
  assert(iv.length === NONCE_BYTES, 'an iv has 12 bytes')
  const nonce = new Uint8Array(iv)
  const view = new DataView(nonce.buffer)
  view.setUint32(8, (view.getUint32(8) ^ sequence) >>> 0)
  return nonce
}

const frameAad = (context: FrameContext, headerBytes: Uint8Array): Uint8Array =>
  concat(LABEL, context.device, context.transcript, headerBytes)

/** The whole body of a reading frame: header, ciphertext, tag. Source: wire.md 8. */
export function sealFrame(
  suite: Suite,
  frame: FrameContext & { readonly header: FrameHeader; readonly plaintext: Uint8Array },
): Uint8Array {
  const headerBytes = encodeHeader(frame.header)
  const nonce = frameNonce(frame.iv, frame.header.sequence)
  const aad = frameAad(frame, headerBytes)
  const body = aeadOf(suite, frame.key).seal(nonce, aad, frame.plaintext, headerBytes)
  assert(body.length <= BODY_BYTES_MAX, 'a frame fits one body')
  return body
}

/** The plaintext of a frame, or null when it does not open (SEC-03). */
export function openFrame(
  suite: Suite,
  frame: FrameContext & {
    readonly headerBytes: Uint8Array
    readonly sequence: number
    readonly sealed: Uint8Array
  },
): Uint8Array | null {
  const nonce = frameNonce(frame.iv, frame.sequence)
  return aeadOf(suite, frame.key).open(nonce, frameAad(frame, frame.headerBytes), frame.sealed)
}
