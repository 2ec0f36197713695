// The normative vectors of docs/wire.md. What can be computed in a few lines of node:crypto is
// computed that way and not with our own code, so that a mistake in both generator and code still
// shows.

import assert from 'node:assert/strict'
import { createDecipheriv, createHash, createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { concat, fromText, toHex } from '../../shared/bytes.ts'
import { nodeSuite } from '../../shared/node/node-suite.ts'
import { packageRoot } from '../../shared/node/root.ts'
import {
  enrolmentPrologue,
  epochId,
  exporter,
  masterKeyTag,
  sessionPrologue,
} from '../../shared/tves/handshake.ts'
import { nobleSuite } from '../../shared/tves/noble-suite.ts'
import { startHandshake } from '../../shared/tves/noise.ts'
import { openFrame, sealFrame } from '../../shared/tves/seal.ts'
import { streamNext, streamStart } from '../../shared/tves/stream.ts'
import { decodeToken, fingerprint, tokenPsk } from '../../shared/tves/token.ts'
import {
  decodeTree,
  encodeTree,
  leafAt,
  plantTree,
  puncture,
  runIv,
} from '../../shared/tves/tree.ts'
import { second, startOfSecond, unixMs } from '../../shared/units.ts'
import { compactBody, expandBody } from '../../shared/wire/compact.ts'
import {
  decodeContent,
  encodeOpener,
  encodeReadings,
  type FrameContent,
  padContent,
} from '../../shared/wire/content.ts'
import { type ControlMessage, decodeControl, encodeControl } from '../../shared/wire/control.ts'
import { decodeFrame, type FrameHeader } from '../../shared/wire/frame.ts'
import { readMessage } from '../../shared/wire/message.ts'
import { decodeSessionHello, decodeSessionOffer } from '../../shared/wire/payload.ts'
import { handSession, type HandSession, type HandStep } from './hand-noise.ts'
import { portableSuite } from './portable-suite.ts'

const suites = [nodeSuite, nobleSuite(nodeSuite)]
const NONE = new Uint8Array(0)

/** Fields of fixed bytes stand as hex in the files; these names are text or numbers. */
const TEXT_FIELDS = new Set([
  'about',
  'is',
  'kind',
  'name',
  'from',
  'code',
  'clockState',
  'detail',
  'order',
  'outcome',
  'reason',
  'meter',
  'register',
  'after',
  'source',
  'text',
])

/** A vector file, its hex turned into bytes. What it holds is checked by the comparisons below. */
function load(name: string): ReturnType<typeof JSON.parse> {
  const file = join(packageRoot(), 'test/vectors', `${name}.json`)
  return JSON.parse(readFileSync(file, 'utf8'), (key, value: unknown) =>
    typeof value === 'string' && !TEXT_FIELDS.has(key) && /^(?:[0-9a-f]{2})*$/.test(value)
      ? Uint8Array.fromHex(value)
      : value,
  )
}

const sha512 = (...parts: Uint8Array[]) =>
  createHash('sha512')
    .update(concat(...parts))
    .digest()
const hmac = (key: Uint8Array, message: Uint8Array): Uint8Array =>
  new Uint8Array(createHmac('sha256', key).update(message).digest())

/** AES-256-GCM, straight from node:crypto; throws when it does not open. */
function decrypt(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): string {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
  decipher.setAAD(aad).setAuthTag(sealed.subarray(-16))
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]).toString('hex')
}

interface TreeVectors {
  readonly secret: Uint8Array
  readonly rootOutput: Uint8Array
  readonly ivKey: Uint8Array
  readonly leaves: readonly { readonly second: number; readonly key: Uint8Array }[]
  readonly pathToSecond5: readonly { readonly input: Uint8Array; readonly output: Uint8Array }[]
  readonly punctured: readonly { readonly next: number; readonly encoded: Uint8Array }[]
  readonly runs: readonly {
    readonly run: number
    readonly salt: Uint8Array
    readonly iv: Uint8Array
  }[]
}

