// What a reading frame says once it is open. Readings are written in columns: neighbours of the
// same meter and register share one head, values and times are differences. wire.md 8.1.

import { assert } from '../assert.ts'
import { fromText, Reader, Writer } from '../bytes.ts'
import { type Obis, obisBytes, obisOf } from '../meter/obis.ts'
import {
  CLOCK_BOUND_UNKNOWN,
  isClockState,
  isMeterNumber,
  isUnitCode,
  type Reading,
  SOURCES,
  type Stamp,
} from '../meter/reading.ts'
import { spanMs, type UnixMs, unixMs } from '../units.ts'
import {
  FRAME_READINGS_MAX,
  HASH_BYTES,
  METER_TIME_MAX,
  PROCESS_ID_BYTES,
  READING_EXPONENT_MAX,
  READING_VALUE_MAX,
} from './limits.ts'

const CODING_OPENER = 0
const CODING_READINGS = 1
const SOURCE_BITS = 3
const TIMES_BIT = 4
const UNCHECKED_BIT = 8
const METER_BYTES_MAX = 32
/** In place of a meter number's length: the meter of the block before. */
const SAME_METER = 0

/** Where the slave's run before this one ended. */
export interface PreviousRun {
  readonly epoch: number
  readonly run: number
  /** Last sequence number sealed in it. */
  readonly sequence: number
  /** Stream hash after that frame, 32 bytes. */
  readonly hash: Uint8Array
}

/** The first run of a device has none before it. */
export const NO_PREVIOUS_RUN: PreviousRun = {
  epoch: 0,
  run: 0,
  sequence: 0,
  hash: new Uint8Array(HASH_BYTES),
}

export type FrameContent =
  | {
      readonly kind: 'opener'
      /** 8 bytes, random per process start. */
      readonly processId: Uint8Array
      readonly previous: PreviousRun
    }
  | { readonly kind: 'readings'; readonly stamp: Stamp; readonly readings: readonly Reading[] }

/** Whether a reading can be written in a frame. The slave asks before it seals: what a meter says
 * comes from outside, and a value of 2^52 or more is MTR-07, not our bug. */
export const fitsFrame = (reading: Reading): boolean =>
  Math.abs(reading.value) <= READING_VALUE_MAX &&
  Number.isInteger(reading.value) &&
  Math.abs(reading.exponent) <= READING_EXPONENT_MAX &&
  Number.isInteger(reading.exponent) &&
  isMeterNumber(reading.meter) &&
  (reading.meterTime === null || Math.abs(reading.meterTime / 1_000) <= METER_TIME_MAX)

/** The plaintext of a frame. A meter's time is cut to its whole second. */
export function encodeContent(content: FrameContent): Uint8Array {
  const writer = new Writer()
  if (content.kind === 'opener') {
    const { processId, previous } = content
    assert(processId.length === PROCESS_ID_BYTES, 'a process id has 8 bytes')
    assert(previous.hash.length === HASH_BYTES, 'a stream hash has 32 bytes')
    writer.u8(CODING_OPENER).bytes(processId).u32(previous.epoch).u32(previous.run)
    return writer.u32(previous.sequence).bytes(previous.hash).done()
  }
  const { stamp, readings } = content
  assert(readings.length <= FRAME_READINGS_MAX, 'a frame holds at most 8,000 readings')
  writer.u8(CODING_READINGS).uvarint(Math.floor(stamp.processMs)).u48(stamp.agentTime)
  writer.u8(stamp.clockState.charCodeAt(0))
  writer.uvarint(Math.min(Math.ceil(stamp.clockBound), CLOCK_BOUND_UNKNOWN))
  let from = 0
  while (from < readings.length) from = writeBlock(writer, readings, from)
  return writer.done()
}

const flagsOf = (reading: Reading): number =>
  SOURCES.indexOf(reading.source) +
  (reading.meterTime === null ? 0 : TIMES_BIT) +
  (reading.checked ? 0 : UNCHECKED_BIT)

/** Same head, and a difference that its zigzag form can hold. */
const joins = (before: Reading, reading: Reading): boolean =>
  reading.meter === before.meter &&
  reading.register === before.register &&
  reading.exponent === before.exponent &&
  reading.unit === before.unit &&
  flagsOf(reading) === flagsOf(before) &&
  Math.abs(reading.value - before.value) <= READING_VALUE_MAX

