// A frame is sealed once, in the second in which its readings were taken; that same body is stored,
// sent and, if need be, sent again. The nonce is never sent: it is the run's iv with the sequence
// number mixed in, and a run never uses a sequence number twice.

import { assert } from '../assert.ts'
import { fromText, isSpent } from '../bytes.ts'
import { encodeHeader, type FrameHeader } from '../wire/frame.ts'
import { BODY_BYTES_MAX, DEVICE_ID_BYTES, HASH_BYTES, RUN_SALT_BYTES } from '../wire/limits.ts'
import { type Aead, NONCE_BYTES, type Suite } from './suite.ts'

const LABEL = fromText('TVES/1 frame')
/** An opener's. */
const HEADER_BYTES_MAX = 20 + RUN_SALT_BYTES

/** What sealing and opening share; both sides know it before the frame. */
interface FrameContext {
  /** The second's key, 32 bytes, or the cipher that the suite made from it. */
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

/** Nonce and associated data of the current call: neither is needed after it returns, and new
 * arrays for every frame would cost a quarter of the time that opening one takes. */
const nonce = new Uint8Array(NONCE_BYTES)
const nonceView = new DataView(nonce.buffer)
const aad = new Uint8Array(LABEL.length + DEVICE_ID_BYTES + HASH_BYTES + HEADER_BYTES_MAX)
aad.set(LABEL)

/** iv with its last four bytes XOR sequence. */
function frameNonce(iv: Uint8Array, sequence: number): Uint8Array {
  assert(iv.length === NONCE_BYTES, 'an iv has 12 bytes')
  nonce.set(iv)
  nonceView.setUint32(8, (nonceView.getUint32(8) ^ sequence) >>> 0)
  return nonce
}

function frameAad({ device, transcript }: FrameContext, headerBytes: Uint8Array): Uint8Array {
  const lengths = device.length === DEVICE_ID_BYTES && transcript.length === HASH_BYTES
  assert(lengths, 'a device id has 8 bytes, a transcript 32')
  aad.set(device, LABEL.length)
  aad.set(transcript, LABEL.length + DEVICE_ID_BYTES)
  const header = LABEL.length + DEVICE_ID_BYTES + HASH_BYTES
  aad.set(headerBytes, header)
  return aad.subarray(0, header + headerBytes.length)
}

/** The whole body of a reading frame: header, ciphertext, tag. Source: wire.md 8. */
export function sealFrame(
  suite: Suite,
  frame: FrameContext & { readonly header: FrameHeader; readonly plaintext: Uint8Array },
): Uint8Array {
  const headerBytes = encodeHeader(frame.header)
  const { key } = frame
  assert(!(key instanceof Uint8Array && isSpent(key)), 'a key seals before it is overwritten')
  const aead = aeadOf(suite, key)
  const body = aead.seal(
    frameNonce(frame.iv, frame.header.sequence),
    frameAad(frame, headerBytes),
    frame.plaintext,
    headerBytes,
  )
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
  const aead = aeadOf(suite, frame.key)
  const associated = frameAad(frame, frame.headerBytes)
  return aead.open(frameNonce(frame.iv, frame.sequence), associated, frame.sealed)
}
