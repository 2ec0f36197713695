// Which frame goes next, and what an acknowledgement frees. The frames themselves stay on disk;
// only positions are kept here. Within an epoch the order is (run, sequence) and never changes.
// After an outage the newest epoch is live at once and older ones drain beside it: three of four
// frames are old while both wait.

import { equalConstantTime } from '../../../../shared/bytes.ts'
import type { FaultCode } from '../../../../shared/faults.ts'
import { streamStart } from '../../../../shared/tves/stream.ts'
import type { Suite } from '../../../../shared/tves/suite.ts'
import type { ControlMessage, ExpectCode } from '../../../../shared/wire/control.ts'
import { FLIGHT_BYTES_MAX, FLIGHT_FRAMES_MAX } from '../../../../shared/wire/limits.ts'
import type { AgentAction } from '../state/events.ts'
import type { Forwarder, Item, Lane } from '../state/outgoing.ts'
import { own } from '../state/own.ts'
import type { Found, StoredRun } from '../state/stored.ts'
import { hashAfter, inspect } from './chain.ts'
import { forgetFetch, nextSpot, queryOf } from './lanes.ts'

/** Frames asked from the outbox at once: a window's worth, so that memory stays flat. */
const FETCH_MOST = { framesMax: FLIGHT_FRAMES_MAX, bytesMax: FLIGHT_BYTES_MAX }
/** How often the master may call one frame damaged before it is skipped, and before its lane waits
 * for the next session. The master ends the link at the third body in a row that does not open; a
 * skip does not count as one. */
const SKIP_AFTER = 2
const DAMAGED_MAX = 3
/** Old epochs get this many of four frames while live ones wait too. */
const OLD_OF_FOUR = 3
/** A tombstone or a skip takes about this many bytes on the line. */
const GONE_BYTES = 112

/** What forwarding needs to know of the rest. */
export interface Stock {
  readonly suite: Suite
  /** Device id, 8 bytes. */
  readonly device: Uint8Array
  readonly runs: ReadonlyMap<number, StoredRun>
  /** The run that is sealed in now; null: none. */
  readonly open: number | null
}

/** The outbox answered: its frames are checked and put behind what waits. */
export function takeFetched(
  forwarder: Forwarder,
  stock: Stock,
  { epoch, found }: { readonly epoch: number; readonly found: Found },
): RunNews {
  if (isLate(forwarder, epoch)) return { is: 'nothing' }
  const known = forwarder.lanes.find((entry) => entry.epoch === epoch)
  const { asked = null } = known ?? {}
  if (known === undefined || asked === null) return { is: 'nothing' }
  const lane = own(known)
  lane.asked = null
  const run = stock.runs.get(asked.run)
  if (run === undefined || run.forked) return { is: 'nothing' }
  const { claim } = lane
  let news: RunNews = { is: 'nothing' }
  let from = { sequence: asked.sequence, hash: asked.hash, gap: lane.gap?.first ?? null }
  if (claim !== null) {
    lane.claim = null
    const ours = hashAfter(stock.suite, found, claim.sequence)
    // The copy is damaged there: what follows is compared through its acknowledgements.
    if (ours !== null && !equalConstantTime(ours, claim.hash)) return otherHistory(claim.run)
    news = { is: 'durable', run: claim.run, through: claim.sequence, hash: claim.hash }
    from = { sequence: claim.sequence, hash: claim.hash, gap: null }
    lane.at = { run: claim.run, sequence: claim.sequence, hash: claim.hash }
  }
  const start = streamStart(stock.suite, stock.device, epoch, run.run)
  const seen = inspect(stock.suite, start, run, found, from)
  // Its tombstone covers the whole run, so no frame may be sealed in it any more.
  if (seen.ruined && stock.open === run.run) {
    lane.ruined = true
    return { is: 'ruined', run: run.run }
  }
  lane.buffer.push(...seen.items)
  lane.gap = seen.gap === null ? null : { first: seen.gap, through: found.through }
  return news
}

/** An answer that nobody waits for any more. */
function isLate(forwarder: Forwarder, epoch: number): boolean {
  const { late } = own(forwarder)
  const answers = late.get(epoch) ?? 0
  if (answers > 1) late.set(epoch, answers - 1)
  else late.delete(epoch)
  return answers > 0
}

const otherHistory = (run: number): RunNews => ({
  is: 'fork',
  run,
  detail: 'the master holds another history of this run',
})

