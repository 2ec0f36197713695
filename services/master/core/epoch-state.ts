// An epoch in the master's memory and the runs in it: a part of state.ts.

import type { KeyTree } from '../../../shared/tves/tree.ts'
import type { Second, UnixMs } from '../../../shared/units.ts'
import type { SealedUpTo } from '../../../shared/wire/control.ts'

export interface EpochKeys {
  readonly id: number
  readonly origin: UnixMs
  readonly transcript: Uint8Array
  readonly closed: boolean
  readonly tree: KeyTree
}

/** Owner: streams.ts. */
export interface EpochState extends EpochKeys {
  /** Moves with what is accepted. */
  readonly tree: KeyTree
  /** Covers everything from the durable second on: what a failed sink may need again. */
  readonly durableTree: KeyTree
  /** The key lies in `tree`. */
  readonly leaf: { readonly second: Second; readonly key: Uint8Array } | null
  /** Second of the last accepted frame. */
  readonly lastSecond: Second
  readonly durableSecond: Second
  /** Newest run, accepted and durable; earlier runs are complete and only looked up by position. */
  readonly run: RunState | null
  readonly durableRun: RunState | null
}

/** One run of an epoch: a value, replaced as a whole. */
export interface RunState {
  readonly run: number
  readonly salt: Uint8Array
  /** Null: the opener was given up, nothing of this run opens. */
  readonly iv: Uint8Array | null
  /** Plaintext of its first frame; null when that could not be read. */
  readonly opener: Uint8Array | null
  /** Next sequence expected and the stream hash before it. */
  readonly next: number
  readonly hash: Uint8Array
}

/** A DRAINED that was right when it came, on its way to the disk. */
export interface Draining {
  readonly said: SealedUpTo
  /** As it was then: a frame accepted since contradicts it. */
  readonly run: RunState | null
  /** A later CONFIRM came: who sent this one is not on the line any more. */
  readonly late: boolean
}
