// Bodies over WebSocket, one binary message each. wire.md 2. In a file of its own, because the
// library takes memory that an agent on TCP does not need.

import { WebSocket } from 'ws'
import { BODY_BYTES_MAX } from '../wire/limits.ts'
import { type FramedPeer, Peer, type PeerSetup } from './framed-peer.ts'

/** Options of both WebSocket ends. Compression is off: sealed bodies do not shrink, and a peer
 * could claim memory for every inflating context. Pongs are ours, so that a flood of pings from a
 * peer that does not read cannot pile them up. Our bodies are one WebSocket frame each; some
 * proxies cut them. */
export const WS_OPTIONS = {
  perMessageDeflate: false,
  maxPayload: BODY_BYTES_MAX,
  autoPong: false,
  maxFragments: 64,
  maxBufferedChunks: 4_096,
} as const

/** Takes an open WebSocket made with WS_OPTIONS. */
export function wsPeer(socket: WebSocket, remote: string, setup: PeerSetup): FramedPeer {
  const peer = new Peer(
    {
      transport: 'ws',
      remote,
      write: (body) => socket.send(body, { binary: true }, ignoreSendError),
      waiting: () => socket.bufferedAmount,
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      end: () => socket.close(1000),
      destroy: () => socket.terminate(),
    },
    setup,
  )
  socket.on('message', (message, isBinary) => {
    if (!isBinary) return peer.drop('WIR-04', 'a text message')
    const body = message instanceof Uint8Array ? new Uint8Array(message) : new Uint8Array(0)
    if (body.length === 0) return peer.drop('WIR-03', 'a message of length zero')
    peer.received(body, setup.clock())
  })
  socket.on('ping', (payload) => {
    if (!peer.hasRoom()) return peer.drop('WIR-08', 'pings without reading the pongs')
    if (socket.readyState === WebSocket.OPEN) socket.pong(payload, undefined, ignoreSendError)
  })
  socket.on('error', (error) => peer.drop(...faultOfWs(error)))
  socket.on('close', (code) => peer.ended(null, `closed with code ${code}`))
  return peer
}

/** A failed send is followed by 'close', which reports it once. */
const ignoreSendError = (): void => {}

/** Codes of ws's receiver: github.com/websockets/ws/blob/master/doc/ws.md, "Error codes". */
function faultOfWs(error: Error): ['WIR-02' | 'WIR-03', string] {
  const code = 'code' in error ? error.code : ''
  const long =
    code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' ||
    code === 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH'
  return [long ? 'WIR-02' : 'WIR-03', error.message]
}
