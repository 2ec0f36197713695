// Bounded big-endian reading and writing, hex, constant-time equality. A Reader never throws on
// short input: it turns `ok` to false and returns zeros, so that a decoder checks once, at its end,
// and no hostile length can crash it.

import { assert } from './assert.ts'

const HEX = /^(?:[0-9a-f]{2})*$/i
const utf8 = new TextDecoder('utf-8', { fatal: false })
const encoder = new TextEncoder()

export const toHex = (bytes: Uint8Array): string => bytes.toHex()

/** Bytes of a hex string, or null when it is not whole pairs of hex digits. */
export const fromHex = (text: string): Uint8Array | null =>
  HEX.test(text) ? Uint8Array.fromHex(text) : null

export const toText = (bytes: Uint8Array): string => utf8.decode(bytes)
export const fromText = (text: string): Uint8Array => encoder.encode(text)

export const concat = (...parts: readonly Uint8Array[]): Uint8Array =>
  filled(new Uint8Array(lengthOf(parts)), parts)

function lengthOf(parts: readonly Uint8Array[]): number {
  let length = 0
  for (const part of parts) length += part.length
  return length
}

/** `whole` with the parts behind each other. */
function filled(whole: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** `length` zero bytes for a secret, and the only memory they will ever lie in: whoever overwrites
 * them has overwritten them all. A plain `new Uint8Array` of up to 64 bytes lies inside the heap of
 * V8 instead, which copies it whenever it tidies up, and leaves the old copy as it was. */
export const secretBytes = (length: number): Uint8Array => new Uint8Array(new ArrayBuffer(length))

/** The parts behind each other, where they can be overwritten. */
export const secretConcat = (...parts: readonly Uint8Array[]): Uint8Array =>
  filled(secretBytes(lengthOf(parts)), parts)

export function isZero(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0) return false
  return true
}

/** True for a secret that was overwritten: no key that was drawn or derived is all zero. */
export const isSpent = (secret: Uint8Array): boolean => isZero(secret)

/** Compares in a time that depends on the lengths only. */
export function equalConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i += 1) difference |= (a[i] ?? 0) ^ (b[i] ?? 0)
  return difference === 0
}

/** Largest unsigned varint we read: a safe integer, 53 bits, 8 bytes. */
const VARINT_BYTES_MAX = 8

/** Reads big-endian fields; `ok` turns false, for good, at the first field that is not there. */
export class Reader {
  ok = true
  #at = 0
  readonly #bytes: Uint8Array
  readonly #view: DataView

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  /** True when every field was there and nothing is left over. */
  get whole(): boolean {
    return this.ok && this.left === 0
  }

  fail(): void {
    this.ok = false
  }

