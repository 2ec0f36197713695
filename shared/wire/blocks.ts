// Blocks: readings written as a head's number and differences. A read cycle, one value of each
// register, names its first head only; a load profile, many values of one register, costs two bytes
// a value. wire.md 8.2.

import { assert } from '../assert.ts'
import type { Reader, Writer } from '../bytes.ts'
import type { Reading } from '../meter/reading.ts'
import { type UnixMs, unixMs } from '../units.ts'
import { METER_TIME_MAX, READING_VALUE_MAX } from './limits.ts'
import { type Head, HeadReader, headOf, headText, type Opener, writeHead } from './opener.ts'

/** Readings from..end-1, written as one block. */
interface Block {
  readonly from: number
  readonly end: number
  /** 0, 2k or 2k+1, as on the wire. */
  readonly kind: number
}

/** Seconds UTC at which a frame's second begins. */
const secondsAt = (begins: UnixMs): number => Math.floor(begins / 1_000)

/** Numbers of an opener's heads, by their text, for as long as the opener lives. */
const numbersOf = new WeakMap<Opener, ReadonlyMap<string, number>>()

function headNumbers(opener: Opener): ReadonlyMap<string, number> {
  const known = numbersOf.get(opener)
  if (known !== undefined) return known
  const numbers = new Map<string, number>()
  opener.heads.forEach((head, index) => numbers.set(headText(head, head.times), index + 1))
  numbersOf.set(opener, numbers)
  return numbers
}

/** Same head, and a difference that its zigzag form can hold. */
const joins = (before: Reading, reading: Reading | undefined): boolean =>
  reading !== undefined &&
  reading.meter === before.meter &&
  reading.register === before.register &&
  reading.exponent === before.exponent &&
  reading.unit === before.unit &&
  reading.source === before.source &&
  reading.checked === before.checked &&
  (reading.meterTime === null) === (before.meterTime === null) &&
  Math.abs(reading.value - before.value) <= READING_VALUE_MAX

/** Several values of one head, or one value each of as many consecutive heads as there are. */
function planBlocks(readings: readonly Reading[], opener: Opener): readonly Block[] {
  const known = headNumbers(opener)
  const numbers = readings.map(
    (reading) => known.get(headText(reading, reading.meterTime !== null)) ?? 0,
  )
  const repeats = readings.map((reading, index) => joins(reading, readings[index + 1]))
  const blocks: Block[] = []
  for (let from = 0; from < readings.length; ) {
    const number = numbers[from] ?? 0
    let end = from + 1
    const single = number > 0 && repeats[from] === false
    if (single) {
      while (numbers[end] === number + (end - from) && repeats[end] === false) end += 1
    } else {
      while (repeats[end - 1] === true) end += 1
    }
    blocks.push({ from, end, kind: single ? number * 2 + 1 : number * 2 })
    from = end
  }
  return blocks
}

/** Writes the number of blocks and the blocks; returns the last one's meter. `meterBefore`: the
 * meter of the block before in this frame. */
export function writeBlocks(
  writer: Writer,
  readings: readonly Reading[],
  context: {
    readonly opener: Opener
    readonly begins: UnixMs
    readonly meterBefore: string | null
  },
): string | null {
  const blocks = planBlocks(readings, context.opener)
  const begins = secondsAt(context.begins)
  writer.uvarint(blocks.length)
  let { meterBefore } = context
  for (const { from, end, kind } of blocks) {
    const first = readings[from]
    assert(first !== undefined, 'a block begins inside the list')
    writer.uvarint(kind)
    if (kind === 0) writeHead(writer, headOf(first), meterBefore)
    writer.uvarint(end - from)
    const block = readings.slice(from, end)
    if (kind % 2 === 1) writeEach(writer, block, begins)
    else writeOfOne(writer, block, begins)
    meterBefore = block.at(-1)?.meter ?? meterBefore
  }
  return meterBefore
}

function writeOfOne(writer: Writer, readings: readonly Reading[], begins: number): void {
  let value = 0
  let seconds = begins
  let step = 0
  readings.forEach((reading, index) => {
    writer.svarint(reading.value - value)
    value = reading.value
    if (reading.meterTime === null) return
    const at = Math.floor(reading.meterTime / 1_000)
    writer.svarint(at - seconds - step)
    // The first is far from the start of the second and predicts nothing about the next.
    if (index > 0) step = at - seconds
    seconds = at
  })
}

function writeEach(writer: Writer, readings: readonly Reading[], begins: number): void {
  for (const { value, meterTime } of readings) {
    writer.svarint(value)
    if (meterTime !== null) writer.svarint(Math.floor(meterTime / 1_000) - begins)
  }
}

/** Null: beyond what a meter's time may be. */
const timeOf = (seconds: number): UnixMs | null =>
  Math.abs(seconds) > METER_TIME_MAX ? null : unixMs(seconds * 1_000)

/** Reads the blocks of one frame, group after group. */
export class BlockReader {
  readonly #reader: Reader
  readonly #opener: Opener
  readonly #begins: number
  readonly #headReader = new HeadReader()
  #meter: string | null = null
  #left: number

  /** `count`: readings in the frame, as its header says. */
  constructor(reader: Reader, count: number, opener: Opener, begins: UnixMs) {
    this.#reader = reader
    this.#left = count
    this.#opener = opener
    this.#begins = secondsAt(begins)
  }

  /** Readings still to come. */
  get left(): number {
    return this.#left
  }

  /** Adds one block's readings; false when it is malformed or has more than are still to come. */
  read(into: Reading[]): boolean {
    const kind = this.#reader.uvarint()
    const number = Math.floor(kind / 2)
    const many = kind % 2 === 1
    const head =
      kind === 0
        ? this.#headReader.read(this.#reader, this.#meter)
        : (this.#opener.heads[number - 1] ?? null)
    const length = this.#reader.uvarint()
    // Checked before anything is filled: a mere claim takes no memory.
    if (!this.#reader.ok || head === null || length < 1 || length > this.#left) return false
    this.#left -= length
    if (many) return this.#each(number - 1, length, into)
    this.#meter = head.meter
    return this.#ofOne(head, length, into)
  }

  // Field by field: spreading the head would cost five times as much as the rest of a reading.

  #ofOne(head: Head, length: number, into: Reading[]): boolean {
    const { meter, register, exponent, unit, source, checked, times } = head
    const reader = this.#reader
    let value = 0
    let seconds = this.#begins
    let step = 0
    for (let i = 0; i < length && reader.ok; i += 1) {
      value += reader.svarint()
      if (Math.abs(value) > READING_VALUE_MAX) return false
      let meterTime: UnixMs | null = null
      if (times) {
        const by: number = step + reader.svarint()
        if (i > 0) step = by
        seconds += by
        meterTime = timeOf(seconds)
        if (meterTime === null) return false
      }
      into.push({ meter, register, value, exponent, unit, source, meterTime, checked })
    }
    return reader.ok
  }

  #each(first: number, length: number, into: Reading[]): boolean {
    const reader = this.#reader
    const { heads } = this.#opener
    for (let i = first; i < first + length && reader.ok; i += 1) {
      const head = heads[i]
      if (head === undefined) return false
      const { meter, register, exponent, unit, source, checked, times } = head
      const value = reader.svarint()
      if (Math.abs(value) > READING_VALUE_MAX) return false
      const meterTime = times ? timeOf(this.#begins + reader.svarint()) : null
      if (times && meterTime === null) return false
      this.#meter = meter
      into.push({ meter, register, value, exponent, unit, source, meterTime, checked })
    }
    return reader.ok
  }
}
