// What was sealed and how far it got: the runs, one lane to the master for each epoch, and what is
// still to be stored of acknowledgements. Changed by outgoing/.

import type { SealedUpTo } from '../../../../shared/wire/control.ts'
import type { FrameHeader } from '../../../../shared/wire/frame.ts'
import type { MonoUs } from '../../../../shared/units.ts'
import type { TombstoneReason } from '../../../../shared/wire/recovery.ts'
import type { StoredRun } from './stored.ts'

/** What a stream is made of on its way to the master: frames, and the places of those that never
 * come. `before` and `hash`: our stream hash before the first and after the last of them. */
export type Item = {
  readonly run: number
  readonly first: number
  readonly last: number
  readonly before: Uint8Array | null
  readonly hash: Uint8Array
} & (
  | { readonly is: 'frame'; readonly body: Uint8Array }
  | { readonly is: 'gone'; readonly reason: TombstoneReason }
)

export interface Flight {
  readonly item: Item
  readonly bytes: number
}

/** What the master says it holds: through this sequence, with this stream hash. */
export interface Claim {
  readonly run: number
  readonly sequence: number
  readonly hash: Uint8Array
}

/** A place in a run, with our stream hash of it where it is known. */
export interface Spot {
  readonly run: number
  readonly sequence: number
  readonly hash: Uint8Array | null
}

/** One epoch's way to the master. */
export interface Lane {
  readonly epoch: number
  /** Last place sent on this link; the next sent is behind it. */
  readonly at: Spot
  /** The last frame the master calls its own, still in our outbox: its hash is compared, not
   * sent. */
  readonly claim: Claim | null
  readonly buffer: readonly Item[]
  readonly flights: readonly Flight[]
  /** What the outbox was asked for; null: nothing. */
  readonly asked: Spot | null
  /** A damaged range whose end is not found yet, and how far it was searched. */
  readonly gap: { readonly first: number; readonly through: number } | null
  /** Nothing more on disk behind the buffer, as far as we know. */
  readonly drained: boolean
  /** Refusals with SEC-03 in a row, and where the last one was. */
  readonly refused: {
    readonly times: number
    readonly run: number
    readonly sequence: number
  } | null
  /** The frame that is skipped when it is whole. */
  readonly skip: { readonly run: number; readonly sequence: number } | null
  /** Frames sent behind one that was refused: each brings a refusal of its own, which says
   * nothing new. */
  readonly stale: number
  /** A frame does not get through in this session. */
  readonly parked: boolean
  /** The run that comes next cannot be opened by anybody, and is still sealed in: the lane waits
   * for the run after it. */
  readonly ruined: boolean
}

export interface Forwarder {
  /** Oldest epoch first; the last is the newest. */
  readonly lanes: readonly Lane[]
  readonly turn: number
  /** Answers of the outbox, per epoch, that nobody waits for any more; they come in order. */
  readonly late: ReadonlyMap<number, number>
  /** Epochs the master does not know: nothing of them is sent in this session. */
  readonly barred: ReadonlySet<number>
}

/** A frame on its way, or the first of those that never come. */
export interface Waited {
  readonly run: number
  readonly first: number
  readonly since: MonoUs
}

export interface OutgoingState {
  readonly runs: ReadonlyMap<number, StoredRun>
  readonly forwarder: Forwarder
  /** Header of the last frame sent on this link; null: the next one goes with its full header. */
  readonly predecessor: FrameHeader | null
  /** The next CONFIRM lists every run of which a frame is held: in case the master was set back
   * while this process did not look (wire.md 6.3). */
  readonly listAll: boolean
  /** Runs acknowledged since the last COMMITTED, by word of that session alone: the next CONFIRM
   * lists them too, so that the master itself says what it has. */
  readonly unproven: ReadonlySet<number>
  /** Runs said to have another history at the master: in the session before this one, and in this
   * one. Only two sessions in a row make it a fork. */
  readonly doubts: { readonly before: ReadonlySet<number>; readonly now: ReadonlySet<number> }
  /** By epoch: the oldest frame on its way, and since when it is that. */
  readonly oldest: ReadonlyMap<number, Waited>
  /** Closed epochs that the master knows to be drained, since this process started. */
  readonly drained: ReadonlySet<number>
  /** The DRAINED that was sent on this link and not answered yet. */
  readonly saidDrained: SealedUpTo | null
  /** Runs whose acknowledgement is not stored yet, and since when there are any. */
  readonly unsaved: ReadonlySet<number>
  readonly unsavedSince: MonoUs
  /** Earlier acknowledgements are on their way to the disk. */
  readonly forgetting: boolean
  /** When the outbox is tidied next. */
  readonly tidyAt: MonoUs
}

export const noLanes = (): Forwarder => ({
  lanes: [],
  turn: 0,
  late: new Map(),
  barred: new Set(),
})