/** Writes the block that begins at `from`; returns where the next one begins. */
function writeBlock(writer: Writer, readings: readonly Reading[], from: number): number {
  const first = readings[from]
  assert(first !== undefined, 'a block begins inside the list')
  let end = from + 1
  for (let before = first; end < readings.length; end += 1) {
    const reading = readings[end]
    if (reading === undefined || !joins(before, reading)) break
    before = reading
  }
  const sameMeter = readings[from - 1]?.meter === first.meter
  if (sameMeter) writer.u8(SAME_METER)
  else writer.u8(first.meter.length).bytes(fromText(first.meter))
  writer.bytes(obisBytes(first.register))
  writer
    .i8(first.exponent)
    .u8(first.unit)
    .u8(flagsOf(first))
    .uvarint(end - from)
  let value = 0
  let seconds = 0
  for (const reading of readings.slice(from, end)) {
    assert(fitsFrame(reading), 'only readings that fit a frame are sealed')
    writer.svarint(reading.value - value)
    value = reading.value
    if (reading.meterTime === null) continue
    const at = Math.floor(reading.meterTime / 1_000)
    writer.svarint(at - seconds)
    seconds = at
  }
  return end
}

/** Reads a plaintext to its last byte; `count` is the header's. Null (BIL-06) when it is another
 * coding or malformed: such a frame is stored as it is. */
export function decodeContent(plaintext: Uint8Array, count: number): FrameContent | null {
  const reader = new Reader(plaintext)
  const coding = reader.u8()
  if (coding === CODING_OPENER && count === 0) return readOpener(reader)
  if (coding !== CODING_READINGS || count > FRAME_READINGS_MAX) return null
  const processMs = reader.uvarint()
  const agentTime = unixMs(reader.u48())
  const clockState = String.fromCharCode(reader.u8())
  const clockBound = reader.uvarint()
  if (!isClockState(clockState) || clockBound > CLOCK_BOUND_UNKNOWN) return null
  const stamp: Stamp = { agentTime, clockState, clockBound: spanMs(clockBound), processMs }
  const readings: Reading[] = []
  let head: BlockHead | null = null
  while (reader.left > 0) {
    head = readBlock(reader, head, readings, count)
    if (head === null) return null
  }
  return reader.whole && readings.length === count ? { kind: 'readings', stamp, readings } : null
}

function readOpener(reader: Reader): FrameContent | null {
  const processId = reader.bytes(PROCESS_ID_BYTES)
  const previous: PreviousRun = {
    epoch: reader.u32(),
    run: reader.u32(),
    sequence: reader.u32(),
    hash: reader.bytes(HASH_BYTES),
  }
  return reader.whole ? { kind: 'opener', processId, previous } : null
}

type BlockHead = Omit<Reading, 'value' | 'meterTime'> & {
  readonly times: boolean
  /** The register as a number. */
  readonly obis: number
}

/** `before`: the head of the block before, null in the first block. Most blocks of a frame name its
 * register again, and its text is not made again. */
function readHead(reader: Reader, before: BlockHead | null): BlockHead | null {
  const length = reader.u8()
  if (length > METER_BYTES_MAX) return null
  const meter = length === SAME_METER ? (before?.meter ?? null) : reader.ascii(length)
  const obis = reader.u48()
  const register = obis === before?.obis ? before.register : obisOfNumber(obis)
  const exponent = reader.i8()
  const unit = reader.u8()
  const flags = reader.u8()
  const source = SOURCES[flags & SOURCE_BITS]
  if (
    !reader.ok ||
    meter === null ||
    !isMeterNumber(meter) ||
    Math.abs(exponent) > READING_EXPONENT_MAX
  )
    return null
  if (!isUnitCode(unit) || source === undefined) return null
  if (flags > SOURCE_BITS + TIMES_BIT + UNCHECKED_BIT) return null
  const times = (flags & TIMES_BIT) !== 0
  const checked = (flags & UNCHECKED_BIT) === 0
  return { meter, register, exponent, unit, source, checked, times, obis }
}

/** `obis`: the six groups as one big-endian number. */
function obisOfNumber(obis: number): Obis {
  const [high, low] = [Math.floor(obis / 0x1_0000_0000), obis >>> 0]
  return obisOf([
    high >> 8,
    high & 0xff,
    low >>> 24,
    (low >> 16) & 0xff,
    (low >> 8) & 0xff,
    low & 0xff,
  ])
}

/** Adds one block's readings and returns its head; null when it is malformed or more than `count`
 * in all. */
function readBlock(
  reader: Reader,
  before: BlockHead | null,
  readings: Reading[],
  count: number,
): BlockHead | null {
  const head = readHead(reader, before)
  const length = reader.uvarint()
  if (head === null || length < 1 || readings.length + length > count) return null
  const { meter, register, exponent, unit, source, checked, times } = head
  let value = 0
  let seconds = 0
  for (let i = 0; i < length && reader.ok; i += 1) {
    value += reader.svarint()
    if (Math.abs(value) > READING_VALUE_MAX) return null
    let meterTime: UnixMs | null = null
    if (times) {
      seconds += reader.svarint()
      if (Math.abs(seconds) > METER_TIME_MAX) return null
      meterTime = unixMs(seconds * 1_000)
    }
    // Written out: spreading the head costs five times as much as all the rest of a reading.
    readings.push({ meter, register, value, exponent, unit, source, meterTime, checked })
  }
  return reader.ok ? head : null
}
