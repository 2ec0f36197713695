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
  /** WIR-03: a length of zero. Bodies completed before it are still returned. */
  | { readonly ok: false; readonly fault: 'WIR-03'; readonly bodies: readonly Uint8Array[] }

/** Cuts a byte stream into bodies, however it is chunked. Holds at most one unfinished message (64
 * KiB). A u16 cannot claim a length beyond the limit, so WIR-02 occurs on WebSocket only. */
export class Deframer {
  /** The length's first byte when only that has come, else -1. */
  #high = -1
  /** The body being filled, or null between messages. */
  #body: Uint8Array | null = null
  #filled = 0
  #broken = false

  /** Bytes of an unfinished message now held. */
  get pending(): number {
    return this.#filled + (this.#high < 0 ? 0 : 1)
  }

  /** All bodies that `chunk` completes, each a copy. After a fault it takes nothing more. */
  push(chunk: Uint8Array): Deframed {
    const bodies: Uint8Array[] = []
    let at = 0
    while (at < chunk.length && !this.#broken) {
      if (this.#body === null) {
        at = this.#length(chunk, at)
        continue
      }
      const part = chunk.subarray(at, at + this.#body.length - this.#filled)
      this.#body.set(part, this.#filled)
      this.#filled += part.length
      at += part.length
      if (this.#filled === this.#body.length) {
        bodies.push(this.#body)
        this.#body = null
        this.#filled = 0
      }
    }
    return this.#broken ? { ok: false, fault: 'WIR-03', bodies } : { ok: true, bodies }
  }

  /** Takes one byte of a length; returns the position after it. */
  #length(chunk: Uint8Array, at: number): number {
    const byte = chunk[at] ?? 0
    if (this.#high < 0) {
      this.#high = byte
      return at + 1
    }
    const length = this.#high * 256 + byte
    this.#high = -1
    if (length === 0) this.#broken = true
    else this.#body = new Uint8Array(length)
    return at + 1
  }
}
