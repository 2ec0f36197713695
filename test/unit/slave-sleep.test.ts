// A machine that sleeps: its monotonic clock stands, so a round trip that slept looks fast.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMaster } from '../../services/master/core/master.ts'
import { startAgent } from '../../services/slave/core/agent.ts'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { monoUs, unixUs } from '../../shared/units.ts'

const DEVICE = '00112233aabbccdd'

/** Clock state after the handshake's answer came, with and without a sleep before it. */
function stateAfter(slept: boolean): string {
  const keyPair = () => {
    const privateKey = nodeRandom(32)
    return { privateKey, publicKey: nodeSuite.publicKey(privateKey) }
  }
  const [own, masters, psk] = [keyPair(), keyPair(), nodeRandom(32)]
  const now = { at: unixUs(1_800_000_000_000_000), bound: 20_000 }
  const setup = { suite: nodeSuite, random: nodeRandom }
  const unwrap = (wrapped: Uint8Array): Uint8Array => wrapped
  const master = startMaster({ ...setup, staticKeys: [masters], toleranceSeconds: 10, unwrap })
  const record = { id: DEVICE, name: 'attic', staticKey: own.publicKey, psk, attempt: 1 }
  const devices = [{ ...record, revoked: false, historyFrom: null }]
  master.load({ devices, tokens: [], epochs: [], positions: [] }, now)
  const agent = startAgent({
    ...setup,
    stored: {
      identity: {
        staticKey: own.privateKey,
        attempt: 1,
        masterKey: masters.publicKey,
        psk,
        device: Uint8Array.fromHex(DEVICE),
      },
      epochs: [],
      runs: [],
      cursors: new Map(),
      command: null,
      schedules: new Map(),
      corrections: new Map(),
      lastUsed: null,
      highestRun: 0,
      backlog: { frames: 0, bytes: 0 },
    },
    token: null,
    meters: [],
    wall: unixUs(0),
    mono: monoUs(0),
  })
  const [hello] = agent.step({ on: 'link-up' }, monoUs(1))
  assert.ok(hello?.do === 'send')
  master.step({ on: 'opened', link: 1, transport: 'tcp', source: 'here' }, now)
  const [answer] = master.step({ on: 'body', link: 1, body: hello.body }, now)
  assert.ok(answer?.do === 'send')
  if (slept) agent.step({ on: 'slept' }, monoUs(2))
  agent.step({ on: 'body', body: answer.body }, monoUs(3))
  return agent.view(monoUs(3)).clockState
}

test('the handshake brings a first time sample (wire.md 5)', () => {
  assert.equal(stateAfter(false), 'S')
})

test('a handshake during which the machine slept brings none (simulation, seed 1048)', () => {
  assert.equal(stateAfter(true), 'U')
})
