// What the agent knows, what can happen to it, and what it asks its shell to do. The agent itself
// is a step function: events in, actions out, no I/O. The shell performs the actions in order; an
// action that has a result comes back as an event. `commit` is ONE transaction: all of it is
// durable, or none.

import type {
  MeterClockAnswer,
  MeterClockChange,
  MeterClockRead,
} from '../../../shared/clock/meter/meter-clock-line.ts'
import type { DriftRegister } from '../../../shared/clock/meter/policy.ts'
import type { FaultCode } from '../../../shared/faults.ts'
import type { Reading } from '../../../shared/meter/reading.ts'
import type { MonoUs, Ppm, Second, SpanUs, UnixMs, UnixUs } from '../../../shared/units.ts'
import type { ReceiptOutcome, TombstoneReason } from '../../../shared/wire/orders.ts'

/** The slave's lasting identity. psk and device are null until enrolled. */
export interface StoredIdentity {
  /** X25519 private key, 32 bytes. */
  readonly staticKey: Uint8Array
  /** Enrolment attempts so far; raised durably before each one (wire.md 3). */
  readonly attempt: number
  /** The master's static public key, 32 bytes, as checked against the token's fingerprint. */
  readonly masterKey: Uint8Array | null
  /** Told by MASTER KEY and not confirmed yet: to be called under from now on (wire.md 5.2). */
  readonly nextMasterKey?: Uint8Array | null
  readonly psk: Uint8Array | null
  /** Device id, 8 bytes. */
  readonly device: Uint8Array | null
}

export interface StoredEpoch {
  readonly id: number
  readonly origin: UnixMs
  readonly transcript: Uint8Array
  /** shared/tves/tree encoding; always punctured beyond the last stored frame's second. */
  readonly tree: Uint8Array
  /** Not yet confirmed by the master, the one to seal in, or left behind. */
  readonly state: 'pending' | 'committed' | 'closed'
}

/** Which frames of a run the outbox still holds. It alone moves this, and says so. */
export interface Held {
  readonly run: number
  /** First sequence still held (`last` + 1: none), and the stream hash before it. The opener is
   * held beside the run as long as the run itself. */
  readonly first: number
  readonly firstHash: Uint8Array
  /** Why frames below `first` are gone that the master never acknowledged; null: it had all. */
  readonly dropped: TombstoneReason | null
}

export interface StoredRun extends Held {
  readonly epoch: number
  /** Last sequence sealed and the stream hash after it. */
  readonly last: number
  readonly lastHash: Uint8Array
  /** Last sequence acknowledged as durable (-1: none) and the stream hash after it. */
  readonly acknowledged: number
  readonly acknowledgedHash: Uint8Array
  /** The master's history differs from ours: kept, never sent again (SEC-FORK). */
  readonly forked: boolean
}

/** Runs grow over all epochs of a device, so (run, sequence) is the order of the whole outbox. */
export interface StoredFrame {
  readonly epoch: number
  readonly run: number
  readonly sequence: number
  readonly second: Second
  /** Stream hash before and after this frame: a row proves itself, and its neighbour's hash. */
  readonly before: Uint8Array
  readonly hash: Uint8Array
  readonly body: Uint8Array
  readonly sealedAt: UnixMs
}

/** The last command taken (wire.md 5.1); only the newest is kept. */
export interface StoredCommand {
  readonly number: number
  readonly outcome: 'begun' | ReceiptOutcome
  /** A fault code, or empty. */
  readonly detail: string
}

/** What was learned of the machine's oscillator, for the next process to begin with. */
export interface StoredFrequency {
  /** Rate of UTC against it, and its standard deviation, when it was stored. */
  readonly frequency: Ppm
  readonly deviation: Ppm
  readonly at: UnixMs
}

/** Everything the shell loads at start; frames stay on disk. */
export interface Stored {
  readonly identity: StoredIdentity | null
  readonly epochs: readonly StoredEpoch[]
  readonly runs: readonly StoredRun[]
  /** Per meter: end of the last load-profile interval that is sealed. */
  readonly cursors: ReadonlyMap<string, UnixMs>
  readonly command: StoredCommand | null
  /** Per meter: seconds between two readings, as ordered by the master; stands above the file. */
  readonly schedules: ReadonlyMap<string, number>
  /** Per meter: what its clock was corrected by this month (UNI/TS 11291's register). */
  readonly corrections: ReadonlyMap<string, DriftRegister>
  /** Highest clock reading used for a key; the clock never goes below it. */
  readonly lastUsed: UnixUs | null
  /** Left out or null: nothing was learned. */
  readonly frequency?: StoredFrequency | null
  readonly highestRun: number
  readonly backlog: Backlog
}

/** What waits for the master; what it acknowledged does not count. */
export interface Backlog {
  readonly frames: number
  readonly bytes: number
}

/** One transaction. Every part is optional; `epochs` and `runs` replace the rows of the same
 * key, but for what a run holds (Held). */
export interface OutboxCommit {
  readonly identity?: StoredIdentity
  readonly epochs?: readonly StoredEpoch[]
  /** Epochs whose frames are all gone. */
  readonly dropEpochs?: readonly number[]
  readonly runs?: readonly StoredRun[]
  readonly dropRuns?: readonly number[]
  readonly frames?: readonly StoredFrame[]
  readonly cursors?: readonly (readonly [meter: string, through: UnixMs])[]
  readonly command?: StoredCommand
  readonly schedules?: readonly (readonly [meter: string, seconds: number])[]
  readonly corrections?: readonly (readonly [meter: string, register: DriftRegister])[]
  readonly lastUsed?: UnixUs
  readonly frequency?: StoredFrequency
  /** Delete a portion of what was acknowledged long ago or is beyond the age limit. */
  readonly tidy?: true
}

