// One attempt to reach the master, over TCP or WebSocket.

import type { FramedPeer, PeerSetup } from '../../../../shared/node/framed-peer.ts'

/** Begins an attempt, which calls one function of `on`, once. Returns a function that gives the
 * attempt up: it then ends as `failed`. */
export type Dial = (
  setup: PeerSetup,
  on: { up(peer: FramedPeer): void; failed(detail: string): void },
) => () => void

/** Longest attempt, milliseconds: as long as a handshake may take (wire.md 10). */
export const CONNECT_MS_MAX = 10_000
