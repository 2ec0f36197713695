// What a frame says once it is open: the opener of its run, or readings in groups that were taken
// at the same instant; either of them perhaps padded. wire.md 8.2.

import { assert } from '../assert.ts'
import { Reader, Writer } from '../bytes.ts'
import { isMeterNumber, type Reading, type ReadingGroup } from '../meter/reading.ts'
import { CLOCK_BOUND_UNKNOWN, type Stamp } from '../clock/clock-state.ts'
import { spanMs, type UnixMs, unixMs } from '../units.ts'
import { BlockReader, writeBlocks } from './blocks.ts'
import {
  FRAME_READINGS_MAX,
  METER_TIME_MAX,
  PLAINTEXT_BYTES_MAX,
  READING_EXPONENT_MAX,
  READING_VALUE_MAX,
  U48_MAX,
} from './limits.ts'
import { namesOf, STAMP_STATE } from './numbers.ts'
import { type Opener, readOpener, writeOpener } from './opener.ts'

const CODING_OPENER = 0
const CODING_READINGS = 1
const CODING_PADDED = 2
const clockStates = namesOf(STAMP_STATE)
const STATE_BITS = 3
const BOUND_BIT = 4
/** Padded plaintexts are multiples of this length. */
const PADDED_BYTES = 64
/** Bytes of coding and length before the padded part. */
const PADDING_HEAD_BYTES = 3

export type FrameContent =
  | Opener
  | { readonly kind: 'readings'; readonly groups: readonly ReadingGroup[] }

/** What is needed to write or read a frame's content. */
export interface ContentContext {
  /** When the frame's second begins. */
  readonly begins: UnixMs
  /** The run's opener; null: it is not known, and readings cannot be read. */
  readonly opener: Opener | null
}

/** Whether a reading can be written in a frame. The slave asks before it seals: what a meter says
 * comes from outside, and a value of 2^52 or more is MTR-07, not our bug. */
export const fitsFrame = (reading: Reading): boolean =>
  Math.abs(reading.value) <= READING_VALUE_MAX &&
  Number.isInteger(reading.value) &&
  Math.abs(reading.exponent) <= READING_EXPONENT_MAX &&
  Number.isInteger(reading.exponent) &&
  isMeterNumber(reading.meter) &&
  (reading.meterTime === null || Math.abs(reading.meterTime / 1_000) <= METER_TIME_MAX)

/** Readings in all groups. */
export const readingCount = (groups: readonly ReadingGroup[]): number =>
  groups.reduce((sum, { readings }) => sum + readings.length, 0)

/** The plaintext of a run's first frame. */
export function encodeOpener(opener: Opener): Uint8Array {
  const writer = new Writer().u8(CODING_OPENER)
  writeOpener(writer, opener)
  return writer.done()
}

/** The plaintext of one frame with the first `groups` of those given: as many as fit, at least one.
 * A meter's time is cut to its whole second. */
export function encodeReadings(
  groups: readonly ReadingGroup[],
  { begins, opener }: { readonly begins: UnixMs; readonly opener: Opener },
): { readonly plaintext: Uint8Array; readonly groups: number; readonly readings: number } {
  const writer = new Writer().u8(CODING_READINGS)
  let meterBefore: string | null = null
  let taken = 0
  let count = 0
  for (const { stamp, readings } of groups) {
    const before = writer.length
    if (count + readings.length > FRAME_READINGS_MAX) break
    writeStamp(writer, stamp, { begins, opener })
    meterBefore = writeBlocks(writer, readings, { begins, opener, meterBefore })
    if (writer.length > PLAINTEXT_BYTES_MAX) {
      writer.cut(before)
      break
    }
    count += readings.length
    taken += 1
  }
  assert(taken > 0 || groups.length === 0, 'one group fits a frame (READINGS_ALWAYS_FIT)')
  return { plaintext: writer.done(), groups: taken, readings: count }
}

/** The plaintext with zeros behind it, so that a frame's size tells little. */
export function padContent(inner: Uint8Array): Uint8Array {
  const length = PADDING_HEAD_BYTES + inner.length
  const padded = new Uint8Array(Math.ceil(length / PADDED_BYTES) * PADDED_BYTES)
  padded.set(new Writer().u8(CODING_PADDED).u16(inner.length).done())
  padded.set(inner, PADDING_HEAD_BYTES)
  return padded
}

/** Reads a plaintext to its last byte; `count` is the header's. Null (BIL-06) when it is another
 * coding or malformed, or readings of a run whose opener is not known. */
export function decodeContent(
  plaintext: Uint8Array,
  count: number,
  context: ContentContext,
): FrameContent | null {
  const inner = plaintext[0] === CODING_PADDED ? unpad(plaintext) : plaintext
  if (inner === null) return null
  const reader = new Reader(inner)
  const coding = reader.u8()
  if (coding === CODING_OPENER) return count === 0 ? readOpener(reader) : null
  const { begins, opener } = context
  if (coding !== CODING_READINGS || opener === null || count > FRAME_READINGS_MAX) return null
  const blocks = new BlockReader(reader, count, opener, begins)
  const groups: ReadingGroup[] = []
  while (reader.left > 0) {
    const stamp = readStamp(reader, { begins, opener })
    const length = reader.uvarint()
    if (stamp === null || length < 1) return null
    const readings: Reading[] = []
    for (let i = 0; i < length; i += 1) if (!blocks.read(readings)) return null
    groups.push({ stamp, readings })
  }
  return reader.ok && blocks.left === 0 ? { kind: 'readings', groups } : null
}

function unpad(plaintext: Uint8Array): Uint8Array | null {
  if (plaintext.length % PADDED_BYTES !== 0) return null
  const end = PADDING_HEAD_BYTES + (plaintext[1] ?? 0) * 256 + (plaintext[2] ?? 0)
  if (end > plaintext.length || plaintext.subarray(end).some((byte) => byte !== 0)) return null
  return plaintext.subarray(PADDING_HEAD_BYTES, end)
}

interface StampContext {
  readonly begins: UnixMs
  readonly opener: Opener
}

function writeStamp(writer: Writer, stamp: Stamp, { begins, opener }: StampContext): void {
  const { agentTime, clockState } = stamp
  const processMs = Math.floor(stamp.processMs)
  const bound = Math.ceil(stamp.clockBound)
  const bounded = bound < CLOCK_BOUND_UNKNOWN
  assert(isU48(agentTime) && isU48(processMs), 'instants of an agent fit 48 bits')
  writer.u8(STAMP_STATE[clockState] + (bounded ? BOUND_BIT : 0))
  writer.svarint(agentTime - begins).svarint(processMs - (agentTime - opener.processStart))
  if (bounded) writer.uvarint(bound)
}

function readStamp(reader: Reader, { begins, opener }: StampContext): Stamp | null {
  const clock = reader.u8()
  const clockState = clockStates.get(clock & STATE_BITS)
  const agentTime = unixMs(begins + reader.svarint())
  const processMs = agentTime - opener.processStart + reader.svarint()
  const bounded = (clock & BOUND_BIT) !== 0
  const bound = bounded ? reader.uvarint() : CLOCK_BOUND_UNKNOWN
  if (!reader.ok || clockState === undefined || clock > STATE_BITS + BOUND_BIT) return null
  if (!isU48(agentTime) || !isU48(processMs)) return null
  if (bounded && bound >= CLOCK_BOUND_UNKNOWN) return null
  return { agentTime, clockState, clockBound: spanMs(bound), processMs }
}

const isU48 = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= U48_MAX
