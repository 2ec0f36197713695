// A head-end in a process of its own: the real core, shell and key folder, with a database made of
// maps. Its parent is the slave, and reads its memory when it is done.

import { runMaster } from '../../services/master/main.ts'
import { openKeyStore } from '../../services/master/shell/keys/key-store.ts'
import { TreeKeys } from '../../services/master/shell/keys/tree-keys.ts'
import type { DeviceRecord, EpochRecord, Roster } from '../../shared/handover/roster.ts'
import type { StreamPosition } from '../../shared/handover/sink.ts'
import { toHex } from '../../shared/bytes.ts'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { Secret } from '../../shared/secret.ts'
import { encodeToken, fingerprint } from '../../shared/tves/token.ts'
import { unixMs } from '../../shared/units.ts'

/** What the parent asks for. */
export type Asked = 'collect' | 'rotate' | 'fail once' | 'end'
/** `frames`: how many are durable. */
export interface Answered {
  readonly port: number | null
  readonly token: string
  readonly frames: number
}

const DEVICE = '00112233aabbccdd'
const keys = openKeyStore(process.argv[2] ?? '')
const trees = new TreeKeys(keys.folder, Date.now())

const secret = nodeRandom(16)
const tokenId = nodeRandom(8)
const print = fingerprint(nodeSuite, keys.staticKeys[0].publicKey)
const token = encodeToken({ id: tokenId, secret: new Secret(secret), fingerprint: print })
let device: DeviceRecord = {
  id: DEVICE,
  name: 'attic',
  staticKey: null,
  psk: null,
  attempt: 0,
  revoked: false,
  historyFrom: null,
}
const wrappedToken = keys.wrap(secret, { is: 'token', device: DEVICE, token: toHex(tokenId) })
const epochs = new Map<number, EpochRecord>()
const positions = new Map<string, StreamPosition>()

const roster: Roster = {
  load: async () => ({
    revision: 1,
    devices: [device],
    tokens: [
      {
        id: toHex(tokenId),
        device: DEVICE,
        secret: wrappedToken,
        expiresAt: unixMs(4e12),
        burntBy: device.staticKey,
      },
    ],
    epochs: [...epochs.values()],
    positions: [...positions.values()],
    letGo: [],
  }),
  revision: async () => 1,
  enrol: async ({ staticKey, psk, attempt }) => {
    device = { ...device, staticKey, psk, attempt }
  },
  commitEpoch: async (epoch) => {
    epochs.set(epoch.id, epoch)
  },
  drainEpoch: async () => undefined,
  drainedEpochs: async () => ({ epochs: [], positions: [] }),
  reviveEpoch: async () => undefined,
  namedEpochs: async () => undefined,
  doubt: async () => undefined,
  tidyEpochs: async () => ({ destroyed: 0 }),
  rewrapSecrets: async () => undefined,
  rewrap: async (rewrap) => {
    const stored = [...epochs.values()]
    const wrapped = rewrap(stored.map(({ device, id, keys }) => ({ device, epoch: id, keys })))
    for (const [at, epoch] of stored.entries()) {
      epochs.set(epoch.id, { ...epoch, keys: wrapped[at] ?? epoch.keys })
    }
  },
  calledUnder: async () => undefined,
  olderKeys: async () => ({ devices: 0, tokens: 0 }),
}

let frames = 0
let fails = false
const nothing = (): void => undefined
const master = await runMaster({
  keys,
  trees,
  roster,
  commands: {
    revision: async () => 1,
    open: async () => [],
    sent: async () => undefined,
    receipt: async () => undefined,
  },
  sink: {
    append: async (batch) => {
      await new Promise(setImmediate)
      const failing = fails
      fails = false
      if (failing) throw new Error('as the parent asked')
      frames += batch.length
      for (const { position } of batch) positions.set(`${position.epoch} ${position.run}`, position)
    },
    anchor: nothing,
  },
  board: {
    connected: nothing,
    disconnected: nothing,
    refused: nothing,
    status: nothing,
    meterClock: nothing,
    headClock: nothing,
  },
  tcp: { host: '127.0.0.1', port: 0 },
  ws: null,
  toleranceSeconds: 10,
  // Not synchronised: the parent's clock runs ahead, and no frame is refused for its time.
  clockBoundUs: null,
  connectionsMax: 10,
  log: nothing,
})

const answer = (): void => {
  process.send?.({ port: master.tcpPort, token, frames } satisfies Answered)
}
process.on('message', (asked: Asked) => {
  if (asked === 'collect') for (let times = 0; times < 2; times += 1) globalThis.gc?.()
  if (asked === 'fail once') fails = true
  if (asked === 'rotate') {
    void master.rotateTrees().then(answer)
    return
  }
  if (asked === 'end') {
    process.disconnect?.()
    void master.close()
    return
  }
  answer()
})
answer()
