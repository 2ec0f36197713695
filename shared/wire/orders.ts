// Control messages beyond the ordinary way of a reading: anchors, frames that cannot come, commands
// and their receipts. control.ts puts their type byte before them. wire.md 5.1, 5.3 and 6.4.

import { assert } from '../assert.ts'
import { fromText, type Reader, toText, type Writer } from '../bytes.ts'
import { isMeterNumber } from '../meter/reading.ts'
import { type UnixMs, unixMs } from '../units.ts'
import {
  FAULT_CODE_BYTES_MAX,
  HASH_BYTES,
  PROCESS_ID_BYTES,
  SCHEDULE_SECONDS_MAX,
  SCHEDULE_SECONDS_MIN,
} from './limits.ts'

export const FAULT_CODE = /^[A-Z0-9-]{1,16}$/

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

/** Why frames will never come, in the order of their numbers on the wire (from 1). wire.md 6.4. */
const TOMBSTONE_REASONS = ['damaged', 'too old', 'too large', 'forgotten'] as const
export type TombstoneReason = (typeof TOMBSTONE_REASONS)[number]

const SEQUENCE_END = 0xffff_ffff

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

export type Order =
  /** Meter null: every meter. */
  | { readonly order: 'read-now'; readonly meter: string | null }
  | { readonly order: 'schedule'; readonly meter: string; readonly seconds: number }
  | { readonly order: 'sync-clock'; readonly meter: string }

/** One order to a slave. wire.md 5.1. */
export interface Command {
  /** Grows with every command of a device. */
  readonly number: number
  readonly expires: UnixMs
  /** Null: an order we do not know, from a newer master. */
  readonly what: Order | null
}

const ORDER_NUMBER = { 'read-now': 1, schedule: 2, 'sync-clock': 3 } as const

/** In the order of their numbers on the wire (from 1). */
const RECEIPT_OUTCOMES = ['done', 'refused', 'unknown'] as const
export type ReceiptOutcome = (typeof RECEIPT_OUTCOMES)[number]

export interface Receipt {
  readonly number: number
  readonly outcome: ReceiptOutcome
  /** A fault code as written by the slave, or empty. */
  readonly detail: string
}

export function writeFixed(writer: Writer, bytes: Uint8Array, length: number): Writer {
  assert(bytes.length === length, 'a field of fixed length has that length')
  return writer.bytes(bytes)
}

export const writeAnchor = (writer: Writer, anchor: Anchor): Writer =>
  writeFixed(writer, anchor.processId, PROCESS_ID_BYTES)
    .u48(anchor.processMs)
    .u48(anchor.utc)
    .u32(anchor.bound)

export const readAnchor = (reader: Reader): Anchor => ({
  processId: reader.bytes(PROCESS_ID_BYTES),
  processMs: reader.u48(),
  utc: unixMs(reader.u48()),
  bound: reader.u32(),
})

export function writeTombstone(writer: Writer, tombstone: Tombstone): Writer {
  const { epoch, run, first, last, reason, hash } = tombstone
  assert(first <= last, 'a tombstone stands for at least one frame')
  writer.u32(epoch).u32(run).u32(first).u32(last)
  return writeFixed(writer.u8(TOMBSTONE_REASONS.indexOf(reason) + 1), hash, HASH_BYTES)
}

export function readTombstone(reader: Reader): ({ readonly is: 'tombstone' } & Tombstone) | null {
  const [epoch, run, first, last] = [reader.u32(), reader.u32(), reader.u32(), reader.u32()]
  const reason = TOMBSTONE_REASONS[reader.u8() - 1]
  // Behind the last frame there is a next one: no stream ends.
  if (reason === undefined || first > last || last === SEQUENCE_END) return null
  return { is: 'tombstone', epoch, run, first, last, reason, hash: reader.bytes(HASH_BYTES) }
}

export const writeSkip = (writer: Writer, skip: Skip): Writer =>
  writeFixed(writer.u32(skip.epoch).u32(skip.run).u32(skip.sequence), skip.bodyHash, HASH_BYTES)

export const readSkip = (reader: Reader): Skip => ({
  epoch: reader.u32(),
  run: reader.u32(),
  sequence: reader.u32(),
  bodyHash: reader.bytes(HASH_BYTES),
})

export function writeCommand(writer: Writer, { number, expires, what }: Command): Writer {
  assert(what !== null, 'only orders we know are sent')
  const meter = what.meter ?? ''
  writer.u48(number).u48(expires).u8(ORDER_NUMBER[what.order])
  writer.u8(meter.length).bytes(fromText(meter))
  return what.order === 'schedule' ? writer.u32(what.seconds) : writer
}

export function readCommand(reader: Reader): ({ readonly is: 'command' } & Command) | null {
  const number = reader.u48()
  const expires = unixMs(reader.u48())
  const order = reader.u8()
  if (order < 1 || order > ORDER_NUMBER['sync-clock']) {
    reader.rest()
    return { is: 'command', number, expires, what: null }
  }
  const what = readOrder(reader, order)
  return what === null ? null : { is: 'command', number, expires, what }
}

function readOrder(reader: Reader, order: number): Order | null {
  const meter = toText(reader.bytes(reader.u8()))
  if (order === ORDER_NUMBER['read-now'] && meter === '') return { order: 'read-now', meter: null }
  if (!isMeterNumber(meter)) return null
  if (order === ORDER_NUMBER['read-now']) return { order: 'read-now', meter }
  if (order === ORDER_NUMBER['sync-clock']) return { order: 'sync-clock', meter }
  const seconds = reader.u32()
  const fits = seconds >= SCHEDULE_SECONDS_MIN && seconds <= SCHEDULE_SECONDS_MAX
  return fits ? { order: 'schedule', meter, seconds } : null
}

export function writeReceipt(writer: Writer, { number, outcome, detail }: Receipt): Writer {
  assert(detail === '' || FAULT_CODE.test(detail), 'a detail is a fault code')
  writer.u48(number).u8(RECEIPT_OUTCOMES.indexOf(outcome) + 1)
  return writer.u8(detail.length).bytes(fromText(detail))
}

export function readReceipt(reader: Reader): ({ readonly is: 'receipt' } & Receipt) | null {
  const number = reader.u48()
  const outcome = RECEIPT_OUTCOMES[reader.u8() - 1]
  const length = reader.u8()
  if (outcome === undefined || length > FAULT_CODE_BYTES_MAX) return null
  const detail = toText(reader.bytes(length))
  return detail === '' || FAULT_CODE.test(detail)
    ? { is: 'receipt', number, outcome, detail }
    : null
}
