// Control messages, which must work before the clock is right. ControlChannel seals them under
// session keys; here is only their plaintext. wire.md 5.

import { assert, unreachable } from '../assert.ts'
import { isZero, Reader, Writer } from '../bytes.ts'
import type { MeterClockReport } from '../clock/evidence.ts'
import { type SpanUs, type UnixMs, type UnixUs, unixMs, unixUs } from '../units.ts'
import {
  readMeterClock,
  readStatus,
  type StatusFields,
  writeMeterClock,
  writeStatus,
} from './clocks.ts'
import {
  type Command,
  type Receipt,
  readCommand,
  readReceipt,
  writeCommand,
  writeReceipt,
} from './commands.ts'
import { writeFixed } from './fields.ts'
import {
  CLOCK_REQUEST_ID_BYTES,
  DEVICE_ID_BYTES,
  HASH_BYTES,
  MASTER_KEY_BYTES,
  STREAMS_LISTED_MAX,
} from './limits.ts'
import { CONTROL_TYPE, EXPECT_CODE, namesOf } from './numbers.ts'
import { boundField, boundOf } from './payload.ts'
import {
  type Anchor,
  readAnchor,
  readSkip,
  readTombstone,
  type Skip,
  type Tombstone,
  writeAnchor,
  writeSkip,
  writeTombstone,
} from './recovery.ts'

/** How far one run is sealed at the slave: `hash` is the stream hash after frame `sequence`. */
export interface SealedUpTo {
  readonly epoch: number
  readonly run: number
  readonly sequence: number
  readonly hash: Uint8Array
}

/** How far the master has one run: it expects frame `next`; `hash` is the stream hash before it. */
export interface TakenUpTo {
  readonly epoch: number
  readonly run: number
  /** False: the master does not know this epoch. */
  readonly known: boolean
  readonly next: number
  readonly hash: Uint8Array
}

export type ExpectCode = keyof typeof EXPECT_CODE
const expectCodes = namesOf(EXPECT_CODE)

export type ControlMessage =
  /** `epoch` 0: none was offered. */
  | { readonly is: 'confirm'; readonly epoch: number; readonly runs: readonly SealedUpTo[] }
  | { readonly is: 'committed'; readonly epoch: number; readonly runs: readonly TakenUpTo[] }
  | { readonly is: 'clock-request'; readonly id: Uint8Array }
  | {
      readonly is: 'clock-reply'
      readonly id: Uint8Array
      readonly t2: UnixUs
      readonly t3: UnixUs
      /** Null: the master is not synchronised. */
      readonly bound: SpanUs | null
    }
  | ({ readonly is: 'acknowledge' } & SealedUpTo)
  | {
      readonly is: 'expect'
      readonly code: ExpectCode
      readonly epoch: number
      readonly run: number
      readonly next: number
      readonly masterTime: UnixMs
    }
  | { readonly is: 'enrolled'; readonly device: Uint8Array }
  | ({ readonly is: 'status' } & StatusFields)
  | ({ readonly is: 'anchor' } & Anchor)
  | ({ readonly is: 'tombstone' } & Tombstone)
  | ({ readonly is: 'skip' } & Skip)
  | ({ readonly is: 'command' } & Command)
  | ({ readonly is: 'receipt' } & Receipt)
  /** The master's newer static public key, 32 bytes. */
  | { readonly is: 'master-key'; readonly key: Uint8Array }
  | ({ readonly is: 'meter-clock' } & MeterClockReport)
  /** From the slave: it holds nothing of this closed epoch any more, whose last frame was that; run
   * 0: it sealed nothing there. From the master: that is noted. */
  | ({ readonly is: 'drained' } & SealedUpTo)

/** Plaintext of one control message. */
export function encodeControl(message: ControlMessage): Uint8Array {
  const writer = new Writer().u8(CONTROL_TYPE[message.is])
  switch (message.is) {
    case 'confirm':
      assert(message.runs.length <= STREAMS_LISTED_MAX, 'CONFIRM lists at most 256 runs')
      writer.u32(message.epoch).u16(message.runs.length)
      for (const entry of message.runs) writeSealed(writer, entry)
      return writer.done()
    case 'committed':
      assert(message.runs.length <= STREAMS_LISTED_MAX, 'COMMITTED lists at most 256 runs')
      writer.u32(message.epoch).u16(message.runs.length)
      for (const entry of message.runs) {
        writer
          .u32(entry.epoch)
          .u32(entry.run)
          .u8(entry.known ? 1 : 0)
          .u32(entry.next)
        writeFixed(writer, entry.hash, HASH_BYTES)
      }
      return writer.done()
    case 'clock-request':
      return writeFixed(writer, message.id, CLOCK_REQUEST_ID_BYTES).done()
    case 'clock-reply':
      writeFixed(writer, message.id, CLOCK_REQUEST_ID_BYTES).u64(message.t2).u64(message.t3)
      return writer.u32(boundField(message.bound)).done()
    case 'acknowledge':
    case 'drained':
      return writeSealed(writer, message).done()
    case 'expect':
      writer.u8(EXPECT_CODE[message.code]).u32(message.epoch).u32(message.run)
      return writer.u32(message.next).u48(message.masterTime).done()
    case 'enrolled':
      return writeFixed(writer, message.device, DEVICE_ID_BYTES).done()
    case 'status':
      return writeStatus(writer, message).done()
    case 'anchor':
      return writeAnchor(writer, message).done()
    case 'tombstone':
      return writeTombstone(writer, message).done()
    case 'skip':
      return writeSkip(writer, message).done()
    case 'command':
      return writeCommand(writer, message).done()
    case 'receipt':
      return writeReceipt(writer, message).done()
    case 'master-key':
      return writeFixed(writer, message.key, MASTER_KEY_BYTES).done()
    case 'meter-clock':
      return writeMeterClock(writer, message).done()
    default:
      return unreachable(message)
  }
}

