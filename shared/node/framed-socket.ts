// Bodies over TCP: `u16 length || body`. wire.md 2.

import type { Socket } from 'node:net'
import { Deframer, lengthPrefixed } from '../wire/transport.ts'
import { type FramedPeer, Peer, type PeerSetup } from './framed-peer.ts'

/** Takes a connected socket; everything it brings goes to the handlers. */
export function tcpPeer(socket: Socket, setup: PeerSetup): FramedPeer {
  const deframer = new Deframer()
  const peer = new Peer(
    {
      transport: 'tcp',
      remote: socket.remoteAddress ?? 'gone',
      write: (body) => socket.write(lengthPrefixed(body)),
      waiting: () => socket.writableLength,
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      widen: (bytesMax) => {
        deframer.limit = bytesMax
      },
      end: () => socket.end(),
      destroy: () => socket.destroy(),
    },
    setup,
  )
  socket.on('data', (chunk: Buffer | string) => {
    const at = setup.clock()
    if (typeof chunk === 'string') return
    const deframed = deframer.push(chunk)
    for (const body of deframed.bodies) peer.received(body, at)
    if (!deframed.ok) peer.drop(deframed.fault, 'a message of length zero, or too long')
  })
  socket.on('end', () => {
    if (deframer.pending > 0) peer.ended('WIR-03', 'the stream ended inside a message')
  })
  socket.on('error', (error) => peer.ended(null, error.message))
  socket.on('close', () => peer.ended(null, 'closed'))
  return peer
}
