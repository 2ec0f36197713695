// The normative vectors of docs/wire.md. What can be computed in a few lines of node:crypto is
// computed that way and not with our own code, so that a mistake in both generator and code still
// shows.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concat, fromText, toHex } from '../../../shared/bytes.ts'
import { openFrame, sealFrame } from '../../../shared/tves/seal.ts'
import { SMALL_ORDER } from '../pairs/small-order.ts'
import { streamNext, streamStart } from '../../../shared/tves/stream.ts'
import {
  decodeTree,
  encodeTree,
  leafAt,
  plantTree,
  puncture,
  runIv,
} from '../../../shared/tves/tree.ts'
import { measure } from '../../../shared/clock/estimate/exchange.ts'
import { monoUs, second, spanUs, startOfSecond, unixMs, unixUs } from '../../../shared/units.ts'
import { compactBody, expandBody } from '../../../shared/wire/compact.ts'
import {
  decodeContent,
  encodeOpener,
  encodeReadings,
  type FrameContent,
  padContent,
} from '../../../shared/wire/content.ts'
import { type ControlMessage, decodeControl, encodeControl } from '../../../shared/wire/control.ts'
import { readMessage } from '../../../shared/wire/message.ts'
import { decodeFrame, type FrameHeader } from '../../../shared/wire/frame.ts'

import {
  suites,
  NONE,
  load,
  sha512,
  hmac,
  decrypt,
  type HandshakeVectors,
} from '../tves/vector-files.ts'

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

interface ControlVectors {
  readonly refusals: readonly { readonly code: string; readonly body: Uint8Array }[]
  readonly malformed: readonly { readonly why: string; readonly plaintext: Uint8Array }[]
}

test('control.json: messages open in order under the session keys (wire.md 5)', () => {
  const {
    messages,
  }: {
    messages: {
      from: 'slave' | 'master'
      message: ControlMessage
      plaintext: Uint8Array
      certificate?: Uint8Array
      body: Uint8Array
    }[]
  } = load('control')
  const { session }: HandshakeVectors = load('handshake')
  // Noise Split(), by hand: HKDF of the chaining key with no input.
  const secret = hmac(session.chainingKey, NONE)
  const slaveKey = hmac(secret, Uint8Array.of(1))
  const keys = { slave: slaveKey, master: hmac(secret, concat(slaveKey, Uint8Array.of(2))) }
  const counters = { slave: 0, master: 0 }
  for (const { from, message, plaintext, certificate = NONE, body } of messages) {
    const nonce = new Uint8Array(12)
    nonce[11] = counters[from]
    counters[from] += 1
    const opened = decrypt(keys[from], nonce, Uint8Array.of(0x15), body.subarray(1))
    assert.equal(opened, toHex(plaintext) + toHex(certificate))
    assert.deepEqual(decodeControl(plaintext), message)
    assert.deepEqual(encodeControl(message), plaintext)
  }
  assert.equal(messages.length, 30)
})

test('control.json: refusals in clear, and plaintexts that are malformed (wire.md 2.1, 5)', () => {
  const { refusals, malformed }: Pick<ControlVectors, 'refusals' | 'malformed'> = load('control')
  for (const { code, body } of refusals) {
    assert.equal(toHex(body), `16${toHex(fromText(code))}`)
    assert.deepEqual(readMessage(body), { ok: true, message: { is: 'refusal', code } })
  }
  for (const { why, plaintext } of malformed) assert.equal(decodeControl(plaintext), null, why)
  assert.equal(malformed.length, 8)
})

test('control.json: certificates of what outlives its session (wire.md 5.5)', () => {
  const { messages, certificates, smallOrder } = load('control')
  const { slaveStatic, masterStatic }: HandshakeVectors = load('handshake')
  const { device, shared, key } = certificates
  // By hand: the key from both sides, then each certificate over device id and plaintext.
  const info = concat(masterStatic.publicKey, slaveStatic.publicKey, Uint8Array.of(1))
  assert.deepEqual(hmac(hmac(shared, fromText('TVES/1 certificate')), info), key)
  const certified = new Set<string>()
  for (const { from, message, plaintext, certificate } of messages) {
    if (certificate === undefined) continue
    certified.add(message.is)
    const sender = Uint8Array.of(from === 'slave' ? 1 : 2)
    assert.deepEqual(hmac(key, concat(sender, device, plaintext)), certificate)
  }
  assert.deepEqual([...certified].toSorted(), [
    'command',
    'drained',
    'master-key',
    'receipt',
    'skip',
    'tombstone',
  ])
  for (const suite of suites) {
    assert.deepEqual(suite.dh(slaveStatic.privateKey, masterStatic.publicKey), shared)
    assert.deepEqual(suite.dh(masterStatic.privateKey, slaveStatic.publicKey), shared)
    for (const point of smallOrder) assert.equal(suite.dh(slaveStatic.privateKey, point), null)
  }
  assert.deepEqual(smallOrder, SMALL_ORDER)
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

test('control.json: offset, delay and error of clock exchanges (wire.md 5)', () => {
  const { clockExchanges } = load('control')
  assert.ok(clockExchanges.length > 2)
  for (const { t1, t2, t3, t4, masterBound, roundTripDelay, offset, error } of clockExchanges) {
    const verdict = measure({
      t1: monoUs(t1),
      t2: unixUs(t2),
      t3: unixUs(t3),
      t4: monoUs(t4),
      masterBound: spanUs(masterBound),
    })
    assert.ok(verdict.ok)
    const { sample } = verdict
    assert.equal(sample.roundTripDelay, roundTripDelay)
    assert.equal(sample.utc - sample.mono, offset)
    // Ours adds what its clock may drift meanwhile and a rounding.
    assert.ok(sample.bound >= error && sample.bound < error + 20)
  }
})