const writeSealed = (writer: Writer, entry: SealedUpTo): Writer =>
  writeFixed(writer.u32(entry.epoch).u32(entry.run).u32(entry.sequence), entry.hash, HASH_BYTES)

/** Reads a plaintext to its last byte, or null (WIR-03). */
export function decodeControl(plaintext: Uint8Array): ControlMessage | null {
  const reader = new Reader(plaintext)
  const message = readControl(reader, reader.u8())
  return reader.whole ? message : null
}

function readControl(reader: Reader, type: number): ControlMessage | null {
  switch (type) {
    case CONTROL_TYPE.confirm:
      return { is: 'confirm', epoch: reader.u32(), runs: readList(reader, readListed) }
    case CONTROL_TYPE.committed:
      return { is: 'committed', epoch: reader.u32(), runs: readList(reader, readTaken) }
    case CONTROL_TYPE['clock-request']:
      return { is: 'clock-request', id: reader.bytes(CLOCK_REQUEST_ID_BYTES) }
    case CONTROL_TYPE['clock-reply']:
      return {
        is: 'clock-reply',
        id: reader.bytes(CLOCK_REQUEST_ID_BYTES),
        t2: unixUs(reader.u64()),
        t3: unixUs(reader.u64()),
        bound: boundOf(reader.u32()),
      }
    case CONTROL_TYPE.acknowledge:
      return readAcknowledge(reader)
    case CONTROL_TYPE.expect:
      return readExpect(reader)
    case CONTROL_TYPE.enrolled:
      return { is: 'enrolled', device: reader.bytes(DEVICE_ID_BYTES) }
    case CONTROL_TYPE.status:
      return readStatus(reader)
    case CONTROL_TYPE.anchor:
      return readAnchor(reader)
    case CONTROL_TYPE.tombstone:
      return readTombstone(reader)
    case CONTROL_TYPE.skip:
      return readSkip(reader)
    case CONTROL_TYPE.command:
      return readCommand(reader)
    case CONTROL_TYPE.receipt:
      return readReceipt(reader)
    case CONTROL_TYPE['master-key']:
      return { is: 'master-key', key: reader.bytes(MASTER_KEY_BYTES) }
    case CONTROL_TYPE['meter-clock']:
      return readMeterClock(reader)
    case CONTROL_TYPE.drained:
      return readDrained(reader)
    default:
      return null
  }
}

function readList<Entry>(reader: Reader, read: (reader: Reader) => Entry): readonly Entry[] {
  const count = reader.u16()
  if (count > STREAMS_LISTED_MAX) reader.fail()
  const entries: Entry[] = []
  for (let i = 0; i < count && reader.ok; i += 1) entries.push(read(reader))
  return entries
}

const readSealed = (reader: Reader): SealedUpTo => ({
  epoch: reader.u32(),
  run: reader.u32(),
  sequence: reader.u32(),
  hash: reader.bytes(HASH_BYTES),
})

/** Run 0: nothing was sealed in that epoch, and the rest is 0 too. Epochs are never 0. */
const isSound = ({ epoch, run, sequence, hash }: SealedUpTo): boolean =>
  epoch > 0 && (run > 0 || (sequence === 0 && isZero(hash)))

function readListed(reader: Reader): SealedUpTo {
  const listed = readSealed(reader)
  if (!isSound(listed)) reader.fail()
  return listed
}

function readDrained(reader: Reader): ControlMessage | null {
  const drained = { is: 'drained', ...readSealed(reader) } as const
  return isSound(drained) ? drained : null
}

function readAcknowledge(reader: Reader): ControlMessage | null {
  const acknowledge = { is: 'acknowledge', ...readSealed(reader) } as const
  return acknowledge.epoch > 0 && acknowledge.run > 0 ? acknowledge : null
}

function readTaken(reader: Reader): TakenUpTo {
  const epoch = reader.u32()
  const run = reader.u32()
  const known = reader.u8()
  if (known > 1) reader.fail()
  return { epoch, run, known: known === 1, next: reader.u32(), hash: reader.bytes(HASH_BYTES) }
}

function readExpect(reader: Reader): ControlMessage | null {
  const code = expectCodes.get(reader.u8())
  if (code === undefined) return null
  const epoch = reader.u32()
  const run = reader.u32()
  const next = reader.u32()
  return { is: 'expect', code, epoch, run, next, masterTime: unixMs(reader.u48()) }
}
