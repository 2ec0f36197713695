// DSMR / ESMR / eMUCS P1 telegrams. The customer port of meters in NL, BE, LU, SE and others sends
// one by itself every second or every ten:
//
//   /XXX5identification CR LF CR LF object lines CR LF !CCCC CR LF
//
// CCCC is CRC-16/ARC over everything from `/` to `!`. Meters before DSMR 4 send `!` alone, some
// compute another CRC: both are taken only when the configuration says so, and marked.
//
// Where a telegram begins and ends, the checksum decides, not the form: a telegram may be cut
// anywhere, even in its header or its checksum, and the next one begins right there. So every `/`
// may be the beginning, and the first one from which the checksum fits is. Without a checksum only
// the form is left: a `/` always begins a telegram, as IEC 62056-21 has it.
//
// Works byte by byte: verdicts depend on the bytes alone. telegram.ts reads the lines. Source: DSMR
// P1 companion standard 5.0.2, 6.2 and 6.12.

import { NOISE_BYTES_REPORT } from '../noise.ts'
import { concat, fromText } from '../../bytes.ts'
import type { MonoUs } from '../../units.ts'
import {
  ARC,
  CHECKSUMS,
  type Checksum,
  checksumNamed,
  checksumOf,
  type ChecksumName,
  crc16Arc,
  crcDigits,
} from '../crc16.ts'
import { decodeTelegram, type DsmrTelegram } from './telegram.ts'

/** Longest telegram, bytes: one of 5.0.2 with its longest text message stays below 5,000; anything
 * longer is no meter. */
export const TELEGRAM_BYTES_MAX = 8_192
/** Places at which a telegram may have begun, besides the first: several cuts in a row, or a `/`
 * in a text. The checksum of each is kept up to date with every byte. */
const LATER_STARTS_MAX = 7

export type DsmrVerdict =
  | { readonly ok: true; readonly telegram: DsmrTelegram; readonly at: MonoUs }
  | {
      readonly ok: false
      /** MTR-02 checksum wrong, MTR-03 cut short, too long or not a telegram, MTR-04 no checksum
       * although one is required, MTR-08 noise between telegrams, MTR-14 the checksum is another
       * one over the same bytes. */
      readonly fault: 'MTR-02' | 'MTR-03' | 'MTR-04' | 'MTR-08' | 'MTR-14'
      readonly bytes: number
      /** Arrival of the first byte. */
      readonly at: MonoUs
      /** With MTR-14: the checksum that fits. */
      readonly fits?: ChecksumName
    }

export interface DsmrDecoder {
  push(chunk: Uint8Array, at: MonoUs): readonly DsmrVerdict[]
}

export interface DsmrOptions {
  /** Takes telegrams without checksum, marked `checked: false`. */
  readonly allowUnchecked: boolean
  /** Takes telegrams with this checksum too, marked `checked: false`. */
  readonly checksum?: ChecksumName
  /** Winter offset of the meter's zone east of UTC, minutes. */
  readonly standardOffsetMinutes: number
}

const SLASH = 0x2f
const BANG = 0x21
const CR = 0x0d
const LF = 0x0a
const isEndOfLine = (byte: number | undefined): boolean => byte === CR || byte === LF
const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x09
const isTextByte = (byte: number): boolean =>
  (byte >= 0x20 && byte <= 0x7e) || isEndOfLine(byte) || isBlank(byte)

const CRC_DIGITS = 4
const CRC_TEXT = /^[0-9A-F]{1,4}$/i
/** How every telegram begins: three letters of the maker, then its baud rate. */
const HEADER = /^\/[A-Za-z]{3}[0-9A-I]/
const HEADER_BYTES = 5

const latin1 = new TextDecoder('latin1')

/** Where a telegram may have begun, and the checksum of what came since. */
interface Start {
  readonly at: number
  readonly since: MonoUs
  arc: number
  /** Of the checksum that is configured. */
  own: number
}

/** What follows a `!`. */
interface End {
  /** Bytes of the telegram up to here, `!` included. */
  readonly length: number
  /** At the beginning of a line, where a telegram ends; elsewhere only the checksum can say so. */
  readonly regular: boolean
  digits: string
}

class Decoder implements DsmrDecoder {
  readonly #options: DsmrOptions
  readonly #own: Checksum
  readonly #buffer = new Uint8Array(TELEGRAM_BYTES_MAX)
  #length = 0
  /** Empty: between telegrams. Oldest first. */
  #starts: Start[] = []
  #end: End | null = null
  #inHeader = false
  #noise = 0
  #verdicts: DsmrVerdict[] = []

