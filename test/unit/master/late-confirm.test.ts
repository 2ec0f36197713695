// Two links of one slave: it left the first, whose CONFIRM arrives after the second's.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMaster } from '../../../services/master/core/master.ts'
import type { MasterAction } from '../../../services/master/core/state.ts'
import { controlBody } from '../../../services/slave/core/control.ts'
import { beginSession, receive } from '../../../services/slave/core/link/session.ts'
import { nodeRandom, nodeSuite } from '../../../shared/node/node-suite.ts'
import { monoUs, unixUs } from '../../../shared/units.ts'

const keyPair = () => {
  const privateKey = nodeRandom(32)
  return { privateKey, publicKey: nodeSuite.publicKey(privateKey) }
}

test('a CONFIRM of an abandoned session closes no epoch (wire.md 6; simulation, seed 7)', () => {
  const now = { at: unixUs(1_800_000_000_000_000), bound: 20_000 }
  const [own, masters, psk] = [keyPair(), keyPair(), nodeRandom(32)]
  const master = startMaster({
    suite: nodeSuite,
    random: nodeRandom,
    staticKeys: [masters],
    toleranceSeconds: 10,
    unwrap: (wrapped) => wrapped.slice(),
  })
  const record = { id: '00112233aabbccdd', name: 'attic', staticKey: own.publicKey, psk }
  const devices = [{ ...record, attempt: 1, revoked: false, historyFrom: null }]
  master.load({ devices, tokens: [], epochs: [], positions: [] }, now)

  /** A session up to its CONFIRM, which is not sent yet. */
  const open = (link: number): Uint8Array => {
    const setup = { suite: nodeSuite, random: nodeRandom, processId: new Uint8Array(8) }
    const keys = { staticKey: own.privateKey, masterKey: masters.publicKey, psk }
    const identity = { ...keys, attempt: 1, device: null }
    const hello = beginSession(setup, keys, { wantEpoch: true, mono: monoUs(0) })
    assert.ok(hello.send !== null)
    master.step({ on: 'opened', link, transport: 'tcp', source: 'here' }, now)
    const [answer] = master.step({ on: 'body', link, body: hello.send }, now)
    assert.ok(answer?.do === 'send')
    const { session, outcome } = receive(setup, hello.session, identity, answer.body)
    assert.ok(outcome.is === 'welcome' && outcome.epoch !== null)
    const confirm = controlBody(session, { is: 'confirm', epoch: outcome.epoch.id, runs: [] })
    assert.ok(confirm !== null)
    return confirm
  }
  const kinds = (actions: readonly MasterAction[]): string[] => actions.map(({ do: what }) => what)

  const late = open(1)
  const confirm = open(2)
  const taken = master.step({ on: 'body', link: 2, body: confirm }, now)
  assert.deepEqual(kinds(taken), ['connected', 'called-under', 'commit-epoch'])
  const refused = master.step({ on: 'body', link: 1, body: late }, now)
  assert.deepEqual(kinds(refused), ['refused', 'drop'])
  const stored = master.step({ on: 'epoch-committed', link: 2, stored: true }, now)
  assert.deepEqual(kinds(stored), ['send'])
})