type Outgoing =
  | Extract<AgentAction, { do: 'send' | 'fetch' }>
  | { readonly do: 'tell'; readonly message: Extract<ControlMessage, { is: 'tombstone' | 'skip' }> }

/** Sends as far as the window allows and asks for more where a buffer ran dry. */
export function pump(
  forwarder: Forwarder,
  { suite, runs }: Pick<Stock, 'suite' | 'runs'>,
): Outgoing[] {
  const actions: Outgoing[] = []
  for (;;) {
    const room = roomLeft(forwarder)
    if (room.frames <= 0 || room.bytes <= 0) break
    const next = nextLane(forwarder)
    if (next === null) break
    const lane = own(next)
    const item = lane.buffer.shift()
    if (item === undefined) break
    lane.at = { run: item.run, sequence: item.last, hash: item.hash }
    lane.flights.push({ item, bytes: item.is === 'frame' ? item.body.length : GONE_BYTES })
    actions.push(outgoing(suite, lane, item))
  }
  for (const next of forwarder.lanes) {
    const lane = own(next)
    const busy = lane.buffer.length > 0 || lane.asked !== null
    if (busy || lane.drained || lane.parked || lane.ruined) continue
    if (roomLeft(forwarder).frames <= 0) break
    const spot = nextSpot(lane, runs)
    const run = spot === null ? undefined : runs.get(spot.run)
    if (spot === null || run === undefined) {
      lane.drained = true
      continue
    }
    lane.asked = spot
    actions.push({ do: 'fetch', query: queryOf(spot, run, FETCH_MOST) })
  }
  return actions
}

function outgoing(suite: Suite, { epoch, skip }: Lane, item: Item): Outgoing {
  const { run, first, last, hash } = item
  if (item.is === 'gone') {
    const { reason } = item
    const message = { is: 'tombstone', epoch, run, first, last, reason, hash } as const
    return { do: 'tell', message }
  }
  if (skip?.run !== run || skip.sequence !== last) return { do: 'send', body: item.body }
  const bodyHash = suite.sha256(item.body)
  return { do: 'tell', message: { is: 'skip', epoch, run, sequence: last, bodyHash } }
}

function roomLeft(forwarder: Forwarder): { frames: number; bytes: number } {
  let frames = FLIGHT_FRAMES_MAX
  let bytes = FLIGHT_BYTES_MAX
  for (const lane of forwarder.lanes) {
    frames -= lane.flights.length
    for (const flight of lane.flights) bytes -= flight.bytes
  }
  return { frames, bytes }
}

/** A run begins only when the one before it is durable: a master that took the opener takes
 * no frame of earlier runs any more, not even one that was damaged on the way. */
function isReady({ buffer, flights }: Lane): boolean {
  const [next] = buffer
  const last = flights.at(-1)
  return next !== undefined && (last === undefined || last.item.run === next.run)
}

function nextLane(forwarder: Forwarder): Lane | null {
  const live = forwarder.lanes.at(-1)
  const old = forwarder.lanes.slice(0, -1).find(isReady)
  const liveReady = live !== undefined && isReady(live)
  if (old === undefined) return liveReady ? live : null
  if (!liveReady) return old
  const turn = (forwarder.turn + 1) % (OLD_OF_FOUR + 1)
  own(forwarder).turn = turn
  return turn === 0 ? live : old
}

/** What the outbox or the master says of a run. */
export type RunNews =
  /** Durable further on: through this sequence, with our own hash of it. */
  | {
      readonly is: 'durable'
      readonly run: number
      readonly through: number
      readonly hash: Uint8Array
    }
  /** An acknowledgement for something not on the way: old news. */
  | { readonly is: 'nothing' }
  | { readonly is: 'fork'; readonly run: number; readonly detail: string }
  /** Nobody can open the run that is sealed in: it must be left. */
  | { readonly is: 'ruined'; readonly run: number }

