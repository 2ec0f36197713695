// The reading frame's header: in clear, authenticated, 20 bytes or 36 with the run's salt. wire.md
// 8.

import { assert } from '../assert.ts'
import { Reader, Writer } from '../bytes.ts'
import { type Second, second } from '../units.ts'
import { BODY_BYTES_MAX, FRAME_READINGS_MAX, RUN_SALT_BYTES, TAG_BYTES } from './limits.ts'

/** First byte of a reading frame: version 1, type 3. */
export const FRAME_BYTE = 0x13
/** First byte of a reading frame with the compact header: version 1, type 4. */
export const COMPACT_BYTE = 0x14
/** Whether a body is a reading frame, with either header. */
export const isFrame = (body: Uint8Array): boolean =>
  body[0] === FRAME_BYTE || body[0] === COMPACT_BYTE

const OPENER_FLAG = 1

export interface FrameHeader {
  /** First frame of a run: carries the run's salt, no readings. Exactly the frame of sequence 0. */
  readonly opener: boolean
  /** Epoch id, u32, never 0. */
  readonly epoch: number
  readonly run: number
  readonly second: Second
  readonly sequence: number
  /** Readings inside, 0..8000. */
  readonly count: number
  /** 16 bytes in an opener, null elsewhere. */
  readonly salt: Uint8Array | null
}

export interface FrameParts {
  readonly header: FrameHeader
  /** The header as it stood in the body, which the tag authenticates. */
  readonly headerBytes: Uint8Array
  /** Ciphertext and tag: a view of the body, which nobody changes. */
  readonly sealed: Uint8Array
}

const headerHolds = (header: FrameHeader): boolean =>
  header.opener === (header.salt !== null) &&
  header.opener === (header.sequence === 0) &&
  (!header.opener || header.count === 0) &&
  header.count <= FRAME_READINGS_MAX

/** 20 bytes, 36 for an opener. */
export function encodeHeader(header: FrameHeader): Uint8Array {
  assert(
    headerHolds(header),
    'an opener has sequence 0, a salt and no readings; no other frame has',
  )
  const writer = new Writer()
    .u8(FRAME_BYTE)
    .u8(header.opener ? OPENER_FLAG : 0)
    .u32(header.epoch)
    .u32(header.run)
    .u32(header.second)
    .u32(header.sequence)
    .u16(header.count)
  if (header.salt !== null) {
    assert(header.salt.length === RUN_SALT_BYTES, 'a run salt has 16 bytes')
    writer.bytes(header.salt)
  }
  return writer.done()
}

/** Takes a body apart without opening it. Null (WIR-03) when it is no reading frame: too short or
 * long, unknown flags, epoch or run 0, salt, sequence and count that do not belong together. */
export function decodeFrame(body: Uint8Array): FrameParts | null {
  if (body.length > BODY_BYTES_MAX) return null
  const reader = new Reader(body)
  const type = reader.u8()
  const flags = reader.u8()
  const opener = flags === OPENER_FLAG
  const header: FrameHeader = {
    opener,
    epoch: reader.u32(),
    run: reader.u32(),
    second: second(reader.u32()),
    sequence: reader.u32(),
    count: reader.u16(),
    salt: opener ? reader.bytes(RUN_SALT_BYTES) : null,
  }
  if (!reader.ok || type !== FRAME_BYTE || flags > OPENER_FLAG || !headerHolds(header)) return null
  // Both count from 1 (wire.md 6): 0 stands for "none" elsewhere.
  if (header.epoch === 0 || header.run === 0) return null
  if (reader.left < TAG_BYTES) return null
  const length = body.length - reader.left
  const headerBytes = new Uint8Array(body.subarray(0, length))
  const sealed = new Uint8Array(body.buffer, body.byteOffset + length, reader.left)
  return { header, headerBytes, sealed }
}
