// DSMR / ESMR / eMUCS P1 telegrams, as the customer port of meters in NL, BE, LU, SE and others sends them
// by itself every second or every ten:
//
//   /XXX5identification CR LF CR LF object lines CR LF !CCCC CR LF
//
// CCCC is CRC-16/ARC over everything from `/` to `!`. Meters before DSMR 4 send `!` alone: taken only when
// the configuration allows it, and marked. Works byte by byte: verdicts depend on the bytes alone.
// Source: DSMR P1 companion standard 5.0.2, 6.2 and 6.12. What the lines say: dsmr-telegram.ts.

import { concat, fromText, toText } from '../bytes.ts'
import type { MonoUs } from '../units.ts'
import { crc16Arc, crcDigits } from './crc16.ts'
import { decodeTelegram, type DsmrTelegram } from './dsmr-telegram.ts'

/** Longest telegram, bytes: a telegram of 5.0.2 with its longest text message has under 5,000; more is
 * no meter. */
export const TELEGRAM_BYTES_MAX = 8_192

/** Noise is reported before the next telegram, or after this many bytes: one report, not one per byte. */
const NOISE_BYTES_REPORT = 1_024

export type DsmrVerdict =
  | { readonly ok: true; readonly telegram: DsmrTelegram; readonly at: MonoUs }
  | {
      readonly ok: false
      /** MTR-02 checksum wrong, MTR-03 cut short, too long or not a telegram, MTR-04 without checksum
       * and that is not allowed, MTR-08 noise between telegrams. */
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

export function dsmrDecoder({ allowUnchecked, standardOffsetMinutes }: DsmrOptions): DsmrDecoder {
  let within: 'between' | 'telegram' | 'crc' = 'between'
  const held = new Uint8Array(TELEGRAM_BYTES_MAX)
  let length = 0
  let crcText = ''
  let noise = 0
  let startedAt: MonoUs
  let verdicts: DsmrVerdict[] = []

  const refuse = (fault: 'MTR-02' | 'MTR-03' | 'MTR-04', extra = 0) => {
    const bytes = length + crcText.length + extra
    verdicts.push({ ok: false, fault, bytes, at: startedAt })
    within = 'between'
  }
  const reportNoise = (at: MonoUs) => {
    if (noise > 0) verdicts.push({ ok: false, fault: 'MTR-08', bytes: noise, at })
    noise = 0
  }
  const start = (at: MonoUs) => {
    reportNoise(at)
    within = 'telegram'
    held[0] = SLASH
    length = 1
    crcText = ''
    startedAt = at
  }
  const accept = (checked: boolean) => {
    const text = toText(held.subarray(0, length - 1))
    const telegram = decodeTelegram(text, { standardOffsetMinutes, checked })
    verdicts.push({ ok: true, telegram, at: startedAt })
    within = 'between'
  }

  const telegramByte = (byte: number, at: MonoUs) => {
    const startsLine = held[length - 1] === LF
    if (byte === SLASH && startsLine) {
      refuse('MTR-03')
      start(at)
    } else if (length >= TELEGRAM_BYTES_MAX || !isTextByte(byte)) {
      refuse('MTR-03', 1)
    } else {
      held[length] = byte
      length += 1
      if (byte === BANG && startsLine) within = 'crc'
    }
  }

  const crcByte = (byte: number) => {
    if (byte === CR || byte === LF) {
      if (crcText !== '') refuse('MTR-03')
      else if (allowUnchecked) accept(false)
      else refuse('MTR-04')
      return
    }
    crcText += String.fromCharCode(byte)
    if (crcText.length < 4) return
    if (!CRC_TEXT.test(crcText)) refuse('MTR-03')
    else if (crcText.toUpperCase() === crcDigits(crc16Arc(held.subarray(0, length)))) accept(true)
    else refuse('MTR-02')
  }

  const betweenByte = (byte: number, at: MonoUs) => {
    if (byte === SLASH) start(at)
    else if (byte !== CR && byte !== LF) noise += 1
    if (noise >= NOISE_BYTES_REPORT) reportNoise(at)
  }

  return {
    push(chunk, at) {
      for (const byte of chunk) {
        if (within === 'between') betweenByte(byte, at)
        else if (within === 'telegram') telegramByte(byte, at)
        else crcByte(byte)
      }
      const taken = verdicts
      verdicts = []
      return taken
    },
  }
}

/** A telegram of these lines (the first begins with `/`), with its end and its right checksum. */
export function encodeTelegram(lines: readonly string[]): Uint8Array {
  const covered = fromText(`${lines.join('\r\n')}\r\n!`)
  return concat(covered, fromText(`${crcDigits(crc16Arc(covered))}\r\n`))
}
