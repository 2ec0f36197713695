// Commands to a slave and the receipts it answers with. control.ts writes the type byte before
// them. wire.md 5.1.

import { assert } from '../assert.ts'
import { fromText, type Reader, toText, type Writer } from '../bytes.ts'
import { isMeterNumber } from '../meter/reading.ts'
import { type UnixMs, unixMs } from '../units.ts'
import { FAULT_CODE } from './fields.ts'
import { FAULT_CODE_BYTES_MAX, SCHEDULE_SECONDS_MAX, SCHEDULE_SECONDS_MIN } from './limits.ts'
import { COMMAND_TASK, namesOf, RECEIPT_OUTCOME } from './numbers.ts'

/** What a command tells the slave to do. */
export type CommandTask =
  /** Meter null: every meter. */
  | { readonly task: 'read-now'; readonly meter: string | null }
  | { readonly task: 'schedule'; readonly meter: string; readonly seconds: number }
  | { readonly task: 'sync-clock'; readonly meter: string }

/** One command to a slave. wire.md 5.1. */
export interface Command {
  /** Grows with every command of a device. */
  readonly number: number
  readonly expires: UnixMs
  /** Null: a task we do not know, from a newer master. */
  readonly what: CommandTask | null
}

export type ReceiptOutcome = keyof typeof RECEIPT_OUTCOME
const receiptOutcomes = namesOf(RECEIPT_OUTCOME)
const tasks = namesOf(COMMAND_TASK)

export interface Receipt {
  readonly number: number
  readonly outcome: ReceiptOutcome
  /** A fault code as written by the slave, or empty. */
  readonly detail: string
}

export function writeCommand(writer: Writer, { number, expires, what }: Command): Writer {
  assert(what !== null, 'only tasks we know are sent')
  const meter = what.meter ?? ''
  writer.u48(number).u48(expires).u8(COMMAND_TASK[what.task])
  writer.u8(meter.length).bytes(fromText(meter))
  return what.task === 'schedule' ? writer.u32(what.seconds) : writer
}

export function readCommand(reader: Reader): ({ readonly is: 'command' } & Command) | null {
  const number = reader.u48()
  const expires = unixMs(reader.u48())
  const task = tasks.get(reader.u8())
  if (task === undefined) {
    reader.rest()
    return { is: 'command', number, expires, what: null }
  }
  const what = readTask(reader, task)
  return what === null ? null : { is: 'command', number, expires, what }
}

function readTask(reader: Reader, task: CommandTask['task']): CommandTask | null {
  const meter = toText(reader.bytes(reader.u8()))
  if (task === 'read-now' && meter === '') return { task, meter: null }
  if (!isMeterNumber(meter)) return null
  if (task !== 'schedule') return { task, meter }
  const seconds = reader.u32()
  const fits = seconds >= SCHEDULE_SECONDS_MIN && seconds <= SCHEDULE_SECONDS_MAX
  return fits ? { task, meter, seconds } : null
}

export function writeReceipt(writer: Writer, { number, outcome, detail }: Receipt): Writer {
  assert(detail === '' || FAULT_CODE.test(detail), 'a detail is a fault code')
  writer.u48(number).u8(RECEIPT_OUTCOME[outcome])
  return writer.u8(detail.length).bytes(fromText(detail))
}

export function readReceipt(reader: Reader): ({ readonly is: 'receipt' } & Receipt) | null {
  const number = reader.u48()
  const outcome = receiptOutcomes.get(reader.u8())
  const length = reader.u8()
  if (outcome === undefined || length > FAULT_CODE_BYTES_MAX) return null
  const detail = toText(reader.bytes(length))
  return detail === '' || FAULT_CODE.test(detail)
    ? { is: 'receipt', number, outcome, detail }
    : null
}
