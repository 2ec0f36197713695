// Nothing is destroyed because a device is silent about it. A closed epoch goes when its slave says
// DRAINED with the hash of the last frame it sealed there, and that is the last frame we hold; its
// keys then leave memory and wait out a grace on disk. Who copied a slave's keys can say so too,
// but not for a slave that knows better: when its CONFIRM names a frame we do not have, the epoch
// is back, and somebody learns that two speak for one device. wire.md 6.5.

import { equalConstantTime } from '../../../shared/bytes.ts'
import type { Doubt, EpochRecord } from '../../../shared/handover/roster.ts'
import type { StreamPosition } from '../../../shared/handover/sink.ts'
import { decodeTree, encodeTree } from '../../../shared/tves/tree.ts'
import type { SealedUpTo, TakenUpTo } from '../../../shared/wire/control.ts'
import type { Behind } from './gate.ts'
import { sendControl } from './links.ts'
import type { DeviceState, EpochState, Link, MasterEvent, Owned, Turn } from './state.ts'
import {
  dropEpochs,
  durablePosition,
  durableTree,
  PAST_RUNS_MAX,
  putEpoch,
  putPosition,
} from './streams.ts'

/** Epochs that CONFIRM named and we do not hold in memory. */
export const absent = ({ epochs }: DeviceState, runs: readonly SealedUpTo[]): readonly number[] => [
  ...new Set(runs.map(({ epoch }) => epoch).filter((id) => !epochs.has(id))),
]

/** What is kept of an epoch that stays drained: enough to answer CONFIRM. */
export type Kept = ReadonlyMap<number, readonly StreamPosition[]>

/** The drained epochs among those that CONFIRM named: one of which the slave still has frames to
 * send is back in memory, alarm SEC-18; the others stay as they are. */
export function recollect(
  turn: Turn,
  device: DeviceState,
  runs: readonly SealedUpTo[],
  found: {
    readonly epochs: readonly EpochRecord[]
    readonly positions: readonly StreamPosition[]
  },
): Kept {
  const kept = new Map<number, readonly StreamPosition[]>()
  for (const record of found.epochs) {
    const positions = found.positions.filter(({ epoch }) => epoch === record.id)
    const waits = runs.find((entry) => entry.epoch === record.id && isOwed(entry, positions))
    if (waits === undefined) kept.set(record.id, positions)
    else takeBack(turn, device, { record, positions, waits })
  }
  return kept
}

const isOwed = ({ run, sequence }: SealedUpTo, positions: readonly StreamPosition[]): boolean =>
  run > 0 && sequence > (positions.find((at) => at.run === run)?.sequence ?? -1)

function takeBack(
  turn: Turn,
  device: DeviceState,
  known: {
    readonly record: EpochRecord
    readonly positions: readonly StreamPosition[]
    readonly waits: SealedUpTo
  },
): void {
  const { setup, actions } = turn
  const { record, positions, waits } = known
  const place = { is: 'tree', device: device.record.id, epoch: record.id } as const
  const encoded = setup.unwrap(record.keys, place)
  const tree = encoded === null ? null : decodeTree(encoded)
  encoded?.fill(0)
  if (tree === null) {
    const { keys: wrapped } = record
    actions.push({ do: 'unreadable', device: device.record.id, what: 'key tree', wrapped })
    return
  }
  putEpoch(device, { ...record, closed: true, tree })
  for (const position of positions) putPosition(setup.suite, device, position)
  revive(turn, device, record.id)
  const why = `drained, and run ${waits.run} has frames to send`
  suspect(turn, device, waits, { about: 'back', why })
}

/** Back from the drained ones, in the database too. */
function revive(turn: Turn, device: DeviceState, id: number): void {
  const epoch = device.epochs.get(id)
  if (epoch === undefined) return
  const keys = encodeTree(durableTree(turn.setup.suite, epoch))
  turn.actions.push({ do: 'revive', device: device.record.id, epoch: id, keys })
}

/** Frames that the device sealed, and that cannot come any more. */
export function tellLost(
  turn: Turn,
  device: DeviceState,
  { epoch, run, first, last }: Behind,
): void {
  const why = `frames ${first} to ${last} of run ${run} are gone here, and forgotten there`
  const at = { epoch, run, sequence: first }
  contradict(turn, device, at, { code: 'OPS-19', about: 'lost', why })
}

function suspect(
  turn: Turn,
  device: DeviceState,
  at: SealedUpTo,
  { about, why }: { readonly about: 'drained' | 'back'; readonly why: string },
): void {
  contradict(turn, device, at, { code: 'SEC-18', about, why })
}

function contradict(
  { actions }: Turn,
  { record }: DeviceState,
  { epoch, run, sequence }: Omit<SealedUpTo, 'hash'>,
  { code, about, why }: Pick<Doubt, 'code' | 'about'> & { readonly why: string },
): void {
  const detail = `epoch ${epoch}: ${why}`
  actions.push({ do: 'refused', device: record.id, code })
  actions.push({
    do: 'doubt',
    doubt: { device: record.id, epoch, run, sequence, code, about, detail },
  })
}

/** What COMMITTED says of one run. */
export function takenUpTo(
  { setup: { suite } }: Turn,
  device: DeviceState,
  kept: Kept,
  { epoch, run }: SealedUpTo,
): TakenUpTo {
  const known = device.epochs.get(epoch)
  if (known !== undefined) {
    return { epoch, run, known: true, ...durablePosition(suite, device, known, run) }
  }
  const at = kept.get(epoch)?.find((position) => position.run === run)
  if (at !== undefined) return { epoch, run, known: true, next: at.sequence + 1, hash: at.hash }
  return { epoch, run, known: false, next: 0, hash: new Uint8Array(32) }
}

