// The compact header: a reading frame on the line without whatever the frame before it on the same
// link implies. It is the same frame: sealed, hashed and stored with its full header, which both
// ends rebuild. wire.md 8.1.

import { Reader, Writer } from '../bytes.ts'
import { second } from '../units.ts'
import {
  COMPACT_BYTE,
  decodeFrame,
  encodeHeader,
  type FrameHeader,
  type FrameParts,
} from './frame.ts'
import { BODY_BYTES_MAX, FRAME_READINGS_MAX, U32_MAX } from './limits.ts'

/** Every n-th frame of a run goes with its full header: should an attacker on the line bring the
 * two ends out of step, the master sees a gap within one window and says so. */
const FULL_EVERY = 32

/** What is sent for a frame after `previous`, the header of the last frame sent on this link: the
 * short form where there is one, else the body itself. `parts`: the body, already taken apart. */
export function compactBody(
  previous: FrameHeader | null,
  body: Uint8Array,
  parts: FrameParts | null = decodeFrame(body),
): Uint8Array {
  if (previous === null || parts === null) return body
  const { header, sealed } = parts
  const { epoch, run, sequence, count } = header
  const follows =
    epoch === previous.epoch && run === previous.run && sequence === previous.sequence + 1
  const difference = header.second - previous.second
  if (!follows || difference < 0 || sequence % FULL_EVERY === 0) return body
  const counted = count !== previous.count
  const writer = new Writer().u8(COMPACT_BYTE).uvarint(difference * 2 + (counted ? 1 : 0))
  if (counted) writer.u16(count)
  return writer.bytes(sealed).done()
}

/** Rebuilds the frame with its full header; a body that is no compact frame comes back as it is.
 * Null (WIR-03) when it is malformed or nothing came before it. */
export function expandBody(previous: FrameHeader | null, body: Uint8Array): Uint8Array | null {
  if (body[0] !== COMPACT_BYTE) return body
  if (previous === null) return null
  const reader = new Reader(body)
  reader.u8()
  const difference = reader.uvarint()
  const count = difference % 2 === 1 ? reader.u16() : previous.count
  const at = previous.second + Math.floor(difference / 2)
  const sequence = previous.sequence + 1
  if (!reader.ok || at > U32_MAX || sequence > U32_MAX || count > FRAME_READINGS_MAX) return null
  const { epoch, run } = previous
  const header = { opener: false, epoch, run, second: second(at), sequence, count, salt: null }
  const headerBytes = encodeHeader(header)
  if (headerBytes.length + reader.left > BODY_BYTES_MAX) return null
  return new Writer().bytes(headerBytes).bytes(reader.rest()).done()
}
