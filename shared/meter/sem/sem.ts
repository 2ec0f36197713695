// The SEM packet: on request, a simple energy meter of the paper states its consumer number and its
// reading, in a frame that a noisy two-wire line with many meters can carry. docs/meters.md 1 is
// normative.
//
//   STX body ETX CCCC CR LF         body = fields joined by `;`, printable ASCII
//
// A frame is text, so that a person with a terminal can follow the line; it has delimiters and a
// checksum, so that a damaged reading is never billed. The load profile travels as one start value
// and its increments. That way a week at 15 minutes fits the 4,093 bytes within which the CRC finds
// every error of up to three bits; written out, times and values would be three times as long.
// stream.ts cuts the bytes into frames; this file says what one frame means.

import { unreachable } from '../../assert.ts'
import { fromText } from '../../bytes.ts'
import { spanMs, unixMs, type SpanMs, type UnixMs } from '../../units.ts'
import { crc16Ibm3740, crcDigits } from '../crc16.ts'
import { obisOf, type Obis } from '../obis.ts'
import {
  decodeClockBody,
  encodeClockBody,
  CLOCK_FRAMES,
  type SemClockFrame,
  type SemClockRequest,
} from './clock.ts'
import { integer, SECONDS_MAX } from './integer.ts'
import { isMeterNumber, UNIT, type Reading, type UnitCode } from '../reading.ts'

export const STX = 0x02
export const ETX = 0x03

/** Longest body with its ETX, bytes: up to here CRC-16/IBM-3740 keeps Hamming distance 4 (32,751
 * bits). */
export const SEM_BODY_BYTES_MAX = 4_092

/** Most rows of a history answer: a week at 15 minutes. */
export const SEM_ROWS_MAX = 672

/** The address that any meter answers: for a line with a single meter. */
export const ANY_METER = '*'

/** Longest interval a frame can express, seconds: a day. */
const INTERVAL_S_MAX = 86_400

/** Why a meter refuses (docs/meters.md 1.5). */
export const SEM_REFUSALS = {
  1: 'request not understood',
  2: 'no load profile',
  3: 'nothing recorded in that range',
  4: 'busy, ask again',
} as const
/** Largest refusal code a meter may send; codes outside the table are the manufacturer's. */
const REFUSAL_MAX = 999

/** A SEM counts total import; the unit says of what. */
export type SemUnit = 'Wh' | 'varh' | 'VAh'
const REGISTERS: Readonly<Record<SemUnit, { unit: UnitCode; register: Obis }>> = {
  Wh: { unit: UNIT.Wh, register: obisOf([1, 0, 1, 8, 0, 255]) },
  varh: { unit: UNIT.varh, register: obisOf([1, 0, 3, 8, 0, 255]) },
  VAh: { unit: UNIT.VAh, register: obisOf([1, 0, 9, 8, 0, 255]) },
}
const isSemUnit = (text: string): text is SemUnit => Object.hasOwn(REGISTERS, text)

export interface SemRow {
  readonly intervalEnd: UnixMs
  /** Register value at the interval's end, cumulative. */
  readonly value: number
}

export type SemRequest =
  | { readonly is: 'ask-now'; readonly address: string }
  | {
      readonly is: 'ask-history'
      readonly address: string
      /** First and last interval end wanted, whole seconds. */
      readonly from: UnixMs
      readonly to: UnixMs
      /** 1..SEM_ROWS_MAX. */
      readonly rowsMax: number
    }

export type SemAnswer =
  | {
      readonly is: 'now'
      readonly consumer: string
      readonly value: number
      readonly exponent: number
      readonly unit: SemUnit
      /** The meter's own clock, whole seconds; null: it has none. */
      readonly meterTime: UnixMs | null
      /** False only for the plain line, which has no checksum. */
      readonly checked: boolean
    }
  | {
      readonly is: 'history'
      readonly consumer: string
      readonly exponent: number
      readonly unit: SemUnit
      readonly interval: SpanMs
      /** Rising interval ends, multiples of `interval` apart; at most SEM_ROWS_MAX. */
      readonly rows: readonly SemRow[]
      /** True when the range has rows after the last one sent. */
      readonly more: boolean
    }
  | { readonly is: 'refusal'; readonly consumer: string; readonly code: number }

