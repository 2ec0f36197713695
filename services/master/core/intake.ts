// From CONFIRM on: a device's streams at the master. Frames pass the gate, wait for the sink, and
// are acknowledged when they are durable.

import { type AcceptedFrame, type DeviceId, readingsIn } from '../../../shared/handover/sink.ts'
import { encodeTree, plantTree } from '../../../shared/tves/tree.ts'
import { usToMs } from '../../../shared/units.ts'
import { expandBody } from '../../../shared/wire/compact.ts'
import { decodeFrame } from '../../../shared/wire/frame.ts'
import type { ControlMessage, TakenUpTo } from '../../../shared/wire/control.ts'
import { STREAMS_LISTED_MAX } from '../../../shared/wire/limits.ts'
import { install, judge, type Verdict } from './gate.ts'
import { countGivenUp, judgeSkip, judgeTombstone } from './given-up.ts'
import type { LinkPhase, Offer } from './handshakes.ts'
import { noteKey, tellKey } from './master-keys.ts'
import { drop, handshakeOver, type Link, refuse, sendControl, type Turn } from './links.ts'
import { sendOrderAgain } from './orders.ts'
import { type DeviceState, durablePosition, fallBackAll, nowDurable, putEpoch } from './roster.ts'

/** Frames in a row that do not open before the link is cut (wire.md 9). */
const DAMAGED_MAX = 3
/** Frames handed on in one batch at most; a slave has 64 in flight. */
const BATCH_FRAMES_MAX = 256
/** Readings in one batch, unless its first frame has more: as many as the sink stores at once. */
const BATCH_READINGS_MAX = 10_000
/** Accepted frames waiting for the sink, per device: a slave keeps to 64, more is a memory
 * attack. */
const WAITING_MAX = 256

/** CONFIRM: what the slave holds; its epoch is stored, then COMMITTED answers with durable
 * positions. */
export function confirm(
  turn: Turn,
  link: Link,
  { device, channel, offer, order }: Extract<LinkPhase, { is: 'greeted' }>,
  message: Extract<ControlMessage, { is: 'confirm' }>,
): void {
  if (message.epoch !== (offer?.id ?? 0)) {
    refuse(turn, link, 'WIR-04')
    return
  }
  // A slave confirms a session before it begins the next: this one was left, and its CONFIRM came
  // late. It knows nothing of what was sealed since: no epoch may be closed or retired for it.
  if (order < device.confirmed) {
    refuse(turn, link, 'WIR-06')
    return
  }
  device.confirmed = order
  link.phase = { is: 'confirming', device, channel }
  handshakeOver(turn, link)
  const before = device.link
  if (before !== null && before !== link.id) drop(turn, before, 'WIR-06')
  device.link = link.id
  turn.actions.push({
    do: 'connected',
    device: device.record.id,
    transport: link.transport,
  })
  noteKey(turn, link, device)
  const answer = (later: Turn): void => committed(later, link, device, message, offer)
  if (device.outstanding === null) {
    storeEpoch(turn, link, device, offer, answer)
    return
  }
  // Frames of the link before are on their way to the sink: their fate decides the positions.
  device.settle.push((later) => storeEpoch(later, link, device, offer, answer))
}

function storeEpoch(
  turn: Turn,
  link: Link,
  device: DeviceState,
  offer: Offer | null,
  answer: (turn: Turn) => void,
): void {
  // A later link took over meanwhile: its epoch must not be closed by ours.
  if (turn.links.get(link.id) !== link) return
  fallBackAll(device)
  if (offer === null) {
    answer(turn)
    return
  }
  const { id, origin, transcript, secret } = offer
  const tree = plantTree(turn.setup.suite, secret)
  link.stored = (later) => {
    putEpoch(device, { id, origin, transcript, closed: false, tree })
    answer(later)
  }
  turn.actions.push({
    do: 'commit-epoch',
    link: link.id,
    device: device.record.id,
    id,
    origin,
    transcript,
    keys: encodeTree(tree),
  })
}

function committed(
  turn: Turn,
  link: Link,
  device: DeviceState,
  message: Extract<ControlMessage, { is: 'confirm' }>,
  offer: Offer | null,
): void {
  if (turn.links.get(link.id) !== link || link.phase.is !== 'confirming') return
  const runs = message.runs.map(({ epoch, run }): TakenUpTo => {
    const known = device.epochs.get(epoch)
    if (known === undefined) {
      return { epoch, run, known: false, next: 0, hash: new Uint8Array(32) }
    }
    return { epoch, run, known: true, ...durablePosition(turn.setup.suite, device, known, run) }
  })
  retire(turn, link, device, message)
  sendControl(turn, link, { is: 'committed', epoch: offer?.id ?? 0, runs })
  link.phase = { is: 'open', device, channel: link.phase.channel }
  tellKey(turn, link)
  sendOrderAgain(turn, link, device)
}

/** Closed epochs that two CONFIRMs in a row do not list are drained: nothing of them can come, so
 * their keys go. Two, because only the answer to the first tells a slave that we were set back; and
 * it counts only when that answer arrived. */
function retire(
  turn: Turn,
  link: Link,
  device: DeviceState,
  { runs }: Extract<ControlMessage, { is: 'confirm' }>,
): void {
  const before = device.unnamed
  device.unnamed = new Set()
  // A full list may have left some out.
  if (runs.length >= STREAMS_LISTED_MAX) return
  const held = new Set(runs.map((run) => run.epoch))
  const unnamed = [...device.epochs.values()]
    .filter((epoch) => epoch.closed && !held.has(epoch.id))
    .map((epoch) => epoch.id)
  const epochs = unnamed.filter((id) => before.has(id))
  link.unnamed = new Set(unnamed)
  if (epochs.length === 0) return
  for (const id of epochs) device.epochs.delete(id)
  for (const [run, { epoch }] of device.past) if (!device.epochs.has(epoch)) device.past.delete(run)
  turn.actions.push({ do: 'retire', device: device.record.id, epochs })
}