/** An acknowledgement frees frames only when its hash is ours (wire.md 6). */
export function acknowledge(
  forwarder: Forwarder,
  runs: ReadonlyMap<number, StoredRun>,
  at: { epoch: number; run: number; sequence: number; hash: Uint8Array },
): RunNews {
  const known = runs.get(at.run)
  if (known === undefined || known.forked) return { is: 'nothing' }
  if (known.epoch !== at.epoch || at.sequence > known.last) {
    return { is: 'fork', run: at.run, detail: 'the master acknowledges what was never sealed' }
  }
  if (at.sequence <= known.acknowledged) return { is: 'nothing' }
  const sent = forwarder.lanes.find((entry) => entry.epoch === at.epoch)
  const index = sent?.flights.findIndex(
    ({ item }) => item.run === at.run && item.last === at.sequence,
  )
  const flight = index === undefined ? undefined : sent?.flights[index]
  if (sent === undefined || index === undefined || flight === undefined) return { is: 'nothing' }
  const { hash } = flight.item
  if (!equalConstantTime(hash, at.hash)) return otherHistory(at.run)
  const lane = own(sent)
  lane.flights = lane.flights.slice(index + 1)
  lane.refused = null
  lane.skip = null
  lane.stale = 0
  return { is: 'durable', run: at.run, through: at.sequence, hash }
}

export type Expected =
  | { readonly is: 'resend' }
  | { readonly is: 'parked'; readonly fault: FaultCode }
  /** A new epoch lets later readings through, whatever is wrong with this one. */
  | { readonly is: 'drop'; readonly fault: FaultCode }

/** The master refused a frame and says what it expects next; the code says why. Somebody on the
 * line may have altered what the master saw, so nothing lasting follows from it: whether the
 * histories really differ shows at the next session, by their hashes. */
export function expect(
  forwarder: Forwarder,
  message: {
    readonly code: ExpectCode
    readonly epoch: number
    readonly run: number
    readonly next: number
  },
): Expected {
  const { code, epoch } = message
  const lane = forwarder.lanes.find((entry) => entry.epoch === epoch)
  // Behind a refused opener the whole run is unknown.
  const stale = lane !== undefined && lane.stale > 0 && code === 'SEC-04'
  if (code === 'SEC-02' || (code === 'SEC-04' && !stale)) return { is: 'drop', fault: code }
  if (lane === undefined || lane.parked) return { is: 'resend' }
  if (code === 'SEC-03') countRefusal(lane, message)
  if (code === 'SEC-12' || (lane.refused?.times ?? 0) >= DAMAGED_MAX) {
    if (lane === forwarder.lanes.at(-1)) return { is: 'drop', fault: code }
    park(forwarder, lane)
    return { is: 'parked', fault: code }
  }
  if ((code === 'SEC-06' || code === 'SEC-04') && lane.stale > 0) {
    own(lane).stale -= 1
    return { is: 'resend' }
  }
  goBack(forwarder, lane)
  return { is: 'resend' }
}

/** Twice in a row at the same place: it is read from the disk once more, and skipped if it is still
 * what was sealed. If the line did the harm, the master says so. */
function countRefusal(lane: Lane, { run, next }: { run: number; next: number }): void {
  const { refused } = lane
  const times = (refused?.times ?? 0) + 1
  const same = refused?.run === run && refused.sequence === next
  own(lane).refused = { times, run, sequence: next }
  if (times === SKIP_AFTER && same) own(lane).skip = { run, sequence: next }
}

/** Starts again at the oldest frame on its way. Not where the refusal says: its numbers may come
 * from a header that somebody altered, and a frame left out would never be asked for again. */
function goBack(forwarder: Forwarder, lane: Lane): void {
  const [oldest] = lane.flights
  if (oldest === undefined) return
  forgetFetch(forwarder, lane)
  const { run, first, before } = oldest.item
  const mine = own(lane)
  mine.at = { run, sequence: first - 1, hash: before }
  mine.stale = Math.max(0, mine.flights.length - 1)
  mine.claim = null
  mine.flights = []
  mine.drained = false
}

/** Gives the window to the other lanes. */
export function park(forwarder: Forwarder, lane: Lane): void {
  forgetFetch(forwarder, lane)
  const mine = own(lane)
  mine.parked = true
  mine.flights = []
}

/** A run is never sent again: the lane of its epoch continues behind it. */
export function leaveOut(forwarder: Forwarder, { epoch, run }: StoredRun): void {
  for (const affected of forwarder.lanes) {
    if (affected.epoch !== epoch) continue
    forgetFetch(forwarder, affected)
    const lane = own(affected)
    lane.flights = lane.flights.filter(({ item }) => item.run !== run)
    lane.drained = false
    lane.claim = null
  }
}
