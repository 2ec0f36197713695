// Connections and the turn: what every part of the master's core works on.

import type { FaultCode } from '../../../shared/faults.ts'
import type { KeyPair } from '../../../shared/tves/noise.ts'
import { type ControlMessage, encodeControl } from '../../../shared/wire/control.ts'
import type { FrameHeader } from '../../../shared/wire/frame.ts'
import { refusal } from '../../../shared/wire/message.ts'
import type { Floodgate } from './flood.ts'
import type { LinkPhase, MasterSetup } from './handshakes.ts'
import type { DeviceState, RosterState } from './roster.ts'
import type { LinkId, MasterAction, Now } from './state.ts'

/** One connection. */
export interface Link {
  readonly id: LinkId
  readonly transport: 'tcp' | 'ws'
  readonly source: string
  readonly openedAt: number
  phase: LinkPhase
  /** Which of our static keys it was called under; null before a handshake. */
  calledUnder: KeyPair | null
  /** Counts among the handshakes in flight. */
  handshaking: boolean
  /** Frames in a row that did not open. */
  damaged: number
  /** Header of the last reading frame that came on this link, whatever became of it: a compact one
   * is read against it. */
  predecessor: FrameHeader | null
  /** The last body that did not open, in case the slave asks for it to be skipped. */
  suspect: Uint8Array | null
  /** Closed epochs that this link's CONFIRM did not name; null: nothing to tell, or told. */
  unnamed: ReadonlySet<number> | null
  /** What follows once the epoch offered on this link is stored. */
  stored: ((turn: Turn) => void) | null
  /** How far METER CLOCKs of this link have used up what a minute allows, microseconds. */
  meterClocksUntil: number
}

/** One step's view: the state, the time, and the actions it collects. */
export interface Turn {
  readonly setup: MasterSetup
  readonly roster: RosterState
  readonly links: Map<LinkId, Link>
  readonly floodgate: Floodgate
  readonly now: Now
  readonly actions: MasterAction[]
}

/** The device a link belongs to, once somebody authenticated. */
export const deviceOf = (link: Link): DeviceState | null =>
  'device' in link.phase ? link.phase.device : null

/** Its handshake is over, well or badly: it counts as one in flight no longer. */
export function handshakeOver(turn: Turn, link: Link): void {
  if (link.handshaking) turn.floodgate.end(link.source)
  link.handshaking = false
}

export function closed(turn: Turn, id: LinkId): void {
  const link = turn.links.get(id)
  if (link === undefined) return
  turn.links.delete(id)
  handshakeOver(turn, link)
  const device = deviceOf(link)
  if (device === null || device.link !== id) return
  device.link = null
  turn.actions.push({ do: 'disconnected', device: device.record.id })
}

export function drop(turn: Turn, id: LinkId, fault: FaultCode): void {
  closed(turn, id)
  turn.actions.push({ do: 'drop', link: id, fault })
}

/** Counts the refusal, hints at it in clear while nobody has keys, and ends the link. */
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
