// The head-end's core: one step function over all links. It answers the clock, judges frames at the
// gate, hands accepted ones on, and acknowledges when the sink says durable. For one device never
// two batches are on their way to the sink, so a failed batch cannot leave a gap behind a later
// one.

import { unreachable } from '../../../shared/assert.ts'
import type { OpenCommand } from '../../../shared/handover/commands.ts'
import type {
  DeviceRecord,
  EpochName,
  EpochRecord,
  TokenRecord,
} from '../../../shared/handover/roster.ts'
import type { DeviceId, StreamPosition } from '../../../shared/handover/sink.ts'
import { decodeTree, encodeTree } from '../../../shared/tves/tree.ts'
import { decodeControl } from '../../../shared/wire/control.ts'
import { HANDSHAKE_TIME_MAX, SESSION_AGE_MAX } from '../../../shared/wire/limits.ts'
import { readMessage } from '../../../shared/wire/message.ts'
import { answerClock } from './clock-answer.ts'
import { settleReceipt, takeCommands, takeReceipt } from './commands.ts'
import { confirm, epochCommitted, epochsRecalled } from './confirm.ts'
import { cutStrangers, isKeyOf } from './cutting.ts'
import { letGo, settleDrained, takeDrained } from './drained.ts'
import { Floodgate, HANDSHAKE_LIMITS } from './flood.ts'
import { beginEnrolment, finishEnrolment, greet, type Met, type Visit } from './handshakes.ts'
import { settleAppend, takeFrame, takeGivenUp } from './intake.ts'
import {
  beginHandshake,
  bodyBytesMaxIn,
  closeLink,
  endHandshake,
  enter,
  handshakeFor,
  isAtHome,
  noteCall,
  noteCaller,
  openLink,
  refuse,
  sendControl,
} from './links.ts'
import { isInUse, sendNewestKey } from './master-keys.ts'
import { RecentSteps } from './recent-steps.ts'
import { takeAnchor, takeMeterClock, takeStatus } from './reports.ts'
import {
  emptyRoster,
  isNews,
  keepDevices,
  pskOf,
  putDevice,
  putTokens,
  type RosterTables,
} from './roster.ts'
import type {
  DeviceState,
  Link,
  LinkId,
  LinkPhase,
  MasterAction,
  MasterEvent,
  MasterSetup,
  Now,
  Turn,
} from './state.ts'
import { durableTree, putEpoch, putPosition } from './streams.ts'

export interface RosterContent {
  readonly devices: readonly DeviceRecord[]
  readonly tokens: readonly TokenRecord[]
  readonly epochs: readonly EpochRecord[]
  readonly positions: readonly StreamPosition[]
  /** Epochs that an operator let go. */
  readonly letGo?: readonly EpochName[]
}

export interface Master {
  step(event: MasterEvent, now: Now): readonly MasterAction[]
  /** Takes over devices and tokens, and epochs and positions of devices not seen before. Returns
   * the actions that follow: a revoked device's link is cut. */
  load(content: RosterContent, now: Now): readonly MasterAction[]
  /** The static keys from now on, newest first; a slave that called under another gets the
   * newest. */
  renewKeys(staticKeys: MasterSetup['staticKeys'], now: Now): readonly MasterAction[]
  /** An epoch's encoded tree, punctured up to what is acknowledged; null when the epoch is not
   * known here. The shell stores the trees hourly. */
  tree(device: DeviceId, epoch: number): Uint8Array | null
  /** Longest body that this link may send now: a stranger's claims no memory. */
  bodyBytesMax(link: LinkId): number
  /** Takes over the oldest open command of every device, and sends what is new. */
  commands(open: readonly OpenCommand[], now: Now): readonly MasterAction[]
}

/** `roster`: for who wants to look at it meanwhile. */
export function startMaster(start: MasterSetup, roster = emptyRoster()): Master {
  let setup = start
  const links = new Map<LinkId, Link>()
  const handshakes = { greeted: 0 }
  const floodgate = new Floodgate({ ...HANDSHAKE_LIMITS, ...setup.handshakeLimits })
  const recentSteps = new RecentSteps()
  const turnAt = (now: Now): Turn => ({
    setup,
    roster,
    handshakes,
    links,
    floodgate,
    recentSteps,
    now,
    actions: [],
  })
  return {
    step: (event, now) => {
      const turn = turnAt(now)
      take(turn, event)
      return turn.actions
    },
    load: (content, now) => {
      const turn = turnAt(now)
      load(turn, roster, content)
      return turn.actions
    },
    commands: (open, now) => {
      const turn = turnAt(now)
      takeCommands(turn, open)
      return turn.actions
    },
    renewKeys: (staticKeys, now) => {
      setup = { ...setup, staticKeys }
      const turn = turnAt(now)
      for (const link of links.values()) sendNewestKey(turn, link)
      return turn.actions
    },
    bodyBytesMax: (link) => bodyBytesMaxIn(links.get(link)?.phase.is ?? 'new'),
    tree: (device, id) => {
      const epoch = roster.devices.get(device)?.epochs.get(id)
      return epoch === undefined ? null : encodeTree(durableTree(setup.suite, epoch))
    },
  }
}

