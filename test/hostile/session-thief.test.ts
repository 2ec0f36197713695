// A thief of one session's transport keys, both directions: he speaks in it until it ends, and
// nothing of what he said may outlive it (wire.md 5.5). Nor may any point of small order end a
// process, whether it comes now or was stored by an attack before.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concat, toHex } from '../../shared/bytes.ts'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import type { CommandTask } from '../../shared/wire/commands.ts'
import { encodeControl } from '../../shared/wire/control.ts'
import { unixMs, unixUs } from '../../shared/units.ts'
import { keyPair, KeyPairWorld, MINUTE_US, NOW } from '../unit/pairs/key-world.ts'
import { SessionThief } from '../../services/adversary/session-thief.ts'
import { SessionPair } from '../unit/pairs/session-pair.ts'
import { SMALL_ORDER } from '../unit/pairs/small-order.ts'

const FORGED = 2 ** 48 - 1

/** An enrolled slave in a session, and the thief of its keys. */
function robbed() {
  const old = keyPair()
  const thief = new SessionThief(nodeSuite)
  const world = new KeyPairWorld([old], old, thief.suite)
  world.call()
  assert.ok(thief.holds)
  return { world, thief, old }
}

/** The link breaks, and the slave calls again: `times` times. */
function again(world: KeyPairWorld, times: number): void {
  for (let n = 0; n < times; n += 1) {
    world.hangUp()
    world.call()
  }
}

/** With no certificate, and with one that the thief makes up. */
const attempts = (plaintext: Uint8Array): readonly Uint8Array[] => [
  plaintext,
  concat(plaintext, nodeRandom(32)),
  concat(plaintext, nodeSuite.hmacSha256(nodeRandom(32), plaintext)),
]

test('MASTER KEY from a thief of the session: not stored, the link ends (SEC-16)', () => {
  const own = keyPair()
  const said = encodeControl({ is: 'master-key', key: own.publicKey })
  for (const plaintext of attempts(said)) {
    const { world, thief, old } = robbed()
    world.toSlave(thief.toVictim(plaintext))
    assert.equal(world.identity?.nextMasterKey ?? null, null, 'no key is stored')
    assert.deepEqual(world.reports, ['SEC-16'])
    again(world, 3)
    assert.deepEqual(world.identity?.masterKey, old.publicKey)
    assert.deepEqual(world.refused, [])
  }
})

test('a certificate for another device, another new key or another old key does not fit', () => {
  const [old, fresh] = [keyPair(), keyPair()]
  const other = new SessionThief(nodeSuite)
  const certified: Uint8Array[] = []
  const from = new KeyPairWorld([old], old, {
    ...other.suite,
    hmacSha256: (key, message) => {
      const tag = nodeSuite.hmacSha256(key, message)
      certified.push(tag)
      return tag
    },
  })
  from.call()
  certified.length = 0
  from.toMaster(from.master.renewKeys([fresh, old], NOW))
  assert.deepEqual(from.identity?.nextMasterKey, fresh.publicKey, 'the other slave took it')
  const said = encodeControl({ is: 'master-key', key: fresh.publicKey })
  for (const certificate of certified) {
    const thief = new SessionThief(nodeSuite)
    const world = new KeyPairWorld([old], old, thief.suite)
    world.call()
    world.toSlave(thief.toVictim(concat(said, certificate)))
    assert.deepEqual(world.reports, ['SEC-16'])
    assert.equal(world.identity?.nextMasterKey ?? null, null)
  }
})

test('no COMMAND of a thief is begun, and its number blocks no later one (SEC-16)', () => {
  const tasks: readonly CommandTask[] = [
    { task: 'schedule', meter: 'M-1', seconds: 86_400 },
    { task: 'read-now', meter: null },
    { task: 'sync-clock', meter: 'M-1' },
  ]
  for (const what of tasks) {
    const command = { is: 'command', number: FORGED, expires: unixMs(2e12), what } as const
    for (const plaintext of attempts(encodeControl(command))) {
      const { world, thief } = robbed()
      world.toSlave(thief.toVictim(plaintext))
      assert.equal(world.disk.load().command, null, 'nothing is stored')
      assert.equal(world.disk.load().schedules.size, 0)
      assert.deepEqual(world.reports, ['SEC-16'])
    }
  }
})

