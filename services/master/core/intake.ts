// An open link's frames: they pass the gate, wait for the sink, and are acknowledged when they are
// durable. For one device never two batches are on their way to the sink, so a failed batch cannot
// leave a gap behind a later one.

import { type AcceptedFrame, type DeviceId, readingsIn } from '../../../shared/handover/sink.ts'
import { usToMs } from '../../../shared/units.ts'
import { expandBody } from '../../../shared/wire/compact.ts'
import type { ControlMessage } from '../../../shared/wire/control.ts'
import { decodeFrame } from '../../../shared/wire/frame.ts'
import { resumeConfirms } from './confirm.ts'
import { tellLost } from './drained.ts'
import { judge, type Verdict } from './gate.ts'
import { countGivenUp, judgeSkip, judgeTombstone } from './given-up.ts'
import { drop, refuse, sendControl } from './links.ts'
import type { DeviceState, Link, Owned, Turn } from './state.ts'
import {
  accept,
  comeBack,
  durablePosition,
  fallBackAll,
  letGo,
  nowDurable,
  sendOff,
} from './streams.ts'

/** Frames in a row that do not open before the link is cut (wire.md 9). */
const DAMAGED_MAX = 3
/** Most frames in one batch; a slave has 64 in flight. */
const BATCH_FRAMES_MAX = 256
/** Most readings in one batch, unless its first frame has more: as many as the sink stores at
 * once. */
const BATCH_READINGS_MAX = 10_000
/** Most accepted frames waiting for the sink, per device: a slave keeps to 64, more is a memory
 * attack. */
const WAITING_MAX = 256

/** A reading frame on an open link, with either header. */
export function takeFrame(
  turn: Turn,
  link: Owned<Link>,
  device: DeviceState,
  line: Uint8Array,
): void {
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

/** A TOMBSTONE or a SKIP: it stands for frames that will never arrive. */
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

function take(turn: Turn, link: Owned<Link>, device: DeviceState, verdict: Verdict): void {
  if (!verdict.ok) {
    refuseFrame(turn, link, device, verdict)
    return
  }
  link.damaged = 0
  link.suspect = null
  const { behind = null } = verdict
  if (behind !== null) tellLost(turn, device, behind)
  if (device.waiting.length >= WAITING_MAX) {
    const { epoch, key } = verdict.moved
    if (key !== null) letGo(epoch, key)
    refuse(turn, link, 'WIR-08')
    return
  }
  accept(device, verdict.moved, verdict.frame)
  handOn(turn, device)
}

function handOn(turn: Turn, device: DeviceState): void {
  if (device.outstanding !== null || device.waiting.length === 0) return
  const frames = sendOff(device, batchLength(device.waiting))
  turn.actions.push({ do: 'append', device: device.record.id, frames })
}

/** How many of the waiting frames make one batch; at least one. */
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
  const frames = device === undefined ? null : comeBack(device)
  if (device === undefined || frames === null) return
  if (durable) {
    nowDurable(turn.setup.suite, device, frames)
    acknowledge(turn, device, frames)
  } else {
    fallBackAll(device)
    if (device.link !== null) drop(turn, device.link, 'OPS-08')
  }
  resumeConfirms(turn, device)
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
