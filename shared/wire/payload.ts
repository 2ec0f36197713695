// What the handshakes carry inside, encrypted by Noise. wire.md 3 and 4.

import { assert } from '../assert.ts'
import { Reader, Writer } from '../bytes.ts'
import { type SpanUs, spanUs, type UnixMs, type UnixUs, unixMs, unixUs } from '../units.ts'
import { DEVICE_ID_BYTES, PROCESS_ID_BYTES, TOLERANCE_MAX, TOLERANCE_MIN } from './limits.ts'

/** On the wire, where bounds are whole microseconds: no bound is known, or it is 71 minutes or
 * more. wire.md 5. */
export const BOUND_FIELD_UNKNOWN = 0xffff_ffff

/** A bound as it stands on the wire, rounded up; null: unknown. */
export const boundField = (bound: SpanUs | null): number =>
  bound === null
    ? BOUND_FIELD_UNKNOWN
    : Math.min(Math.ceil(Math.max(bound, 0)), BOUND_FIELD_UNKNOWN)

export const boundOf = (field: number): SpanUs | null =>
  field === BOUND_FIELD_UNKNOWN ? null : spanUs(field)

/** Step 1 of a session. */
export interface SessionHello {
  /** 8 random bytes, new at every process start of the slave. */
  readonly processId: Uint8Array
  readonly wantsEpoch: boolean
}

export function encodeSessionHello(hello: SessionHello): Uint8Array {
  assert(hello.processId.length === PROCESS_ID_BYTES, 'a process id has 8 bytes')
  return new Writer()
    .bytes(hello.processId)
    .u8(hello.wantsEpoch ? 1 : 0)
    .done()
}

export function decodeSessionHello(payload: Uint8Array): SessionHello | null {
  const reader = new Reader(payload)
  const processId = reader.bytes(PROCESS_ID_BYTES)
  const flags = reader.u8()
  return reader.whole && flags <= 1 ? { processId, wantsEpoch: flags === 1 } : null
}

/** Step 2 of a session: the master's answer. */
export interface SessionOffer {
  /** Device id, 8 bytes. */
  readonly device: Uint8Array
  /** Master's UTC when step 1 came and when step 2 left. */
  readonly t2: UnixUs
  readonly t3: UnixUs
  /** Master's own error bound; null: it is not synchronised. */
  readonly bound: SpanUs | null
  /** Seconds, 1..60. */
  readonly tolerance: number
  /** Start of the load profiles that the slave reads from its meters; null: it reads none. */
  readonly historyFrom: UnixMs | null
  /** Origin of a new epoch (whole second); null: the newest one continues. */
  readonly origin: UnixMs | null
}

export function encodeSessionOffer(offer: SessionOffer): Uint8Array {
  assert(offer.device.length === DEVICE_ID_BYTES, 'a device id has 8 bytes')
  const writer = new Writer()
    .bytes(offer.device)
    .u64(offer.t2)
    .u64(offer.t3)
    .u32(boundField(offer.bound))
    .u8(offer.tolerance)
    .u48(offer.historyFrom ?? 0)
    .u8(offer.origin === null ? 0 : 1)
  if (offer.origin !== null) {
    assert(offer.origin % 1_000 === 0, 'an origin is a whole second')
    writer.u64(offer.origin)
  }
  return writer.done()
}

export function decodeSessionOffer(payload: Uint8Array): SessionOffer | null {
  const reader = new Reader(payload)
  const device = reader.bytes(DEVICE_ID_BYTES)
  const t2 = unixUs(reader.u64())
  const t3 = unixUs(reader.u64())
  const bound = boundOf(reader.u32())
  const tolerance = reader.u8()
  const historyFrom = reader.u48()
  const epoch = reader.u8()
  const origin = epoch === 1 ? unixMs(reader.u64()) : null
  if (!reader.whole || epoch > 1 || (origin ?? 0) % 1_000 !== 0) return null
  if (tolerance < TOLERANCE_MIN || tolerance > TOLERANCE_MAX) return null
  const history = historyFrom === 0 ? null : unixMs(historyFrom)
  return { device, t2, t3, bound, tolerance, historyFrom: history, origin }
}

/** Step 3 of an enrolment: the slave's attempt counter, u32, from 1. */
export const encodeAttempt = (attempt: number): Uint8Array => new Writer().u32(attempt).done()

export function decodeAttempt(payload: Uint8Array): number | null {
  const reader = new Reader(payload)
  const attempt = reader.u32()
  return reader.whole && attempt > 0 ? attempt : null
}
