// Bodies over WebSocket, one binary message each. wire.md 2. In a file of its own, because the
// library takes memory that an agent on TCP does not need.

import type { Duplex } from 'node:stream'
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

/** Bytes around a body on the line, at most: headers, and pings in between. */
const AROUND_BYTES = 512

/** Takes an open WebSocket made with WS_OPTIONS, and the socket below it. */
export function wsPeer(
  socket: WebSocket,
  { below, remote }: { readonly below: Duplex | null; readonly remote: string },
  setup: PeerSetup,
): FramedPeer {
  let bytesMax = BODY_BYTES_MAX
  /** Bytes on the line since the last whole message. */
  let unfinished = 0
  const peer = new Peer(
    {
      transport: 'ws',
      remote,
      write: (body) => socket.send(body, { binary: true }, ignoreSendError),
      waiting: () => socket.bufferedAmount,
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      widen: (to) => {
        bytesMax = to
      },
      end: () => socket.close(1000),
      destroy: () => socket.terminate(),
    },
    setup,
  )
  socket.on('message', (message, isBinary) => {
    if (!isBinary) return peer.drop('WIR-04', 'a text message')
    const body = message instanceof Uint8Array ? new Uint8Array(message) : new Uint8Array(0)
    if (body.length === 0) return peer.drop('WIR-03', 'a message of length zero')
    unfinished = 0
    if (body.length > bytesMax) return peer.drop('WIR-02', `${body.length} bytes`)
    peer.received(body, setup.clock())
  })
  // The library's own limit is fixed when the link begins, and it keeps what has come of a message.
  // Before the library's listener: a message that this chunk completes starts the count again.
  below?.prependListener('data', (chunk: Uint8Array) => {
    unfinished += chunk.length
    if (bytesMax === BODY_BYTES_MAX || unfinished <= bytesMax + AROUND_BYTES) return
    peer.drop('WIR-02', `${unfinished} bytes without a message`)
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
