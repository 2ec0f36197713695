// From CONFIRM to COMMITTED: the slave says what it holds, its new epoch is stored, and we answer
// with our durable positions. Step by step the link is `confirming` (frames of the link before are
// still on their way to the sink), `founding` (its epoch is being stored), `open`.

import { assert } from '../../../shared/assert.ts'
import { encodeTree, plantTree } from '../../../shared/tves/tree.ts'
import type { ControlMessage, SealedUpTo, TakenUpTo } from '../../../shared/wire/control.ts'
import { STREAMS_LISTED_MAX } from '../../../shared/wire/limits.ts'
import { sendCommandAgain } from './commands.ts'
import { attach, endHandshake, enter, refuse, sendControl } from './links.ts'
import { noteKey, sendNewestKey } from './master-keys.ts'
import type { DeviceState, Link, LinkPhase, MasterEvent, Owned, Turn } from './state.ts'
import { dropEpochs, durablePosition, fallBackAll, putEpoch } from './streams.ts'

type Phase<Is extends LinkPhase['is']> = Extract<LinkPhase, { is: Is }>

/** CONFIRM: what the slave holds; its epoch is stored, then COMMITTED answers with durable
 * positions. */
export function confirm(
  turn: Turn,
  link: Link,
  { device, channel, offer, place }: Phase<'greeted'>,
  { epoch, runs }: Extract<ControlMessage, { is: 'confirm' }>,
): void {
  if (epoch !== (offer?.id ?? 0)) {
    refuse(turn, link, 'WIR-04')
    return
  }
  // A slave confirms a session before it begins the next: it has left this one, and this CONFIRM
  // came late. It says nothing of what was sealed since: no epoch may be closed or retired for it.
  if (place < device.confirmed) {
    refuse(turn, link, 'WIR-06')
    return
  }
  notePlace(device, place)
  const phase = { is: 'confirming', device, channel, offer, runs } as const
  enter(link, phase)
  endHandshake(turn, link)
  attach(turn, link, device)
  noteKey(turn, link, device)
  if (device.outstanding === null) found(turn, link, phase)
  else putOff(device, link)
}

function notePlace(device: Owned<DeviceState>, place: number): void {
  device.confirmed = place
}

function putOff(device: Owned<DeviceState>, link: Link): void {
  device.confirming = [...device.confirming, link.id]
}

/** Nothing of the device is on its way to the sink any more: the CONFIRMs put off go on. */
export function resumeConfirms(turn: Turn, device: Owned<DeviceState>): void {
  const links = device.confirming
  device.confirming = []
  for (const id of links) {
    const link = turn.links.get(id)
    // A later link took over meanwhile: its epoch must not be closed by this one's.
    if (link?.phase.is === 'confirming' && link.phase.device === device) {
      found(turn, link, link.phase)
    }
  }
}

/** Has the epoch offered on this link stored; answers at once where there is none. */
function found(turn: Turn, link: Link, phase: Phase<'confirming'>): void {
  const { device, channel, offer, runs } = phase
  fallBackAll(device)
  if (offer === null) {
    commit(turn, link, phase, 0)
    return
  }
  const { id, origin, transcript, secret } = offer
  assert(link.calledAs !== null, 'a greeted link says who called')
  const tree = plantTree(turn.setup.suite, secret)
  const epoch = { id, origin, transcript, closed: false, tree }
  enter(link, { is: 'founding', device, channel, epoch, runs })
  turn.actions.push({
    do: 'commit-epoch',
    link: link.id,
    device: device.record.id,
    id,
    origin,
    transcript,
    keys: encodeTree(tree),
    staticKey: link.calledAs.staticKey,
  })
}

export function epochCommitted(
  turn: Turn,
  event: Extract<MasterEvent, { on: 'epoch-committed' }>,
): void {
  const link = turn.links.get(event.link)
  if (link?.phase.is !== 'founding') return
  const { phase } = link
  if (!event.stored) {
    refuse(turn, link, 'OPS-08')
    return
  }
  putEpoch(phase.device, phase.epoch)
  commit(turn, link, phase, phase.epoch.id)
}

/** COMMITTED. `epoch`: the one just stored, 0: none. */
function commit(
  turn: Turn,
  link: Link,
  { device, channel, runs }: Phase<'confirming' | 'founding'>,
  epoch: number,
): void {
  const taken = runs.map(({ epoch: id, run }): TakenUpTo => {
    const known = device.epochs.get(id)
    if (known === undefined) {
      return { epoch: id, run, known: false, next: 0, hash: new Uint8Array(32) }
    }
    const position = durablePosition(turn.setup.suite, device, known, run)
    return { epoch: id, run, known: true, ...position }
  })
  retire(turn, link, device, runs)
  sendControl(turn, link, { is: 'committed', epoch, runs: taken })
  enter(link, { is: 'open', device, channel })
  sendNewestKey(turn, link)
  sendCommandAgain(turn, link, device)
}

/** Closed epochs that two CONFIRMs in a row do not list are drained: nothing of them can come, so
 * their keys go. Two, because only the answer to the first tells a slave that we were restored from
 * a backup; and the first counts only when that answer arrived. */
function retire(
  turn: Turn,
  link: Owned<Link>,
  device: Owned<DeviceState>,
  runs: readonly SealedUpTo[],
): void {
  const before = device.unnamed
  device.unnamed = new Set()
  // A full list may have left some out.
  if (runs.length >= STREAMS_LISTED_MAX) return
  const named = new Set(runs.map((run) => run.epoch))
  const unnamed = [...device.epochs.values()]
    .filter((epoch) => epoch.closed && !named.has(epoch.id))
    .map((epoch) => epoch.id)
  const epochs = unnamed.filter((id) => before.has(id))
  link.unnamed = new Set(unnamed)
  if (epochs.length === 0) return
  dropEpochs(device, epochs)
  turn.actions.push({ do: 'retire', device: device.record.id, epochs })
}

/** The slave sent something that follows COMMITTED only: our answer arrived. */
export function answerArrived(link: Owned<Link>, device: Owned<DeviceState>): void {
  if (link.unnamed === null || device.link !== link.id) return
  device.unnamed = link.unnamed
  link.unnamed = null
}
