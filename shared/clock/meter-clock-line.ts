// What keeping a meter's clock needs of the line to that meter, whatever protocol it speaks: the
// SEM line, the simulated lines of the tests, and a DLMS client (clock object 0-0:1.0.0.255, class
// 8, and a manufacturer's object of finer resolution). All times here are struck by the line's
// shell: t1 when the request's last byte was handed to the line, t4 when the first byte of the
// answer came; on our monotonic clock.

import type { MonoUs, SpanUs, UnixUs } from '../units.ts'

/** The meter's clock as its answer states it: its true time lies in [utc, utc + resolution). */
export interface MeterClockRead {
  readonly t1: MonoUs
  readonly t4: MonoUs
  readonly utc: UnixUs
  /** 1 s (a bare second), 10 ms (COSEM hundredths), or tens of us (a manufacturer's object). */
  readonly resolution: SpanUs
  /** Bytes of request and answer on the line: they take their time at the line's rate. */
  readonly bytes: { readonly request: number; readonly answer: number }
  /** What the meter says of its own clock; null when its protocol does not say. COSEM clock status:
   * invalid value (B0), doubtful value, different clock base, invalid status, daylight saving. */
  readonly status: number | null
}

/** How a clock is changed. `light`: UNIX time 0-0:1.1.0.255 attribute 2, as data concentrator or
 * gateway. `write`: the same or the clock object's time, as installer or management. `shift`: class
 * 8 method 6, by at most 900 s either way. */
export type MeterClockChange =
  | { readonly how: 'light' | 'write'; readonly utc: UnixUs }
  | { readonly how: 'shift'; readonly by: SpanUs }

/** `ack`, `nak`: what the meter answered. `none`: it does not answer (inside its broadcast window),
 * or the answer was lost: what became of the change is found out by reading. */
export type MeterClockAnswer = 'ack' | 'nak' | 'none'
