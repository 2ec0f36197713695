// The two handshakes against test/vectors/handshake.json, under either provider.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { fromText } from '../../../shared/bytes.ts'
import { nodeSuite } from '../../../shared/node/node-suite.ts'
import {
  enrolmentPrologue,
  epochId,
  exporter,
  masterKeyTag,
  sessionPrologue,
} from '../../../shared/tves/handshake.ts'
import { startHandshake } from '../../../shared/tves/noise.ts'
import { decodeToken, fingerprint, tokenPsk } from '../../../shared/tves/token.ts'
import { readMessage } from '../../../shared/wire/message.ts'
import { decodeSessionHello, decodeSessionOffer } from '../../../shared/wire/payload.ts'
import { handSession } from './hand-noise.ts'
import { portableSuite } from './portable-suite.ts'

import { suites, NONE, load, hmac, decrypt, type HandshakeVectors } from './vector-files.ts'

/** Feeds the master's side with the slave's bodies and back; every body must come out as in the
 * file. */
function replay(vectors: HandshakeVectors, kind: 'enrolment' | 'session', psk: Uint8Array) {
  const pattern = kind === 'enrolment' ? ('XXpsk3' as const) : ('IKpsk2' as const)
  const { prologue, bodies, transcript, chainingKey } = vectors[kind]
  const shared = { suite: nodeSuite, pattern, prologue, psk }
  const remote = kind === 'session' ? { remoteStatic: vectors.masterStatic.publicKey } : {}
  const { slave, master } = vectors.ephemerals[kind]
  const initiator = startHandshake({
    ...shared,
    ...remote,
    initiator: true,
    staticKey: vectors.slaveStatic,
    ephemeral: slave,
  })
  const responder = startHandshake({
    ...shared,
    initiator: false,
    staticKey: vectors.masterStatic,
    ephemeral: master,
  })
  const payloads = bodies.map((body, index) => {
    const verdict = readMessage(body)
    assert.ok(verdict.ok && verdict.message.is === kind && verdict.message.step === index + 1)
    const [writer, reader] = index % 2 === 0 ? [initiator, responder] : [responder, initiator]
    const payload = reader.read(verdict.message.noise)
    assert.ok(payload !== null)
    assert.deepEqual(writer.write(payload), verdict.message.noise)
    return payload
  })
  const result = responder.finish()
  assert.deepEqual(result.transcript, transcript)
  assert.deepEqual(result.chainingKey, chainingKey)
  return payloads
}

test('handshake.json: token, enrolment, device psk, session, epoch (wire.md 3, 4, 6)', () => {
  const vectors: HandshakeVectors = load('handshake')
  const { token, enrolment, session } = vectors
  assert.deepEqual(decodeToken(token.text)?.id, token.id)
  assert.deepEqual(decodeToken(token.text)?.secret.reveal(), token.secret)
  assert.deepEqual(fingerprint(nodeSuite, vectors.masterStatic.publicKey), token.fingerprint)
  assert.deepEqual(tokenPsk(nodeSuite, token.secret), enrolment.psk)
  assert.deepEqual(enrolmentPrologue(token.id), enrolment.prologue)
  assert.deepEqual(sessionPrologue(0), session.prologue)
  assert.deepEqual(replay(vectors, 'enrolment', enrolment.psk)[2], Uint8Array.of(0, 0, 0, 1))
  assert.deepEqual(exporter(nodeSuite, enrolment.chainingKey, 'psk'), enrolment.devicePsk)
  const payloads = replay(vectors, 'session', enrolment.devicePsk)
  assert.deepEqual(payloads, session.payloads)
  assert.deepEqual(masterKeyTag(nodeSuite, vectors.masterStatic.publicKey), session.masterKeyTag)
  assert.deepEqual(decodeSessionHello(payloads[0] ?? NONE), session.hello)
  assert.deepEqual(decodeSessionOffer(payloads[1] ?? NONE), session.offer)
  assert.equal(epochId(session.transcript), session.epoch.id)
  const exported = hmac(session.chainingKey, fromText('TVES/1 export'))
  assert.deepEqual(hmac(exported, fromText('epoch\u0001')), session.epoch.secret)
})

