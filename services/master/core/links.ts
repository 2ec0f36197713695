// Connections: how one opens, whose it is, and how it ends.

import type { FaultCode } from '../../../shared/faults.ts'
import type { KeyPair } from '../../../shared/tves/noise.ts'
import { type ControlMessage, encodeControl } from '../../../shared/wire/control.ts'
import { refusal } from '../../../shared/wire/message.ts'
import type {
  CalledAs,
  DeviceState,
  Link,
  LinkId,
  LinkPhase,
  MasterEvent,
  Owned,
  Turn,
} from './state.ts'

export function openLink(turn: Turn, event: Extract<MasterEvent, { on: 'opened' }>): void {
  const { link: id, transport, source } = event
  turn.links.set(id, {
    id,
    transport,
    source,
    openedAt: turn.now.at,
    phase: { is: 'new' },
    calledAs: null,
    calledUnder: null,
    handshaking: false,
    damaged: 0,
    predecessor: null,
    suspect: null,
    unnamed: null,
    meterClocksUntil: 0,
  })
}

/** The link's next phase. */
export function enter(link: Owned<Link>, phase: LinkPhase): void {
  link.phase = phase
}

/** The slave called us under this key pair of ours. */
export function noteCall(link: Owned<Link>, key: KeyPair): void {
  link.calledUnder = key
}

/** The caller authenticated as this one; null: the link is as before any handshake. */
export function noteCaller(link: Owned<Link>, caller: CalledAs | null): void {
  link.calledAs = caller
}

/** The device a link belongs to, once somebody authenticated. */
export const deviceOf = (link: Link): DeviceState | null =>
  'device' in link.phase ? link.phase.device : null

/** False: too many handshakes are in flight, or too many come from there (WIR-05). */
export function beginHandshake({ floodgate, now }: Turn, link: Owned<Link>): boolean {
  link.handshaking = floodgate.begin(link.source, now.at)
  return link.handshaking
}

/** The handshake is over, well or badly, and no longer counts as one in flight. */
export function endHandshake(turn: Turn, link: Owned<Link>): void {
  if (link.handshaking) turn.floodgate.end(link.source)
  link.handshaking = false
}

/** The device is on this link from now on; the one before is dropped. */
export function attach(turn: Turn, link: Link, device: Owned<DeviceState>): void {
  const before = device.link
  if (before !== null && before !== link.id) drop(turn, before, 'WIR-06')
  device.link = link.id
  turn.actions.push({ do: 'connected', device: device.record.id, transport: link.transport })
}

function detach(turn: Turn, link: Link, device: Owned<DeviceState>): void {
  if (device.link !== link.id) return
  device.link = null
  turn.actions.push({ do: 'disconnected', device: device.record.id })
}

export function closeLink(turn: Turn, id: LinkId): void {
  const link = turn.links.get(id)
  if (link === undefined) return
  turn.links.delete(id)
  endHandshake(turn, link)
  const device = deviceOf(link)
  if (device !== null) detach(turn, link, device)
}

export function drop(turn: Turn, id: LinkId, fault: FaultCode): void {
  closeLink(turn, id)
  turn.actions.push({ do: 'drop', link: id, fault })
}

/** Counts the refusal, sends its code in clear while there are no session keys, and ends the
 * link. */
export function refuse(turn: Turn, link: Link, code: FaultCode): void {
  const device = deviceOf(link)
  turn.actions.push({ do: 'refused', device: device?.record.id ?? null, code })
  if (device === null) turn.actions.push({ do: 'send', link: link.id, body: refusal(code) })
  drop(turn, link.id, code)
}

export function sendControl(turn: Turn, link: Link, message: ControlMessage): void {
  if (!('channel' in link.phase)) return
  const body = link.phase.channel.seal(encodeControl(message))
  turn.actions.push({ do: 'send', link: link.id, body })
}