/** Something came that is sent after COMMITTED only: the slave has it. */
export function answerArrived(link: Link, device: DeviceState): void {
  if (link.unnamed === null || device.link !== link.id) return
  device.unnamed = link.unnamed
  link.unnamed = null
}

/** A reading frame on an open link, with either header. */
export function takeFrame(turn: Turn, link: Link, device: DeviceState, line: Uint8Array): void {
  const { setup, now } = turn
  const body = expandBody(link.predecessor, line)
  if (body === null) {
    refuse(turn, link, 'WIR-03')
    return
  }
  const parts = decodeFrame(body)
  link.predecessor = parts?.header ?? null
  const verdict = judge(
    {
      suite: setup.suite,
      device,
      now: usToMs(now.at),
      timed: now.bound !== null,
      toleranceMs: setup.toleranceSeconds * 1_000,
    },
    body,
    parts,
  )
  if (!verdict.ok && verdict.fault === 'SEC-03') {
    link.suspect = body
    link.damaged += 1
    if (link.damaged >= DAMAGED_MAX) {
      turn.actions.push({ do: 'refused', device: device.record.id, code: verdict.fault })
      drop(turn, link.id, verdict.fault)
      return
    }
  }
  take(turn, link, device, verdict)
}

/** Something that stands for frames which cannot come. */
export function takeGivenUp(
  turn: Turn,
  link: Link,
  device: DeviceState,
  message: Extract<ControlMessage, { is: 'tombstone' | 'skip' }>,
): void {
  const context = { suite: turn.setup.suite, device, now: usToMs(turn.now.at) }
  const verdict =
    message.is === 'skip'
      ? judgeSkip(context, message, link.suspect)
      : judgeTombstone(context, message)
  if (verdict.ok && countGivenUp(device, context.now)) {
    turn.actions.push({ do: 'refused', device: device.record.id, code: 'SEC-15' })
  }
  take(turn, link, device, verdict)
}

function take(turn: Turn, link: Link, device: DeviceState, verdict: Verdict): void {
  if (!verdict.ok) {
    refuseFrame(turn, link, device, verdict)
    return
  }
  link.damaged = 0
  link.suspect = null
  if (device.waiting.length >= WAITING_MAX) {
    refuse(turn, link, 'WIR-08')
    return
  }
  install(verdict.moved)
  device.waiting.push(verdict.frame)
  handOn(turn, device)
}

function handOn(turn: Turn, device: DeviceState): void {
  if (device.outstanding !== null || device.waiting.length === 0) return
  device.outstanding = device.waiting.splice(0, batchLength(device.waiting))
  turn.actions.push({ do: 'append', device: device.record.id, frames: device.outstanding })
}

/** How many of the frames waiting make one batch; at least one. */
function batchLength(waiting: readonly AcceptedFrame[]): number {
  let readings = 0
  let frames = 0
  for (const frame of waiting) {
    readings += readingsIn([frame])
    if (frames === BATCH_FRAMES_MAX || (frames > 0 && readings > BATCH_READINGS_MAX)) break
    frames += 1
  }
  return frames
}

function refuseFrame(
  turn: Turn,
  link: Link,
  device: DeviceState,
  { fault, at, epoch }: Extract<Verdict, { ok: false }>,
): void {
  if (at === null || fault === 'WIR-03' || fault === 'SEC-14') {
    refuse(turn, link, fault)
    return
  }
  turn.actions.push({ do: 'refused', device: device.record.id, code: fault })
  const stream = { epoch: at.epoch, run: at.run }
  if (fault === 'SEC-05' && epoch !== null) {
    const { next, hash } = durablePosition(turn.setup.suite, device, epoch, at.run)
    // Spent but not durable yet: its acknowledgement is on the way.
    if (at.sequence < next) {
      sendControl(turn, link, { is: 'acknowledge', ...stream, sequence: next - 1, hash })
    }
    return
  }
  const next = epoch?.run?.run === at.run ? epoch.run.next : 0
  const masterTime = usToMs(turn.now.at)
  sendControl(turn, link, { is: 'expect', code: fault, ...stream, next, masterTime })
}

/** The sink's answer for a device's outstanding frames. */
export function settleAppend(turn: Turn, id: DeviceId, durable: boolean): void {
  const device = turn.roster.devices.get(id)
  if (device === undefined || device.outstanding === null) return
  const frames = device.outstanding
  device.outstanding = null
  if (durable) {
    nowDurable(turn.setup.suite, device, frames)
    acknowledge(turn, device, frames)
  } else {
    fallBackAll(device)
    if (device.link !== null) drop(turn, device.link, 'OPS-08')
  }
  const settle = device.settle
  device.settle = []
  for (const then of settle) then(turn)
  handOn(turn, device)
}

/** One acknowledgement per stream: the last frame stands for those before it. */
function acknowledge(turn: Turn, device: DeviceState, frames: readonly AcceptedFrame[]): void {
  const link = device.link === null ? undefined : turn.links.get(device.link)
  if (link === undefined || link.phase.is !== 'open') return
  const last = new Map<string, AcceptedFrame>()
  for (const frame of frames) last.set(`${frame.position.epoch}/${frame.position.run}`, frame)
  for (const { position } of last.values()) {
    const { epoch, run, sequence, hash } = position
    sendControl(turn, link, { is: 'acknowledge', epoch, run, sequence, hash })
  }
}
