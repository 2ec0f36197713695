// The server process of the connection benches: the real head-end (sockets, core; roster, sink and
// board in memory) and a node:tls server beside it. The bench asks in messages what they cost.

import { NO_CLOSED_EPOCHS } from '../fixtures/closed-epochs.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { runMaster } from '../../services/master/main.ts'
import { TreeKeys } from '../../services/master/shell/keys/tree-keys.ts'
import type { DeviceRecord, Roster } from '../../shared/handover/roster.ts'
import type { KeyPair } from '../../shared/tves/noise.ts'

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

const CONNECTIONS_MAX = 5_000
const NO_LIMIT = 1_000_000_000
const HANDSHAKES = {
  inFlight: CONNECTIONS_MAX,
  inFlightPerSource: CONNECTIONS_MAX,
  perSource: NO_LIMIT,
  perDevice: NO_LIMIT,
}

/** What the bench's client takes as the end of a TLS handshake on both sides. */
const GREETING = Uint8Array.of(1)

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

function rosterOf(devices: readonly DeviceRecord[]): Roster {
  return {
    load: async () => ({ revision: 1, devices, tokens: [], epochs: [], positions: [], letGo: [] }),
    revision: async () => 1,
    enrol: async () => {},
    commitEpoch: async () => {},
    ...NO_CLOSED_EPOCHS,
    rewrap: async () => {},
    rewrapSecrets: async () => {},
    calledUnder: async () => {},
    olderKeys: async () => ({ devices: 0, tokens: 0 }),
  }
}

async function open({ masterKey, devices, certificate }: PeerTask): Promise<PeerPorts> {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const master = await runMaster({
    keys: {
      folder,
      staticKeys: [masterKey],
      look: () => false,
      wrap: (secret) => secret,
      unwrap: (wrapped) => wrapped,
      unwrapUnbound: () => null,
      isOurs: () => true,
    },
    trees: new TreeKeys(folder, Date.now()),
    roster: rosterOf(devices),
    commands: {
      revision: async () => 0,
      open: async () => [],
      sent: async () => {},
      receipt: async () => {},
    },
    sink: { append: async () => {}, anchor() {} },
    board: {
      connected() {},
      disconnected() {},
      status() {},
      meterClock() {},
      headClock() {},
      refused() {},
    },
    tcp: { host: '127.0.0.1', port: 0 },
    ws: null,
    toleranceSeconds: 10,
    clockBoundUs: 10_000,
    connectionsMax: CONNECTIONS_MAX,
    handshakeLimits: HANDSHAKES,
    log: (code, detail) => console.error(code, detail),
  })
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
