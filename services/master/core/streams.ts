// Epochs with their key trees, and positions in their runs. Two positions are kept per run: what is
// durable (the sink said so) and what is accepted (on its way to the sink). "Next" is judged
// against the accepted one; when the sink fails, everything falls back to the durable one.
//
// So an epoch has two trees: what a failed sink may need again is in the durable one, and nothing
// else is kept. A tree that another has come in place of is overwritten here, where it was, but for
// the nodes that the other of the two still shares.

import { equalConstantTime } from '../../../shared/bytes.ts'
import type { AcceptedFrame, StreamPosition } from '../../../shared/handover/sink.ts'
import { streamStart } from '../../../shared/tves/stream.ts'
import type { Suite } from '../../../shared/tves/suite.ts'
import { forgetTree, type KeyTree, puncture, runIv } from '../../../shared/tves/tree.ts'
import { type Second, second } from '../../../shared/units.ts'
import {
  NEW_EPOCH_EVERY,
  NEW_EPOCHS_AT_ONCE,
  OPEN_EPOCHS_MAX,
  RUN_SALT_BYTES,
} from '../../../shared/wire/limits.ts'
import type { DeviceState, EpochKeys, EpochState, Owned, RunState } from './state.ts'

const EPOCH_PACE_US = NEW_EPOCH_EVERY * 1_000

/** Placeholder for the salt of a run whose opener was given up. */
export const NO_SALT: Uint8Array = new Uint8Array(RUN_SALT_BYTES)

/** The iv of a run; null when its salt is not known. */
export const ivOf = (
  suite: Suite,
  { tree }: EpochState,
  { run, salt }: { readonly run: number; readonly salt: Uint8Array },
): Uint8Array | null =>
  equalConstantTime(salt, NO_SALT) ? null : runIv(suite, tree.ivKey, run, salt)

/** A new epoch of the device, or one from the store, whose tree is ours from here on; an open one
 * closes all others. */
export function putEpoch(device: Owned<DeviceState>, keys: EpochKeys): void {
  const { id, origin, transcript, closed, tree } = keys
  if (device.epochs.has(id)) return
  device.epochs.set(id, {
    id,
    origin,
    transcript,
    closed,
    durableTree: tree,
    tree,
    leaf: null,
    lastSecond: second(0),
    durableSecond: second(0),
    run: null,
    durableRun: null,
  })
  if (closed) return
  for (const epoch of device.epochs.values()) if (epoch.id !== id) close(epoch)
  device.newest = id
  device.newestSince = origin
}

function close(epoch: Owned<EpochState>): void {
  epoch.closed = true
}

/** Whether one more new epoch is allowed at `now`, microseconds (wire.md 6.5). A device without any
 * gets its first. */
export function mayFound(device: DeviceState, now: number): boolean {
  if (device.epochs.size === 0 && device.newest === null) return true
  if (device.epochs.size >= OPEN_EPOCHS_MAX) return false
  return paceAfter(device, now) - now <= NEW_EPOCHS_AT_ONCE * EPOCH_PACE_US
}

/** A new epoch was stored. */
export function countFounded(device: Owned<DeviceState>, now: number): void {
  device.newEpochsUntil = paceAfter(device, now)
}

export function forgetPace(device: Owned<DeviceState>): void {
  device.newEpochsUntil = 0
}

function paceAfter({ newEpochsUntil }: DeviceState, now: number): number {
  // Further ahead than any allowance: our clock was set back, and the count starts over.
  const counts = newEpochsUntil > now && newEpochsUntil - now <= NEW_EPOCHS_AT_ONCE * EPOCH_PACE_US
  return (counts ? newEpochsUntil : now) + EPOCH_PACE_US
}

/** Takes epochs out of memory, with their keys and positions. */
export function dropEpochs(device: DeviceState, ids: readonly number[]): void {
  for (const id of ids) {
    const epoch = device.epochs.get(id)
    if (epoch === undefined) continue
    forgetTree(epoch.tree)
    forgetTree(epoch.durableTree)
    device.epochs.delete(id)
  }
  for (const [run, { epoch }] of device.past) if (!device.epochs.has(epoch)) device.past.delete(run)
}

/** State to install when a frame was accepted. */
export interface Moved {
  readonly epoch: EpochState
  readonly run: RunState
  /** Null: nothing was opened, the tree stays where it is. */
  readonly key: {
    readonly tree: KeyTree
    readonly leaf: { readonly second: Second; readonly key: Uint8Array }
  } | null
}

/** Installs what an accepted frame moved; the frame waits for the sink. */
export function accept(device: DeviceState, moved: Moved, frame: AcceptedFrame): void {
  install(moved)
  device.waiting.push(frame)
}

export function install({ epoch, run, key }: Moved): void {
  const own: Owned<EpochState> = epoch
  own.run = run
  if (key === null) return
  const { tree: before } = own
  own.tree = key.tree
  own.leaf = key.leaf
  own.lastSecond = key.leaf.second
  forgetTree(before, own.tree, own.durableTree)
}

/** What was derived for a frame that is not accepted: a key of a second to come, which is nobody's
 * to find once that is over. */
