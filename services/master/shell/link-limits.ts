// The limits of the master's doors, from what the operator allows.

import type { AdmissionLimits } from '../../../shared/node/admission.ts'
import type { PeerLimits } from '../../../shared/node/framed-peer.ts'
import {
  GREETING_BYTES_MAX,
  HANDSHAKES_IN_FLIGHT_PER_SOURCE,
  LINK_SILENCE_MAX,
} from '../../../shared/wire/limits.ts'
import type { HandshakeLimits } from '../core/flood.ts'

/** Bytes that may wait for one slave: acknowledgements are small, more means it does not read. */
const WAITING_BYTES_MAX = 1_048_576

/** Half of the places are for links that have no session yet; of one address as many as may have a
 * handshake in flight. Source: wire.md 10. */
export const linkLimits = (
  connections: number,
  { inFlightPerSource = HANDSHAKES_IN_FLIGHT_PER_SOURCE }: Partial<HandshakeLimits> = {},
): AdmissionLimits & PeerLimits => ({
  connections,
  waiting: Math.ceil(connections / 2),
  perAddress: inFlightPerSource,
  idleMs: LINK_SILENCE_MAX,
  waitingBytesMax: WAITING_BYTES_MAX,
  firstBodyBytesMax: GREETING_BYTES_MAX,
})
