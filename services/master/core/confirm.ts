// From CONFIRM to COMMITTED: the slave says what it holds, its new epoch is stored, and we answer
// with our durable positions. Step by step the link is `confirming` (frames of the link before are
// still on their way to the sink), `founding` (its epoch is being stored), `recalling` (what it
// named may be drained, and is looked up), `open`.

import { assert } from '../../../shared/assert.ts'
import { encodeTree, plantTree } from '../../../shared/tves/tree.ts'
import type { ControlMessage } from '../../../shared/wire/control.ts'
import { sendCommandAgain } from './commands.ts'
import {
  absent,
  compareHistories,
  forgetDraining,
  type Kept,
  recollect,
  takenUpTo,
} from './drained.ts'
import { attach, endHandshake, enter, refuse, sendControl } from './links.ts'
import { noteKey, sendNewestKey } from './master-keys.ts'
import type { DeviceState, Link, LinkPhase, MasterEvent, Owned, Turn } from './state.ts'
import { countFounded, fallBackAll, putEpoch } from './streams.ts'

type Phase<Is extends LinkPhase['is']> = Extract<LinkPhase, { is: Is }>

/** CONFIRM: what the slave holds; its epoch is stored, then COMMITTED answers with durable
 * positions. */
export function confirm(
  turn: Turn,
  link: Link,
  { device, channel, offer, withheld, place }: Phase<'greeted'>,
  { epoch, runs }: Extract<ControlMessage, { is: 'confirm' }>,
): void {
  if (epoch !== (offer?.id ?? 0)) {
    refuse(turn, link, 'WIR-04')
    return
  }
  // A slave confirms a session before it begins the next: it has left this one, and this CONFIRM
  // came late. It says nothing of what was sealed since: no epoch may be closed for it.
  if (place < device.confirmed) {
    refuse(turn, link, 'WIR-06')
    return
  }
  notePlace(device, place)
  const phase = { is: 'confirming', device, channel, offer, runs } as const
  enter(link, phase)
  endHandshake(turn, link)
  attach(turn, link, device)
  forgetDraining(device)
  if (withheld) turn.actions.push({ do: 'refused', device: device.record.id, code: 'SEC-19' })
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
    answer(turn, link, phase, 0)
    return
  }
  const { id, origin, transcript, secret } = offer
  assert(link.calledAs !== null, 'a greeted link says who called')
  const tree = plantTree(turn.setup.suite, secret)
  secret.fill(0)
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
  countFounded(phase.device, turn.now.at)
  answer(turn, link, phase, phase.epoch.id)
}

/** Epochs that are not in memory may be drained: those are looked up before the answer. */
function answer(
  turn: Turn,
  link: Link,
  phase: Phase<'confirming' | 'founding'>,
  epoch: number,
): void {
  const { device, channel, runs } = phase
  const epochs = absent(device, runs)
  const recalling = { is: 'recalling', device, channel, epoch, runs } as const
  enter(link, recalling)
  if (epochs.length === 0) commit(turn, link, recalling, new Map())
  else turn.actions.push({ do: 'recall', link: link.id, device: device.record.id, epochs })
}

export function epochsRecalled(turn: Turn, event: Extract<MasterEvent, { on: 'recalled' }>): void {
  const link = turn.links.get(event.link)
  if (link?.phase.is !== 'recalling') return
  const { phase } = link
  if (event.found === null) {
    refuse(turn, link, 'OPS-08')
    return
  }
  commit(turn, link, phase, recollect(turn, phase.device, phase.runs, event.found))
}

/** COMMITTED, with what is durable of each run that CONFIRM named. */
function commit(
  turn: Turn,
  link: Link,
  { device, channel, epoch, runs }: Phase<'recalling'>,
  kept: Kept,
): void {
  const taken = runs.map((entry) => takenUpTo(turn, device, kept, entry))
  compareHistories(turn, link, device, runs)
  sendControl(turn, link, { is: 'committed', epoch, runs: taken })
  enter(link, { is: 'open', device, channel })
  sendNewestKey(turn, link)
  sendCommandAgain(turn, link, device)
}
