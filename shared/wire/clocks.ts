// What a slave reports of clocks: its own in STATUS, its meters' in METER CLOCK. wire.md 5. Written
// values are cut to fit: an offset beyond a hundred years is reported as a hundred years, since a
// meter may show anything and its slave must live on. Read values beyond the same limits are
// refused.

import { assert } from '../assert.ts'
import { fromText, type Reader, toText, type Writer } from '../bytes.ts'
import {
  type ClockDiscipline,
  type MeterClockEvent,
  type MeterClockReport,
} from '../clock/evidence.ts'
import { isMeterNumber } from '../meter/reading.ts'
import { type ClockState, isClockState } from '../clock/clock-state.ts'
import { type Ppm, ppm, type SpanUs, spanMs, spanUs } from '../units.ts'
import { FAULT_CODE } from './fields.ts'
import { FAULT_CODE_BYTES_MAX, OUTBOX_AGE_DAYS_MAX, STATUS_FAULTS_MAX, U32_MAX } from './limits.ts'
import { METER_CLOCK_OUTCOME, namesOf } from './numbers.ts'
import { BOUND_FIELD_UNKNOWN, boundField, boundOf } from './payload.ts'

/** Largest offset, step and drift reported, 100 years: a meter that lost its clock shows 1970 or
 * 2099. */
const OFFSET_MAX_US = 3_155_760_000_000_000
const DRIFT_MAX_MS = OFFSET_MAX_US / 1_000
/** Largest frequency and skew reported, parts per billion: a clock 1 % off is broken, not fast. */
const PPB_MAX = 10_000_000
/** Largest resolution of a meter's clock, microseconds: some show the hour only. */
const RESOLUTION_MAX_US = 3_600_000_000
/** Longest holdover reported, milliseconds: as long as a slave keeps readings. */
const HOLDOVER_MAX_MS = OUTBOX_AGE_DAYS_MAX * 86_400_000
/** Most steps reported. */
const STEPS_MAX = U32_MAX
/** Longest round trip reported, microseconds: 71 minutes, as long as a bound can be. An exchange
 * slower than 2 s does not count anyway. */
const ROUND_TRIP_MAX_US = U32_MAX
/** Most frames waiting: a run numbers as many. */
const BACKLOG_MAX = U32_MAX
/** Most meters of one slave: as many as a bus of bytes could address, squared. */
const METERS_MAX = 65_535
/** Most times that a fault is counted. */
const FAULT_COUNT_MAX = U32_MAX
/** On the wire: no event. */
const NO_EVENT = 0
const outcomes = namesOf(METER_CLOCK_OUTCOME)

export interface StatusFields {
  readonly clockState: ClockState
  readonly offset: SpanUs
  /** Null: no bound known. */
  readonly bound: SpanUs | null
  readonly roundTrip: SpanUs
  /** Frames in the outbox. */
  readonly backlog: number
  readonly meters: number
  /** Codes as the slave wrote them; it may be newer than we are. */
  readonly faults: readonly { readonly code: string; readonly count: number }[]
  readonly discipline: ClockDiscipline
}

const clamped = (value: number, max: number): number =>
  Math.round(Math.max(-max, Math.min(value, max)))
/** Rounded up, but not because of the last digit of a binary fraction. */
const wholePpb = (skew: Ppm): number => Math.ceil(Math.round(skew * 1e6) / 1_000)
const upTo = (value: number, max: number): number => Math.ceil(Math.max(0, Math.min(value, max)))

export function writeStatus(writer: Writer, status: StatusFields): Writer {
  writer.u8(status.clockState.charCodeAt(0)).svarint(clamped(status.offset, OFFSET_MAX_US))
  const { bound, roundTrip, backlog, meters } = status
  writer.uvarint(boundField(bound)).uvarint(Math.round(upTo(roundTrip, ROUND_TRIP_MAX_US)))
  writer.uvarint(upTo(backlog, BACKLOG_MAX)).uvarint(upTo(meters, METERS_MAX))
  assert(status.faults.length <= STATUS_FAULTS_MAX, 'STATUS lists at most 32 fault codes')
  writer.u8(status.faults.length)
  for (const { code, count } of status.faults) {
    assert(FAULT_CODE.test(code), 'a fault code has 1 to 16 of A-Z, 0-9 and hyphen')
    writer.u8(code.length).bytes(fromText(code)).uvarint(upTo(count, FAULT_COUNT_MAX))
  }
  const { frequency, skew, holdover, steps, lastStep } = status.discipline
  writeFrequency(writer, frequency).uvarint(upTo(wholePpb(skew), PPB_MAX))
  writer.uvarint(upTo(holdover, HOLDOVER_MAX_MS)).uvarint(upTo(steps, STEPS_MAX))
  return writer.svarint(clamped(lastStep, OFFSET_MAX_US))
}

