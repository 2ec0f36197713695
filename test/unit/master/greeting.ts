// An agent and the master's answer to its first message: where the first time sample comes from.

import assert from 'node:assert/strict'
import { startMaster } from '../../../services/master/core/master.ts'
import { type Agent, startAgent } from '../../../services/slave/core/agent.ts'
import { nodeRandom, nodeSuite } from '../../../shared/node/node-suite.ts'
import { type MonoUs, monoUs, unixUs } from '../../../shared/units.ts'
import { Disk } from '../../sim/disk.ts'

const DEVICE = '00112233aabbccdd'

/** When the agent of `greeting` said hello. */
export const HELLO_AT = monoUs(1)
/** What the master says of its own clock, microseconds. */
export const MASTER_BOUND_US = 20_000

export interface Greeting {
  readonly agent: Agent
  /** What its `send` asked to be noted. */
  readonly made: MonoUs | undefined
  readonly answer: Uint8Array
}

export function greeting(): Greeting {
  const keyPair = () => {
    const privateKey = nodeRandom(32)
    return { privateKey, publicKey: nodeSuite.publicKey(privateKey) }
  }
  const [own, masters, psk] = [keyPair(), keyPair(), nodeRandom(32)]
  const now = { at: unixUs(1_800_000_000_000_000), bound: MASTER_BOUND_US }
  const setup = { suite: nodeSuite, random: nodeRandom }
  const unwrap = (wrapped: Uint8Array): Uint8Array => wrapped.slice()
  const master = startMaster({ ...setup, staticKeys: [masters], toleranceSeconds: 10, unwrap })
  const record = { id: DEVICE, name: 'attic', staticKey: own.publicKey, psk, attempt: 1 }
  const devices = [{ ...record, revoked: false, historyFrom: null }]
  master.load({ devices, tokens: [], epochs: [], positions: [] }, now)
  const agent = startAgent({
    ...setup,
    stored: {
      ...new Disk(1_000).load(),
      identity: {
        staticKey: own.privateKey,
        attempt: 1,
        masterKey: masters.publicKey,
        psk,
        device: Uint8Array.fromHex(DEVICE),
      },
    },
    token: null,
    meters: [],
    wall: unixUs(0),
    mono: monoUs(0),
  })
  const [hello] = agent.step({ on: 'link-up' }, HELLO_AT)
  assert.ok(hello?.do === 'send')
  master.step({ on: 'opened', link: 1, transport: 'tcp', source: 'here' }, now)
  const [answer] = master.step({ on: 'body', link: 1, body: hello.body }, now)
  assert.ok(answer?.do === 'send')
  return { agent, made: hello.made, answer: answer.body }
}
