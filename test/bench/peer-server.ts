// The server process of the connection benches: the real head-end (sockets, core; roster, sink and
// board in memory) and a node:tls server beside it. The bench asks in messages what they cost.

import { createServer } from 'node:tls'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { DeviceRecord } from '../../shared/handover/roster.ts'
import type { KeyPair } from '../../shared/tves/noise.ts'
import { memoryMaster } from './memory-master.ts'

export interface PeerTask {
  readonly masterKey: KeyPair
  readonly devices: readonly DeviceRecord[]
  readonly certificate: { readonly key: string; readonly cert: string }
}

export interface PeerPorts {
  readonly tves: number
  readonly tls: number
}

/** What the process has used so far. */
export interface PeerUsage {
  /** Microseconds of CPU. */
  readonly cpu: number
  /** Bytes, after collecting garbage. */
  readonly rss: number
}

/** What the bench's client takes as the end of a TLS handshake on both sides. */
const GREETING = Uint8Array.of(1)

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

async function open({ masterKey, devices, certificate }: PeerTask): Promise<PeerPorts> {
  const master = await memoryMaster(masterKey, devices)
  const options = { ...certificate, minVersion: 'TLSv1.3', ecdhCurve: 'X25519MLKEM768' } as const
  const server = createServer({ ...options, noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    socket.resume()
    socket.write(GREETING)
  })
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done)
  })
  const address = server.address()
  const tls = typeof address === 'object' && address !== null ? address.port : 0
  return { tves: master.tcpPort ?? 0, tls }
}

function usage(): PeerUsage {
  const { user, system } = process.cpuUsage()
  collectGarbage()
  return { cpu: user + system, rss: process.memoryUsage.rss() }
}

process.on('message', (task: PeerTask | 'usage') => {
  if (task === 'usage') {
    process.send?.(usage())
    return
  }
  void open(task).then((ports) => process.send?.(ports))
})
process.on('disconnect', () => process.exit())
