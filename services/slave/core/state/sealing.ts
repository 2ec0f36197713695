// The epochs' key trees, and what is sealed next. Changed by capture/.

import type { KeyTree } from '../../../../shared/tves/tree.ts'
import type { Second, UnixMs } from '../../../../shared/units.ts'
import type { Head, Opener } from '../../../../shared/wire/opener.ts'
import type { EpochFacts, StoredEpoch, StoredRun } from './stored.ts'

export interface OpenRun {
  readonly row: StoredRun
  readonly iv: Uint8Array
  readonly openedAt: UnixMs
  /** What its frames are written against; as sealed into its first one. */
  readonly opener: Opener
}

/** Heads by their text, in the order in which they were first sealed. */
export type Heads = ReadonlyMap<string, Head>

/** Turns readings into frames: the tree of one epoch, the key of the running second, the open
 * run. */
export interface Sealer {
  /** Device id, 8 bytes. */
  readonly device: Uint8Array
  readonly epoch: EpochFacts
  /** From the second after the leaf's on. */
  readonly tree: KeyTree
  /** The running second's key; overwritten when that is over, or a later one is sealed in. */
  readonly leaf: { readonly second: Second; readonly key: Uint8Array } | null
  readonly run: OpenRun | null
  readonly highestRun: number
  /** What the next opener names as its predecessor. */
  readonly previous: StoredRun | null
  /** What was sealed since the process started, for the next opener: 256 at most, first come. */
  readonly heads: Heads
}

/** Where the next frame is sealed. A new epoch begins a new run anyway. */
export type SealNext =
  | { readonly in: 'same run' }
  | { readonly in: 'new run' }
  /** Committed, and not entered yet. */
  | { readonly in: 'new epoch'; readonly id: number }

export interface SealingState {
  /** As stored: the trees are those of the last transaction that is durable. */
  readonly epochs: ReadonlyMap<number, StoredEpoch>
  /** As of the last durable frame; null before the first committed epoch is entered. */
  readonly sealer: Sealer | null
  readonly next: SealNext
  /** Highest run number used on this device so far. */
  readonly highestRun: number
  /** A key of this process's clock was used: the clock may not go below it. */
  readonly used: boolean
}
