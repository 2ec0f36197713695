// DSMR / ESMR / eMUCS P1 telegrams. The customer port of meters in NL, BE, LU, SE and others sends
// one by itself every second or every ten:
//
//   /XXX5identification CR LF CR LF object lines CR LF !CCCC CR LF
//
// CCCC is CRC-16/ARC over everything from `/` to `!`. Meters before DSMR 4 send `!` alone: taken
// only when the configuration allows it, and marked. Works byte by byte: verdicts depend on the
// bytes alone. telegram.ts reads the lines. Source: DSMR P1 companion standard 5.0.2, 6.2 and 6.12.

import { NOISE_BYTES_REPORT } from '../noise.ts'
import { concat, fromText, toText } from '../../bytes.ts'
import { monoUs, type MonoUs } from '../../units.ts'
import { crc16Arc, crcDigits } from '../crc16.ts'
import { decodeTelegram, type DsmrTelegram } from './telegram.ts'

/** Longest telegram, bytes: one of 5.0.2 with its longest text message stays below 5,000; anything
 * longer is no meter. */
export const TELEGRAM_BYTES_MAX = 8_192

export type DsmrVerdict =
  | { readonly ok: true; readonly telegram: DsmrTelegram; readonly at: MonoUs }
  | {
      readonly ok: false
      /** MTR-02 checksum wrong, MTR-03 cut short, too long or not a telegram, MTR-04 no checksum
       * although one is required, MTR-08 noise between telegrams. */
      readonly fault: 'MTR-02' | 'MTR-03' | 'MTR-04' | 'MTR-08'
      readonly bytes: number
      /** Arrival of the first byte. */
      readonly at: MonoUs
    }

export interface DsmrDecoder {
  push(chunk: Uint8Array, at: MonoUs): readonly DsmrVerdict[]
}

export interface DsmrOptions {
  /** Takes telegrams without checksum, marked `checked: false`. */
  readonly allowUnchecked: boolean
  /** Winter offset of the meter's zone east of UTC, minutes. */
  readonly standardOffsetMinutes: number
}

const SLASH = 0x2f
const BANG = 0x21
const CR = 0x0d
const LF = 0x0a
const isTextByte = (byte: number): boolean =>
  (byte >= 0x20 && byte <= 0x7e) || byte === CR || byte === LF

const CRC_TEXT = /^[0-9A-F]{4}$/i

class Decoder implements DsmrDecoder {
  readonly #options: DsmrOptions
  #within: 'between' | 'telegram' | 'crc' = 'between'
  readonly #buffer = new Uint8Array(TELEGRAM_BYTES_MAX)
  #length = 0
  #crcText = ''
  #noise = 0
  #startedAt = monoUs(0)
  #verdicts: DsmrVerdict[] = []

  constructor(options: DsmrOptions) {
    this.#options = options
  }

  push(chunk: Uint8Array, at: MonoUs): readonly DsmrVerdict[] {
    for (const byte of chunk) {
      if (this.#within === 'between') this.#betweenByte(byte, at)
      else if (this.#within === 'telegram') this.#telegramByte(byte, at)
      else this.#crcByte(byte)
    }
    const taken = this.#verdicts
    this.#verdicts = []
    return taken
  }

  #refuse(fault: 'MTR-02' | 'MTR-03' | 'MTR-04', extra = 0): void {
    const bytes = this.#length + this.#crcText.length + extra
    this.#verdicts.push({ ok: false, fault, bytes, at: this.#startedAt })
    this.#within = 'between'
  }

  #accept(checked: boolean): void {
    const { standardOffsetMinutes } = this.#options
    const text = toText(this.#buffer.subarray(0, this.#length - 1))
    const telegram = decodeTelegram(text, { standardOffsetMinutes, checked })
    this.#verdicts.push({ ok: true, telegram, at: this.#startedAt })
    this.#within = 'between'
  }

  #reportNoise(at: MonoUs): void {
    if (this.#noise > 0) {
      this.#verdicts.push({ ok: false, fault: 'MTR-08', bytes: this.#noise, at })
    }
    this.#noise = 0
  }

  #start(at: MonoUs): void {
    this.#reportNoise(at)
    this.#within = 'telegram'
    this.#buffer[0] = SLASH
    this.#length = 1
    this.#crcText = ''
    this.#startedAt = at
  }

  #betweenByte(byte: number, at: MonoUs): void {
    if (byte === SLASH) this.#start(at)
    else if (byte !== CR && byte !== LF) this.#noise += 1
    if (this.#noise >= NOISE_BYTES_REPORT) this.#reportNoise(at)
  }

  #telegramByte(byte: number, at: MonoUs): void {
    const startsLine = this.#buffer[this.#length - 1] === LF
    if (byte === SLASH && startsLine) {
      this.#refuse('MTR-03')
      this.#start(at)
    } else if (this.#length >= TELEGRAM_BYTES_MAX || !isTextByte(byte)) {
      this.#refuse('MTR-03', 1)
    } else {
      this.#buffer[this.#length] = byte
      this.#length += 1
      if (byte === BANG && startsLine) this.#within = 'crc'
    }
  }

  #crcByte(byte: number): void {
    if (byte === CR || byte === LF) {
      if (this.#crcText !== '') this.#refuse('MTR-03')
      else if (this.#options.allowUnchecked) this.#accept(false)
      else this.#refuse('MTR-04')
      return
    }
    this.#crcText += String.fromCharCode(byte)
    if (this.#crcText.length < 4) return
    const crc = crcDigits(crc16Arc(this.#buffer.subarray(0, this.#length)))
    if (!CRC_TEXT.test(this.#crcText)) this.#refuse('MTR-03')
    else if (this.#crcText.toUpperCase() === crc) this.#accept(true)
    else this.#refuse('MTR-02')
  }
}

export const dsmrDecoder = (options: DsmrOptions): DsmrDecoder => new Decoder(options)

/** A telegram of these lines (the first begins with `/`), with its end and a right checksum. */
export function encodeTelegram(lines: readonly string[]): Uint8Array {
  const covered = fromText(`${lines.join('\r\n')}\r\n!`)
  return concat(covered, fromText(`${crcDigits(crc16Arc(covered))}\r\n`))
}
