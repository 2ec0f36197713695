// Messages on a byte stream: `u16 length || body`. WebSocket keeps messages apart by itself and
// needs none of this. wire.md 2.

import { assert } from '../assert.ts'
import { BODY_BYTES_MAX } from './limits.ts'

const LENGTH_BYTES = 2

/** One body as it travels on TCP. */
export function lengthPrefixed(body: Uint8Array): Uint8Array {
  assert(body.length > 0 && body.length <= BODY_BYTES_MAX, 'a body has 1 to 65,535 bytes')
  const message = new Uint8Array(LENGTH_BYTES + body.length)
  message[0] = body.length >> 8
  message[1] = body.length & 0xff
  message.set(body, LENGTH_BYTES)
  return message
}

export type Deframed =
  | { readonly ok: true; readonly bodies: readonly Uint8Array[] }
  /** WIR-02: a length above the limit. WIR-03: a length of zero. Bodies completed before it are
   * still returned. */
  | {
      readonly ok: false
      readonly fault: 'WIR-02' | 'WIR-03'
      readonly bodies: readonly Uint8Array[]
    }

/** Memory taken for a body of which little has come, bytes; it then doubles as the rest comes. */
const FIRST_BYTES = 512

/** Cuts a byte stream into bodies, however it is chunked. It holds at most one unfinished message,
 * and never more than twice what has come of it: a length alone claims no memory. */
export class Deframer {
  /** Longest body taken; a longer one is refused as soon as its length is there. */
  limit: number
  /** The length's first byte when only that has come, else -1. */
  #high = -1
  /** Length of the body that is coming; 0 between messages. */
  #length = 0
  /** What has come of it is at the start. */
  #body = new Uint8Array(0)
  #filled = 0
  #broken: 'WIR-02' | 'WIR-03' | null = null

  constructor(limit = BODY_BYTES_MAX) {
    this.limit = limit
  }

  /** Bytes of an unfinished message that have come. */
  get pending(): number {
    return this.#filled + (this.#high < 0 ? 0 : 1)
  }

  /** Bytes of memory held for an unfinished message. */
  get held(): number {
    return this.#body.length
  }

  /** All bodies that `chunk` completes, each a copy. After a fault it takes nothing more. */
  push(chunk: Uint8Array): Deframed {
    const bodies: Uint8Array[] = []
    let at = 0
    while (at < chunk.length && this.#broken === null) {
      if (this.#length === 0) {
        at = this.#takeLength(chunk, at)
        continue
      }
      const part = chunk.subarray(at, at + this.#length - this.#filled)
      this.#append(part)
      at += part.length
      if (this.#filled === this.#length) {
        bodies.push(this.#body)
        this.#body = new Uint8Array(0)
        this.#length = 0
        this.#filled = 0
      }
    }
    const fault = this.#broken
    return fault === null ? { ok: true, bodies } : { ok: false, fault, bodies }
  }

  #append(part: Uint8Array): void {
    const needed = this.#filled + part.length
    if (needed > this.#body.length) {
      const room = Math.max(needed, 2 * this.#body.length, FIRST_BYTES)
      const grown = new Uint8Array(Math.min(this.#length, room))
      grown.set(this.#body.subarray(0, this.#filled))
      this.#body = grown
    }
    this.#body.set(part, this.#filled)
    this.#filled = needed
  }

  /** Takes one byte of a length; returns the position after it. */
  #takeLength(chunk: Uint8Array, at: number): number {
    const byte = chunk[at] ?? 0
    if (this.#high < 0) {
      this.#high = byte
      return at + 1
    }
    const length = this.#high * 256 + byte
    this.#high = -1
    if (length === 0) this.#broken = 'WIR-03'
    else if (length > this.limit) this.#broken = 'WIR-02'
    else this.#length = length
    return at + 1
  }
}
