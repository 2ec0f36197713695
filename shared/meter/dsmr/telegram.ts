// Reads the lines of a P1 telegram: registers with their units, the meter's clock and number, and
// the gas, water or heat meters behind it (M-Bus channels). A line that becomes no register is
// named, with the reason. Source: DSMR P1 5.0.2, 6.12; eMUCS-P1 2.1.1.

import type { UnixMs } from '../../units.ts'
import type { Obis } from '../obis.ts'
import { UNIT, type Reading, type UnitCode } from '../reading.ts'
import { readValue, type Value } from './measured.ts'
import { linesOf, readObject, type TelegramObject } from './object.ts'
import { decodeStamp } from './time.ts'

export interface DsmrRegister {
  /** M-Bus channel 1..9 of the meter behind this one; 0 is the electricity meter itself. */
  readonly channel: number
  readonly register: Obis
  readonly value: number
  readonly exponent: number
  readonly unit: UnitCode
  /** The register's own time (gas, water, maximum demand); null: it has none that can be read. */
  readonly time: UnixMs | null
  /** Its line states a time of its own, so that the telegram's never holds for it. */
  readonly stamped: boolean
}

/** Something that a telegram says and that became no reading. */
export interface LeftOut {
  /** MTR-07 too many digits; MTR-13 a register, or a line, that was not understood; MTR-15 no
   * register that we keep: texts, limits, counters of events. */
  readonly fault: 'MTR-07' | 'MTR-13' | 'MTR-15'
  /** Its code as sent; of a line without one its beginning, with `#` for digits. */
  readonly what: string
  /** The unit as sent; null: none. */
  readonly unit: string | null
  readonly why: string
}

export interface DsmrTelegram {
  /** The first line without its `/`. */
  readonly identification: string
  /** The meter's number as sent, mostly hex of its text (see readableId); null: not sent. */
  readonly equipmentId: string | null
  readonly meterTime: UnixMs | null
  readonly registers: readonly DsmrRegister[]
  readonly leftOut: readonly LeftOut[]
  /** False when the telegram had no checksum, or not the protocol's own. */
  readonly checked: boolean
}

/** Value groups D of measured values: 4 average demand, 6 maximum, 7 now, 8 total. The others are
 * limits and event counters. Source: IEC 62056-61, table of value group D. */
const MEASURED_D = /^1-\d+:(?:[12]\.4|\d+\.[678])\./
/** Power factors, in all and of each phase: numbers without a unit. */
const POWER_FACTOR = /^1-\d+:[1357]3\.7\./
const CHANNEL_VALUE = /^0-([1-9]):24\.2\./
/** DSMR 2.2: `(time)(status)(minutes)(count)(0-n:24.2.1)(unit)` and the value on the next line. */
const CHANNEL_VALUE_2_2 = /^0-[1-9]:24\.3\.0\*255$/
const CLOCK = '0-0:1.0.0*255'
/** Where a meter may state its own number: Luxembourg's, then the Netherlands' and Belgium's, then
 * Sweden's. Codes of M-Bus channels (0-1:96.1.1) are other meters' numbers. */
const EQUIPMENT_IDS: readonly string[] = ['0-0:42.0.0*255', '0-0:96.1.1*255', '0-0:96.1.0*255']
/** How much of a line that has no code is shown. */
const EXCERPT_MAX = 32

/** The text that a hex number encodes, if it is printable; else the number as it was sent. */
export function readableId(sent: string): string {
  if (!/^(?:[0-9A-Fa-f]{2})+$/.test(sent)) return sent
  const text = String.fromCharCode(...Uint8Array.fromHex(sent))
  return /^[\x20-\x7e]+$/.test(text) ? text : sent
}

/** Collects what the lines of one telegram say. */
class Lines {
  readonly #offset: number
  readonly #registers = new Map<string, DsmrRegister>()
  /** Stated again with another value: nobody knows which one holds. */
  readonly #contradicted = new Set<string>()
  readonly #ids = new Map<string, string>()
  readonly leftOut: LeftOut[] = []
  meterTime: UnixMs | null = null

