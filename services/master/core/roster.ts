// The roster in memory: devices, tokens, epochs with their key trees, and stream positions. Two
// positions are kept per run: what is durable (the sink said so) and what is accepted (on its way
// to the sink). "Next" is judged against the accepted one; when the sink fails, everything falls
// back to the durable one.

import { equalConstantTime, toHex } from '../../../shared/bytes.ts'
import type { DeviceRecord, TokenRecord } from '../../../shared/handover/roster.ts'
import type { AcceptedFrame, DeviceId, StreamPosition } from '../../../shared/handover/sink.ts'
import { streamStart } from '../../../shared/tves/stream.ts'
import type { Aead, Suite } from '../../../shared/tves/suite.ts'
import { type KeyTree, puncture, runIv } from '../../../shared/tves/tree.ts'
import { type Second, second, type UnixMs } from '../../../shared/units.ts'
import { RUN_SALT_BYTES } from '../../../shared/wire/limits.ts'
import type { Turn } from './links.ts'
import { noOrders, type Orders } from './orders.ts'
import type { LinkId } from './state.ts'

/** One run of an epoch. */
export interface RunState {
  readonly run: number
  readonly salt: Uint8Array
  /** Null: the opener was given up, nothing of this run opens. */
  readonly iv: Uint8Array | null
  /** Plaintext of its first frame; null when that could not be read. */
  readonly opener: Uint8Array | null
  /** Next sequence expected and the stream hash before it. */
  next: number
  hash: Uint8Array
}

export interface EpochState {
  readonly id: number
  readonly origin: UnixMs
  readonly transcript: Uint8Array
  closed: boolean
  /** Covers everything from the durable second on: what a failed sink may need again. */
  durableTree: KeyTree
  /** Moves with what is accepted. */
  tree: KeyTree
  leaf: { readonly second: Second; readonly aead: Aead } | null
  /** Second of the last accepted frame. */
  lastSecond: Second
  durableSecond: Second
  /** Newest run, accepted and durable; earlier runs are complete and only looked up by position. */
  run: RunState | null
  durableRun: RunState | null
}

export interface DeviceState {
  record: DeviceRecord
  readonly idBytes: Uint8Array
  readonly epochs: Map<number, EpochState>
  newest: number | null
  newestSince: UnixMs | null
  link: LinkId | null
  /** Place of the handshake whose CONFIRM came last, in the order of all handshakes. */
  confirmed: number
  /** Accepted, waiting until the frames before them are durable. */
  waiting: AcceptedFrame[]
  outstanding: readonly AcceptedFrame[] | null
  /** A CONFIRM to be answered once `outstanding` is settled. */
  settle: ((turn: Turn) => void)[]
  readonly orders: Orders
  /** Closed epochs that the last CONFIRM did not name, once its answer had come to the slave. */
  unnamed: ReadonlySet<number>
  /** When frames were given up of late, oldest first (SEC-15). */
  givenUp: readonly UnixMs[]
  /** Durable positions of runs before the newest of their epoch. */
  readonly past: Map<number, StreamPosition>
}

export interface RosterState {
  readonly devices: Map<DeviceId, DeviceState>
  /** By the slave's static public key, in hex. */
  readonly byKey: Map<string, DeviceState>
  readonly tokens: Map<string, TokenRecord & { readonly clearSecret: Uint8Array }>
  /** Session handshakes so far. */
  greetings: number
}

export const emptyRoster = (): RosterState => ({
  devices: new Map(),
  byKey: new Map(),
  tokens: new Map(),
  greetings: 0,
})

/** Adds or updates a device. True when it is revoked now and was not before: its link must go. */
export function putDevice(roster: RosterState, record: DeviceRecord): boolean {
  const known = roster.devices.get(record.id)
  if (known === undefined) {
    const device: DeviceState = {
      record,
      idBytes: Uint8Array.fromHex(record.id),
      epochs: new Map(),
      newest: null,
      newestSince: null,
      link: null,
      confirmed: 0,
      waiting: [],
      outstanding: null,
      settle: [],
      orders: noOrders(),
      unnamed: new Set(),
      givenUp: [],
      past: new Map(),
    }
    roster.devices.set(record.id, device)
    if (record.staticKey !== null) roster.byKey.set(toHex(record.staticKey), device)
    return false
  }
  const before = known.record
  if (before.staticKey !== null) roster.byKey.delete(toHex(before.staticKey))
  if (record.staticKey !== null) roster.byKey.set(toHex(record.staticKey), known)
  known.record = record
  return record.revoked && !before.revoked
}

/** Stands for the salt of a run whose opener was given up. */
export const NO_SALT: Uint8Array = new Uint8Array(RUN_SALT_BYTES)

/** The iv of a run; null when its salt is not known. */
export const ivOf = (
  suite: Suite,
  { tree }: EpochState,
  { run, salt }: { readonly run: number; readonly salt: Uint8Array },
): Uint8Array | null =>
  equalConstantTime(salt, NO_SALT) ? null : runIv(suite, tree.ivKey, run, salt)

export interface EpochKeys {
  readonly id: number
  readonly origin: UnixMs
  readonly transcript: Uint8Array
  readonly closed: boolean
  readonly tree: KeyTree
}

export function putEpoch(device: DeviceState, keys: EpochKeys): void {
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
  for (const epoch of device.epochs.values()) if (epoch.id !== id) epoch.closed = true
  device.newest = id
  device.newestSince = origin
}

/** A stored position, at start: the newest run of its epoch becomes current. */
export function putPosition(suite: Suite, device: DeviceState, position: StreamPosition): void {
  const epoch = device.epochs.get(position.epoch)
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
  epoch.durableTree = puncture(suite, epoch.durableTree, epoch.durableSecond)
  fallBack(epoch)
}

/** Positions of earlier runs kept in memory per device; a slave asks for 256 at most. */
const PAST_RUNS_MAX = 256

/** Nothing more of that run is taken: what its frames were read against may go. */
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

/** The tree as acknowledged by now: the second of the last durable frame can still be made, since
 * another frame of it may come, and none before. */
export function durableTree(suite: Suite, epoch: EpochState): KeyTree {
  epoch.durableTree = puncture(suite, epoch.durableTree, epoch.durableSecond)
  return epoch.durableTree
}

/** Forgets what was accepted and is not durable. */
function fallBack(epoch: EpochState): void {
  epoch.tree = epoch.durableTree
  epoch.leaf = null
  epoch.lastSecond = epoch.durableSecond
  epoch.run = epoch.durableRun === null ? null : { ...epoch.durableRun }
}

export function fallBackAll(device: DeviceState): void {
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
    const epoch = device.epochs.get(position.epoch)
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
    // Nothing is on its way: what the accepted tree cannot open any more need not be opened again.
    if (device.waiting.length === 0) epoch.durableTree = epoch.tree
    else epoch.durableTree = puncture(suite, epoch.durableTree, epoch.durableSecond)
  }
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