function load(turn: Turn, roster: RosterTables, content: RosterContent): void {
  const { setup } = turn
  const fresh = new Set<DeviceId>()
  for (const record of content.devices) {
    const { id: device, psk: wrapped } = record
    const known = roster.devices.get(device)
    if (known === undefined) fresh.add(device)
    if (wrapped !== null && isNews(known, record) && pskOf(record, setup.unwrap) === null) {
      turn.actions.push({ do: 'unreadable', device, what: 'psk', wrapped })
    }
    putDevice(roster, record)
  }
  keepDevices(roster, new Set(content.devices.map(({ id }) => id)))
  for (const { device, secret: wrapped } of putTokens(roster, content.tokens, setup.unwrap)) {
    turn.actions.push({ do: 'unreadable', device, what: 'token', wrapped })
  }
  cutStrangers(turn)
  for (const record of content.epochs) {
    const device = roster.devices.get(record.device)
    if (device === undefined || !fresh.has(record.device)) continue
    const { device: id, id: epoch, keys: wrapped } = record
    const encoded = setup.unwrap(wrapped, { is: 'tree', device: id, epoch })
    const tree = encoded === null ? null : decodeTree(encoded)
    encoded?.fill(0)
    if (tree !== null) putEpoch(device, { ...record, tree })
    else turn.actions.push({ do: 'unreadable', device: id, what: 'key tree', wrapped })
  }
  for (const position of content.positions) {
    const device = roster.devices.get(position.device)
    if (device !== undefined && fresh.has(position.device)) {
      putPosition(setup.suite, device, position)
    }
  }
  for (const { device, epoch } of content.letGo ?? []) letGo(roster.devices.get(device), epoch)
}

function take(turn: Turn, event: MasterEvent): void {
  switch (event.on) {
    case 'opened':
      openLink(turn, event)
      return
    case 'closed':
      closeLink(turn, event.link)
      return
    case 'body': {
      const link = turn.links.get(event.link)
      if (link !== undefined) takeBody(turn, link, event.body)
      return
    }
    case 'enrolled':
      enrolled(turn, event)
      return
    case 'epoch-committed':
      epochCommitted(turn, event)
      return
    case 'recalled':
      epochsRecalled(turn, event)
      return
    case 'drained':
      settleDrained(turn, event)
      return
    case 'appended':
      settleAppend(turn, event.device, event.durable)
      return
    case 'receipt-stored':
      settleReceipt(turn, event)
      return
    case 'tick':
      for (const link of turn.links.values()) {
        const age = turn.now.at - link.openedAt
        const most = link.phase.is === 'open' ? SESSION_AGE_MAX : HANDSHAKE_TIME_MAX
        if (age > most * 1_000) refuse(turn, link, 'WIR-06')
      }
      return
  }
  unreachable(event)
}

function takeBody(turn: Turn, link: Link, body: Uint8Array): void {
  const verdict = readMessage(body)
  if (!verdict.ok) {
    refuse(turn, link, verdict.fault)
    return
  }
  const { message } = verdict
  const { phase } = link
  switch (message.is) {
    case 'enrolment':
      if (message.step === 1 && phase.is === 'new') {
        meet(turn, link, (visit) => beginEnrolment(turn, message, visit))
        return
      }
      if (message.step === 3 && phase.is === 'enrolling') {
        storeEnrolment(turn, link, phase, message.noise)
        return
      }
      break
    case 'session':
      if (message.step !== 1 || phase.is !== 'new') break
      meet(turn, link, (visit) => greet(turn, message, visit))
      return
    case 'control':
      if (phase.is === 'enrolling' || phase.is === 'storing' || phase.is === 'new') break
      takeControl(turn, link, phase, body)
      return
    case 'frame':
      if (phase.is !== 'open') break
      takeFrame(turn, link, phase.device, body)
      return
    case 'refusal':
      break
  }
  refuse(turn, link, 'WIR-04')
}

