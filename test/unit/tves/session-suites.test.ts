// The session handshake of wire.md 4, both suites, through the slave's session and the master's
// core.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeRandom, nodeSuite } from '../../../shared/node/node-suite.ts'
import { KEM_KEY_BYTES } from '../../../shared/tves/suite.ts'
import { lengthPrefixed } from '../../../shared/wire/transport.ts'
import { portableSuite } from './portable-suite.ts'
import { countingSuite, keyPair, SessionPair } from '../pairs/session-pair.ts'

/** What a handshake may cost on the wire, both ways, with TCP's lengths. */
const HANDSHAKE_BYTES_MAX = 2_600
/** X25519 spent on somebody who is nobody: to learn which key calls. */
const ONE = 1

for (const sessionSuite of [0, 1] as const) {
  test(`suite ${sessionSuite}: both sides have the same keys and the same epoch`, () => {
    const pair = new SessionPair({ sessionSuite })
    const { link, welcome } = pair.greet()
    assert.ok(welcome.outcome.is === 'welcome' && welcome.outcome.epoch !== null)
    const { refused } = pair.confirm(link, welcome)
    assert.equal(refused, null)
  })

  test(`suite ${sessionSuite}: a clock that stands at 1970 does not matter`, () => {
    const { welcome } = new SessionPair({ sessionSuite, at: 0 }).greet()
    assert.equal(welcome.outcome.is, 'welcome')
  })
}

test('a handshake of suite 1 takes at most 2,600 bytes, with a new epoch and TCP lengths', () => {
  const sizes = ([0, 1] as const).map((sessionSuite) => {
    const { sizes: bodies } = new SessionPair({ sessionSuite }).greet()
    return bodies
      .map((length) => lengthPrefixed(new Uint8Array(length)).length)
      .reduce((sum, length) => sum + length)
  })
  // Both numbers follow from wire.md alone: 32 + 48 + 25 and 32 + 60, with 7 + 3 and 2 * 2 bytes
  // around them, and the key, the ciphertext and their tags.
  assert.deepEqual(sizes, [211, 211 + 1_184 + 16 + 1_088 + 16])
  assert.ok(sizes.every((size) => size <= HANDSHAKE_BYTES_MAX))
})

test('the providers understand each other in suite 1', () => {
  for (const suites of [
    { slave: portableSuite, master: nodeSuite },
    { slave: nodeSuite, master: portableSuite },
  ]) {
    const pair = new SessionPair({ suites })
    const { link, welcome } = pair.greet()
    assert.equal(pair.confirm(link, welcome).refused, null)
  }
})

for (const sessionSuite of [0, 1] as const) {
  test(`suite ${sessionSuite}: an unknown caller costs one X25519 (SEC-01), a revoked one too`, () => {
    const counting = countingSuite()
    const pair = new SessionPair({ sessionSuite, suites: { master: counting.suite } })
    const { send } = pair.hello({ caller: keyPair() })
    assert.equal(pair.tell(pair.open(), send).refused, 'SEC-01')
    assert.equal(counting.spent(), ONE)
    const other = countingSuite()
    const options = { sessionSuite, revoked: true, suites: { master: other.suite } }
    const revoked = new SessionPair(options)
    assert.equal(revoked.tell(revoked.open(), revoked.hello().send).refused, 'SEC-14')
    assert.equal(other.spent(), ONE)
  })
}

test('the master key tag picks the key: either of two, an unknown one costs nothing (SEC-09)', () => {
  const counting = countingSuite()
  const pair = new SessionPair({ suites: { master: counting.suite } })
  const [newer, older] = pair.masterKeys
  for (const { publicKey } of [newer, older]) {
    const hello = pair.hello({ masterKey: publicKey })
    const { body, refused } = pair.tell(pair.open(), hello.send)
    assert.equal(refused, null)
    assert.equal(pair.take(hello.session, body ?? new Uint8Array(0)).outcome.is, 'welcome')
  }
  const before = counting.spent()
  const { send } = pair.hello({ masterKey: keyPair().publicKey })
  assert.equal(pair.tell(pair.open(), send).refused, 'SEC-09')
  assert.equal(counting.spent(), before)
})

test('another psk does not finish a session, in either suite (SEC-09)', () => {
  const pair = new SessionPair()
  const hello = pair.hello({ psk: nodeRandom(32) })
  const { body } = pair.tell(pair.open(), hello.send)
  const { outcome } = pair.take(hello.session, body ?? new Uint8Array(0))
  assert.ok(outcome.is === 'ended' && outcome.fault === 'SEC-09')
})

test('a malformed encapsulation key is refused, by either provider, without a throw', () => {
  const bad = new Uint8Array(KEM_KEY_BYTES).fill(0xff)
  for (const suite of [nodeSuite, portableSuite]) {
    assert.equal(suite.kem.encapsulate(bad), null)
    assert.equal(suite.kem.encapsulate(new Uint8Array(KEM_KEY_BYTES - 1)), null)
    assert.equal(suite.kem.decapsulate(new Uint8Array(64), new Uint8Array(1_087)), null)
    // An enrolled slave gone bad: everything else in its message is true.
    const slave = { ...nodeSuite, kem: { ...nodeSuite.kem, encapsulationKey: () => bad } }
    const pair = new SessionPair({ suites: { slave, master: suite } })
    assert.equal(pair.tell(pair.open(), pair.hello().send).refused, 'SEC-09')
  }
})

test('a coefficient one too large, the least there is, is malformed (FIPS 203 section 7.2)', () => {
  // 3329 = 0xd01 in the first 12 bits, low byte first: the modulus itself.
  const key = nodeSuite.kem.encapsulationKey(new Uint8Array(64).fill(1))
  const edge = new Uint8Array(key)
  edge[0] = 0x00
  edge[1] = ((edge[1] ?? 0) & 0xf0) | 0x0d
  for (const suite of [nodeSuite, portableSuite]) {
    assert.notEqual(suite.kem.encapsulate(edge), null, '3328 is below it')
    edge[0] = 0x01
    assert.equal(suite.kem.encapsulate(edge), null)
    edge[0] = 0x00
  }
})
