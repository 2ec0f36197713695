// Which frame goes next, and what an acknowledgement frees. The frames themselves stay on disk;
// here are only positions. Within an epoch the order is (run, sequence) and never changes. After an
// outage the newest epoch is live at once and older ones drain beside it: three of four frames are
// old while both wait.

import { equalConstantTime } from '../../../shared/bytes.ts'
import type { FaultCode } from '../../../shared/faults.ts'
import type { ExpectCode } from '../../../shared/wire/control.ts'
import { FLIGHT_BYTES_MAX, FLIGHT_FRAMES_MAX } from '../../../shared/wire/limits.ts'
import type { AgentAction, FetchQuery, StoredFrame, StoredRun } from './state.ts'

/** Frames asked from the outbox at once: a window's worth, so that memory stays flat. */
const FETCH_FRAMES = FLIGHT_FRAMES_MAX
/** How often the master may call one frame damaged before its lane waits for the next session:
 * once less than makes the master end the link, so that the other lanes go on. */
const DAMAGED_MAX = 2
/** Old epochs get this many of four frames while live ones wait too. */
const OLD_OF_FOUR = 3

interface Flight {
  readonly run: number
  readonly sequence: number
  readonly hash: Uint8Array
  readonly bytes: number
}

/** What the master says it holds: through this sequence, with this stream hash. */
interface Claim {
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

/** One epoch's way to the master. */
interface Lane {
  readonly epoch: number
  /** Last frame sent on this link; the next fetched starts behind it. */
  run: number
  sequence: number
  /** The last frame the master calls its own, still in our outbox: its hash is compared, not
   * sent. */
  claim: Claim | null
  buffer: StoredFrame[]
  flights: Flight[]
  fetching: boolean
  /** Frames were stored since the outbox was asked. */
  woken: boolean
  /** Nothing more on disk behind the buffer, as far as we know. */
  drained: boolean
  damaged: number
  /** Frames sent behind one that was refused: each brings a refusal of its own, which says
   * nothing new. */
  stale: number
  /** A frame does not get through in this session. */
  parked: boolean
}

export interface Forwarder {
  /** Oldest epoch first; the last is the newest. */
  lanes: Lane[]
  turn: number
  /** Answers of the outbox, per epoch, that nobody waits for any more; they come in order. */
  late: Map<number, number>
}

export const noLanes = (): Forwarder => ({ lanes: [], turn: 0, late: new Map() })

/** The session is over. */
export function closeLanes(forwarder: Forwarder): void {
  for (const lane of forwarder.lanes) forgetFetch(forwarder, lane)
  forwarder.lanes = []
}

/** What was asked of the outbox is not wanted any more. */
function forgetFetch({ late }: Forwarder, lane: Lane): void {
  if (lane.fetching) late.set(lane.epoch, (late.get(lane.epoch) ?? 0) + 1)
  lane.fetching = false
  lane.buffer = []
}

const laneFrom = (start: LaneStart): Lane => ({
  ...start,
  buffer: [],
  flights: [],
  fetching: false,
  woken: false,
  drained: false,
  damaged: 0,
  stale: 0,
  parked: false,
})

/** Begins a session: one lane per epoch the master knows, each behind what is durable there. */
export function openLanes(forwarder: Forwarder, starts: readonly LaneStart[]): void {
  forwarder.turn = 0
  forwarder.lanes = starts.map(laneFrom)
}

/** New frames of this run were stored. When they waited for the disk while the session began,
 * their epoch may be an old one by now, and nothing of it was waiting then: its lane opens
 * late. */
export function wake(forwarder: Forwarder, { epoch, run, acknowledged }: StoredRun): void {
  const known = forwarder.lanes.find((lane) => lane.epoch === epoch)
  if (known !== undefined) {
    known.drained = false
    known.woken = true
  } else if (forwarder.lanes.length > 0) {
    const lane = laneFrom({ epoch, run, sequence: acknowledged, claim: null })
    forwarder.lanes = [...forwarder.lanes.slice(0, -1), lane, ...forwarder.lanes.slice(-1)]
  }
}

/** What the outbox answered. A frame may be there before we heard that its transaction is done:
 * it waits. */
export function takeFetched(
  forwarder: Forwarder,
  runs: ReadonlyMap<number, StoredRun>,
  { epoch, frames: found }: { readonly epoch: number; readonly frames: readonly StoredFrame[] },
): Freed {
  const frames = found.filter((frame) => frame.sequence <= (runs.get(frame.run)?.last ?? -1))
  const late = forwarder.late.get(epoch) ?? 0
  if (late > 1) forwarder.late.set(epoch, late - 1)
  else forwarder.late.delete(epoch)
  if (late > 0) return { is: 'nothing' }
  const lane = forwarder.lanes.find((entry) => entry.epoch === epoch)
  if (lane === undefined || !lane.fetching) return { is: 'nothing' }
  lane.fetching = false
  let freed: Freed = { is: 'nothing' }
  const { claim } = lane
  if (claim !== null) {
    lane.claim = null
    freed = judge(claim, frames[0])
    lane.run = claim.run
    lane.sequence = claim.sequence
  }
  lane.buffer.push(...frames.filter((frame) => isBehind(frame, lane)))
  if (frames.length === 0) lane.drained = !lane.woken
  return freed
}

/** Compares the master's claim with our own frame of that place. */
function judge(claim: Claim, frame: StoredFrame | undefined): Freed {
  const { run, sequence, hash } = claim
  const ours = frame?.run === run && frame.sequence === sequence ? frame.hash : null
  if (ours !== null && equalConstantTime(ours, hash)) {
    return { is: 'freed', run, through: sequence, hash }
  }
  return { is: 'fork', run, detail: 'the master holds another history of this run' }
}

const isBehind = (frame: StoredFrame, at: { run: number; sequence: number }): boolean =>
  frame.run > at.run || (frame.run === at.run && frame.sequence > at.sequence)

/** Sends as far as the window allows and asks for more where a buffer ran dry. */
export function pump(forwarder: Forwarder): AgentAction[] {
  const actions: AgentAction[] = []
  for (;;) {
    const room = roomLeft(forwarder)
    if (room.frames <= 0 || room.bytes <= 0) break
    const lane = nextLane(forwarder)
    if (lane === null) break
    const frame = lane.buffer.shift()
    if (frame === undefined) break
    lane.run = frame.run
    lane.sequence = frame.sequence
    lane.flights.push({
      run: frame.run,
      sequence: frame.sequence,
      hash: frame.hash,
      bytes: frame.body.length,
    })
    actions.push({ do: 'send', body: frame.body })
  }
  for (const lane of forwarder.lanes) {
    if (lane.buffer.length > 0 || lane.fetching || lane.drained || lane.parked) continue
    if (roomLeft(forwarder).frames <= 0) break
    lane.fetching = true
    lane.woken = false
    actions.push({ do: 'fetch', query: queryOf(lane) })
  }
  return actions
}

const queryOf = (lane: Lane): FetchQuery => ({
  epoch: lane.epoch,
  run: lane.run,
  sequence: lane.sequence,
  framesMax: FETCH_FRAMES,
  bytesMax: FLIGHT_BYTES_MAX,
})

function roomLeft(forwarder: Forwarder): { frames: number; bytes: number } {
  let frames = FLIGHT_FRAMES_MAX
  let bytes = FLIGHT_BYTES_MAX
  for (const lane of forwarder.lanes) {
    frames -= lane.flights.length
    for (const flight of lane.flights) bytes -= flight.bytes
  }
  return { frames, bytes }
}

/** Frames were sent that are not acknowledged yet. */
export const inFlight = ({ lanes }: Forwarder): boolean =>
  lanes.some((lane) => lane.flights.length > 0)

/** A run begins only when the one before it is durable: a master that took the opener takes
 * nothing of earlier runs any more, also when one of their frames was damaged on the way. */
function isReady({ buffer, flights }: Lane): boolean {
  const [next] = buffer
  const last = flights.at(-1)
  return next !== undefined && (last === undefined || last.run === next.run)
}

function nextLane(forwarder: Forwarder): Lane | null {
  const live = forwarder.lanes.at(-1)
  const old = forwarder.lanes.slice(0, -1).find(isReady)
  const liveReady = live !== undefined && isReady(live)
  if (old === undefined) return liveReady ? live : null
  if (!liveReady) return old
  forwarder.turn = (forwarder.turn + 1) % (OLD_OF_FOUR + 1)
  return forwarder.turn === 0 ? live : old
}

export type Freed =
  /** Durable further on: through this sequence, with our own hash of it. */
  | {
      readonly is: 'freed'
      readonly run: number
      readonly through: number
      readonly hash: Uint8Array
    }
  /** An acknowledgement for something not on the way: old news. */
  | { readonly is: 'nothing' }
  | { readonly is: 'fork'; readonly run: number; readonly detail: string }

/** An acknowledgement frees frames only when its hash is ours (wire.md 6). */
export function acknowledge(
  forwarder: Forwarder,
  runs: ReadonlyMap<number, StoredRun>,
  at: { epoch: number; run: number; sequence: number; hash: Uint8Array },
): Freed {
  const known = runs.get(at.run)
  if (known === undefined || known.forked) return { is: 'nothing' }
  if (known.epoch !== at.epoch || at.sequence > known.last) {
    return { is: 'fork', run: at.run, detail: 'the master acknowledges what was never sealed' }
  }
  if (at.sequence <= known.acknowledged) return { is: 'nothing' }
  const lane = forwarder.lanes.find((entry) => entry.epoch === at.epoch)
  const index = lane?.flights.findIndex(
    (flight) => flight.run === at.run && flight.sequence === at.sequence,
  )
  const flight = index === undefined ? undefined : lane?.flights[index]
  if (lane === undefined || index === undefined || flight === undefined) return { is: 'nothing' }
  if (!equalConstantTime(flight.hash, at.hash)) {
    return { is: 'fork', run: at.run, detail: 'the master holds another history of this run' }
  }
  lane.flights = lane.flights.slice(index + 1)
  lane.damaged = 0
  lane.stale = 0
  return { is: 'freed', run: at.run, through: at.sequence, hash: flight.hash }
}

export type Expected =
  | { readonly is: 'resend' }
  | { readonly is: 'parked'; readonly fault: FaultCode }
  /** A new epoch gets the readings to come through, whatever is wrong with this one. */
  | { readonly is: 'drop'; readonly fault: FaultCode }

/** The master refused a frame and says what it expects next; the code says why. Somebody on the
 * line may have altered what the master saw, so nothing lasting follows from it: whether the
 * histories really differ shows at the next session, by their hashes. */
export function expect(
  forwarder: Forwarder,
  { code, epoch }: { readonly code: ExpectCode; readonly epoch: number },
): Expected {
  if (code === 'SEC-02' || code === 'SEC-04') return { is: 'drop', fault: code }
  const lane = forwarder.lanes.find((entry) => entry.epoch === epoch)
  if (lane === undefined || lane.parked) return { is: 'resend' }
  if (code === 'SEC-03') lane.damaged += 1
  if (code === 'SEC-12' || lane.damaged >= DAMAGED_MAX) {
    if (lane === forwarder.lanes.at(-1)) return { is: 'drop', fault: code }
    park(forwarder, lane)
    return { is: 'parked', fault: code }
  }
  if (code === 'SEC-06' && lane.stale > 0) {
    lane.stale -= 1
    return { is: 'resend' }
  }
  goBack(forwarder, lane)
  return { is: 'resend' }
}

/** Starts again at the oldest frame on its way. Not where the refusal says: its numbers may come
 * from a header that somebody altered, and a frame left out would never be asked for again. */
function goBack(forwarder: Forwarder, lane: Lane): void {
  const [oldest] = lane.flights
  if (oldest === undefined) return
  forgetFetch(forwarder, lane)
  lane.run = oldest.run
  lane.sequence = oldest.sequence - 1
  lane.stale = Math.max(0, lane.flights.length - 1)
  lane.claim = null
  lane.flights = []
  lane.drained = false
}

/** Gives the window to the other lanes. */
function park(forwarder: Forwarder, lane: Lane): void {
  forgetFetch(forwarder, lane)
  lane.parked = true
  lane.flights = []
}

/** A run is never sent again: its epoch's lane starts over behind it. */
export function leaveOut(forwarder: Forwarder, { epoch, run }: StoredRun): void {
  for (const lane of forwarder.lanes) {
    if (lane.epoch !== epoch) continue
    forgetFetch(forwarder, lane)
    lane.flights = lane.flights.filter((flight) => flight.run !== run)
    lane.drained = false
    lane.claim = null
  }
}
