// Two static keys: which one is called, announced, remembered, given up (wire.md 5.2).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMaster } from '../../../services/master/core/master.ts'
import { toHex } from '../../../shared/bytes.ts'
import { nodeRandom, nodeSuite } from '../../../shared/node/node-suite.ts'
import { unixMs } from '../../../shared/units.ts'
import { DEVICE, keyPair, KeyPairWorld, MINUTE_US, NOW, tagOf } from '../pairs/key-world.ts'

test('a slave learns the new key, moves to it within a minute without a fault, forgets the old', () => {
  const [old, fresh] = [keyPair(), keyPair()]
  const pair = new KeyPairWorld([old], old)
  pair.call()
  assert.deepEqual(pair.told, [toHex(tagOf(old))])
  pair.toMaster(pair.master.renewKeys([fresh, old], NOW))
  assert.deepEqual(pair.identity?.nextMasterKey, fresh.publicKey)
  assert.deepEqual(pair.identity?.masterKey, old.publicKey, 'the old one is kept beside it')
  assert.deepEqual(pair.drops, [])
  pair.after(MINUTE_US)
  assert.deepEqual(pair.drops, [null], 'the link was left without a fault')
  pair.hangUp()
  pair.call()
  assert.deepEqual(pair.told, [toHex(tagOf(old)), toHex(tagOf(fresh))])
  assert.deepEqual(pair.identity?.masterKey, fresh.publicKey)
  assert.equal(pair.identity?.nextMasterKey, null)
  pair.after(10 * MINUTE_US)
  assert.deepEqual(pair.drops, [null], 'and not again')
  assert.deepEqual(pair.refused, [])
})

test('while the new key fails, a slave calls under both in turn, also after a restart', () => {
  const [old, fresh] = [keyPair(), keyPair()]
  const pair = new KeyPairWorld([old], old)
  pair.call()
  pair.toMaster(pair.master.renewKeys([fresh, old], NOW))
  // The operator restored an older key folder: the master no longer has the new key.
  pair.toMaster(pair.master.renewKeys([old], NOW))
  pair.after(MINUTE_US)
  pair.hangUp()
  pair.restart()
  pair.call()
  assert.deepEqual(pair.refused, ['SEC-09'], 'the new key first')
  assert.deepEqual(pair.identity?.nextMasterKey, fresh.publicKey, 'still known')
  pair.hangUp()
  pair.call()
  assert.deepEqual(pair.refused, ['SEC-09'], 'then the old one, which is answered')
  assert.deepEqual(pair.identity?.masterKey, old.publicKey)
  pair.hangUp()
  pair.call()
  assert.deepEqual(pair.refused, ['SEC-09', 'SEC-09'], 'and the new one again')
})

test('a token is answered with the key it was made under, while that is in use (wire.md 5.2)', () => {
  const [old, fresh] = [keyPair(), keyPair()]
  const pair = new KeyPairWorld([fresh, old], old)
  pair.call()
  assert.deepEqual(pair.refused, [])
  assert.deepEqual(pair.identity?.masterKey, old.publicKey)
  assert.deepEqual(pair.identity?.nextMasterKey, fresh.publicKey, 'and is told the newest at once')

  const late = new KeyPairWorld([fresh], old)
  late.call()
  assert.deepEqual(late.refused, ['SEC-07'])
  assert.equal(late.identity?.psk, null)
})

test('a key given up while an enrolment under it is stored does not answer it (SEC-07)', () => {
  const [old, fresh] = [keyPair(), keyPair()]
  const pair = new KeyPairWorld([fresh, old], old)
  const { toMaster } = pair
  pair.toMaster = (actions) => {
    const enrols = actions.some((action) => action.do === 'enrol')
    if (enrols) toMaster.call(pair, pair.master.renewKeys([fresh], NOW))
    toMaster.call(pair, actions)
  }
  pair.call()
  assert.deepEqual(pair.refused, ['SEC-07'])
  assert.equal(pair.identity?.psk, null, 'the slave does not believe that it is enrolled')
})

test('trees and psks that do not open are reported and never a crash (OPS-24)', () => {
  const own = keyPair()
  const master = startMaster({
    suite: nodeSuite,
    random: nodeRandom,
    staticKeys: [keyPair()],
    toleranceSeconds: 10,
    unwrap: () => null,
  })
  const record = { id: DEVICE, name: 'attic', staticKey: own.publicKey, psk: nodeRandom(60) }
  const epoch = {
    device: DEVICE,
    id: 7,
    origin: unixMs(0),
    transcript: nodeRandom(32),
    keys: nodeRandom(200),
    closed: false,
  }
  const content = {
    devices: [{ ...record, attempt: 1, revoked: false, historyFrom: null }],
    tokens: [],
    epochs: [epoch],
    positions: [],
  }
  assert.deepEqual(master.load(content, NOW), [
    { do: 'unreadable', device: DEVICE, what: 'psk', wrapped: record.psk },
    { do: 'unreadable', device: DEVICE, what: 'key tree', wrapped: epoch.keys },
  ])
  assert.deepEqual(master.load(content, NOW), [], 'named once')
  assert.equal(master.tree(DEVICE, 7), null)
})
