// Cuts a stream of bytes into SEM frames and plain lines, in chunks of any size. Works byte by byte, so
// that the verdicts depend on the bytes alone; keeps at most one frame; is back in step with the first STX
// after any noise, because STX never occurs inside a frame.

import { concat, fromText, toText } from '../bytes.ts'
import type { MonoUs } from '../units.ts'
import { crc16Ibm3740, crcDigits } from './crc16.ts'
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
      /** When the chunk with the first byte of the frame arrived. */
      readonly at: MonoUs
    }
  | {
      readonly ok: false
      /** MTR-02 checksum wrong, MTR-03 frame cut short, too long or not understood, MTR-08 noise. */
      readonly fault: 'MTR-02' | 'MTR-03' | 'MTR-08'
      /** How many bytes it cost. */
      readonly bytes: number
      readonly at: MonoUs
    }

export interface SemDecoder {
  /** Verdicts that `chunk`, arrived at `at`, completes. */
  push(chunk: Uint8Array, at: MonoUs): readonly SemVerdict[]
  /** The line went quiet: gives up what is half here, and reports noise not yet reported. */
  flush(at: MonoUs): readonly SemVerdict[]
}

/** Noise is reported before the next frame, or after this many bytes: one report, not one per byte. */
const NOISE_BYTES_REPORT = 1_024

const CRC_DIGITS = 4
const CR = 0x0d
const LF = 0x0a
const isPrintable = (byte: number): boolean => byte >= 0x20 && byte <= 0x7e

export function semDecoder(): SemDecoder {
  let within: 'line' | 'body' | 'crc' = 'line'
  /** The body with its ETX, or the line so far. */
  const held = new Uint8Array(SEM_BODY_BYTES_MAX)
  let length = 0
  let crcText = ''
  let noise = 0
  /** A line that is longer than a plain line, or has a byte no line has. */
  let spoilt = false
  let afterCr = false
  let startedAt: MonoUs
  let verdicts: SemVerdict[] = []

  const reportNoise = (at: MonoUs) => {
    if (noise > 0) verdicts.push({ ok: false, fault: 'MTR-08', bytes: noise, at })
    noise = 0
  }
  const enterLine = () => {
    within = 'line'
    length = 0
    spoilt = false
    afterCr = false
  }
  const refuse = (fault: 'MTR-02' | 'MTR-03', bytes: number) => {
    verdicts.push({ ok: false, fault, bytes, at: startedAt })
    enterLine()
  }
  /** Bytes of the frame so far, with its STX. */
  const frameBytes = () => 1 + length + (within === 'crc' ? crcText.length : 0)

  const enterBody = (at: MonoUs) => {
    if (within === 'line') noise += length
    else refuse('MTR-03', frameBytes())
    reportNoise(at)
    within = 'body'
    length = 0
    crcText = ''
    startedAt = at
  }

  const endLine = (at: MonoUs) => {
    const answer = spoilt ? null : decodePlainLine(toText(held.subarray(0, length)))
    if (answer === null) {
      noise += length
    } else {
      reportNoise(at)
      verdicts.push({ ok: true, frame: answer, at: startedAt })
    }
    enterLine()
  }

  const lineByte = (byte: number, at: MonoUs) => {
    if (byte === LF) {
      endLine(at)
    } else if (byte === CR) {
      afterCr = true
    } else {
      if (length === 0) startedAt = at
      if (length >= PLAIN_LINE_BYTES_MAX || afterCr || !isPrintable(byte)) {
        spoilt = true
        noise += length + 1
        length = 0
      } else {
        held[length] = byte
        length += 1
      }
      afterCr = false
    }
    if (noise >= NOISE_BYTES_REPORT) reportNoise(at)
  }

  const bodyByte = (byte: number) => {
    if (length >= SEM_BODY_BYTES_MAX || (byte !== ETX && !isPrintable(byte))) {
      refuse('MTR-03', frameBytes() + 1)
      return
    }
    held[length] = byte
    length += 1
    if (byte === ETX) within = 'crc'
  }

  const crcByte = (byte: number) => {
    crcText += String.fromCharCode(byte)
    if (crcText.length < CRC_DIGITS) return
    const body = held.subarray(0, length)
    if (crcText !== crcDigits(crc16Ibm3740(body))) {
      refuse('MTR-02', frameBytes())
      return
    }
    const frame = decodeSemBody(toText(body.subarray(0, -1)))
    if (frame === null) {
      refuse('MTR-03', frameBytes())
      return
    }
    verdicts.push({ ok: true, frame, at: startedAt })
    enterLine()
  }

  const take = (): readonly SemVerdict[] => {
    const taken = verdicts
    verdicts = []
    return taken
  }

  return {
    push(chunk, at) {
      for (const byte of chunk) {
        if (byte === STX) enterBody(at)
        else if (within === 'body') bodyByte(byte)
        else if (within === 'crc') crcByte(byte)
        else lineByte(byte, at)
      }
      return take()
    },
    flush(at) {
      if (within === 'line') {
        noise += length
        enterLine()
      } else {
        refuse('MTR-03', frameBytes())
      }
      reportNoise(at)
      return take()
    },
  }
}

/** One plain line as the simplest meters send it: `consumer,reading` with the reading in kWh. */
export const encodePlainLine = (consumer: string, kWh: string): Uint8Array =>
  concat(fromText(`${consumer},${kWh}`), Uint8Array.of(CR, LF))
