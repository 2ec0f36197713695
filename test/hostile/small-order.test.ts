// Points of small order wherever a peer's point comes in: each is refused, and nothing is stored or
// thrown. Stored ones and MASTER KEY: session-thief.test.ts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMaster } from '../../services/master/core/master.ts'
import { beginEnrolment, beginSession, receive } from '../../services/slave/core/link/session.ts'
import { concat, toHex } from '../../shared/bytes.ts'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { Secret } from '../../shared/secret.ts'
import { enrolmentPrologue } from '../../shared/tves/handshake.ts'
import { startHandshake } from '../../shared/tves/noise.ts'
import { fingerprint, tokenPsk } from '../../shared/tves/token.ts'
import { monoUs, unixMs, unixUs } from '../../shared/units.ts'
import { enrolmentHello, enrolmentStep, readMessage } from '../../shared/wire/message.ts'
import { encodeAttempt } from '../../shared/wire/payload.ts'
import { DEVICE, keyPair, SessionPair } from '../unit/pairs/session-pair.ts'
import { SMALL_ORDER } from '../unit/pairs/small-order.ts'

const NOW = { at: unixUs(1_800_000_000_000_000), bound: 20_000 }
const NOTHING = new Uint8Array(0)
const setup = { suite: nodeSuite, random: nodeRandom, processId: new Uint8Array(8) }
const tokenFor = (masterKey: Uint8Array) => ({
  id: nodeRandom(8),
  secret: new Secret(nodeRandom(16)),
  fingerprint: fingerprint(nodeSuite, masterKey),
})

function noiseOf(body: Uint8Array | null): Uint8Array {
  const verdict = readMessage(body ?? NOTHING)
  assert.ok(verdict.ok && 'noise' in verdict.message)
  return verdict.message.noise
}

/** What the slave makes of a step 2 that `forge` makes of its step 1. */
function slaveEnrols(
  masterKey: Uint8Array,
  forge: (noise: Uint8Array, token: ReturnType<typeof tokenFor>) => Uint8Array,
): string {
  const token = tokenFor(masterKey)
  const identity = {
    staticKey: nodeRandom(32),
    attempt: 1,
    masterKey: null,
    psk: null,
    device: null,
  }
  const hello = beginEnrolment(setup, identity, token)
  const body = enrolmentStep(2, forge(noiseOf(hello.send), token))
  const { outcome } = receive(setup, hello.session, identity, body)
  return outcome.is === 'ended' ? outcome.fault : outcome.is
}

test('enrolment, to the slave: as ephemeral, and as static key that the token’s fingerprint fits', () => {
  for (const point of SMALL_ORDER) {
    const ephemeral = slaveEnrols(point, () => concat(point, nodeRandom(64)))
    assert.equal(ephemeral, 'SEC-09', toHex(point))
    const asStatic = slaveEnrols(point, (noise, token) => {
      const master = startHandshake({
        suite: nodeSuite,
        pattern: 'XXpsk3',
        initiator: false,
        prologue: enrolmentPrologue(token.id),
        staticKey: { privateKey: nodeRandom(32), publicKey: point },
        psk: tokenPsk(nodeSuite, token.secret.reveal()),
        ephemeral: nodeRandom(32),
      })
      assert.ok(master.read(noise) !== null)
      return master.write(NOTHING) ?? NOTHING
    })
    assert.equal(asStatic, 'SEC-09', toHex(point))
  }
})

test('enrolment, to the master: as ephemeral and as static key; no device is stored', () => {
  for (const point of SMALL_ORDER) {
    const keys = keyPair()
    const token = tokenFor(keys.publicKey)
    const secret = token.secret.reveal()
    const master = startMaster({
      suite: nodeSuite,
      random: nodeRandom,
      staticKeys: [keys],
      toleranceSeconds: 10,
      unwrap: (wrapped) => wrapped,
    })
    const record = { id: DEVICE, name: 'attic', staticKey: null, psk: null, attempt: 0 }
    const id = toHex(token.id)
    const open = { id, device: DEVICE, secret, expiresAt: unixMs(2e12), burntBy: null }
    const devices = [{ ...record, revoked: false, historyFrom: null }]
    master.load({ devices, tokens: [open], epochs: [], positions: [] }, NOW)
    const tell = (link: number, body: Uint8Array) => {
      const actions = master.step({ on: 'body', link, body }, NOW)
      assert.ok(actions.every((action) => action.do !== 'enrol'))
      const refused = actions.find((action) => action.do === 'refused')
      const sent = actions.find((action) => action.do === 'send')
      return { code: refused?.code ?? null, body: sent?.body ?? null }
    }
    for (const link of [1, 2]) {
      master.step({ on: 'opened', link, transport: 'tcp', source: 'here' }, NOW)
    }
    assert.equal(tell(1, enrolmentHello(token.id, point)).code, 'SEC-09', toHex(point))
    const slave = startHandshake({
      suite: nodeSuite,
      pattern: 'XXpsk3',
      initiator: true,
      prologue: enrolmentPrologue(token.id),
      staticKey: { privateKey: nodeRandom(32), publicKey: point },
      psk: tokenPsk(nodeSuite, secret),
      ephemeral: nodeRandom(32),
    })
    const answer = tell(2, enrolmentHello(token.id, slave.write(NOTHING) ?? NOTHING))
    assert.ok(slave.read(noiseOf(answer.body)) !== null)
    const last = slave.write(encodeAttempt(1)) ?? NOTHING
    assert.equal(tell(2, enrolmentStep(3, last)).code, 'SEC-07', toHex(point))
  }
})

test('session: as ephemeral either way, and as the static key that a roster has of a device', () => {
  for (const point of SMALL_ORDER) {
    const pair = new SessionPair({ limits: { perSource: 1e6, perDevice: 1e6 } })
    const { send, session } = pair.hello()
    const step1 = new Uint8Array(send)
    // Behind version, step, suite and the key's tag.
    step1.set(point, 7)
    assert.equal(pair.tell(pair.open(), step1).refused, 'SEC-09', toHex(point))
    const { body } = pair.tell(pair.open(), send)
    const step2 = new Uint8Array(body ?? NOTHING)
    step2.set(point, 3)
    const { outcome } = pair.take(session, step2)
    assert.ok(outcome.is === 'ended' && outcome.fault === 'SEC-09', toHex(point))

    const record = { id: DEVICE, name: 'attic', staticKey: point, psk: pair.psk, attempt: 1 }
    const devices = [{ ...record, revoked: false, historyFrom: null }]
    pair.master.load({ devices, tokens: [], epochs: [], positions: [] }, pair.now)
    const caller = { privateKey: nodeRandom(32), publicKey: point }
    const [{ publicKey: masterKey }] = pair.masterKeys
    const suite = {
      ...nodeSuite,
      publicKey: (key: Uint8Array) =>
        key === caller.privateKey ? point : nodeSuite.publicKey(key),
    }
    const keys = { staticKey: caller.privateKey, masterKey, psk: pair.psk }
    const asks = { wantEpoch: true, mono: monoUs(0) }
    const hello = beginSession({ ...setup, suite }, keys, asks)
    assert.ok(hello.send !== null)
    assert.equal(pair.tell(pair.open(), hello.send).refused, 'SEC-09', toHex(point))
  }
})
