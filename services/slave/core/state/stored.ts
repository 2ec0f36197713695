// What the outbox keeps over restarts, what one transaction changes of it, and what it gives back.

import type { DriftRegister } from '../../../../shared/clock/meter/policy.ts'
import type { Ppm, Second, UnixMs, UnixUs } from '../../../../shared/units.ts'
import type { ReceiptOutcome } from '../../../../shared/wire/commands.ts'
import type { TombstoneReason } from '../../../../shared/wire/recovery.ts'

/** The slave's lasting identity. psk and device are null until enrolled. */
export interface StoredIdentity {
  /** X25519 private key, 32 bytes. */
  readonly staticKey: Uint8Array
  /** Enrolment attempts so far; raised durably before each one (wire.md 3). */
  readonly attempt: number
  /** The master's static public key, 32 bytes, as checked against the token's fingerprint. */
  readonly masterKey: Uint8Array | null
  /** Announced by MASTER KEY and not confirmed yet: calls are made under it from now on (wire.md
   * 5.2). */
  readonly nextMasterKey?: Uint8Array | null
  readonly psk: Uint8Array | null
  /** Device id, 8 bytes. */
  readonly device: Uint8Array | null
}

export interface StoredEpoch {
  readonly id: number
  readonly origin: UnixMs
  readonly transcript: Uint8Array
  /** shared/tves/tree encoding; always punctured beyond the last stored frame's second. Whoever
   * takes another one in its place overwrites these bytes. */
  readonly tree: Uint8Array
  /** Not yet confirmed by the master, the one to seal in, or left behind. */
  readonly state: 'pending' | 'committed' | 'closed'
}

/** All of an epoch that is not secret. */
export type EpochFacts = Omit<StoredEpoch, 'tree'>

/** Which frames of a run the outbox still holds. The outbox alone moves this, and says so. */
export interface Extent {
  readonly run: number
  /** First sequence still held (`last` + 1: none), and the stream hash before it. The opener is
   * held beside the run as long as the run itself. */
  readonly first: number
  readonly firstHash: Uint8Array
  /** Why frames below `first` are gone that the master never acknowledged; null: it had all. */
  readonly dropped: TombstoneReason | null
}

export interface StoredRun extends Extent {
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
 * key, except for the extent of a run. */
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
  readonly extent: Extent
  readonly through: number
  readonly frames: readonly StoredFrame[]
  /** The opener as kept beside the run; null: that cannot be read either. */
  readonly opener: Pick<StoredFrame, 'hash' | 'body'> | null
}