  constructor(standardOffsetMinutes: number) {
    this.#offset = standardOffsetMinutes
  }

  get equipmentId(): string | null {
    const found = EQUIPMENT_IDS.find((code) => this.#ids.has(code))
    return found === undefined ? null : (this.#ids.get(found) ?? null)
  }

  get registers(): readonly DsmrRegister[] {
    return [...this.#registers.values()]
  }

  take(line: string): void {
    const object = readObject(line)
    if (object === null) {
      this.#leave('MTR-13', excerpt(line), null, 'not of the form code(value)')
      return
    }
    const { code, values } = object
    const [first = ''] = values
    if (code === null) this.#leaveObject(object, values)
    else if (code === CLOCK) this.#takeClock(first)
    else if (EQUIPMENT_IDS.includes(code)) this.#takeId(code, first.trim())
    else if (CHANNEL_VALUE_2_2.test(code)) this.#takeChannel22(object)
    else if (CHANNEL_VALUE.test(code) || MEASURED_D.test(code)) this.#takeRegister(object, code)
    else this.#leaveObject(object, values)
  }

  #leave(fault: LeftOut['fault'], what: string, unit: string | null, why: string): void {
    this.leftOut.push({ fault, what, unit: unit === null ? null : excerpt(unit), why })
  }

  /** No register that we keep, or under a code that is none: named with the first unit in it. */
  #leaveObject({ sent, code }: TelegramObject, values: readonly string[]): void {
    const units = values.map(readValue).flatMap((value) => unitOf(value) ?? [])
    const [unit = null] = units
    if (code !== null) this.#leave('MTR-15', sent, unit, 'not a register that is kept')
    else if (unit === null) this.#leave('MTR-15', excerpt(sent), null, 'not an OBIS code')
    else this.#leave('MTR-13', excerpt(sent), unit, 'not an OBIS code')
  }

  #takeClock(stamp: string): void {
    this.meterTime = decodeStamp(stamp.trim(), this.#offset)
    if (this.meterTime !== null) return
    this.#leave('MTR-13', '0-0:1.0.0', null, 'the time cannot be read')
  }

  #takeId(code: string, id: string): void {
    if (id !== '' && !this.#ids.has(code)) this.#ids.set(code, id)
  }

  #takeChannel22(object: TelegramObject): void {
    const [stamp = '', , , , kept = '', unit = '', ...numbers] = object.values
    const values = numbers.map((number) => `${number}*${unit}`)
    const own = readObject(`${kept}(${stamp})${values.map((value) => `(${value})`).join('')}`)
    const code = own?.code ?? null
    if (own !== null && code !== null && CHANNEL_VALUE.test(code)) this.#takeRegister(own, code)
    else this.#leave('MTR-13', object.sent, null, 'no value in the form of DSMR 2.2')
  }

  #takeRegister({ sent, values }: TelegramObject, register: Obis): void {
    const channel = Number(CHANNEL_VALUE.exec(register)?.[1] ?? 0)
    const found = valueOf(values, POWER_FACTOR.test(register))
    if (!found.ok) {
      this.#leave(
        this.#noMeter(channel, values) ? 'MTR-15' : found.fault,
        sent,
        found.unit,
        found.why,
      )
      return
    }
    const { value, exponent, unit, others } = found
    let time: UnixMs | null = null
    for (const other of others) {
      time ??= decodeStamp(other, this.#offset)
      if (decodeStamp(other, this.#offset) === null) {
        this.#leave('MTR-15', sent, null, 'beside its value: no time that can be read')
      }
    }
    this.#add({ channel, register, value, exponent, unit, time, stamped: others.length > 0 }, sent)
  }

  /** A channel without a meter: Luxembourg's meters send 0 there, at a time that is none. */
  #noMeter(channel: number, values: readonly string[]): boolean {
    const isNothing = (text: string): boolean => {
      const value = readValue(text)
      return value.is === 'empty' || (value.is === 'plain' && value.value === 0)
    }
    const isTime = (text: string): boolean => decodeStamp(text.trim(), this.#offset) !== null
    return channel > 0 && values.some(isNothing) && !values.some(isTime)
  }

  #add(found: DsmrRegister, sent: string): void {
    const { register } = found
    const before = this.#registers.get(register)
    if (this.#contradicted.has(register)) return
    if (before === undefined) {
      this.#registers.set(register, found)
    } else if (!isSame(before, found)) {
      this.#registers.delete(register)
      this.#contradicted.add(register)
      this.#leave('MTR-13', sent, null, 'stated twice, differently')
    }
  }
}

