// Cuts a stream of bytes, in chunks of any size, into SEM frames and plain lines. It works byte by
// byte, so that the verdicts depend on the bytes alone, keeps at most one frame, and is back in
// step with the first STX after any noise, because STX never occurs inside a frame.

import { NOISE_BYTES_REPORT } from '../noise.ts'
import { concat, fromText, toText } from '../../bytes.ts'
import { monoUs, type MonoUs } from '../../units.ts'
import { crc16Ibm3740, crcDigits } from '../crc16.ts'
import {
  decodePlainLine,
  decodeSemBody,
  ETX,
  PLAIN_LINE_BYTES_MAX,
  SEM_BODY_BYTES_MAX,
  STX,
  type SemFrame,
} from './sem.ts'

export type SemVerdict =
  | {
      readonly ok: true
      readonly frame: SemFrame
      /** When the chunk with the frame's first byte arrived. */
      readonly at: MonoUs
    }
  | {
      readonly ok: false
      /** MTR-02 checksum wrong; MTR-03 cut short, too long or not understood; MTR-08 noise. */
      readonly fault: 'MTR-02' | 'MTR-03' | 'MTR-08'
      /** How many bytes were lost. */
      readonly bytes: number
      readonly at: MonoUs
    }

export interface SemDecoder {
  /** The verdicts that `chunk`, which arrived at `at`, completes. */
  push(chunk: Uint8Array, at: MonoUs): readonly SemVerdict[]
  /** The line went quiet: gives up a frame that is incomplete, and reports the remaining noise. */
  flush(at: MonoUs): readonly SemVerdict[]
}

const CRC_DIGITS = 4
const CR = 0x0d
const LF = 0x0a
const isPrintable = (byte: number): boolean => byte >= 0x20 && byte <= 0x7e

class Decoder implements SemDecoder {
  #within: 'line' | 'body' | 'crc' = 'line'
  /** The body with its ETX, or the plain line so far. */
  readonly #buffer = new Uint8Array(SEM_BODY_BYTES_MAX)
  #length = 0
  #crcText = ''
  #noise = 0
  /** The line is longer than a plain line, or has a byte that no plain line has. */
  #malformed = false
  #afterCr = false
  #startedAt = monoUs(0)
  #verdicts: SemVerdict[] = []

  push(chunk: Uint8Array, at: MonoUs): readonly SemVerdict[] {
    for (const byte of chunk) {
      if (byte === STX) this.#enterBody(at)
      else if (this.#within === 'body') this.#bodyByte(byte)
      else if (this.#within === 'crc') this.#crcByte(byte)
      else this.#lineByte(byte, at)
    }
    return this.#take()
  }

  flush(at: MonoUs): readonly SemVerdict[] {
    if (this.#within === 'line') {
      this.#noise += this.#length
      this.#enterLine()
    } else {
      this.#refuse('MTR-03', this.#frameBytes())
    }
    this.#reportNoise(at)
    return this.#take()
  }

  #take(): readonly SemVerdict[] {
    const taken = this.#verdicts
    this.#verdicts = []
    return taken
  }

  #reportNoise(at: MonoUs): void {
    if (this.#noise > 0) {
      this.#verdicts.push({ ok: false, fault: 'MTR-08', bytes: this.#noise, at })
    }
    this.#noise = 0
  }

  #refuse(fault: 'MTR-02' | 'MTR-03', bytes: number): void {
    this.#verdicts.push({ ok: false, fault, bytes, at: this.#startedAt })
    this.#enterLine()
  }

  /** Bytes of the frame so far, with its STX. */
  #frameBytes(): number {
    return 1 + this.#length + this.#crcText.length
  }

  #enterLine(): void {
    this.#within = 'line'
    this.#length = 0
    this.#malformed = false
    this.#afterCr = false
  }

  #enterBody(at: MonoUs): void {
    if (this.#within === 'line') this.#noise += this.#length
    else this.#refuse('MTR-03', this.#frameBytes())
    this.#reportNoise(at)
    this.#within = 'body'
    this.#length = 0
    this.#crcText = ''
    this.#startedAt = at
  }

  #endLine(at: MonoUs): void {
    const line = toText(this.#buffer.subarray(0, this.#length))
    const answer = this.#malformed ? null : decodePlainLine(line)
    if (answer === null) {
      this.#noise += this.#length
    } else {
      this.#reportNoise(at)
      this.#verdicts.push({ ok: true, frame: answer, at: this.#startedAt })
    }
    this.#enterLine()
  }

  #lineByte(byte: number, at: MonoUs): void {
    if (byte === LF) this.#endLine(at)
    else if (byte === CR) this.#afterCr = true
    else this.#lineText(byte, at)
    if (this.#noise >= NOISE_BYTES_REPORT) this.#reportNoise(at)
  }

  #lineText(byte: number, at: MonoUs): void {
    if (this.#length === 0) this.#startedAt = at
    // A CR inside a line would join the halves of two lines to one reading.
    if (this.#length >= PLAIN_LINE_BYTES_MAX || this.#afterCr || !isPrintable(byte)) {
      this.#malformed = true
      this.#noise += this.#length + 1
      this.#length = 0
    } else {
      this.#buffer[this.#length] = byte
      this.#length += 1
    }
    this.#afterCr = false
  }

  #bodyByte(byte: number): void {
    if (this.#length >= SEM_BODY_BYTES_MAX || (byte !== ETX && !isPrintable(byte))) {
      this.#refuse('MTR-03', this.#frameBytes() + 1)
      return
    }
    this.#buffer[this.#length] = byte
    this.#length += 1
    if (byte === ETX) this.#within = 'crc'
  }

  #crcByte(byte: number): void {
    this.#crcText += String.fromCharCode(byte)
    if (this.#crcText.length < CRC_DIGITS) return
    const body = this.#buffer.subarray(0, this.#length)
    if (this.#crcText !== crcDigits(crc16Ibm3740(body))) {
      this.#refuse('MTR-02', this.#frameBytes())
      return
    }
    const frame = decodeSemBody(toText(body.subarray(0, -1)))
    if (frame === null) {
      this.#refuse('MTR-03', this.#frameBytes())
      return
    }
    this.#verdicts.push({ ok: true, frame, at: this.#startedAt })
    this.#enterLine()
  }
}

export const semDecoder = (): SemDecoder => new Decoder()

/** One plain line as the simplest meters send it: `consumer,reading` with the reading in kWh. */
export const encodePlainLine = (consumer: string, kWh: string): Uint8Array =>
  concat(fromText(`${consumer},${kWh}`), Uint8Array.of(CR, LF))
