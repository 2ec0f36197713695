// Too many handshakes from one address, over real sockets: refused in clear (WIR-05), and another
// address is served.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { runMaster } from '../../services/master/main.ts'
import { openKeyStore } from '../../services/master/shell/keys/key-store.ts'
import { toText } from '../../shared/bytes.ts'
import { TreeKeys } from '../../services/master/shell/keys/tree-keys.ts'
import { nodeSuite } from '../../shared/node/node-suite.ts'
import { masterKeyTag } from '../../shared/tves/handshake.ts'
import { sessionHello } from '../../shared/wire/message.ts'
import { EMPTY_ROSTER } from '../fixtures/rosters.ts'
import { lengthPrefixed } from '../../shared/wire/transport.ts'

async function openMaster(t: TestContext, perSource: number) {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-flood-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const keys = openKeyStore(join(folder, 'keys'))
  const quiet = () => {}
  const master = await runMaster({
    keys,
    trees: new TreeKeys(keys.folder, Date.now()),
    roster: EMPTY_ROSTER,
    board: {
      connected: quiet,
      disconnected: quiet,
      status: quiet,
      meterClock: quiet,
      headClock: quiet,
      refused: quiet,
    },
    sink: { append: async () => {}, anchor: quiet },
    commands: {
      revision: async () => 0,
      open: async () => [],
      sent: async () => {},
      receipt: async () => {},
    },
    tcp: { host: '127.0.0.1', port: 0 },
    ws: { host: '127.0.0.1', port: 0 },
    toleranceSeconds: 10,
    clockBoundUs: 20_000,
    connectionsMax: 1_000,
    handshakeLimits: { perSource },
    log: quiet,
  })
  t.after(() => master.close())
  return { master, port: master.tcpPort ?? 0, publicKey: keys.staticKeys[0].publicKey }
}

/** What the master answers to a random step 1 from this address. */
async function answered(port: number, localAddress: string, hello: Uint8Array): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  socket.write(lengthPrefixed(hello))
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(socket, 'close')
  return toText(new Uint8Array(Buffer.concat(chunks).subarray(3)))
}

test('WIR-05: handshakes begun from one address, over TCP (wire.md 10)', async (t) => {
  const { port, publicKey } = await openMaster(t, 3)
  const hello = sessionHello(1, masterKeyTag(nodeSuite, publicKey), new Uint8Array(1_305).fill(9))
  const said: string[] = []
  for (let call = 0; call < 4; call += 1) said.push(await answered(port, '127.0.0.1', hello))
  assert.deepEqual(said, ['SEC-09', 'SEC-09', 'SEC-09', 'WIR-05'])
  assert.equal(await answered(port, '127.0.0.2', hello), 'SEC-09')
})

test('1,000 silent sockets of one address, on both doors, keep nobody else out (wire.md 10)', async (t) => {
  const { master, port, publicKey } = await openMaster(t, 60)
  const hello = sessionHello(1, masterKeyTag(nodeSuite, publicKey), new Uint8Array(1_305).fill(9))
  for (let at = 0; at < 1_000; at += 1) {
    const socket = connect({ port: at % 2 === 0 ? port : (master.wsPort ?? 0), host: '127.0.0.1' })
    socket.on('error', () => socket.destroy())
    t.after(() => socket.destroy())
    await once(socket, 'connect')
  }
  assert.ok(master.connections() <= 64, `${master.connections()} of one address`)
  assert.equal(await answered(port, '127.0.0.2', hello), 'SEC-09')
  // Nor those who share the address: the idle ones give way.
  await wait(1_100)
  assert.equal(await answered(port, '127.0.0.1', hello), 'SEC-09')
})