const isSame = (one: DsmrRegister, other: DsmrRegister): boolean =>
  one.value === other.value &&
  one.exponent === other.exponent &&
  one.unit === other.unit &&
  one.time === other.time

const unitOf = (value: Value): string | null => ('spelling' in value ? value.spelling : null)

/** The same for every telegram of a meter, whatever its readings. */
const excerpt = (line: string): string =>
  line
    .slice(0, EXCERPT_MAX)
    .replace(/\d/g, '#')
    .replace(/[^\x20-\x7e]/g, '?')

type Found =
  | {
      readonly ok: true
      readonly value: number
      readonly exponent: number
      readonly unit: UnitCode
      /** What stands beside the value, blanks and empty parentheses left out. */
      readonly others: readonly string[]
    }
  | {
      readonly ok: false
      readonly fault: 'MTR-07' | 'MTR-13'
      readonly unit: string | null
      readonly why: string
    }

/** The one value of a register. `plain`: it is a number without a unit. */
function valueOf(sent: readonly string[], plain: boolean): Found {
  const refuse = (why: string, unit: string | null = null): Found => ({
    ok: false,
    fault: 'MTR-13',
    unit,
    why,
  })
  const values = sent.map((text) => ({ text: text.trim(), value: readValue(text) }))
  const others: string[] = []
  let found: { value: number; exponent: number; unit: UnitCode } | null = null
  for (const { text, value } of values) {
    if (value.is === 'too long') {
      return { ok: false, fault: 'MTR-07', unit: value.spelling, why: 'too many digits' }
    }
    if (value.is === 'unknown unit') return refuse('unit not known', value.spelling)
    if (value.is === 'measured' || (plain && value.is === 'plain' && found === null)) {
      const { value: number, exponent } = value
      const unit = value.is === 'measured' ? value.unit : UNIT.none
      const again = found !== null && (found.value !== number || found.exponent !== exponent)
      if (again || (found !== null && found.unit !== unit)) {
        return refuse('two values', unitOf(value))
      }
      found = { value: number, exponent, unit }
    } else if (value.is !== 'empty') {
      others.push(text)
    }
  }
  if (found !== null) return { ok: true, ...found, others }
  if (values.every(({ value }) => value.is === 'empty')) return refuse('no value')
  return refuse('no number with a unit')
}

/** Reads `/identification` and the lines up to the `!`, which is left out. Each line is the clock,
 * the meter's number, a register or left out by name. */
export function decodeTelegram(
  text: string,
  { standardOffsetMinutes, checked }: { standardOffsetMinutes: number; checked: boolean },
): DsmrTelegram {
  const [header = ''] = text.split(/[\r\n]/, 1)
  const lines = new Lines(standardOffsetMinutes)
  for (const line of linesOf(text.slice(header.length))) lines.take(line)
  const { equipmentId, meterTime, registers, leftOut } = lines
  const identification = header.slice(1).trim()
  return { identification, equipmentId, meterTime, registers, leftOut, checked }
}

/** The registers as readings of `meter`; a meter behind it on channel n is named `<meter>.<n>`. */
export function dsmrReadings(telegram: DsmrTelegram, meter: string): readonly Reading[] {
  return telegram.registers.map(
    ({ channel, register, value, exponent, unit, time, stamped }): Reading => ({
      meter: channel === 0 ? meter : `${meter}.${channel}`,
      register,
      value,
      exponent,
      unit,
      source: 'push',
      // A gas meter's value is as old as its own stamp says: under the telegram's time it would
      // look younger than it is.
      meterTime: time ?? (channel === 0 && !stamped ? telegram.meterTime : null),
      checked: telegram.checked,
    }),
  )
}
