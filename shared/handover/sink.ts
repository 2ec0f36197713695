// What the master passes on, without knowing who implements it: to a sink (durable store), a roster
// (who may call, their keys and positions) and a fleet board (what operators look at). The billing
// server implements them; the master contains no SQL.

import type { FaultCode } from '../faults.ts'
import type { ReadingGroup } from '../meter/reading.ts'
import type { Second, SpanMs, SpanUs, UnixMs } from '../units.ts'
import type { TombstoneReason } from '../wire/recovery.ts'
import type { ClockDiscipline, HeadClockReport, MeterClockReport } from '../clock/evidence.ts'

/** Device identity: 8 bytes as 16 hex digits. */
export type DeviceId = string

/** Position of one stream (device, epoch, run) after a frame. */
export interface StreamPosition {
  readonly device: DeviceId
  /** Epoch id, 4 bytes as an unsigned number. */
  readonly epoch: number
  readonly run: number
  /** Sequence number of the last frame accepted. */
  readonly sequence: number
  readonly second: Second
  /** Stream hash after that frame, 32 bytes. */
  readonly hash: Uint8Array
  /** The run's salt from its opener, 16 bytes; all zero when the opener was given up. */
  readonly salt: Uint8Array
  /** Plaintext of the run's opener, which later frames are read against; null when it could not be
   * read. */
  readonly opener: Uint8Array | null
}

/** One accepted frame: its readings, and the stream position that must become durable with them. */
export interface AcceptedFrame {
  readonly position: StreamPosition
  readonly receivedAt: UnixMs
  /** When its second began, or when it came, if that was earlier: whoever steals a device cannot
   * seal for a second that was over by then. */
  readonly sealedAt: UnixMs
  /** Nothing in it can be of a later time than this: when it came, and the tolerance. */
  readonly latest: UnixMs
  /** Sent long after its second (backlog), not live. */
  readonly late: boolean
  /** What it carried; null for an opener, which carries no readings. */
  readonly content:
    | { readonly kind: 'readings'; readonly groups: readonly ReadingGroup[] }
    /** Begins a run of this process (16 hex digits): all its frames count in its ms. */
    | { readonly kind: 'opener'; readonly process: string }
    /** Authentic, but we cannot read it: stored as it is, acknowledged, counted (BIL-06). */
    | { readonly kind: 'unreadable'; readonly plaintext: Uint8Array }
    /** Frames `first` to the position's will never come (wire.md 6.4). */
    | { readonly kind: 'given-up'; readonly first: number; readonly reason: TombstoneReason }
    /** Intact at the slave, but it does not open here: kept as it is (wire.md 6.4). */
    | { readonly kind: 'sealed'; readonly body: Uint8Array }
}

/** It was `utc` when `processMs` of a slave's process (16 hex digits) had passed: wire.md 5.3. */
export interface ProcessAnchor {
  readonly process: string
  readonly processMs: number
  readonly utc: UnixMs
  /** |error| of `utc`. */
  readonly bound: SpanMs
}

/** Readings that the frames carry. */
export function readingsIn(frames: readonly AcceptedFrame[]): number {
  let sum = 0
  for (const { content } of frames) {
    if (content.kind !== 'readings') continue
    for (const { readings } of content.groups) sum += readings.length
  }
  return sum
}

export interface Sink {
  /** Resolves when rows AND positions are durable, in one transaction; rejects when nothing is.
   * A row that exists is left as it is: storing the same frame twice changes nothing. */
  append(frames: readonly AcceptedFrame[]): Promise<void>
  /** Durable within seconds. What a dying process forgets comes again: its links die with it, and
   * each session gives an anchor. */
  anchor(device: DeviceId, anchor: ProcessAnchor): void
}

/** What a slave reports of itself on the control channel. */
export interface DeviceStatus {
  readonly at: UnixMs
  readonly clockState: string
  readonly clockOffset: SpanUs
  /** Null: no bound known (state U). */
  readonly clockBound: SpanUs | null
  readonly roundTripDelay: SpanUs
  readonly backlogFrames: number
  readonly meters: number
  /** Fault codes with how often each was seen since the slave's process started. */
  readonly faults: ReadonlyMap<FaultCode, number>
  readonly discipline: ClockDiscipline
}

/** Where the master reports what operators see. Never blocks, never fails the master. */
export interface FleetBoard {
  connected(device: DeviceId, transport: 'tcp' | 'ws', at: UnixMs): void
  disconnected(device: DeviceId, at: UnixMs): void
  status(device: DeviceId, status: DeviceStatus): void
  /** A meter's clock as a device reports it; the board knows which device the meter belongs to. */
  meterClock(device: DeviceId, report: MeterClockReport, at: UnixMs): void
  /** The head-end's own clock and its sources, a few times a minute. */
  headClock(report: HeadClockReport): void
  /** One refused message; `device` null when the link has not authenticated. */
  refused(device: DeviceId | null, code: FaultCode, at: UnixMs): void
}
