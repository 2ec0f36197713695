// The real head-end over TCP with everything behind it in memory, for benches of its links.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningMaster, runMaster } from '../../services/master/main.ts'
import { TreeKeys } from '../../services/master/shell/keys/tree-keys.ts'
import type { DeviceRecord, Roster } from '../../shared/handover/roster.ts'
import type { KeyPair } from '../../shared/tves/noise.ts'
import { NO_CLOSED_EPOCHS } from '../fixtures/rosters.ts'

const CONNECTIONS_MAX = 5_000
const NO_LIMIT = 1_000_000_000
const HANDSHAKES = {
  inFlight: CONNECTIONS_MAX,
  inFlightPerSource: CONNECTIONS_MAX,
  perSource: NO_LIMIT,
  perDevice: NO_LIMIT,
}

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

/** Listens on a port of its own choice until the process ends. */
export async function memoryMaster(
  masterKey: KeyPair,
  devices: readonly DeviceRecord[],
): Promise<RunningMaster> {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return runMaster({
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
}
