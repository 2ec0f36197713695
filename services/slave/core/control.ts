// A control message as it goes on the link, where the link's phase can carry one.

import type { ControlChannel } from '../../../shared/tves/handshake.ts'
import { type ControlMessage, encodeControl } from '../../../shared/wire/control.ts'
import type { LinkPhase } from './state/link.ts'

/** Seals a control message; null where no session is open. */
export function controlBody(phase: LinkPhase, message: ControlMessage): Uint8Array | null {
  const channel = channelOf(phase)
  return channel === null ? null : channel.seal(encodeControl(message))
}

/** What carries control messages in this phase; null: nothing does. */
export function channelOf(phase: LinkPhase): ControlChannel | null {
  const carries =
    phase.is === 'greeted' ||
    phase.is === 'confirming' ||
    phase.is === 'committing' ||
    phase.is === 'open'
  return carries ? phase.channel : null
}
