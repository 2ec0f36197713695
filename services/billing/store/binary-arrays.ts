// Arrays in PostgreSQL's binary format, which pg sends as they are: 0.6 us a row instead of 4 us
// for text (measured). Source: PostgreSQL array_recv and the _recv function of each element type.

const OID = { char: 18, int8: 20, int2: 21, int4: 23, timestamptz: 1184 } as const
/** Header: dimensions, has-null flag, element type, length, lower bound; 4 bytes each. */
const HEADER_BYTES = 20
/** 2000-01-01T00:00:00Z, where PostgreSQL's time starts, in Unix milliseconds. */
const POSTGRES_EPOCH_MS = 946_684_800_000
const TWO_32 = 0x1_0000_0000

function begin(oid: number, length: number, width: number, nulls: number): Buffer {
  const array = Buffer.allocUnsafe(HEADER_BYTES + length * (4 + width) - nulls * width)
  array.writeInt32BE(1, 0)
  array.writeInt32BE(nulls > 0 ? 1 : 0, 4)
  array.writeInt32BE(oid, 8)
  array.writeInt32BE(length, 12)
  array.writeInt32BE(1, 16)
  return array
}

function write64(array: Buffer, value: number, at: number): void {
  const high = Math.floor(value / TWO_32)
  array.writeInt32BE(high, at)
  array.writeUInt32BE(value - high * TWO_32, at + 4)
}

/** Safe integers as int8[]. */
export function int8Array(values: readonly number[]): Buffer {
  const array = begin(OID.int8, values.length, 8, 0)
  let at = HEADER_BYTES
  for (const value of values) {
    array.writeInt32BE(8, at)
    write64(array, value, at + 4)
    at += 12
  }
  return array
}

/** Unix milliseconds as timestamptz[]; null is allowed. */
export function timestampArray(values: readonly (number | null)[]): Buffer {
  let nulls = 0
  for (const value of values) if (value === null) nulls += 1
  const array = begin(OID.timestamptz, values.length, 8, nulls)
  let at = HEADER_BYTES
  for (const value of values) {
    if (value === null) {
      array.writeInt32BE(-1, at)
      at += 4
      continue
    }
    array.writeInt32BE(8, at)
    write64(array, (value - POSTGRES_EPOCH_MS) * 1_000, at + 4)
    at += 12
  }
  return array
}

export function int4Array(values: readonly number[]): Buffer {
  const array = begin(OID.int4, values.length, 4, 0)
  let at = HEADER_BYTES
  for (const value of values) {
    array.writeInt32BE(4, at)
    array.writeInt32BE(value, at + 4)
    at += 8
  }
  return array
}

export function int2Array(values: readonly number[]): Buffer {
  const array = begin(OID.int2, values.length, 2, 0)
  let at = HEADER_BYTES
  for (const value of values) {
    array.writeInt32BE(2, at)
    array.writeInt16BE(value, at + 4)
    at += 6
  }
  return array
}

/** One-letter ASCII texts as "char"[]. */
export function charArray(values: readonly string[]): Buffer {
  const array = begin(OID.char, values.length, 1, 0)
  let at = HEADER_BYTES
  for (const value of values) {
    array.writeInt32BE(1, at)
    array.writeUInt8(value.charCodeAt(0) & 0x7f, at + 4)
    at += 5
  }
  return array
}