export function readStatus(reader: Reader): ({ readonly is: 'status' } & StatusFields) | null {
  const clockState = String.fromCharCode(reader.u8())
  if (!isClockState(clockState)) return null
  const offset = spanUs(readClamped(reader, OFFSET_MAX_US))
  const bound = boundOf(readUpTo(reader, BOUND_FIELD_UNKNOWN))
  const roundTrip = spanUs(readUpTo(reader, ROUND_TRIP_MAX_US))
  const backlog = readUpTo(reader, BACKLOG_MAX)
  const meters = readUpTo(reader, METERS_MAX)
  const count = reader.u8()
  if (count > STATUS_FAULTS_MAX) return null
  const faults: { code: string; count: number }[] = []
  for (let i = 0; i < count && reader.ok; i += 1) {
    const length = reader.u8()
    if (length > FAULT_CODE_BYTES_MAX) return null
    const code = toText(reader.bytes(length))
    if (!FAULT_CODE.test(code)) return null
    faults.push({ code, count: readUpTo(reader, FAULT_COUNT_MAX) })
  }
  const discipline = readDiscipline(reader)
  return { is: 'status', clockState, offset, bound, roundTrip, backlog, meters, faults, discipline }
}

const readDiscipline = (reader: Reader): ClockDiscipline => ({
  frequency: readFrequency(reader),
  skew: ppm(readUpTo(reader, PPB_MAX) / 1_000),
  holdover: spanMs(readUpTo(reader, HOLDOVER_MAX_MS)),
  steps: readUpTo(reader, STEPS_MAX),
  lastStep: spanUs(readClamped(reader, OFFSET_MAX_US)),
})

export function writeMeterClock(writer: Writer, report: MeterClockReport): Writer {
  const { meter, offset, bound, resolution, frequency, monthlyDrift } = report
  assert(isMeterNumber(meter), 'a meter number has 1 to 32 characters')
  writer.u8(meter.length).bytes(fromText(meter)).svarint(clamped(offset, OFFSET_MAX_US))
  writer.uvarint(boundField(bound)).uvarint(upTo(resolution, RESOLUTION_MAX_US))
  writeFrequency(writer, frequency).svarint(clamped(monthlyDrift, DRIFT_MAX_MS))
  writer.u8(report.invalid ? 1 : 0).u8(METER_CLOCK_OUTCOME[report.outcome])
  return writer.u8(report.event ?? NO_EVENT)
}

export function readMeterClock(
  reader: Reader,
): ({ readonly is: 'meter-clock' } & MeterClockReport) | null {
  const meter = toText(reader.bytes(reader.u8()))
  if (!isMeterNumber(meter)) return null
  const offset = spanUs(readClamped(reader, OFFSET_MAX_US))
  const bound = spanUs(readUpTo(reader, BOUND_FIELD_UNKNOWN))
  const resolution = spanUs(readUpTo(reader, RESOLUTION_MAX_US))
  const frequency = readFrequency(reader)
  const monthlyDrift = spanMs(readClamped(reader, DRIFT_MAX_MS))
  const invalid = readFlag(reader)
  const outcome = outcomes.get(reader.u8())
  const event = reader.u8()
  if (outcome === undefined || !(event === NO_EVENT || isMeterClockEvent(event))) return null
  const fields = { meter, offset, bound, resolution, frequency, monthlyDrift, invalid, outcome }
  return { is: 'meter-clock', ...fields, event: event === NO_EVENT ? null : event }
}

const isMeterClockEvent = (number: number): number is MeterClockEvent =>
  number === 10 || number === 11 || number === 12

/** A frequency that is too large to be true is written as unknown. */
function writeFrequency(writer: Writer, frequency: Ppm | null): Writer {
  const ppb = Math.round((frequency ?? 0) * 1_000)
  if (frequency === null || !(Math.abs(ppb) <= PPB_MAX)) return writer.u8(0)
  return writer.u8(1).svarint(ppb)
}

const readFrequency = (reader: Reader): Ppm | null =>
  readFlag(reader) ? ppm(readClamped(reader, PPB_MAX) / 1_000) : null

function readFlag(reader: Reader): boolean {
  const flag = reader.u8()
  if (flag > 1) reader.fail()
  return flag === 1
}

function readUpTo(reader: Reader, max: number): number {
  const value = reader.uvarint()
  if (value > max) reader.fail()
  return value
}

function readClamped(reader: Reader, max: number): number {
  const value = reader.svarint()
  if (Math.abs(value) > max) reader.fail()
  return value
}