  constructor(options: DsmrOptions) {
    this.#options = options
    this.#own = options.checksum === undefined ? ARC : checksumNamed(options.checksum)
  }

  push(chunk: Uint8Array, at: MonoUs): readonly DsmrVerdict[] {
    for (const byte of chunk) this.#byte(byte, at)
    const taken = this.#verdicts
    this.#verdicts = []
    return taken
  }

  #byte(byte: number, at: MonoUs): void {
    if (this.#starts.length === 0) this.#betweenByte(byte, at)
    else if (this.#end === null) this.#telegramByte(byte, at)
    else this.#endByte(this.#end, byte, at)
  }

  #betweenByte(byte: number, at: MonoUs): void {
    if (byte === SLASH) this.#begin(at)
    else if (!isEndOfLine(byte) && !isBlank(byte)) this.#noise += 1
    if (this.#noise >= NOISE_BYTES_REPORT) this.#reportNoise(at)
  }

  #reportNoise(at: MonoUs): void {
    if (this.#noise > 0) {
      this.#verdicts.push({ ok: false, fault: 'MTR-08', bytes: this.#noise, at })
    }
    this.#noise = 0
  }

  #begin(at: MonoUs): void {
    this.#reportNoise(at)
    this.#length = 0
    this.#starts = []
    this.#inHeader = true
    this.#append(SLASH, at)
  }

  #telegramByte(byte: number, at: MonoUs): void {
    const before = this.#buffer[this.#length - 1]
    if (byte === SLASH && isEndOfLine(before)) {
      this.#refuse('MTR-03')
      this.#begin(at)
      return
    }
    // Bytes that are no text are noise, unless a checksum may still say otherwise.
    if (this.#inHeader && !isTextByte(byte)) {
      this.#refuse('MTR-03', 1)
      return
    }
    if (isEndOfLine(byte)) this.#inHeader = false
    if (!this.#append(byte, at) || byte !== BANG) return
    this.#end = { length: this.#length, regular: this.#startsLine(), digits: '' }
  }

  /** Whether nothing but blanks stands before the last byte in its line. */
  #startsLine(): boolean {
    let at = this.#length - 2
    while (at > 0 && isBlank(this.#buffer[at] ?? 0)) at -= 1
    return isEndOfLine(this.#buffer[at])
  }

  /** Keeps a byte of the telegram; false when it became too long and was given up. */
  #append(byte: number, at: MonoUs): boolean {
    if (this.#length >= TELEGRAM_BYTES_MAX && !this.#makeRoom()) {
      this.#refuse('MTR-03', 1)
      return false
    }
    if (byte === SLASH) {
      const start = { at: this.#length, since: at, arc: ARC.initial, own: this.#own.initial }
      if (this.#starts.length > LATER_STARTS_MAX) this.#starts.splice(1, 1)
      this.#starts.push(start)
    }
    this.#buffer[this.#length] = byte
    this.#length += 1
    for (const start of this.#starts) {
      start.arc = ARC.step(start.arc, byte)
      start.own = this.#own.step(start.own, byte)
    }
    return true
  }

  /** Gives up what stands before the next possible beginning; false: there is none. */
  #makeRoom(): boolean {
    const [, next] = this.#starts
    if (next === undefined) return false
    this.#giveUpBefore(next)
    this.#buffer.copyWithin(0, next.at, this.#length)
    this.#length -= next.at
    this.#starts = this.#starts.slice(1).map((start) => ({ ...start, at: start.at - next.at }))
    return true
  }

  /** What stands before a beginning is of a telegram that was cut. */
  #giveUpBefore({ at: bytes }: Start): void {
    const [first] = this.#starts
    if (first === undefined || bytes === 0) return
    this.#verdicts.push({ ok: false, fault: 'MTR-03', bytes, at: first.since })
  }

  /** Four digits follow the `!`, or fewer and a line end: a checksum below 0x1000 may lack its
   * zeros. */
  #endByte(end: End, byte: number, at: MonoUs): void {
    const isOver = byte === SLASH || isEndOfLine(byte)
    if (end.regular && end.digits === '' && isBlank(byte)) return
    if (!isOver) {
      end.digits += String.fromCharCode(byte)
      if (end.digits.length < CRC_DIGITS) return
    }
    if (byte !== SLASH && this.#ends(end)) return
    // Cut right here; or a `!` inside the telegram, and what followed it belongs there too.
    this.#end = null
    if (end.regular) this.#refuse('MTR-03', end.digits.length)
    else for (const digit of end.digits) this.#byte(digit.charCodeAt(0), at)
    if (isOver) this.#byte(byte, at)
  }

  /** Whether the telegram ends here, taken or refused. */
  #ends(end: End): boolean {
    const digits = end.digits.trim()
    const sent = CRC_TEXT.test(digits) ? Number.parseInt(digits, 16) : null
    if (sent !== null && this.#fits(end, sent)) return true
    if (!end.regular) return false
    const whole = sent !== null && digits.length === CRC_DIGITS
    if (digits === '') this.#bare(end)
    else if (!whole) this.#refuse('MTR-03', end.digits.length)
    else if (!this.#fitsOther(end, sent)) this.#refuse('MTR-02', CRC_DIGITS, this.#lastStart())
    return true
  }

  /** Takes the telegram from the first beginning whose checksum is right. */
  #fits(end: End, sent: number): boolean {
    for (const start of this.#candidates()) {
      const isArc = ARC.end(start.arc) === sent
      if (!isArc && this.#own.end(start.own) !== sent) continue
      this.#accept(start, end, isArc)
      return true
    }
    return false
  }

  /** Refuses the telegram by the name of the checksum that would be right. */
  #fitsOther(end: End, sent: number): boolean {
    for (const start of this.#candidates()) {
      const fits = otherChecksum(this.#buffer.subarray(start.at, end.length), sent)
      if (fits === null) continue
      this.#giveUpBefore(start)
      const bytes = end.length - start.at + CRC_DIGITS
      this.#verdicts.push({ ok: false, fault: 'MTR-14', bytes, at: start.since, fits })
      this.#reset()
      return true
    }
    return false
  }

  /** The first beginning, and the others that look like one. */
  #candidates(): readonly Start[] {
    return this.#starts.filter((start, index) => index === 0 || this.#hasHeader(start))
  }

  #hasHeader({ at }: Start): boolean {
    return HEADER.test(latin1.decode(this.#buffer.subarray(at, at + HEADER_BYTES)))
  }

  #lastStart(): Start | undefined {
    return this.#candidates().at(-1)
  }

  /** A `!` and nothing behind it. */
  #bare(end: End): void {
    const start = this.#lastStart()
    if (start === undefined || !this.#options.allowUnchecked) {
      this.#refuse('MTR-04', 0, start)
      return
    }
    // Nothing but the form can tell two halves from a whole.
    const isWhole = start === this.#starts.at(-1)
    const isText = this.#buffer.subarray(start.at, end.length).every(isTextByte)
    if (isWhole && isText) this.#accept(start, end, false)
    else this.#refuse('MTR-03', 0, start)
  }

  #accept(start: Start, end: End, checked: boolean): void {
    this.#giveUpBefore(start)
    const { standardOffsetMinutes } = this.#options
    // Not UTF-8: every byte is a character here, and none becomes another.
    const text = latin1.decode(this.#buffer.subarray(start.at, end.length - 1))
    const telegram = decodeTelegram(text, { standardOffsetMinutes, checked })
    this.#verdicts.push({ ok: true, telegram, at: start.since })
    this.#reset()
  }

  /** Gives up everything; what stands before `from` was another telegram, cut. */
  #refuse(fault: 'MTR-02' | 'MTR-03' | 'MTR-04', extra = 0, from = this.#starts[0]): void {
    if (from === undefined) return
    this.#giveUpBefore(from)
    const bytes = this.#length - from.at + extra
    this.#verdicts.push({ ok: false, fault, bytes, at: from.since })
    this.#reset()
  }

  #reset(): void {
    this.#length = 0
    this.#starts = []
    this.#end = null
  }
}

/** Which checksum over these bytes is `sent`; null: none that we know. */
function otherChecksum(bytes: Uint8Array, sent: number): ChecksumName | null {
  return CHECKSUMS.find((known) => checksumOf(known, bytes) === sent)?.name ?? null
}

export const dsmrDecoder = (options: DsmrOptions): DsmrDecoder => new Decoder(options)

/** A telegram of these lines (the first begins with `/`), with its end and a right checksum. */
export function encodeTelegram(lines: readonly string[]): Uint8Array {
  const covered = fromText(`${lines.join('\r\n')}\r\n!`)
  return concat(covered, fromText(`${crcDigits(crc16Arc(covered))}\r\n`))
}
