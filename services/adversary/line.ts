// A hostile network between slave and master: it hears every message, and may change, repeat, hold
// back or drop it.

import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { Deframer, lengthPrefixed } from '../../shared/wire/transport.ts'

export type Direction = 'to-master' | 'to-slave'

/** Returns the bodies that are sent in a message's place. */
export type Tamper = (body: Uint8Array, direction: Direction) => readonly Uint8Array[]

export interface TappedLine {
  /** `tcp://host:port` for the slave. */
  readonly url: string
  /** What slaves sent and what they were answered, connection by connection. */
  readonly heard: readonly (readonly Uint8Array[])[]
  readonly answered: readonly (readonly Uint8Array[])[]
  /** Null: everything passes as it is. */
  tamper: Tamper | null
  /** Puts a body of its own on the newest connection. */
  inject(body: Uint8Array, direction: Direction): void
  /** Where new connections go instead of to the master; null: to the master. */
  redirect: number | null
  /** Connections that went elsewhere. */
  readonly redirected: number
  /** Cuts every connection. */
  cut(): void
  close(): Promise<void>
}

/** Stands between slaves and the master at `masterPort` on this machine. */
export async function tapLine(masterPort: () => number): Promise<TappedLine> {
  const heard: Uint8Array[][] = []
  const answered: Uint8Array[][] = []
  const sockets = new Set<Socket>()
  let redirected = 0
  let newest: Readonly<Record<Direction, Socket>> | null = null
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
    if (line.redirect !== null) redirected += 1
    const master = connect(line.redirect ?? masterPort(), '127.0.0.1')
    newest = { 'to-master': master, 'to-slave': slave }
    const [said, answers]: [Uint8Array[], Uint8Array[]] = [[], []]
    heard.push(said)
    answered.push(answers)
    pass(slave, master, (body) => {
      said.push(body)
      return line.tamper?.(body, 'to-master') ?? [body]
    })
    pass(master, slave, (body) => {
      answers.push(body)
      return line.tamper?.(body, 'to-slave') ?? [body]
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const line: TappedLine = {
    url: `tcp://127.0.0.1:${port}`,
    heard,
    answered,
    tamper: null,
    redirect: null,
    get redirected() {
      return redirected
    },
    inject: (body, direction) => {
      newest?.[direction].write(lengthPrefixed(body))
    },
    cut,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        cut()
      }),
  }
  return line
}

/** The same body with one bit changed; `bit` counts from the first byte's highest on and wraps. */
export const flipBit = (body: Uint8Array, bit: number): Uint8Array => {
  const flipped = Uint8Array.from(body)
  const at = Math.floor(bit / 8) % body.length
  flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit % 8))
  return flipped
}