test('tree.json: leaves, path, punctured trees and ivs (wire.md 7)', () => {
  const vectors: TreeVectors = load('tree')
  const root = sha512(fromText('TVES/1 root'), vectors.secret)
  assert.equal(root.toString('hex'), toHex(vectors.rootOutput))
  for (const { input, output } of vectors.pathToSecond5) {
    assert.equal(sha512(input).toString('hex'), toHex(output))
  }
  for (const suite of suites) {
    const tree = plantTree(suite, vectors.secret)
    assert.deepEqual(tree.ivKey, vectors.ivKey)
    for (const leaf of vectors.leaves) {
      assert.deepEqual(leafAt(suite, tree, second(leaf.second))?.key, leaf.key)
    }
    for (const { next, encoded } of vectors.punctured) {
      const kept = puncture(suite, tree, second(next))
      assert.deepEqual(encodeTree(kept), encoded)
      assert.deepEqual(decodeTree(encoded), kept)
    }
    for (const { run, salt, iv } of vectors.runs) {
      assert.deepEqual(runIv(suite, vectors.ivKey, run, salt), iv)
    }
  }
})

interface FrameVectors {
  readonly secret: Uint8Array
  readonly device: Uint8Array
  readonly transcript: Uint8Array
  readonly origin: number
  readonly salt: Uint8Array
  readonly iv: Uint8Array
  readonly streamStart: Uint8Array
  readonly frames: readonly {
    readonly name: string
    readonly header: FrameHeader
    readonly content: FrameContent
    readonly padded: boolean
    readonly key: Uint8Array
    readonly nonce: Uint8Array
    readonly aad: Uint8Array
    readonly plaintext: Uint8Array
    readonly body: Uint8Array
    readonly line: Uint8Array
    readonly streamHash: Uint8Array
  }[]
}

test('frame.json: headers, keys, nonces, stream hashes, under either provider (wire.md 6, 8)', () => {
  const vectors: FrameVectors = load('frame')
  const { device, transcript, iv } = vectors
  for (const suite of suites) {
    let hash = streamStart(suite, device, 0x70717273, 3)
    assert.deepEqual(hash, vectors.streamStart)
    for (const frame of vectors.frames) {
      const parts = decodeFrame(frame.body)
      assert.ok(parts !== null)
      const { header, headerBytes, sealed } = parts
      assert.deepEqual(header, frame.header)
      const leaf = leafAt(suite, plantTree(suite, vectors.secret), header.second)
      assert.deepEqual(leaf?.key, frame.key)
      assert.equal(decrypt(frame.key, frame.nonce, frame.aad, sealed), toHex(frame.plaintext))
      const known = { key: frame.key, iv, device, transcript, headerBytes }
      const opened = openFrame(suite, { ...known, sequence: header.sequence, sealed })
      assert.deepEqual(opened, frame.plaintext)
      assert.deepEqual(
        sealFrame(suite, { ...known, header, plaintext: frame.plaintext }),
        frame.body,
      )
      hash = streamNext(suite, hash, frame.body)
      assert.deepEqual(hash, frame.streamHash)
    }
  }
})

test('frame.json: contents of every kind, written and read (wire.md 8.2)', () => {
  const { frames, origin }: FrameVectors = load('frame')
  const [first] = frames
  assert.ok(first?.content.kind === 'opener')
  const opener = first.content
  for (const { header, content, padded, plaintext } of frames) {
    const begins = startOfSecond(unixMs(origin), header.second)
    assert.deepEqual(decodeContent(plaintext, header.count, { begins, opener }), content)
    const written =
      content.kind === 'opener'
        ? encodeOpener(content)
        : encodeReadings(content.groups, { begins, opener }).plaintext
    assert.deepEqual(padded ? padContent(written) : written, plaintext)
  }
  const names = ['opener', 'full', 'compact', 'batch', 'profile', 'groups', 'padded', 'empty']
  assert.deepEqual(
    frames.map(({ name }) => name),
    names,
  )
})

test('frame.json: the compact header on a link and back (wire.md 8.1)', () => {
  const { frames }: FrameVectors = load('frame')
  let previous: FrameHeader | null = null
  for (const { header, body, line } of frames) {
    const before: FrameHeader | null = header.sequence === 1 ? null : previous
    assert.deepEqual(compactBody(before, body), line)
    assert.deepEqual(expandBody(before, line), body)
    previous = header
  }
  assert.deepEqual(
    frames.map(({ line }) => line[0]),
    [0x13, 0x13, 0x14, 0x14, 0x14, 0x14, 0x14, 0x14],
  )
})