test('no thief gives up a frame of the slave he robbed (SEC-16)', () => {
  const run = { run: 1, first: 0, last: 2 ** 32 - 2, reason: 'damaged' } as const
  for (const attempt of [0, 1, 2]) {
    const { world, thief } = robbed()
    const [epoch] = world.disk.load().epochs
    assert.ok(epoch !== undefined)
    const tombstone = { is: 'tombstone', epoch: epoch.id, ...run, hash: nodeRandom(32) } as const
    const said = attempts(encodeControl(tombstone))[attempt] ?? nodeRandom(1)
    world.asSlave(thief.asVictim(said))
    assert.equal(world.appended, 0, 'nothing is handed on')
    assert.deepEqual(world.refused, ['SEC-16'])
  }
})

test('a point of small order as MASTER KEY is refused and nothing ends (SEC-09)', () => {
  for (const point of SMALL_ORDER) {
    const { world, thief } = robbed()
    const said = encodeControl({ is: 'master-key', key: point })
    for (const plaintext of attempts(said)) world.toSlave(thief.toVictim(plaintext))
    again(world, 3)
    assert.equal(world.identity?.nextMasterKey ?? null, null, toHex(point))
  }
  // Said by the master itself, with its certificate.
  for (const point of SMALL_ORDER) {
    const { world, old } = robbed()
    const bad = { privateKey: nodeRandom(32), publicKey: point }
    world.toMaster(world.master.renewKeys([bad, old], NOW))
    assert.deepEqual(world.reports, ['SEC-09'], toHex(point))
    assert.equal(world.identity?.nextMasterKey ?? null, null)
  }
})

test('a point of small order stored by an attack before: forgotten at the first call (SEC-17)', () => {
  for (const point of SMALL_ORDER) {
    const { world, old } = robbed()
    const { identity } = world
    assert.ok(identity !== null)
    world.disk.commit({ identity: { ...identity, nextMasterKey: point } })
    world.restart()
    again(world, 1)
    assert.deepEqual(world.reports, ['SEC-17'])
    assert.equal(world.identity?.nextMasterKey, null)
    assert.deepEqual(world.identity?.masterKey, old.publicKey)
    assert.deepEqual(world.refused, [])
  }
})

test('a whole identity under a point of small order: each call ends with SEC-09, no process does', () => {
  for (const point of SMALL_ORDER) {
    const { world } = robbed()
    const { identity } = world
    assert.ok(identity !== null)
    world.disk.commit({ identity: { ...identity, masterKey: point } })
    world.restart()
    again(world, 3)
    assert.deepEqual(world.reports, ['SEC-09', 'SEC-09', 'SEC-09'])
  }
})

test('a certified key that never answers is forgotten after 8 calls, once the old one answers', () => {
  const [old, fresh] = [keyPair(), keyPair()]
  const world = new KeyPairWorld([old], old)
  world.call()
  world.toMaster(world.master.renewKeys([fresh, old], NOW))
  world.toMaster(world.master.renewKeys([old], NOW))
  world.after(MINUTE_US)
  for (let calls = 1; calls <= 8; calls += 1) {
    assert.deepEqual(world.identity?.nextMasterKey, fresh.publicKey, `before call ${calls}`)
    again(world, 2)
  }
  assert.equal(world.identity?.nextMasterKey, null)
  assert.equal(world.reports.filter((code) => code === 'SEC-17').length, 1)
  // The master announces it again: it is taken and proves itself.
  world.toMaster(world.master.renewKeys([fresh, old], NOW))
  world.after(MINUTE_US)
  again(world, 1)
  assert.deepEqual(world.identity?.masterKey, fresh.publicKey)
})

test('a session from which the thief keeps the slave away is ended after two hours (WIR-06)', () => {
  const pair = new SessionPair()
  const { link, welcome } = pair.greet()
  pair.confirm(link, welcome)
  pair.master.step({ on: 'epoch-committed', link, stored: true }, pair.now)
  const refusedAfter = (seconds: number): readonly string[] => {
    const now = { ...pair.now, at: unixUs(pair.now.at + seconds * 1_000_000) }
    const actions = pair.master.step({ on: 'tick' }, now)
    return actions.flatMap((action) => (action.do === 'refused' ? [action.code] : []))
  }
  assert.deepEqual(refusedAfter(7_200), [])
  assert.deepEqual(refusedAfter(7_201), ['WIR-06'])
})

test('a device id that a thief of the enrolment’s keys said gives way to the handshake’s', () => {
  const { world } = robbed()
  const { identity } = world
  assert.ok(identity !== null)
  const told = identity.device
  world.disk.commit({ identity: { ...identity, device: nodeRandom(8) } })
  world.restart()
  again(world, 1)
  assert.deepEqual(world.reports, ['SEC-16'])
  assert.deepEqual(world.identity?.device, told)
  again(world, 2)
  assert.deepEqual(world.reports, ['SEC-16'])
  assert.deepEqual(world.refused, [])
})