/** The Noise message of a session's body. */
function noiseOf(body: Uint8Array | undefined, step: 1 | 2, keyTag: Uint8Array): Uint8Array {
  const verdict = readMessage(body ?? NONE)
  assert.ok(verdict.ok && verdict.message.is === 'session' && verdict.message.step === step)
  assert.equal(verdict.message.suite, 1)
  if (verdict.message.step === 1) assert.deepEqual(verdict.message.keyTag, keyTag)
  return verdict.message.noise
}

test('handshake.json: the session of suite 1, every step worked out by hand (wire.md 4)', () => {
  const {
    slaveStatic,
    masterStatic,
    enrolment,
    hybridSession: run,
  }: HandshakeVectors = load('handshake')
  const psk = enrolment.devicePsk
  const ephemeral = (privateKey: Uint8Array) => ({
    privateKey,
    publicKey: nodeSuite.publicKey(privateKey),
  })
  const byHand = handSession({
    ...run,
    psk,
    slave: slaveStatic,
    master: masterStatic,
    slaveEphemeral: ephemeral(run.ephemerals.slave),
    masterEphemeral: ephemeral(run.ephemerals.master),
  })
  assert.deepEqual(byHand.steps, run.steps)
  const up = noiseOf(run.bodies[0], 1, run.masterKeyTag)
  const down = noiseOf(run.bodies[1], 2, run.masterKeyTag)
  assert.deepEqual(byHand.messages, [up, down])
  const keys = run.transportKeys
  assert.deepEqual(byHand.transportKeys, [keys.slave, keys.master])
  assert.deepEqual(masterKeyTag(nodeSuite, masterStatic.publicKey), run.masterKeyTag)
  assert.deepEqual(byHand.steps.at(-1)?.transcript, run.transcript)
  for (const suite of [...suites, portableSuite]) {
    const { ciphertext, secret, seed } = run.kem
    assert.deepEqual(suite.kem.encapsulationKey(seed), run.kem.encapsulationKey)
    assert.deepEqual(suite.kem.decapsulate(seed, ciphertext), secret)
    // A handshake overwrites what is its own at its end: it is given copies.
    const made = { ciphertext, secret: secret.slice() }
    const fixed = { ...suite, kem: { ...suite.kem, encapsulate: () => made } }
    const { prologue } = run
    const shared = { suite: fixed, pattern: 'IKpsk2+hfs', prologue, psk } as const
    const slave = startHandshake({
      ...shared,
      initiator: true,
      staticKey: slaveStatic,
      remoteStatic: masterStatic.publicKey,
      ephemeral: run.ephemerals.slave.slice(),
      kemSeed: seed.slice(),
    })
    const master = startHandshake({
      ...shared,
      initiator: false,
      staticKey: masterStatic,
      ephemeral: run.ephemerals.master.slice(),
    })
    assert.deepEqual(slave.write(run.payloads[0]), up)
    assert.deepEqual(master.read(up), run.payloads[0])
    assert.deepEqual(master.write(run.payloads[1]), down)
    assert.deepEqual(slave.read(down), run.payloads[1])
    const [ours, theirs] = [slave.finish(), master.finish()]
    assert.deepEqual(ours.transcript, run.transcript)
    assert.deepEqual(theirs.chainingKey, run.chainingKey)
    assert.deepEqual(exporter(suite, ours.chainingKey, 'epoch'), run.epoch.secret)
    const sealed = ours.send.encrypt(NONE, NONE)
    assert.equal(decrypt(keys.slave, new Uint8Array(12), NONE, sealed), '')
  }
  const { encapsulationKey, coins, ciphertext } = run.kem
  assert.deepEqual(ml_kem768.encapsulate(encapsulationKey, coins).cipherText, ciphertext)
  assert.equal(epochId(run.transcript), run.epoch.id)
})
