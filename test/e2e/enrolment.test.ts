// Slaves that enrol at the same moment, against a roster whose answers overtake each other.

import { NO_CLOSED_EPOCHS } from '../fixtures/rosters.ts'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { runMaster } from '../../services/master/main.ts'
import { openKeyStore } from '../../services/master/shell/keys/key-store.ts'
import { TreeKeys } from '../../services/master/shell/keys/tree-keys.ts'
import { runSlave } from '../../services/slave/main.ts'
import { toHex } from '../../shared/bytes.ts'
import type { DeviceRecord, Roster, TokenRecord } from '../../shared/handover/roster.ts'
import type { FleetBoard } from '../../shared/handover/sink.ts'
import { openLog } from '../../shared/node/log.ts'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { Secret } from '../../shared/secret.ts'
import { encodeToken, fingerprint } from '../../shared/tves/token.ts'
import { unixMs } from '../../shared/units.ts'
import { until } from './whole-way.ts'

const HOST = '127.0.0.1'
/** Late enough for the other device to have finished long before. */
const LATE_MS = 2_000
const FOREVER = unixMs(4e12)

/** A roster in memory. The answer to the first load after an enrolment arrives last. */
class SlowRoster implements Roster {
  devices: DeviceRecord[] = []
  tokens: TokenRecord[] = []
  #enrolments = 0
  #slowed = false
  #late: Promise<void> = Promise.resolve()

  /** Resolves when no answer is outstanding. */
  async calm(): Promise<void> {
    await this.#late
    await wait(0)
  }

  async load() {
    const { devices, tokens } = this
    const snapshot = { revision: 1, devices, tokens, epochs: [], positions: [], letGo: [] }
    if (this.#enrolments > 0 && !this.#slowed) {
      this.#slowed = true
      this.#late = wait(LATE_MS)
      await this.#late
    }
    return snapshot
  }
  async revision() {
    return 1
  }
  async enrol(entry: Parameters<Roster['enrol']>[0]) {
    const { device, staticKey, psk, attempt } = entry
    this.devices = this.devices.map((record) =>
      record.id === device ? { ...record, staticKey, psk, attempt } : record,
    )
    this.#enrolments += 1
  }
  async commitEpoch() {}
  async rewrap() {}
  async rewrapSecrets() {}
  async calledUnder() {}
  async olderKeys() {
    return { devices: 0, tokens: 0 }
  }
  readonly drainEpoch = NO_CLOSED_EPOCHS.drainEpoch
  readonly drainedEpochs = NO_CLOSED_EPOCHS.drainedEpochs
  readonly reviveEpoch = NO_CLOSED_EPOCHS.reviveEpoch
  readonly doubt = NO_CLOSED_EPOCHS.doubt
  readonly tidyEpochs = NO_CLOSED_EPOCHS.tidyEpochs
  readonly namedEpochs = NO_CLOSED_EPOCHS.namedEpochs
}

test('all devices that enrol at the same moment are known afterwards (wire.md 3)', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-enrol-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const keys = openKeyStore(join(folder, 'keys'))
  const roster = new SlowRoster()
  const connected = new Set<string>()
  const refused: string[] = []
  const board: FleetBoard = {
    connected: (device) => connected.add(device),
    disconnected: () => {},
    status: () => {},
    meterClock: () => {},
    headClock: () => {},
    refused: (_device, code) => refused.push(code),
  }
  const tokens = ['one', 'two'].map((name) => {
    const [id, secret, device] = [nodeRandom(8), nodeRandom(16), toHex(nodeRandom(8))]
    const never = { staticKey: null, psk: null, attempt: 0, revoked: false, historyFrom: null }
    roster.devices.push({ id: device, name, ...never })
    const place = { is: 'token', device, token: toHex(id) } as const
    const record = { id: place.token, device, secret: keys.wrap(secret, place) }
    roster.tokens.push({ ...record, expiresAt: FOREVER, burntBy: null })
    const print = fingerprint(nodeSuite, keys.staticKeys[0].publicKey)
    return encodeToken({ id, secret: new Secret(secret), fingerprint: print })
  })
  const master = await runMaster({
    keys,
    trees: new TreeKeys(keys.folder, Date.now()),
    roster,
    board,
    sink: { append: async () => {}, anchor: () => {} },
    commands: {
      revision: async () => 0,
      open: async () => [],
      sent: async () => {},
      receipt: async () => {},
    },
    tcp: { host: HOST, port: 0 },
    ws: null,
    toleranceSeconds: 10,
    clockBoundUs: 20_000,
    connectionsMax: 10,
    log: () => {},
  })
  t.after(() => master.close())
  const log = openLog({ pretty: false, nowMs: () => 0, write: () => {} })
  const files = tokens.map((token, index) => {
    const file = join(folder, `slave-${index}.toml`)
    writeFileSync(
      file,
      `data = "data-${index}"
master = "tcp://${HOST}:${master.tcpPort}"
token = "${token}"
[[line]]
url = "tcp://${HOST}:9"
protocol = "sem"
meters = ["E-${index}"]
`,
      { mode: 0o600 },
    )
    return file
  })
  for (const start of ['first', 'second']) {
    const slaves = await Promise.all(files.map((file) => runSlave(file, log)))
    t.after(() => Promise.all(slaves.map((slave) => slave.stop())))
    await until(`both are connected at the ${start} start`, () => connected.size === 2, 10_000)
    await roster.calm()
    await Promise.all(slaves.map((slave) => slave.stop()))
    connected.clear()
  }
  assert.deepEqual(refused, [])
})