interface Keys {
  readonly privateKey: Uint8Array
  readonly publicKey: Uint8Array
}
interface Run {
  readonly prologue: Uint8Array
  readonly bodies: readonly Uint8Array[]
  readonly transcript: Uint8Array
  readonly chainingKey: Uint8Array
}
interface HandshakeVectors {
  readonly slaveStatic: Keys
  readonly masterStatic: Keys
  readonly ephemerals: Record<'enrolment' | 'session', { slave: Uint8Array; master: Uint8Array }>
  readonly token: {
    readonly id: Uint8Array
    readonly secret: Uint8Array
    readonly fingerprint: Uint8Array
    readonly text: string
  }
  readonly enrolment: Run & {
    readonly psk: Uint8Array
    readonly devicePsk: Uint8Array
    readonly enrolled: Uint8Array
  }
  readonly hybridSession: HybridVectors
  readonly session: Run & {
    readonly masterKeyTag: Uint8Array
    readonly hello: object
    readonly offer: object
    readonly payloads: readonly Uint8Array[]
    readonly epoch: { readonly id: number; readonly secret: Uint8Array }
  }
}

interface HybridVectors extends Run {
  readonly masterKeyTag: Uint8Array
  readonly ephemerals: { readonly slave: Uint8Array; readonly master: Uint8Array }
  readonly kem: HandSession['kem'] & { readonly seed: Uint8Array; readonly coins: Uint8Array }
  readonly payloads: readonly [Uint8Array, Uint8Array]
  readonly steps: readonly HandStep[]
  readonly transportKeys: { readonly slave: Uint8Array; readonly master: Uint8Array }
  readonly epoch: { readonly id: number; readonly secret: Uint8Array }
}

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
    const fixed = { ...suite, kem: { ...suite.kem, encapsulate: () => ({ ciphertext, secret }) } }
    const { prologue } = run
    const shared = { suite: fixed, pattern: 'IKpsk2+hfs', prologue, psk } as const
    const slave = startHandshake({
      ...shared,
      initiator: true,
      staticKey: slaveStatic,
      remoteStatic: masterStatic.publicKey,
      ephemeral: run.ephemerals.slave,
      kemSeed: seed,
    })
    const master = startHandshake({
      ...shared,
      initiator: false,
      staticKey: masterStatic,
      ephemeral: run.ephemerals.master,
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

test('control.json: messages open in order under the session keys (wire.md 5)', () => {
  const {
    messages,
  }: {
    messages: {
      from: 'slave' | 'master'
      message: ControlMessage
      plaintext: Uint8Array
      body: Uint8Array
    }[]
  } = load('control')
  const { session }: HandshakeVectors = load('handshake')
  // Noise Split(), by hand: HKDF of the chaining key with no input.
  const secret = hmac(session.chainingKey, NONE)
  const slaveKey = hmac(secret, Uint8Array.of(1))
  const keys = { slave: slaveKey, master: hmac(secret, concat(slaveKey, Uint8Array.of(2))) }
  const counters = { slave: 0, master: 0 }
  for (const { from, message, plaintext, body } of messages) {
    const nonce = new Uint8Array(12)
    nonce[11] = counters[from]
    counters[from] += 1
    const opened = decrypt(keys[from], nonce, Uint8Array.of(0x15), body.subarray(1))
    assert.equal(opened, toHex(plaintext))
    assert.deepEqual(decodeControl(plaintext), message)
    assert.deepEqual(encodeControl(message), plaintext)
  }
  assert.equal(messages.length, 20)
})

test('control.json: the stream hash over a tombstone and over a skip (wire.md 6.4)', () => {
  const { streamHash, messages } = load('control')
  const { device, epoch, run, start, tombstone, skip } = streamHash
  const told = (is: string): ControlMessage =>
    messages.find(({ message }: { message: ControlMessage }) => message.is === is).message
  for (const suite of suites) {
    assert.deepEqual(streamStart(suite, device, epoch, run), start)
    const said = told('tombstone')
    assert.ok(said.is === 'tombstone')
    assert.deepEqual(tombstone.after, said.hash)
    assert.deepEqual(streamNext(suite, tombstone.after, tombstone.next.body), tombstone.next.after)
    const asked = told('skip')
    assert.ok(asked.is === 'skip')
    assert.deepEqual(suite.sha256(skip.body), asked.bodyHash)
    assert.deepEqual(streamNext(suite, skip.before, skip.body), skip.after)
  }
})
