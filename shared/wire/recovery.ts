// What brings readings back into line after a restart or a loss: anchors, and frames that will
// never come. control.ts writes the type byte before them. wire.md 5.3 and 6.4.

import { assert } from '../assert.ts'
import type { Reader, Writer } from '../bytes.ts'
import { type UnixMs, unixMs } from '../units.ts'
import { writeFixed } from './fields.ts'
import { HASH_BYTES, PROCESS_ID_BYTES, SEQUENCE_END } from './limits.ts'
import { namesOf, TOMBSTONE_REASON } from './numbers.ts'

/** Ties a process's monotonic clock to UTC. wire.md 5.3. */
export interface Anchor {
  /** 8 bytes. */
  readonly processId: Uint8Array
  /** Whole milliseconds of this process at the anchor, and the UTC then. */
  readonly processMs: number
  readonly utc: UnixMs
  /** |error| of `utc`, whole ms below 2^32. */
  readonly bound: number
}

export type TombstoneReason = keyof typeof TOMBSTONE_REASON
const tombstoneReasons = namesOf(TOMBSTONE_REASON)

/** Frames `first`..`last` will never come; `hash` is the stream hash after `last`. wire.md 6.4. */
export interface Tombstone {
  readonly epoch: number
  readonly run: number
  readonly first: number
  readonly last: number
  readonly reason: TombstoneReason
  readonly hash: Uint8Array
}

/** A frame the master cannot open though the slave's copy is whole. wire.md 6.4. */
export interface Skip {
  readonly epoch: number
  readonly run: number
  readonly sequence: number
  /** SHA-256 of the frame's whole body. */
  readonly bodyHash: Uint8Array
}

export function writeAnchor(writer: Writer, anchor: Anchor): Writer {
  assert(anchor.processMs <= anchor.utc, 'no process began before 1970')
  return writeFixed(writer, anchor.processId, PROCESS_ID_BYTES)
    .u48(anchor.processMs)
    .u48(anchor.utc)
    .u32(anchor.bound)
}

/** Null when the process would have begun before 1970: what is worked out from such an anchor lies
 * in no calendar. */
export function readAnchor(reader: Reader): ({ readonly is: 'anchor' } & Anchor) | null {
  const processId = reader.bytes(PROCESS_ID_BYTES)
  const [processMs, utc, bound] = [reader.u48(), unixMs(reader.u48()), reader.u32()]
  return processMs > utc ? null : { is: 'anchor', processId, processMs, utc, bound }
}

export function writeTombstone(writer: Writer, tombstone: Tombstone): Writer {
  const { epoch, run, first, last, reason, hash } = tombstone
  assert(first <= last, 'a tombstone stands for at least one frame')
  writer.u32(epoch).u32(run).u32(first).u32(last)
  return writeFixed(writer.u8(TOMBSTONE_REASON[reason]), hash, HASH_BYTES)
}

export function readTombstone(reader: Reader): ({ readonly is: 'tombstone' } & Tombstone) | null {
  const [epoch, run, first, last] = [reader.u32(), reader.u32(), reader.u32(), reader.u32()]
  const reason = tombstoneReasons.get(reader.u8())
  // Behind the last frame there is a next one: no stream ends.
  if (reason === undefined || first > last || last === SEQUENCE_END) return null
  if (epoch === 0 || run === 0) return null
  return { is: 'tombstone', epoch, run, first, last, reason, hash: reader.bytes(HASH_BYTES) }
}

export const writeSkip = (writer: Writer, skip: Skip): Writer =>
  writeFixed(writer.u32(skip.epoch).u32(skip.run).u32(skip.sequence), skip.bodyHash, HASH_BYTES)

export function readSkip(reader: Reader): ({ readonly is: 'skip' } & Skip) | null {
  const [epoch, run, sequence] = [reader.u32(), reader.u32(), reader.u32()]
  const bodyHash = reader.bytes(HASH_BYTES)
  return epoch === 0 || run === 0 ? null : { is: 'skip', epoch, run, sequence, bodyHash }
}