/** A handshake's first message, unless too many are in flight or come from there. */
function meet(turn: Turn, link: Link, begin: (visit: Visit) => Met): void {
  const { floodgate, now } = turn
  const { source } = link
  if (!beginHandshake(turn, link)) {
    refuse(turn, link, 'WIR-05')
    return
  }
  const calls = (device: DeviceState, elsewhere: boolean): boolean =>
    floodgate.calls(device.record.id, { source, elsewhere }, now.at)
  const met = begin({
    source,
    mayCall: (device) => calls(device, !isAtHome(device, source)),
    // A device is new everywhere when it enrols, and whoever heard its token's id could use up what
    // it may do elsewhere.
    mayEnrol: (device) => calls(device, false),
  })
  if (!met.ok) {
    refuse(turn, link, met.fault)
    return
  }
  enter(link, met.phase)
  noteCall(link, met.calledUnder)
  noteCaller(link, met.calledAs)
  turn.actions.push({ do: 'send', link: link.id, body: met.send })
  handshakeFor(turn, link, met.device)
}

function storeEnrolment(
  turn: Turn,
  link: Link,
  phase: Extract<LinkPhase, { is: 'enrolling' }>,
  message: Uint8Array,
): void {
  if (!isInUse(turn.setup, link.calledUnder)) {
    refuse(turn, link, 'SEC-07')
    return
  }
  const finished = finishEnrolment(turn, phase, message)
  if (!finished.ok) {
    refuse(turn, link, finished.fault)
    return
  }
  const { phase: storing, token, staticKey, psk, attempt } = finished.enrolment
  enter(link, storing)
  noteCaller(link, { staticKey, attempt })
  turn.actions.push({
    do: 'enrol',
    link: link.id,
    token,
    device: storing.device.record.id,
    staticKey,
    psk,
    attempt,
  })
}

function enrolled(turn: Turn, event: Extract<MasterEvent, { on: 'enrolled' }>): void {
  const link = turn.links.get(event.link)
  if (link === undefined || link.phase.is !== 'storing') return
  if (event.result !== 'stored') {
    refuse(turn, link, event.result === 'conflict' ? 'SEC-08' : 'OPS-08')
    return
  }
  // The key was given up while the enrolment was stored: the slave must not rely on it.
  if (!isInUse(turn.setup, link.calledUnder)) {
    refuse(turn, link, 'SEC-07')
    return
  }
  // Meanwhile the device was given to another key: this one's psk is not the device's any more.
  if (!isKeyOf(link.phase.device.record, link.calledAs)) {
    refuse(turn, link, 'SEC-08')
    return
  }
  sendControl(turn, link, { is: 'enrolled', device: link.phase.device.idBytes })
  enter(link, { is: 'new' })
  noteCaller(link, null)
  endHandshake(turn, link)
}

function takeControl(
  turn: Turn,
  link: Link,
  phase: Extract<LinkPhase, { is: 'greeted' | 'confirming' | 'founding' | 'recalling' | 'open' }>,
  body: Uint8Array,
): void {
  const opened = phase.channel.open(body)
  if (!opened.ok) {
    refuse(turn, link, opened.fault)
    return
  }
  const message = decodeControl(opened.plaintext)
  if (message === null) {
    refuse(turn, link, 'WIR-03')
    return
  }
  if (phase.is === 'greeted') {
    if (message.is === 'confirm') confirm(turn, link, phase, message)
    else refuse(turn, link, 'WIR-04')
    return
  }
  // These two need not wait for COMMITTED.
  if (message.is === 'clock-request') {
    answerClock(turn, link, message.id)
    return
  }
  if (message.is === 'status') {
    takeStatus(turn, phase.device, message)
    return
  }
  if (phase.is !== 'open') {
    refuse(turn, link, 'WIR-04')
    return
  }
  if (message.is === 'anchor') {
    takeAnchor(turn, phase.device, message)
    return
  }
  if (message.is === 'meter-clock') {
    takeMeterClock(turn, link, phase.device, message)
    return
  }
  if (message.is === 'receipt') {
    takeReceipt(turn, phase.device, message)
    return
  }
  if (message.is === 'drained') {
    takeDrained(turn, link, phase.device, message)
    return
  }
  if (message.is === 'tombstone' || message.is === 'skip') {
    takeGivenUp(turn, link, phase.device, message)
    return
  }
  refuse(turn, link, 'WIR-04')
}