export type SemFrame = SemRequest | SemAnswer | SemClockFrame

export const isSemClockFrame = (frame: SemFrame): frame is SemClockFrame =>
  CLOCK_FRAMES.includes(frame.is)

/** True for what a reader sends; a reader that receives it hears its own echo. */
export const isSemRequest = (frame: SemFrame): frame is SemRequest | SemClockRequest =>
  frame.is.startsWith('ask-')

const instant = (text: string | undefined): UnixMs | null => {
  const seconds = integer(text, 0, SECONDS_MAX)
  return seconds === null ? null : unixMs(seconds * 1_000)
}
const registerValue = (text: string | undefined): number | null =>
  integer(text, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)

/** Reads a body (without STX and ETX); null when it is no SEM body (MTR-03). */
export function decodeSemBody(body: string): SemFrame | null {
  const fields = body.split(';')
  const [kind = '', who = ''] = fields
  const anyMay = kind === 'R' || kind === 'H' || kind === 'C'
  if (!isMeterNumber(who) && !(who === ANY_METER && anyMay)) return null
  switch (kind) {
    case 'R':
      return fields.length === 2 ? { is: 'ask-now', address: who } : null
    case 'H':
      return decodeAskHistory(who, fields)
    case 'V':
      return decodeNow(who, fields)
    case 'P':
      return decodeHistory(who, fields)
    case 'E': {
      const code = integer(fields[2], 1, REFUSAL_MAX)
      return fields.length === 3 && code !== null ? { is: 'refusal', consumer: who, code } : null
    }
    default:
      return decodeClockBody(kind, who, fields)
  }
}

function decodeAskHistory(address: string, fields: readonly string[]): SemRequest | null {
  const from = instant(fields[2])
  const to = instant(fields[3])
  const rowsMax = integer(fields[4], 1, SEM_ROWS_MAX)
  if (fields.length !== 5 || from === null || to === null || rowsMax === null) return null
  return to < from ? null : { is: 'ask-history', address, from, to, rowsMax }
}

function decodeNow(consumer: string, fields: readonly string[]): SemAnswer | null {
  const [, , valueText, exponentText, unit = '', timeText] = fields
  const value = registerValue(valueText)
  const exponent = integer(exponentText, -9, 9)
  const meterTime = timeText === '' ? null : instant(timeText)
  if (fields.length !== 6 || value === null || exponent === null || !isSemUnit(unit)) return null
  if (timeText !== '' && meterTime === null) return null
  return { is: 'now', consumer, value, exponent, unit, meterTime, checked: true }
}

/** Fields: P consumer exponent unit more interval [first-end first-value increment...]. */
function decodeHistory(consumer: string, fields: readonly string[]): SemAnswer | null {
  const [, , exponentText, unit = '', moreText, intervalText, firstEnd, firstValue] = fields
  const exponent = integer(exponentText, -9, 9)
  const more = integer(moreText, 0, 1)
  const seconds = integer(intervalText, 1, INTERVAL_S_MAX)
  if (exponent === null || !isSemUnit(unit) || more === null || seconds === null) return null
  const interval = spanMs(seconds * 1_000)
  const head = { is: 'history', consumer, exponent, unit, interval } as const
  if (fields.length === 6) return more === 0 ? { ...head, rows: [], more: false } : null

  let end: number | null = instant(firstEnd)
  let value = registerValue(firstValue)
  if (end === null || value === null || fields.length - 7 > SEM_ROWS_MAX) return null
  const rows: SemRow[] = [{ intervalEnd: unixMs(end), value }]
  for (const text of fields.slice(8)) {
    end += interval
    // An empty increment is an interval that the meter did not record: it had no power.
    if (text === '') continue
    const increment = registerValue(text)
    if (increment === null) return null
    value += increment
    if (!Number.isSafeInteger(value) || end > SECONDS_MAX * 1_000) return null
    rows.push({ intervalEnd: unixMs(end), value })
  }
  // The last row must be present: the next request continues after it.
  return fields.at(-1) === '' ? null : { ...head, rows, more: more === 1 }
}