export function letGo(epoch: EpochState, { tree }: { readonly tree: KeyTree }): void {
  forgetTree(tree, epoch.tree, epoch.durableTree)
}

/** Takes the first `count` of the waiting frames: they are on their way to the sink from now on. */
export function sendOff(device: Owned<DeviceState>, count: number): readonly AcceptedFrame[] {
  const frames = device.waiting.splice(0, count)
  device.outstanding = frames
  return frames
}

/** The frames the sink has answered for; null: none was on its way. */
export function comeBack(device: Owned<DeviceState>): readonly AcceptedFrame[] | null {
  const frames = device.outstanding
  device.outstanding = null
  return frames
}

/** A stored position, at start: the newest run of its epoch becomes current. */
export function putPosition(suite: Suite, device: DeviceState, position: StreamPosition): void {
  const epoch: Owned<EpochState> | undefined = device.epochs.get(position.epoch)
  if (epoch === undefined) return
  const current = epoch.durableRun
  if (current !== null && current.run > position.run) {
    remember(device, position)
    return
  }
  if (current !== null) remember(device, pastOf(device, epoch, current))
  epoch.durableRun = {
    run: position.run,
    salt: position.salt,
    iv: ivOf(suite, epoch, position),
    opener: position.opener,
    next: position.sequence + 1,
    hash: position.hash,
  }
  epoch.durableSecond = second(Math.max(epoch.durableSecond, position.second))
  durableTree(suite, epoch)
  fallBack(epoch)
}

/** Positions of earlier runs kept in memory per device; a slave asks for 256 at most. */
export const PAST_RUNS_MAX = 256

/** No more frames of that run are accepted, so its opener is dropped. */
function remember(device: DeviceState, position: StreamPosition): void {
  device.past.set(position.run, { ...position, opener: null })
  if (device.past.size <= PAST_RUNS_MAX) return
  device.past.delete(Math.min(...device.past.keys()))
}

const pastOf = (device: DeviceState, epoch: EpochState, run: RunState): StreamPosition => ({
  device: device.record.id,
  epoch: epoch.id,
  run: run.run,
  sequence: run.next - 1,
  second: epoch.durableSecond,
  hash: run.hash,
  salt: run.salt,
  opener: null,
})

/** The tree as acknowledged by now: it can still make the key of the last durable frame's second,
 * since another frame of that second may come, and of none before. */
export function durableTree(suite: Suite, epoch: Owned<EpochState>): KeyTree {
  const { durableTree: before } = epoch
  epoch.durableTree = puncture(suite, before, epoch.durableSecond)
  forgetTree(before, epoch.durableTree, epoch.tree)
  return epoch.durableTree
}

/** Forgets what was accepted but is not durable. */
function fallBack(epoch: Owned<EpochState>): void {
  const { tree: before } = epoch
  epoch.tree = epoch.durableTree
  forgetTree(before, epoch.durableTree)
  epoch.leaf = null
  epoch.lastSecond = epoch.durableSecond
  epoch.run = epoch.durableRun
}

/** The same for all epochs of a device, and the frames that waited for the sink. */
export function fallBackAll(device: Owned<DeviceState>): void {
  device.waiting = []
  for (const epoch of device.epochs.values()) fallBack(epoch)
}

/** Moves the durable positions over frames the sink confirmed. */
export function nowDurable(
  suite: Suite,
  device: DeviceState,
  frames: readonly AcceptedFrame[],
): void {
  for (const { position } of frames) {
    const epoch: Owned<EpochState> | undefined = device.epochs.get(position.epoch)
    if (epoch === undefined) continue
    const before = epoch.durableRun
    if (before !== null && before.run !== position.run) {
      remember(device, pastOf(device, epoch, before))
    }
    epoch.durableSecond = position.second
    epoch.durableRun = {
      run: position.run,
      salt: position.salt,
      iv: before?.run === position.run ? before.iv : ivOf(suite, epoch, position),
      opener: position.opener,
      next: position.sequence + 1,
      hash: position.hash,
    }
  }
  for (const epoch of device.epochs.values()) {
    // Nothing is on its way: what the accepted tree can no longer open need not be opened again.
    if (device.waiting.length === 0) keepAccepted(epoch)
    else durableTree(suite, epoch)
  }
}

function keepAccepted(epoch: Owned<EpochState>): void {
  const { durableTree: before } = epoch
  epoch.durableTree = epoch.tree
  forgetTree(before, epoch.tree)
}

/** Durable position of a run for COMMITTED and for a repeated frame: next expected and the hash
 * before. */
export function durablePosition(
  suite: Suite,
  device: DeviceState,
  epoch: EpochState,
  run: number,
): { readonly next: number; readonly hash: Uint8Array } {
  if (epoch.durableRun?.run === run) {
    return { next: epoch.durableRun.next, hash: epoch.durableRun.hash }
  }
  const past = device.past.get(run)
  if (past !== undefined && past.epoch === epoch.id) {
    return { next: past.sequence + 1, hash: past.hash }
  }
  return { next: 0, hash: streamStart(suite, device.idBytes, epoch.id, run) }
}
