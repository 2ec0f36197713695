// A hostile network between slave and master: it hears every message, and may change, repeat or
// drop it.

import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { Deframer, lengthPrefixed } from '../../shared/wire/transport.ts'

type Direction = 'to-master' | 'to-slave'

export interface TappedLine {
  /** `tcp://host:port` for the slave. */
  readonly url: string
  /** What slaves sent, connection by connection. */
  readonly heard: readonly (readonly Uint8Array[])[]
  /** What becomes of each message; null: it passes as it is. */
  tamper: ((body: Uint8Array, direction: Direction) => readonly Uint8Array[]) | null
  close(): Promise<void>
}

export async function tapLine(masterPort: number): Promise<TappedLine> {
  const heard: Uint8Array[][] = []
  const sockets = new Set<Socket>()
  const pass = (from: Socket, to: Socket, take: (body: Uint8Array) => readonly Uint8Array[]) => {
    const deframer = new Deframer()
    sockets.add(from)
    from.on('data', (chunk: Buffer) => {
      for (const body of deframer.push(chunk).bodies) {
        for (const sent of take(body)) if (to.writable) to.write(lengthPrefixed(sent))
      }
    })
    from.on('error', () => from.destroy())
    from.on('end', () => to.end())
    from.on('close', () => {
      sockets.delete(from)
      to.destroy()
    })
  }
  const server = createServer((slave) => {
    const master = connect(masterPort, '127.0.0.1')
    const bodies: Uint8Array[] = []
    heard.push(bodies)
    pass(slave, master, (body) => {
      bodies.push(body)
      return line.tamper?.(body, 'to-master') ?? [body]
    })
    pass(master, slave, (body) => line.tamper?.(body, 'to-slave') ?? [body])
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const line: TappedLine = {
    url: `tcp://127.0.0.1:${address.port}`,
    heard,
    tamper: null,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        for (const socket of sockets) socket.destroy()
      }),
  }
  return line
}

export const flipBit = (body: Uint8Array, bit: number): Uint8Array => {
  const flipped = Uint8Array.from(body)
  const at = Math.floor(bit / 8) % body.length
  flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit % 8))
  return flipped
}