/** The frame as sent on the line. An answer without checksum (plain line) has no frame: see
 * encodePlainLine. A history longer than the body limit is our own bug: cut it with rowsThatFit. */
export function encodeSem(frame: SemFrame): Uint8Array {
  const body = fromText(`${encodeSemBody(frame)}\x03`)
  return fromText(`\x02${bodyText(body)}${crcDigits(crc16Ibm3740(body))}\r\n`)
}

const bodyText = (body: Uint8Array): string => String.fromCharCode(...body)

const secondsOf = (at: UnixMs): number => Math.floor(at / 1_000)

export function encodeSemBody(frame: SemFrame): string {
  if (isSemClockFrame(frame)) return encodeClockBody(frame)
  switch (frame.is) {
    case 'ask-now':
      return `R;${frame.address}`
    case 'ask-history': {
      const range = `${secondsOf(frame.from)};${secondsOf(frame.to)}`
      return `H;${frame.address};${range};${frame.rowsMax}`
    }
    case 'now': {
      const time = frame.meterTime === null ? '' : secondsOf(frame.meterTime)
      return `V;${frame.consumer};${frame.value};${frame.exponent};${frame.unit};${time}`
    }
    case 'history': {
      const counts = `${frame.consumer};${frame.exponent};${frame.unit}`
      const head = `P;${counts};${frame.more ? 1 : 0};${frame.interval / 1_000}`
      return head + increments(frame.rows, frame.interval)
    }
    case 'refusal':
      return `E;${frame.consumer};${frame.code}`
    default:
      return unreachable(frame)
  }
}

function increments(rows: readonly SemRow[], interval: SpanMs): string {
  const [first] = rows
  if (first === undefined) return ''
  let text = `;${secondsOf(first.intervalEnd)};${first.value}`
  let before = first
  for (const row of rows.slice(1)) {
    const steps = (row.intervalEnd - before.intervalEnd) / interval
    text += `${';'.repeat(steps)}${row.value - before.value}`
    before = row
  }
  return text
}

/** How many of `rows` fit one frame; a meter sends these and sets `more` when there are others. */
export function rowsThatFit(rows: readonly SemRow[], interval: SpanMs): number {
  /** The longest head: `P;` 32 `;-9;varh;1;86400;253402300799;-9007199254740991` ETX. */
  const headBytes = 84
  let bytes = headBytes
  let slots = 1
  let before = rows[0]
  for (const [index, row] of rows.entries()) {
    if (before === undefined || index === 0) continue
    const steps = (row.intervalEnd - before.intervalEnd) / interval
    slots += steps
    bytes += steps + String(row.value - before.value).length
    if (slots > SEM_ROWS_MAX || bytes > SEM_BODY_BYTES_MAX) return index
    before = row
  }
  return rows.length
}

/** `consumer,reading`: the reading in kWh, up to 9 digits and 6 decimals. Source: the paper's SEM
 * packet. */
const PLAIN = /^([A-Za-z0-9._-]{1,32}),(\d{1,9})(?:\.(\d{1,6}))?$/
export const PLAIN_LINE_BYTES_MAX = 32 + 1 + 9 + 1 + 6

/** Reads a plain line, which has no checksum, without its CR LF; null when it is none. */
export function decodePlainLine(line: string): SemAnswer | null {
  const [whole, consumer = '', digits = '', decimals = ''] = PLAIN.exec(line) ?? []
  if (whole === undefined) return null
  const value = Number(digits + decimals)
  const exponent = 3 - decimals.length
  return { is: 'now', consumer, value, exponent, unit: 'Wh', meterTime: null, checked: false }
}

/** The readings in an answer; a refusal has none. */
export function semReadings(answer: SemAnswer): readonly Reading[] {
  if (answer.is === 'refusal') return []
  const { consumer: meter, exponent } = answer
  const { unit, register } = REGISTERS[answer.unit]
  if (answer.is === 'now') {
    const { value, meterTime, checked } = answer
    return [{ meter, register, value, exponent, unit, source: 'live', meterTime, checked }]
  }
  return answer.rows.map(({ intervalEnd: meterTime, value }) => ({
    meter,
    register,
    value,
    exponent,
    unit,
    source: 'profile',
    meterTime,
    checked: true,
  }))
}