/** Where to fetch from: frames of one run after `sequence`, up to `last`, in order. */
export interface FetchQuery {
  readonly epoch: number
  readonly run: number
  readonly sequence: number
  readonly last: number
  readonly framesMax: number
  readonly bytesMax: number
}

/** The outbox's answer. A frame of (query.sequence, through] that is not among `frames` cannot be
 * read; whether the others are as they were sealed is for the agent to check. */
export interface Found {
  readonly held: Held
  readonly through: number
  readonly frames: readonly StoredFrame[]
  /** The opener as kept beside the run; null: that cannot be read either. */
  readonly opener: Pick<StoredFrame, 'hash' | 'body'> | null
}

export type ReadRequest = 'now' | 'history' | 'push'

export type AgentEvent =
  /** About four times a second. */
  | { readonly on: 'tick' }
  /** The machine slept (shared/clock/sleep): the monotonic clock missed time. */
  | { readonly on: 'slept' }
  | { readonly on: 'link-up' }
  | { readonly on: 'link-down' }
  /** One message body from the master; `at`: when it came, left out where that was just now. */
  | { readonly on: 'body'; readonly body: Uint8Array; readonly at?: MonoUs }
  /** The message that was made at `made` was handed to the network at `at`, or a little later: it
   * was never earlier. Comes before any answer to it, or not at all. */
  | { readonly on: 'sent'; readonly made: MonoUs; readonly at: MonoUs }
  | {
      readonly on: 'readings'
      readonly meter: string
      readonly readings: readonly Reading[]
      readonly request: ReadRequest
      /** When the answer's first byte came. */
      readonly at: MonoUs
      /** History only: the meter has more rows in the range asked for. */
      readonly more: boolean
    }
  /** A request given up after its retries; the fault was reported by the meter line. */
  | { readonly on: 'read-failed'; readonly meter: string; readonly request: ReadRequest }
  /** Answers `read-clock`: the meter's clock; or it has no way to tell it, or did not answer. */
  | {
      readonly on: 'clock-read'
      readonly meter: string
      readonly found: MeterClockRead | 'unsupported' | 'silent'
    }
  /** Answers `change-clock`. */
  | {
      readonly on: 'clock-changed'
      readonly meter: string
      readonly became: MeterClockAnswer | 'unsupported'
    }
  /** A fault on a meter line, to be counted and told to the master. */
  | { readonly on: 'meter-fault'; readonly fault: FaultCode }
  /** `held`: runs of which the outbox deleted frames. */
  | { readonly on: 'committed'; readonly backlog: Backlog; readonly held: readonly Held[] }
  /** Nothing of that commit is stored. */
  | { readonly on: 'commit-failed'; readonly fault: FaultCode }
  | { readonly on: 'fetched'; readonly epoch: number; readonly found: Found }

export type AgentAction =
  /** `made`: when it was made, of a message that asks for the time: `sent` tells when it left. */
  | { readonly do: 'send'; readonly body: Uint8Array; readonly made?: MonoUs }
  /** Answered by `committed` or `commit-failed`; the agent never has two on the way. */
  | { readonly do: 'commit'; readonly commit: OutboxCommit }
  /** Answered by `fetched`. */
  | { readonly do: 'fetch'; readonly query: FetchQuery }
  /** Ends the link; the shell connects again with back-off, or at once when no fault is named. */
  | { readonly do: 'drop'; readonly fault: FaultCode | null; readonly detail: string }
  | { readonly do: 'read'; readonly meter: string }
  | {
      readonly do: 'read-history'
      readonly meter: string
      /** Intervals whose end lies in (from, to]. */
      readonly from: UnixMs
      readonly to: UnixMs
    }
  /** To be asked at `at`, a fraction of a second from now; answered by `clock-read`. */
  | { readonly do: 'read-clock'; readonly meter: string; readonly at: MonoUs }
  /** Answered by `clock-changed`. A time in it was right at `at`: the line adds what has passed
   * when it writes to the meter. */
  | {
      readonly do: 'change-clock'
      readonly meter: string
      readonly change: MeterClockChange
      readonly at: MonoUs
    }
  | { readonly do: 'report'; readonly fault: FaultCode; readonly detail: string }

/** One meter and how it is read. */
export interface MeterPlan {
  readonly meter: string
  /** Time between two readings; ignored for meters that push. */
  readonly everyMs: number
  readonly push: boolean
  /** Read its load profile from where the last left off. */
  readonly history: boolean
  /** Left out: its clock is none of our business. */
  readonly clock?: MeterClockPlan
}

/** How a meter's clock is looked after. `watch`: observed and reported; `light`: corrected as a
 * gateway may. */
export interface MeterClockPlan {
  readonly keep: 'watch' | 'light'
  /** Standard time of its calendar, east of UTC: where its days and months end. */
  readonly zone: SpanUs
}

/** What the shell and `ticklock slave` show; no secrets. */
export interface AgentView {
  readonly device: string | null
  readonly linked: boolean
  /** The time by the agent's clock. */
  readonly clock: UnixUs
  readonly clockState: string
  readonly clockBoundMs: number
  readonly backlog: Backlog
  /** Meter answers and transactions in memory, waiting for the disk. */
  readonly answersWaiting: number
  readonly transactionsWaiting: number
  readonly faults: ReadonlyMap<FaultCode, number>
}
