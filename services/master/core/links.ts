// Connections: how one opens, whose it is, and how it ends.

import { unreachable } from '../../../shared/assert.ts'
import type { FaultCode } from '../../../shared/faults.ts'
import type { KeyPair } from '../../../shared/tves/noise.ts'
import { forgetTree } from '../../../shared/tves/tree.ts'
import { type ControlMessage, encodeControl } from '../../../shared/wire/control.ts'
import {
  ADDRESSES_REMEMBERED,
  BODY_BYTES_MAX,
  CONFIRM_BYTES_MAX,
  GREETING_BYTES_MAX,
} from '../../../shared/wire/limits.ts'
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
  const { link: id, transport, source, site = source } = event
  turn.links.set(id, {
    id,
    transport,
    source,
    site,
    openedAt: turn.now.at,
    phase: { is: 'new' },
    calledAs: null,
    calledUnder: null,
    handshaking: null,
    handshakeFor: null,
    damaged: 0,
    predecessor: null,
    suspect: null,
    owed: [],
    meterClocksUntil: 0,
  })
}

/** Longest body taken in this phase (wire.md 10). */
export function bodyBytesMaxIn(phase: LinkPhase['is']): number {
  switch (phase) {
    case 'new':
    case 'enrolling':
    case 'storing':
      return GREETING_BYTES_MAX
    case 'greeted':
      return CONFIRM_BYTES_MAX
    case 'confirming':
    case 'recalling':
    case 'founding':
    case 'open':
      return BODY_BYTES_MAX
  }
  return unreachable(phase)
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
  link.handshaking = floodgate.begin(link.source, now.at, link.site)
  return link.handshaking !== null
}

/** It is known for whom the handshake is. When too many are in flight for that device, the oldest
 * gives way (WIR-05), and before it the oldest from where the device was not seen before: so
 * neither recordings of its calls nor links it left behind keep the device itself out. */
export function handshakeFor(turn: Turn, link: Owned<Link>, device: Owned<DeviceState>): void {
  link.handshakeFor = device
  device.handshakes = [...device.handshakes, link.id]
  if (device.handshakes.length <= turn.floodgate.limits.inFlightPerDevice) return
  const open = device.handshakes.flatMap((id) => turn.links.get(id) ?? [])
  const [oldest] = [...open.filter(({ source }) => !isAtHome(device, source)), ...open]
  if (oldest !== undefined) refuse(turn, oldest, 'WIR-05')
}

/** The handshake is over, well or badly, and no longer counts as one in flight. */
export function endHandshake(turn: Turn, link: Owned<Link>): void {
  if (link.handshaking !== null) turn.floodgate.end(link.handshaking)
  const device: Owned<DeviceState> | null = link.handshakeFor
  if (device !== null) device.handshakes = device.handshakes.filter((id) => id !== link.id)
  link.handshaking = null
  link.handshakeFor = null
}

/** Whether the device confirmed a session from there lately. */
export const isAtHome = ({ seenAt }: DeviceState, source: string): boolean =>
  seenAt.includes(source)

/** The device is on this link from now on; the one before is dropped. */
export function attach(turn: Turn, link: Link, device: Owned<DeviceState>): void {
  const before = device.link
  if (before !== null && before !== link.id) drop(turn, before, 'WIR-06')
  device.link = link.id
  const elsewhere = device.seenAt.filter((source) => source !== link.source)
  device.seenAt = [link.source, ...elsewhere].slice(0, ADDRESSES_REMEMBERED)
  turn.floodgate.saw(link.source)
  const { id, transport } = link
  turn.actions.push({ do: 'connected', link: id, device: device.record.id, transport })
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
  forgetKeys(link)
}

/** Overwrites the keys of a session that is over, and of an epoch that it did not found. */
function forgetKeys({ phase }: Link): void {
  if ('channel' in phase) phase.channel.forget()
  if ('offer' in phase) phase.offer?.secret.fill(0)
  if (phase.is === 'founding') forgetTree(phase.epoch.tree)
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
