// What keeping a meter's clock needs of the line to that meter, whatever protocol it speaks: the
// SEM line, the simulated lines of the tests, and a DLMS client (clock object 0-0:1.0.0.255, class
// 8, and a manufacturer's object of finer resolution). Stamps are struck by the line's shell on our
// monotonic clock, and it knows how long its bytes take.

import { type MonoUs, type SpanUs, spanUs, type UnixUs } from '../../units.ts'

/** B0 of the COSEM clock status: the clock is invalid, and so is what was read by it. */
export const STATUS_INVALID = 0x01

/** The meter's clock as its answer states it: it showed a time in [utc, utc + resolution). */
export interface MeterClockRead {
  /** Just before the request was handed to the line, in one piece. For a meter that speaks on its
   * own: when at the earliest it can have looked at its clock (`overheard` in edges.ts). */
  readonly t1: MonoUs
  /** When the answer, or so much of it as `onLine.answer` counts, had come. */
  readonly t4: MonoUs
  readonly utc: UnixUs
  /** 1 s (a bare second), 10 ms (COSEM hundredths), or tens of us (a manufacturer's object). */
  readonly resolution: SpanUs
  /** How long the bytes between t1 and t4 were on the line: of the whole request, and of that part
   * of the answer which had come at t4. 0 where there is no line rate, as over TCP. */
  readonly onLine: { readonly request: SpanUs; readonly answer: SpanUs }
  /** What the meter says of its own clock; null when its protocol does not say. COSEM clock status:
   * invalid value (B0), doubtful value, different clock base, invalid status, daylight saving. */
  readonly status: number | null
}

/** How fast a serial line is. `bits` per byte, start and stop and parity included: 8N1 and 7E1 are
 * 10, 8E1 is 11. */
export interface LineRate {
  readonly baud: number
  readonly bits: 10 | 11 | 12
}

/** How long these bytes are on the line. */
export const lineTime = (bytes: number, { baud, bits }: LineRate): SpanUs =>
  spanUs((bytes * bits * 1e6) / baud)

/** How a clock is changed. `light`: UNIX time 0-0:1.1.0.255 attribute 2, as data concentrator or
 * gateway. `write`: the same or the clock object's time, as installer or management. `shift`: class
 * 8 method 6, by at most 900 s either way. */
export type MeterClockChange =
  | { readonly how: 'light' | 'write'; readonly utc: UnixUs }
  | { readonly how: 'shift'; readonly by: SpanUs }

/** `ack`, `nak`: what the meter answered. `none`: it does not answer (inside its broadcast window),
 * or the answer was lost: what became of the change is found out by reading. */
export type MeterClockAnswer = 'ack' | 'nak' | 'none'
