// What holds for a whole run is said once, in its first frame: which run came before, when the
// process started, and the heads (meter, register, unit ...) that later frames name by a number.
// wire.md 8.2.

import { assert } from '../assert.ts'
import { fromText, type Reader, type Writer } from '../bytes.ts'
import { type Obis, obisBytes, obisOf } from '../meter/obis.ts'
import {
  isMeterNumber,
  isUnitCode,
  METER_NUMBER_LENGTH_MAX,
  type Reading,
} from '../meter/reading.ts'
import { type UnixMs, unixMs } from '../units.ts'
import { HASH_BYTES, HEADS_MAX, PROCESS_ID_BYTES, READING_EXPONENT_MAX } from './limits.ts'
import { namesOf, READING_SOURCE } from './numbers.ts'

const SOURCE_BITS = 3
const TIMES_BIT = 4
const UNCHECKED_BIT = 8
/** In place of a meter number's length: the meter of the block before. */
const SAME_METER = 0
const sources = namesOf(READING_SOURCE)

/** What readings of one register of one meter share. */
export type Head = Omit<Reading, 'value' | 'meterTime'> & {
  /** Whether each of them has the meter's own time. */
  readonly times: boolean
}

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

export interface Opener {
  readonly kind: 'opener'
  /** 8 bytes, random per process start. */
  readonly processId: Uint8Array
  readonly previous: PreviousRun
  /** By the slave's clock at the opening. */
  readonly processStart: UnixMs
  /** At most 256; frames of the run number them from 1. */
  readonly heads: readonly Head[]
}

export const headOf = (reading: Reading): Head => {
  const { meter, register, exponent, unit, source, checked, meterTime } = reading
  return { meter, register, exponent, unit, source, checked, times: meterTime !== null }
}

/** The same text for the same head, and for no other. */
export const headText = (of: Omit<Head, 'times'>, times: boolean): string =>
  `${of.meter} ${of.register} ${of.exponent} ${of.unit} ${of.source} ${of.checked} ${times}`

const flagsOf = ({ source, times, checked }: Head): number =>
  READING_SOURCE[source] + (times ? TIMES_BIT : 0) + (checked ? 0 : UNCHECKED_BIT)

/** `meterBefore`: the meter of the block before, null where there is none. */
export function writeHead(writer: Writer, head: Head, meterBefore: string | null): void {
  const { meter, register, exponent, unit } = head
  if (meter === meterBefore) writer.u8(SAME_METER)
  else writer.u8(meter.length).bytes(fromText(meter))
  writer.bytes(obisBytes(register)).i8(exponent).u8(unit).u8(flagsOf(head))
}

/** Reads heads one after the other. Most name the same register as the one before, whose text is
 * reused. */
export class HeadReader {
  #obis = -1
  #register: Obis | null = null

  /** Null when it is malformed. */
  read(reader: Reader, meterBefore: string | null): Head | null {
    const length = reader.u8()
    if (length > METER_NUMBER_LENGTH_MAX) return null
    const meter = length === SAME_METER ? meterBefore : reader.ascii(length)
    const register = this.#registerOf(reader.u48())
    const exponent = reader.i8()
    const unit = reader.u8()
    const flags = reader.u8()
    const source = sources.get(flags & SOURCE_BITS)
    if (!reader.ok || meter === null || !isMeterNumber(meter)) return null
    if (Math.abs(exponent) > READING_EXPONENT_MAX || !isUnitCode(unit)) return null
    if (source === undefined || flags > SOURCE_BITS + TIMES_BIT + UNCHECKED_BIT) return null
    const times = (flags & TIMES_BIT) !== 0
    const checked = (flags & UNCHECKED_BIT) === 0
    return { meter, register, exponent, unit, source, checked, times }
  }

  /** `obis`: the six groups as one big-endian number. */
  #registerOf(obis: number): Obis {
    if (obis !== this.#obis || this.#register === null) {
      const [high, low] = [Math.floor(obis / 0x1_0000_0000), obis >>> 0]
      const groups = [high >> 8, high, low >>> 24, low >> 16, low >> 8, low]
      this.#register = obisOf(groups.map((group) => group & 0xff))
      this.#obis = obis
    }
    return this.#register
  }
}

export function writeOpener(writer: Writer, opener: Opener): void {
  const { processId, previous, processStart, heads } = opener
  assert(processId.length === PROCESS_ID_BYTES, 'a process id has 8 bytes')
  assert(previous.hash.length === HASH_BYTES, 'a stream hash has 32 bytes')
  assert(heads.length <= HEADS_MAX, 'an opener has at most 256 heads')
  writer.bytes(processId).u32(previous.epoch).u32(previous.run).u32(previous.sequence)
  writer.bytes(previous.hash).u48(processStart).uvarint(heads.length)
  for (const head of heads) writeHead(writer, head, null)
}

export function readOpener(reader: Reader): Opener | null {
  const processId = reader.bytes(PROCESS_ID_BYTES)
  const previous: PreviousRun = {
    epoch: reader.u32(),
    run: reader.u32(),
    sequence: reader.u32(),
    hash: reader.bytes(HASH_BYTES),
  }
  const processStart = unixMs(reader.u48())
  const count = reader.uvarint()
  if (!reader.ok || count > HEADS_MAX) return null
  const heads: Head[] = []
  const headReader = new HeadReader()
  for (let i = 0; i < count; i += 1) {
    const head = headReader.read(reader, null)
    if (head === null) return null
    heads.push(head)
  }
  return reader.whole ? { kind: 'opener', processId, previous, processStart, heads } : null
}
