// The master's two doors: TCP and WebSocket. Both hand out the same FramedPeer.

import { createServer, type Server as HttpServer, type IncomingMessage } from 'node:http'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { FaultCode } from '../../../shared/faults.ts'
import { Admission, type AdmissionLimits, type Place } from '../../../shared/node/admission.ts'
import type {
  FramedPeer,
  PeerHandlers,
  PeerLimits,
  PeerSetup,
} from '../../../shared/node/framed-peer.ts'
import { tcpPeer } from '../../../shared/node/framed-socket.ts'
import { WS_OPTIONS, wsPeer } from '../../../shared/node/framed-web-socket.ts'
import type { MonoUs } from '../../../shared/units.ts'
import { GREETING_BYTES_MAX } from '../../../shared/wire/limits.ts'

export interface ListenOptions {
  /** Port 0: any free one. */
  readonly tcp: { readonly host: string; readonly port: number } | null
  readonly ws: { readonly host: string; readonly port: number; readonly path: string } | null
  readonly limits: AdmissionLimits & PeerLimits
  readonly clock: () => MonoUs
  readonly onPeer: (peer: FramedPeer) => PeerHandlers
  /** A connection refused before it became a peer, or cut to make room (WIR-10). */
  readonly onRefused: (fault: FaultCode, address: string) => void
}

export interface Listeners {
  readonly tcpPort: number | null
  readonly wsPort: number | null
  /** Connections now open, including those that are not peers yet. */
  connections(): number
  /** Stops listening and ends every connection. */
  close(): Promise<void>
}

export type ListenVerdict =
  | { readonly ok: true; readonly listeners: Listeners }
  | { readonly ok: false; readonly fault: 'OPS-03' | 'OPS-05'; readonly detail: string }

/** Time for the HTTP request that opens a WebSocket, milliseconds: as long as a handshake may take
 * (wire.md 10). */
const UPGRADE_MS = 10_000
/** Longest HTTP header, bytes: a WebSocket request has about 300, behind a proxy three times that.
 * As much as a body before the session may have. */
const HEADER_BYTES_MAX = GREETING_BYTES_MAX

/** Starts listening. OPS-03 a port is taken, OPS-05 the address is not one of this machine. Then:
 * WIR-05 too many connections, WIR-10 one that gave way, and from each peer WIR-02, 03, 04, 06, 08
 * (shared/node/framed-peer). */
export async function listen(options: ListenOptions): Promise<ListenVerdict> {
  const doors = new Doors(options)
  try {
    const tcpPort = options.tcp === null ? null : await doors.open(doors.tcpServer(), options.tcp)
    const wsPort =
      options.ws === null ? null : await doors.open(doors.wsServer(options.ws.path), options.ws)
    const { connections, close } = doors
    return { ok: true, listeners: { tcpPort, wsPort, connections, close } }
  } catch (error) {
    await doors.close()
    if (!(error instanceof Error && 'syscall' in error)) throw error
    const taken = 'code' in error && error.code === 'EADDRINUSE'
    return { ok: false, fault: taken ? 'OPS-03' : 'OPS-05', detail: error.message }
  }
}

class Doors {
  readonly #options: ListenOptions
  readonly #admission: Admission
  readonly #places = new WeakMap<Duplex, Place>()
  readonly #sockets = new Set<Socket>()
  readonly #servers: Server[] = []

  constructor(options: ListenOptions) {
    this.#options = options
    this.#admission = new Admission(options.limits)
  }

  readonly connections = (): number => this.#admission.connections

  readonly close = async (): Promise<void> => {
    const closed = this.#servers.map((server) => new Promise((done) => server.close(done)))
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(closed)
  }

  async open(server: Server, { host, port }: { host: string; port: number }): Promise<number> {
    await new Promise<void>((done, failed) => {
      server.once('error', failed)
      server.listen({ host, port, exclusive: true }, () => {
        server.off('error', failed)
        done()
      })
    })
    this.#servers.push(server)
    // Errors of accept (no more file descriptors) lose that one connection; we continue.
    server.on('error', (error) => this.#options.onRefused('WIR-05', error.message))
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : port
  }

  tcpServer(): Server {
    const options = { noDelay: true, keepAlive: true }
    return createTcpServer(options, (socket) => {
      if (this.#admit(socket)) tcpPeer(socket, this.#setupOf(socket))
    })
  }

  wsServer(path: string): HttpServer {
    const webSockets = new WebSocketServer({
      ...WS_OPTIONS,
      noServer: true,
      clientTracking: false,
      // The library would agree to the first one offered; we have none (wire.md 2).
      handleProtocols: () => false,
    })
    const server = createServer({
      noDelay: true,
      keepAlive: true,
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: UPGRADE_MS,
      requestTimeout: UPGRADE_MS,
      connectionsCheckingInterval: UPGRADE_MS / 2,
    })
    server.on('connection', (socket) => this.#admit(socket))
    server.on('request', (_request, response) => {
      response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end()
    })
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const remote = request.socket.remoteAddress ?? 'gone'
      // Only browsers send an Origin: a page of anybody's would speak from its reader's network.
      const foreign = request.headers.origin !== undefined
      if (foreign || request.url !== path) {
        const status = foreign ? '403 Forbidden' : '404 Not Found'
        const answer = `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`
        socket.end(answer, () => socket.destroy())
        if (foreign) this.#options.onRefused('WIR-04', remote)
        return
      }
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        wsPeer(webSocket, { below: socket, remote }, this.#setupOf(socket))
      })
    })
    return server
  }

  #setupOf(socket: Duplex): PeerSetup {
    const { limits, clock, onPeer } = this.#options
    const onSettled = (): void => this.#places.get(socket)?.settle()
    return { limits, clock, handlersOf: onPeer, onSettled }
  }

  #admit(socket: Socket): boolean {
    const { clock, onRefused } = this.#options
    const address = socket.remoteAddress ?? 'gone'
    const place = this.#admission.admit(address, clock(), () => {
      socket.destroy()
      onRefused('WIR-10', address)
    })
    socket.on('error', () => socket.destroy())
    if (place === null) {
      socket.destroy()
      onRefused('WIR-05', address)
      return false
    }
    this.#places.set(socket, place)
    this.#sockets.add(socket)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      place.leave()
    })
    return true
  }
}
