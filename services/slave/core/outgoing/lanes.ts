// The lanes of a session: one per epoch, with what waits in memory and what is on its way.

import type { FetchQuery, StoredRun } from '../state.ts'
import type { Item } from './chain.ts'

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

/** Where a lane starts: behind (run, sequence). */
export interface LaneStart {
  readonly epoch: number
  readonly run: number
  readonly sequence: number
  readonly claim: Claim | null
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
  at: Spot
  /** The last frame the master calls its own, still in our outbox: its hash is compared, not
   * sent. */
  claim: Claim | null
  buffer: Item[]
  flights: Flight[]
  /** What the outbox was asked for; null: nothing. */
  asked: Spot | null
  /** A damaged range whose end is not found yet, and how far it was looked for. */
  gap: { readonly first: number; readonly through: number } | null
  /** Nothing more on disk behind the buffer, as far as we know. */
  drained: boolean
  /** Refusals with SEC-03 in a row, and where the last one was. */
  refused: { readonly times: number; readonly run: number; readonly sequence: number } | null
  /** The frame that is skipped when it is whole. */
  skip: { readonly run: number; readonly sequence: number } | null
  /** Frames sent behind one that was refused: each brings a refusal of its own, which says
   * nothing new. */
  stale: number
  /** A frame does not get through in this session. */
  parked: boolean
  /** The run that comes next cannot be opened and is still sealed in. */
  held: boolean
}

export interface Forwarder {
  /** Oldest epoch first; the last is the newest. */
  lanes: Lane[]
  turn: number
  /** Answers of the outbox, per epoch, that nobody waits for any more; they come in order. */
  late: Map<number, number>
  /** Epochs the master does not know: nothing of them is sent in this session. */
  barred: ReadonlySet<number>
}

export const noLanes = (): Forwarder => ({
  lanes: [],
  turn: 0,
  late: new Map(),
  barred: new Set(),
})

export const laneFrom = ({ epoch, run, sequence, claim }: LaneStart): Lane => ({
  epoch,
  at: { run, sequence, hash: null },
  claim,
  buffer: [],
  flights: [],
  asked: null,
  gap: null,
  drained: false,
  refused: null,
  skip: null,
  stale: 0,
  parked: false,
  held: false,
})

/** Frames were sent that are not acknowledged yet. */
export const inFlight = ({ lanes }: Forwarder): boolean =>
  lanes.some((lane) => lane.flights.length > 0)

/** The session is over. */
export function closeLanes(forwarder: Forwarder): void {
  for (const lane of forwarder.lanes) forgetFetch(forwarder, lane)
  forwarder.lanes = []
}

/** What was asked of the outbox is not wanted any more. */
export function forgetFetch({ late }: Forwarder, lane: Lane): void {
  if (lane.asked !== null) late.set(lane.epoch, (late.get(lane.epoch) ?? 0) + 1)
  lane.asked = null
  lane.gap = null
  lane.buffer = []
}

/** Begins a session: one lane per epoch the master knows, each behind what is durable there. */
export function openLanes(
  forwarder: Forwarder,
  starts: readonly LaneStart[],
  barred: ReadonlySet<number> = new Set(),
): void {
  forwarder.turn = 0
  forwarder.barred = barred
  forwarder.lanes = starts.map(laneFrom)
}

/** New frames of this run were stored. When they waited for the disk while the session began,
 * their epoch may be an old one by now, and nothing of it was waiting then: its lane opens
 * late. */
export function wake(forwarder: Forwarder, { epoch, run, acknowledged }: StoredRun): void {
  for (const lane of forwarder.lanes) lane.held = false
  const known = forwarder.lanes.find((lane) => lane.epoch === epoch)
  if (known !== undefined) {
    known.drained = false
  } else if (forwarder.lanes.length > 0 && !forwarder.barred.has(epoch)) {
    const lane = laneFrom({ epoch, run, sequence: acknowledged, claim: null })
    forwarder.lanes = [...forwarder.lanes.slice(0, -1), lane, ...forwarder.lanes.slice(-1)]
  }
}

/** A run waits while the master has not acknowledged all of it. */
export const isWaiting = (run: StoredRun): boolean => !run.forked && run.acknowledged < run.last

/** Where a lane looks next: further on in its run, or in the next run that waits. */
export function nextSpot(lane: Lane, runs: ReadonlyMap<number, StoredRun>): Spot | null {
  const { at, claim, gap, epoch } = lane
  if (claim !== null) return { run: claim.run, sequence: claim.sequence - 1, hash: null }
  const current = runs.get(at.run)
  if (current?.epoch === epoch && !current.forked) {
    if (gap !== null) return { run: at.run, sequence: gap.through, hash: null }
    if (at.sequence < current.last) return at
  }
  let next: StoredRun | null = null
  for (const run of runs.values()) {
    if (run.epoch !== epoch || run.run <= at.run || !isWaiting(run)) continue
    if (next === null || run.run < next.run) next = run
  }
  if (next === null) return null
  return { run: next.run, sequence: next.acknowledged, hash: next.acknowledgedHash }
}

export const queryOf = (
  { run, sequence }: Spot,
  { epoch, last }: StoredRun,
  most: Pick<FetchQuery, 'framesMax' | 'bytesMax'>,
): FetchQuery => ({ epoch, run, sequence, last, ...most })
