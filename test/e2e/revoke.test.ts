// A revoked device is cut off within two seconds: its live link, and a link on which its handshake
// has just begun. (With `ticklock revoke` and real processes: strangers.test.ts.)

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { issueToken, revokeDevice } from '../../services/billing/fleet/db/roster.ts'
import { beginSession } from '../../services/slave/core/link/session.ts'
import { toHex } from '../../shared/bytes.ts'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { masterKeyTag } from '../../shared/tves/handshake.ts'
import { monoUs, unixMs } from '../../shared/units.ts'
import { lengthPrefixed } from '../../shared/wire/transport.ts'
import { KeyFleet } from './key-fleet.ts'
import type { LightSlave } from './light-slave.ts'

const CUT_MS = 2_000
const PATIENCE_MS = 20_000

async function until(what: string, is: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  while (!is()) {
    assert.ok(performance.now() < end, what)
    await wait(20)
  }
}

/** The first half of a session handshake as this slave would make it; the socket then waits. */
async function halfway(slave: LightSlave, port: number): Promise<Socket> {
  const identity = slave.disk.load().identity
  assert.ok(identity?.psk && identity.masterKey)
  const { staticKey, masterKey, psk } = identity
  const setup = { suite: nodeSuite, random: nodeRandom, processId: nodeRandom(8) }
  const asks = { wantEpoch: false, mono: monoUs(0) }
  const { send } = beginSession(setup, { staticKey, masterKey, psk }, asks)
  assert.ok(send !== null)
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => socket.destroy())
  socket.write(lengthPrefixed(send))
  await once(socket, 'data')
  return socket
}

/** What an operator does to a device, and how it is said. */
const WAYS: readonly (readonly [string, (fleet: KeyFleet, device: string) => Promise<void>])[] = [
  ['revoked', async (fleet, device) => void (await revokeDevice(fleet.postgres.db.kysely, device))],
  [
    'revoked and given a new token between two looks at the roster',
    async (fleet, device) => {
      const { kysely } = fleet.postgres.db
      await revokeDevice(kysely, device)
      const id = nodeRandom(8)
      const place = { is: 'token', device, token: toHex(id) } as const
      await issueToken(kysely, {
        id,
        device,
        secret: fleet.keys.wrap(nodeRandom(16), place),
        expiresAt: unixMs(Date.now() + 60_000),
        masterKey: masterKeyTag(nodeSuite, fleet.keys.staticKeys[0].publicKey),
      })
    },
  ],
]

for (const [what, act] of WAYS) {
  test(`${what}: a live link and one in the middle of a handshake are cut within 2 s`, async (t) => {
    const fleet = await KeyFleet.open()
    t.after(() => fleet.close())
    const { tokens } = await fleet.enrol(2)
    await fleet.startSlaves(tokens, { everyMs: 200 })
    await until('both are linked', () => fleet.count(({ view }) => view.linked) === 2)
    const [live, greeting] = [...fleet.slaves.values()]
    assert.ok(live !== undefined && greeting !== undefined)
    greeting.disconnect()
    const socket = await halfway(greeting, fleet.master.tcpPort ?? 0)
    await wait(500)
    assert.equal(socket.destroyed, false, 'it waits for CONFIRM')
    const closed = once(socket, 'close')
    socket.resume()
    const from = performance.now()
    for (const { disk } of [live, greeting]) {
      const device = disk.load().identity?.device
      assert.ok(device)
      await act(fleet, toHex(device))
    }
    const cut = { live: 0, greeting: 0 }
    await Promise.all([
      closed.then(() => {
        cut.greeting = performance.now() - from
      }),
      until('the live link is cut', () => !live.view.linked).then(() => {
        cut.live = performance.now() - from
      }),
    ])
    t.diagnostic(`cut after ${Math.round(cut.live)} and ${Math.round(cut.greeting)} ms`)
    assert.ok(cut.live < CUT_MS && cut.greeting < CUT_MS, JSON.stringify(cut))
    await wait(500)
    const { rows: before } = await fleet.stored()
    await wait(1_000)
    assert.equal((await fleet.stored()).rows, before, 'nothing is taken after the cut')
  })
}
