// What the master does with an anchor: hands it on, unless no clock could have given it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMaster } from '../../../services/master/core/master.ts'
import { controlBody } from '../../../services/slave/core/control.ts'
import { beginSession, receive } from '../../../services/slave/core/link/session.ts'
import { nodeRandom, nodeSuite } from '../../../shared/node/node-suite.ts'
import { monoUs, unixMs, unixUs } from '../../../shared/units.ts'

const NOW_MS = 1_800_000_000_000
const TOLERANCE_SECONDS = 10
const keyPair = () => {
  const privateKey = nodeRandom(32)
  return { privateKey, publicKey: nodeSuite.publicKey(privateKey) }
}

/** The actions that follow an anchor of this UTC and bound in a confirmed session. */
function told(utc: number, bound: number, masterBound: number | null = 20_000): unknown {
  const now = { at: unixUs(NOW_MS * 1_000), bound: masterBound }
  const [own, masters, psk] = [keyPair(), keyPair(), nodeRandom(32)]
  const common = { suite: nodeSuite, random: nodeRandom }
  const tolerance = { toleranceSeconds: TOLERANCE_SECONDS }
  const master = startMaster({
    ...common,
    ...tolerance,
    staticKeys: [masters],
    unwrap: (wrapped) => wrapped,
  })
  const record = { id: '00112233aabbccdd', name: 'attic', staticKey: own.publicKey, psk }
  const devices = [{ ...record, attempt: 1, revoked: false, historyFrom: null }]
  master.load({ devices, tokens: [], epochs: [], positions: [] }, now)
  const processId = Uint8Array.from({ length: 8 }, (_, index) => index)
  const setup = { ...common, processId }
  const keys = { staticKey: own.privateKey, masterKey: masters.publicKey, psk }
  const hello = beginSession(setup, keys, { wantEpoch: true, mono: monoUs(0) })
  master.step({ on: 'opened', link: 1, transport: 'tcp', source: '' }, now)
  const [answer] = master.step({ on: 'body', link: 1, body: hello.send ?? nodeRandom(1) }, now)
  assert.ok(answer?.do === 'send')
  const identity = { ...keys, attempt: 1, device: null }
  const { session, outcome } = receive(setup, hello.session, identity, answer.body)
  assert.ok(outcome.is === 'welcome' && outcome.epoch !== null)
  const say = (message: Parameters<typeof controlBody>[1]) =>
    master.step({ on: 'body', link: 1, body: controlBody(session, message) ?? nodeRandom(1) }, now)
  const anchor = { is: 'anchor', processId, processMs: 4_000, utc: unixMs(utc), bound } as const
  say({ is: 'confirm', epoch: outcome.epoch.id, runs: [] })
  master.step({ on: 'epoch-committed', link: 1, stored: true }, now)
  const [action, ...more] = say(anchor)
  assert.deepEqual(more, [])
  return action?.do === 'refused' ? action.code : action
}

test('an anchor is handed on with its process id in hex, however late it comes (wire.md 5.3)', () => {
  for (const utc of [NOW_MS, NOW_MS - 86_400_000]) {
    assert.deepEqual(told(utc, 30), {
      do: 'anchor',
      device: '00112233aabbccdd',
      anchor: { process: '0001020304050607', processMs: 4_000, utc, bound: 30 },
    })
  }
})

test('one that is ahead by more than its bound and the tolerance counts as CLK-02', () => {
  const latest = NOW_MS + 30 + TOLERANCE_SECONDS * 1_000
  assert.notEqual(told(latest, 30), 'CLK-02')
  assert.equal(told(latest + 1, 30), 'CLK-02')
  assert.notEqual(told(latest + 1, 30, null), 'CLK-02', 'a master without a clock judges none')
})
