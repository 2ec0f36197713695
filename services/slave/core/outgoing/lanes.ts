// The lanes of a session: one per epoch, with what waits in memory and what is on its way.

import type { Claim, Forwarder, Lane, Spot } from '../state/outgoing.ts'
import { own } from '../state/own.ts'
import type { FetchQuery, StoredRun } from '../state/stored.ts'

/** Where a lane starts: behind (run, sequence). */
export interface LaneStart {
  readonly epoch: number
  readonly run: number
  readonly sequence: number
  readonly claim: Claim | null
}

const laneFrom = ({ epoch, run, sequence, claim }: LaneStart): Lane => ({
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
  ruined: false,
})

/** Frames were sent that are not acknowledged yet. */
export const inFlight = ({ lanes }: Forwarder): boolean =>
  lanes.some((lane) => lane.flights.length > 0)

/** The session is over. */
export function closeLanes(forwarder: Forwarder): void {
  for (const lane of forwarder.lanes) forgetFetch(forwarder, lane)
  own(forwarder).lanes = []
}

/** The outbox's answer is no longer wanted. */
export function forgetFetch(forwarder: Forwarder, lane: Lane): void {
  const { late } = own(forwarder)
  const mine = own(lane)
  if (mine.asked !== null) late.set(lane.epoch, (late.get(lane.epoch) ?? 0) + 1)
  mine.asked = null
  mine.gap = null
  mine.buffer = []
}

/** Begins a session: one lane per epoch the master knows, each behind what is durable there. */
export function openLanes(
  forwarder: Forwarder,
  starts: readonly LaneStart[],
  barred: ReadonlySet<number> = new Set(),
): void {
  const mine = own(forwarder)
  mine.turn = 0
  mine.barred = new Set(barred)
  mine.lanes = starts.map(laneFrom)
}

/** New frames of this run were stored. If they waited for the disk while the session began, their
 * epoch may be an old one by now and had nothing waiting then: its lane opens late. */
export function wake(forwarder: Forwarder, { epoch, run, acknowledged }: StoredRun): void {
  for (const lane of forwarder.lanes) own(lane).ruined = false
  const known = forwarder.lanes.find((lane) => lane.epoch === epoch)
  if (known !== undefined) {
    own(known).drained = false
  } else if (forwarder.lanes.length > 0 && !forwarder.barred.has(epoch)) {
    const lane = laneFrom({ epoch, run, sequence: acknowledged, claim: null })
    own(forwarder).lanes.splice(-1, 0, lane)
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