  /** Position of the next `length` bytes, or -1 (and `ok` false) when they are not there. */
  #take(length: number): number {
    if (!this.ok || length > this.left) {
      this.ok = false
      return -1
    }
    const at = this.#at
    this.#at += length
    return at
  }

  u8(): number {
    const at = this.#take(1)
    return at < 0 ? 0 : this.#view.getUint8(at)
  }
  i8(): number {
    const at = this.#take(1)
    return at < 0 ? 0 : this.#view.getInt8(at)
  }
  u16(): number {
    const at = this.#take(2)
    return at < 0 ? 0 : this.#view.getUint16(at)
  }
  u32(): number {
    const at = this.#take(4)
    return at < 0 ? 0 : this.#view.getUint32(at)
  }
  u48(): number {
    const high = this.u16()
    return high * 0x1_0000_0000 + this.u32()
  }
  /** 64-bit unsigned that must be a safe integer (fails above 2^53 - 1). */
  u64(): number {
    const value = this.u32() * 0x1_0000_0000 + this.u32()
    if (!Number.isSafeInteger(value)) this.ok = false
    return this.ok ? value : 0
  }
  /** LEB128 unsigned, minimal form only, a safe integer. */
  uvarint(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < VARINT_BYTES_MAX; i += 1) {
      const byte = this.u8()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (byte === 0 && i > 0) this.ok = false
        if (!Number.isSafeInteger(value)) this.ok = false
        return this.ok ? value : 0
      }
      scale *= 128
    }
    this.ok = false
    return 0
  }
  /** Zigzag LEB128: 0, -1, 1, -2, 2 ... */
  svarint(): number {
    const folded = this.uvarint()
    return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2
  }
  /** A copy of the next `length` bytes. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length)
    // Not slice(): on a Buffer that is a view.
    return at < 0 ? new Uint8Array(0) : new Uint8Array(this.#bytes.subarray(at, at + length))
  }
  /** The same, where it can be overwritten. */
  secret(length: number): Uint8Array {
    const at = this.#take(length)
    const copy = secretBytes(at < 0 ? 0 : length)
    if (at >= 0) copy.set(this.#bytes.subarray(at, at + length))
    return copy
  }
  /** The next `length` bytes as characters with the same numbers: ASCII text, or text that the
   * caller's check of its characters refuses. Five times as fast as UTF-8 for a dozen bytes. */
  ascii(length: number): string {
    const at = this.#take(length)
    let text = ''
    if (at < 0) return text
    for (let i = at; i < at + length; i += 1) text += String.fromCharCode(this.#view.getUint8(i))
    return text
  }
  rest(): Uint8Array {
    return this.bytes(this.left)
  }
}

/** Writes big-endian fields into a growing buffer. A value that does not fit is our own bug. */
export class Writer {
  #bytes = new Uint8Array(64)
  #view = new DataView(this.#bytes.buffer)
  #at = 0

  get length(): number {
    return this.#at
  }

  /** Position for the next `length` bytes. May replace the view: call this before using it. */
  #grow(length: number): number {
    const at = this.#at
    this.#at += length
    if (this.#at > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#at, this.#bytes.length * 2))
      grown.set(this.#bytes)
      this.#bytes = grown
      this.#view = new DataView(grown.buffer)
    }
    return at
  }

  u8(value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value <= 0xff, 'a u8 fits one byte')
    const at = this.#grow(1)
    this.#view.setUint8(at, value)
    return this
  }
  i8(value: number): this {
    assert(Number.isInteger(value) && value >= -128 && value <= 127, 'an i8 fits one byte')
    const at = this.#grow(1)
    this.#view.setInt8(at, value)
    return this
  }
  u16(value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value <= 0xffff, 'a u16 fits two bytes')
    const at = this.#grow(2)
    this.#view.setUint16(at, value)
    return this
  }
  u32(value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff, 'a u32 fits four bytes')
    const at = this.#grow(4)
    this.#view.setUint32(at, value)
    return this
  }
  u48(value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value < 2 ** 48, 'a u48 fits six bytes')
    return this.u16(Math.floor(value / 0x1_0000_0000)).u32(value % 0x1_0000_0000)
  }
  u64(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, 'a u64 is a safe integer')
    return this.u32(Math.floor(value / 0x1_0000_0000)).u32(value % 0x1_0000_0000)
  }
  uvarint(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, 'a varint is a safe unsigned integer')
    let rest = value
    while (rest >= 0x80) {
      this.u8((rest % 0x80) + 0x80)
      rest = Math.floor(rest / 0x80)
    }
    return this.u8(rest)
  }
  svarint(value: number): this {
    assert(Math.abs(value) < 2 ** 52, 'a signed varint folds into a safe integer')
    return this.uvarint(value >= 0 ? value * 2 : -value * 2 - 1)
  }
  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length)
    this.#bytes.set(value, at)
    return this
  }
  /** Takes back what was written beyond the first `length` bytes. */
  cut(length: number): void {
    assert(length <= this.#at, 'only what was written is taken back')
    this.#at = length
  }
  /** A copy of what was written. */
  done(): Uint8Array {
    return this.#bytes.slice(0, this.#at)
  }
}

/** Returns `length` fresh random bytes. Pure code is handed one. */
export type Random = (length: number) => Uint8Array
