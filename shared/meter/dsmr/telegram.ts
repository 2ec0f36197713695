// Reads the lines of a P1 telegram: registers with their units, the meter's clock and number, and
// the gas, water or heat meters behind it (M-Bus channels). Source: DSMR P1 5.0.2, 6.12;
// eMUCS-P1 2.1.1.

import type { UnixMs } from '../../units.ts'
import { decodeStamp } from './time.ts'
import { parseObis, type Obis } from '../obis.ts'
import { UNIT, type Reading, type UnitCode } from '../reading.ts'

export interface DsmrRegister {
  /** M-Bus channel 1..4 of the meter behind this one; 0 is the electricity meter itself. */
  readonly channel: number
  readonly register: Obis
  readonly value: number
  readonly exponent: number
  readonly unit: UnitCode
  /** The register's own time (gas, water, maximum demand); null: the telegram's time holds. */
  readonly time: UnixMs | null
}

export interface DsmrTelegram {
  /** The first line without its `/`. */
  readonly identification: string
  /** The meter's number as sent, mostly hex of its text (see readableId); null: not sent. */
  readonly equipmentId: string | null
  readonly meterTime: UnixMs | null
  readonly registers: readonly DsmrRegister[]
  /** Lines that name a register with a number too long to take (MTR-07). */
  readonly refusedLines: number
  /** False when the telegram had no checksum. */
  readonly checked: boolean
}

const OBJECT = /^(\d{1,3}-\d{1,3}:\d{1,3}\.\d{1,3}\.\d{1,3}(?:\*\d{1,3})?)((?:\([^()]*\))+)$/
const MEASURED = /^(-?)(\d{1,15})(?:\.(\d{1,9}))?\*([A-Za-z0-9]{1,5})$/
const DIGITS_MAX = 15

/** Units as telegrams write them, with the power of ten that leads to the unit we keep. */
const UNITS: Readonly<Record<string, readonly [UnitCode, number]>> = {
  kWh: [UNIT.Wh, 3],
  Wh: [UNIT.Wh, 0],
  kvarh: [UNIT.varh, 3],
  varh: [UNIT.varh, 0],
  kVAh: [UNIT.VAh, 3],
  VAh: [UNIT.VAh, 0],
  kW: [UNIT.W, 3],
  W: [UNIT.W, 0],
  kvar: [UNIT.var, 3],
  var: [UNIT.var, 0],
  kVA: [UNIT.VA, 3],
  VA: [UNIT.VA, 0],
  V: [UNIT.V, 0],
  A: [UNIT.A, 0],
  Hz: [UNIT.Hz, 0],
  m3: [UNIT.m3, 0],
  GJ: [UNIT.J, 9],
  MJ: [UNIT.J, 6],
}

/** Value groups D of measured values: 4 average demand, 6 maximum, 7 now, 8 total. The others are
 * limits and event counters. Source: IEC 62056-61, table of value group D. */
const MEASURED_D = /^1-\d{1,3}:(?:[12]\.4|\d{1,3}\.[678])\./
const CHANNEL_VALUE = /^0-([1-4]):24\.2\.\d{1,3}/
/** DSMR 2.2: `(time)(status)(minutes)(count)(0-n:24.2.1)(unit)` and the value on the next line. */
const CHANNEL_VALUE_2_2 = /^0-([1-4]):24\.3\.0$/

type Measured = Pick<DsmrRegister, 'value' | 'exponent' | 'unit'>

/** `000009.533*kWh` is 9533 * 10^0 Wh. Null: no unit that we know; 'refused': too many digits. */
function measured(text: string): Measured | 'refused' | null {
  const [whole, sign, digits = '', decimals = '', unitText = ''] = MEASURED.exec(text) ?? []
  if (whole === undefined || !Object.hasOwn(UNITS, unitText)) return null
  const [unit, power] = UNITS[unitText] ?? [UNIT.none, 0]
  const significant = (digits + decimals).replace(/^0+/, '')
  if (significant.length > DIGITS_MAX) return 'refused'
  const value = Number(significant)
  return {
    value: sign === '-' && value > 0 ? -value : value,
    exponent: power - decimals.length,
    unit,
  }
}

/** The text that a hex number encodes, if it is printable; else the number as it was sent. */
export function readableId(sent: string): string {
  if (!/^(?:[0-9A-Fa-f]{2})+$/.test(sent)) return sent
  const text = String.fromCharCode(...Uint8Array.fromHex(sent))
  return /^[\x20-\x7e]+$/.test(text) ? text : sent
}

/** The register in the values of an object: (number*unit) or (time)(number*unit). */
function registerOf(
  code: string,
  values: readonly string[],
  standardOffsetMinutes: number,
): DsmrRegister | 'refused' | null {
  const old = CHANNEL_VALUE_2_2.exec(code)
  if (old !== null) {
    const [, , , , kept = '', unit = '', value = ''] = values
    return registerOf(kept, [values[0] ?? '', `${value}*${unit}`], standardOffsetMinutes)
  }
  const behind = CHANNEL_VALUE.exec(code)
  if (behind === null && !MEASURED_D.test(code)) return null
  const last = values.at(-1)
  if (last === undefined || values.length > 2) return null
  const register = parseObis(code)
  const number = measured(last)
  if (register === null || number === null) return null
  if (number === 'refused') return number
  const [stamp] = values.length === 2 ? values : []
  const time = stamp === undefined ? null : decodeStamp(stamp, standardOffsetMinutes)
  return { channel: Number(behind?.[1] ?? 0), register, ...number, time }
}

/** The lines of a telegram; a value that DSMR 2.2 puts on a line of its own joins its object. */
function joinedLines(text: string): readonly string[] {
  const lines: string[] = []
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('(') && lines.length > 0) lines.push(`${lines.pop() ?? ''}${line}`)
    else lines.push(line)
  }
  return lines
}

/** Reads `/identification` and the lines up to the `!`, which is left out. Unknown lines are
 * skipped. */
export function decodeTelegram(
  text: string,
  { standardOffsetMinutes, checked }: { standardOffsetMinutes: number; checked: boolean },
): DsmrTelegram {
  const [first = '', ...lines] = joinedLines(text)
  const registers: DsmrRegister[] = []
  let equipmentId: string | null = null
  let meterTime: UnixMs | null = null
  let refusedLines = 0
  for (const line of lines) {
    const [, code, list = ''] = OBJECT.exec(line) ?? []
    if (code === undefined) continue
    const values = list.slice(1, -1).split(')(')
    if (code === '0-0:1.0.0') meterTime = decodeStamp(list.slice(1, -1), standardOffsetMinutes)
    if (code === '0-0:96.1.1' || code === '0-0:42.0.0') equipmentId = list.slice(1, -1)
    const register = registerOf(code, values, standardOffsetMinutes)
    if (register === 'refused') refusedLines += 1
    else if (register !== null) registers.push(register)
  }
  const identification = first.slice(1)
  return { identification, equipmentId, meterTime, registers, refusedLines, checked }
}

/** The registers as readings of `meter`; a meter behind it on channel n is named `<meter>.<n>`. */
export function dsmrReadings(telegram: DsmrTelegram, meter: string): readonly Reading[] {
  return telegram.registers.map(({ channel, register, value, exponent, unit, time }) => ({
    meter: channel === 0 ? meter : `${meter}.${channel}`,
    register,
    value,
    exponent,
    unit,
    source: 'push',
    // A gas meter's value is as old as its own stamp says: under the telegram's time it would look
    // younger than it is.
    meterTime: time ?? (channel === 0 ? telegram.meterTime : null),
    checked: telegram.checked,
  }))
}
