// What meter-clock keeping needs from the line to a meter, whatever protocol it speaks: the SEM
// line, the simulated lines of the tests, and a DLMS client (clock object 0-0:1.0.0.255, class 8,
// and a manufacturer's object of finer resolution). The line's shell takes the stamps from our
// monotonic clock and knows how long its bytes take.

import { type MonoUs, type SpanUs, spanUs, type UnixUs } from '../../units.ts'

/** B0 of the COSEM clock status: the clock is invalid, and so is what was read by it. */
export const STATUS_INVALID = 0x01

/** The meter's clock as its answer states it: it showed a time in [utc, utc + resolution). */
export interface MeterClockRead {
  /** Just before the request was handed to the line, in one piece. For a meter that speaks on its
   * own: the earliest instant at which it can have read its clock (`overheard` in edges.ts). */
  readonly t1: MonoUs
  /** When the answer, or as much of it as `onLine.answer` counts, had arrived. */
  readonly t4: MonoUs
  readonly utc: UnixUs
  /** 1 s (a bare second), 10 ms (COSEM hundredths), or tens of us (a manufacturer's object). */
  readonly resolution: SpanUs
  /** How long the bytes between t1 and t4 were on the line: the whole request, and the part of the
   * answer that had arrived at t4. 0 where there is no line rate, as over TCP. */
  readonly onLine: { readonly request: SpanUs; readonly answer: SpanUs }
  /** What the meter says of its own clock; null when its protocol does not say. COSEM clock status:
   * invalid value (B0), doubtful value, different clock base, invalid status, daylight saving. */
  readonly status: number | null
}

/** The speed of a serial line. `bits` per byte, including start, stop and parity: 8N1 and 7E1 are
 * 10, 8E1 is 11. */
export interface LineRate {
  readonly baud: number
  readonly bits: 10 | 11 | 12
}

/** How long that many bytes are on the line. */
export const lineTime = (bytes: number, { baud, bits }: LineRate): SpanUs =>
  spanUs((bytes * bits * 1e6) / baud)

/** How a clock is changed. `light`: UNIX time 0-0:1.1.0.255 attribute 2, as data concentrator or
 * gateway. `write`: the same or the clock object's time, as installer or management. `shift`: class
 * 8 method 6, by at most 900 s either way. */
export type MeterClockChange =
  | { readonly how: 'light' | 'write'; readonly utc: UnixUs }
  | { readonly how: 'shift'; readonly by: SpanUs }

/** `ack`, `nak`: what the meter answered. `none`: it does not answer (inside its broadcast window),
 * or the answer was lost; reading the clock shows the result. */
export type MeterClockAnswer = 'ack' | 'nak' | 'none'