/** A CONFIRM is answered: what it says of frames that are not durable is remembered, and what
 * cannot be true of one slave alone is told. An honest slave whose disk or machine was set back
 * says such things too (SEC-FORK). */
export function compareHistories(
  turn: Turn,
  link: Owned<Link>,
  device: DeviceState,
  runs: readonly SealedUpTo[],
): void {
  const owed: SealedUpTo[] = []
  const named = new Set<number>()
  for (const entry of runs) {
    const epoch = device.epochs.get(entry.epoch)
    if (epoch === undefined || entry.run === 0) continue
    const { next, hash } = durablePosition(turn.setup.suite, device, epoch, entry.run)
    if (epoch.closed) named.add(entry.epoch)
    if (entry.sequence >= next) owed.push(entry)
    const why = contradiction(device, epoch, entry, { next, hash })
    if (why !== null) contradict(turn, device, entry, { code: 'SEC-FORK', about: 'history', why })
  }
  link.owed = owed
  if (named.size === 0) return
  turn.actions.push({ do: 'named', device: device.record.id, epochs: [...named] })
}

function contradiction(
  device: DeviceState,
  { durableRun }: EpochState,
  { run, sequence, hash }: SealedUpTo,
  ours: { readonly next: number; readonly hash: Uint8Array },
): string | null {
  const { next } = ours
  if (sequence + 1 < next) {
    return `run ${run} is sealed up to frame ${sequence} there, and stored up to ${next - 1} here`
  }
  if (sequence + 1 === next && !equalConstantTime(hash, ours.hash)) {
    return `run ${run} has another history up to frame ${sequence} there than here`
  }
  // Of the oldest runs the position is not in memory any more.
  const knows = next > 0 || device.past.size < PAST_RUNS_MAX
  const current = durableRun?.run ?? 0
  if (sequence < next || run >= current || !knows) return null
  return `run ${run}, frames ${next} to ${sequence}: not taken, run ${current} had begun`
}

/** DRAINED: believed when the last frame it names is the last durable one. An epoch that is not in
 * memory is drained already, or never was ours: there is nothing to change. One that comes while
 * another is on its way to the disk gets no answer; the next session says it again. */
export function takeDrained(
  turn: Turn,
  link: Link,
  device: Owned<DeviceState>,
  said: SealedUpTo,
): void {
  const epoch = device.epochs.get(said.epoch)
  if (epoch === undefined) {
    sendControl(turn, link, { is: 'drained', ...said })
    return
  }
  const why = misfit(device, link, epoch, said)
  if (why !== null) {
    suspect(turn, device, said, { about: 'drained', why: `DRAINED not taken: ${why}` })
    return
  }
  if (device.draining !== null) return
  device.draining = { said, run: epoch.run, late: false }
  turn.actions.push({
    do: 'drain',
    link: link.id,
    device: device.record.id,
    epoch: said.epoch,
    keys: encodeTree(durableTree(turn.setup.suite, epoch)),
  })
}

function misfit(
  { waiting, outstanding }: DeviceState,
  { owed }: Link,
  epoch: EpochState,
  said: SealedUpTo,
): string | null {
  if (!epoch.closed) return 'it is not closed'
  const ours = epoch.durableRun
  const { run, sequence, hash } = said
  const same =
    ours === null
      ? run === 0
      : run === ours.run && sequence + 1 === ours.next && equalConstantTime(hash, ours.hash)
  if (!same) {
    const here = ours === null ? 'nothing' : `run ${ours.run} up to frame ${ours.next - 1}`
    return `it names run ${run} up to frame ${sequence}, ${here} is stored`
  }
  const frames = [...waiting, ...(outstanding ?? [])]
  if (frames.some(({ position }) => position.epoch === epoch.id)) return 'frames of it are coming'
  const other = owed.find(
    (entry) => entry.epoch === epoch.id && (entry.run > run || isBehind(entry, said)),
  )
  return other === undefined ? null : `CONFIRM named run ${other.run} up to frame ${other.sequence}`
}

/** More of the same run was named. */
const isBehind = (entry: SealedUpTo, said: SealedUpTo): boolean =>
  entry.run === said.run && entry.sequence > said.sequence

/** A new CONFIRM: whoever said DRAINED before is not on the line any more, and gets no answer. */
export function forgetDraining(device: Owned<DeviceState>): void {
  if (device.draining !== null) device.draining = { ...device.draining, late: true }
}

/** The epoch is set aside on disk, or could not be. */
export function settleDrained(turn: Turn, event: Extract<MasterEvent, { on: 'drained' }>): void {
  const device = turn.roster.devices.get(event.device)
  if (device === undefined || device.draining === null) return
  const { said, run, late } = device.draining
  endDraining(device)
  const epoch = device.epochs.get(said.epoch)
  if (!event.stored || epoch === undefined) return
  if (late || epoch.run !== run) {
    revive(turn, device, said.epoch)
    if (epoch.run !== run) {
      suspect(turn, device, said, { about: 'back', why: 'drained, and a frame of it came' })
    }
    return
  }
  dropEpochs(device, [said.epoch])
  const link = turn.links.get(event.link)
  if (link?.phase.is === 'open') sendControl(turn, link, { is: 'drained', ...said })
}

function endDraining(device: Owned<DeviceState>): void {
  device.draining = null
}

/** Epochs that an operator let go: they are not opened any more. */
export function letGo(device: DeviceState | undefined, epoch: number): void {
  if (device?.epochs.get(epoch)?.closed === true) dropEpochs(device, [epoch])
}
