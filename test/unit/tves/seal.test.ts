import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { concat, toHex } from '../../../shared/bytes.ts'
import { nodeRandom, nodeSuite } from '../../../shared/node/node-suite.ts'
import { ControlChannel, epochId, exporter } from '../../../shared/tves/handshake.ts'
import { nobleSuite } from '../../../shared/tves/noble-suite.ts'
import { CipherState } from '../../../shared/tves/noise.ts'
import { openFrame, sealFrame } from '../../../shared/tves/seal.ts'
import { Secret } from '../../../shared/secret.ts'
import { decodeToken, encodeToken, fingerprint, tokenPsk } from '../../../shared/tves/token.ts'
import { second } from '../../../shared/units.ts'
import { decodeFrame, type FrameHeader } from '../../../shared/wire/frame.ts'

const portable = nobleSuite(nodeSuite)
const context = {
  key: new Uint8Array(32).fill(1),
  iv: new Uint8Array(12).fill(2),
  device: new Uint8Array(8).fill(3),
  transcript: new Uint8Array(32).fill(4),
}
const header: FrameHeader = {
  opener: false,
  epoch: 7,
  run: 2,
  second: second(1_000),
  sequence: 5,
  count: 1,
  salt: null,
}
const opener: FrameHeader = {
  ...header,
  opener: true,
  sequence: 0,
  count: 0,
  salt: new Uint8Array(16).fill(5),
}

/** As the master does: take apart, then open with what it knows itself. */
function openBody(body: Uint8Array, suite = nodeSuite, known = context): Uint8Array | null {
  const parts = decodeFrame(body)
  if (parts === null) return null
  const { headerBytes, sealed } = parts
  return openFrame(suite, { ...known, headerBytes, sequence: parts.header.sequence, sealed })
}

test('node:crypto and noble agree on every primitive, for random keys and lengths', () => {
  for (const length of [0, 1, 15, 16, 17, 63, 64, 65, 127, 128, 129, 1_000]) {
    const message = nodeRandom(length)
    const key = nodeRandom(32)
    assert.deepEqual(nodeSuite.sha256(message), portable.sha256(message))
    const sha512 = nodeSuite.sha512(message)
    assert.deepEqual(sha512, portable.sha512(message))
    for (const { sha512Halves } of [nodeSuite, portable]) {
      assert.deepEqual(concat(...sha512Halves(message)), sha512)
    }
    assert.deepEqual(nodeSuite.hmacSha256(key, message), portable.hmacSha256(key, message))
    const nonce = nodeRandom(12)
    const aad = nodeRandom(length % 40)
    const sealed = nodeSuite.aead(key).seal(nonce, aad, message)
    assert.deepEqual(portable.aead(key).seal(nonce, aad, message), sealed)
    assert.deepEqual(portable.aead(key).open(nonce, aad, sealed), message)
    assert.deepEqual(nodeSuite.aead(key).open(nonce, aad, sealed), message)
    for (const suite of [nodeSuite, portable]) {
      assert.equal(suite.aead(key).open(nonce, aad, sealed.subarray(0, -1)), null)
      assert.equal(suite.aead(key).open(nonce, aad, sealed.subarray(0, 15)), null)
    }
  }
})

test('X25519 gives the secret of RFC 7748 section 6.1, null for small order', () => {
  const alice = Uint8Array.fromHex(
    '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a',
  )
  const bob = Uint8Array.fromHex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')
  assert.equal(
    toHex(nodeSuite.dh(alice, bob) ?? alice),
    '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
  )
  assert.equal(nodeSuite.dh(alice, new Uint8Array(32)), null)
  assert.equal(nodeSuite.dh(alice, bob.subarray(1)), null)
})

test('a frame sealed by either suite opens under either, opener and readings (wire.md 8)', () => {
  const plaintext = nodeRandom(300)
  for (const each of [header, opener]) {
    const body = sealFrame(nodeSuite, { ...context, header: each, plaintext })
    assert.deepEqual(sealFrame(portable, { ...context, header: each, plaintext }), body)
    assert.deepEqual(openBody(body, nodeSuite), plaintext)
    assert.deepEqual(openBody(body, portable), plaintext)
    const warm = { ...context, key: nodeSuite.aead(context.key) }
    assert.deepEqual(sealFrame(nodeSuite, { ...warm, header: each, plaintext }), body)
  }
})

test('every single flipped bit of a frame is refused (wire.md 8)', () => {
  for (const each of [header, opener]) {
    const body = sealFrame(nodeSuite, { ...context, header: each, plaintext: nodeRandom(40) })
    for (let bit = 0; bit < body.length * 8; bit += 1) {
      const damaged = new Uint8Array(body)
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.equal(openBody(damaged), null, `bit ${bit}`)
    }
    assert.ok(openBody(body) !== null)
  }
})

test('a frame of another device, epoch, second or run does not open', () => {
  const body = sealFrame(nodeSuite, { ...context, header, plaintext: nodeRandom(40) })
  for (const part of ['key', 'iv', 'device', 'transcript'] as const) {
    const other = { ...context, [part]: nodeRandom(context[part].length) }
    assert.equal(openBody(body, nodeSuite, other), null, part)
  }
})

test('two frames of one run never share a nonce: their ciphertexts differ', () => {
  const plaintext = new Uint8Array(64)
  const bodies = [1, 2, 0x8000_0000, 0xffff_ffff].map((sequence) =>
    toHex(
      sealFrame(nodeSuite, { ...context, header: { ...header, sequence }, plaintext }).subarray(
        20,
        -16,
      ),
    ),
  )
  assert.equal(new Set(bodies).size, bodies.length)
})

function channels(): readonly [ControlChannel, ControlChannel] {
  const state = (fill: number) => new CipherState(nodeSuite, new Uint8Array(32).fill(fill))
  return [
    new ControlChannel({ send: state(1), receive: state(2) }, null),
    new ControlChannel({ send: state(2), receive: state(1) }, null),
  ]
}

test('the control channel opens in order, both ways (wire.md 5)', () => {
  const [slave, master] = channels()
  for (let i = 0; i < 300; i += 1) {
    // The first byte is the type; 3 and 9 need no certificate.
    const plaintext = Uint8Array.of(3, i & 255)
    assert.deepEqual(master.open(slave.seal(plaintext)), { ok: true, plaintext })
    assert.ok(slave.open(master.seal(Uint8Array.of(9))).ok)
  }
})

test('a repeated, dropped, reflected or damaged message closes it (SEC-11)', () => {
  const tampered: ((first: Uint8Array, second: Uint8Array, own: Uint8Array) => Uint8Array)[] = [
    (first) => first,
    (_, second) => second,
    (_first, _second, own) => own,
    () => new Uint8Array(0),
    () => Uint8Array.of(0x15),
    () => new Uint8Array(40).fill(0x15),
  ]
  for (const tamper of tampered) {
    const [slave, master] = channels()
    const first = slave.seal(Uint8Array.of(1))
    assert.ok(master.open(first).ok)
    const expected = slave.seal(Uint8Array.of(2))
    const later = slave.seal(Uint8Array.of(3))
    const closed = { ok: false, fault: 'SEC-11' }
    assert.deepEqual(master.open(tamper(first, later, master.seal(Uint8Array.of(4)))), closed)
    assert.deepEqual(master.open(expected), closed, 'after one that does not open nothing does')
  }
})

test('exported secrets differ by label and from the chaining key (wire.md 4.2)', () => {
  const chainingKey = nodeRandom(32)
  const psk = exporter(nodeSuite, chainingKey, 'psk')
  const epoch = exporter(nodeSuite, chainingKey, 'epoch')
  assert.equal(new Set([psk, epoch, chainingKey].map(toHex)).size, 3)
  assert.deepEqual(exporter(portable, chainingKey, 'psk'), psk)
  assert.equal(epochId(Uint8Array.of(1, 2, 3, 4, 5)), 0x01020304)
})

test('a token of 64 characters reads back in any case, spaced or not (wire.md 3)', () => {
  for (let i = 0; i < 50; i += 1) {
    const token = {
      id: nodeRandom(8),
      secret: new Secret(nodeRandom(16)),
      fingerprint: fingerprint(nodeSuite, nodeRandom(32)),
    }
    const text = encodeToken(token)
    assert.match(text, /^[A-Z2-7]{64}$/)
    const copied = text.toLowerCase().replaceAll(/(.{8})/g, '$1 -\n')
    for (const read of [decodeToken(text), decodeToken(copied)]) {
      assert.deepEqual(read?.id, token.id)
      assert.deepEqual(read?.secret.reveal(), token.secret.reveal())
      assert.deepEqual(read?.fingerprint, token.fingerprint)
    }
  }
  const zeros = 'A'.repeat(64)
  assert.ok(decodeToken(zeros) !== null)
  for (const text of ['', zeros.slice(1), `${zeros}A`, `1${zeros.slice(1)}`, 'A'.repeat(10_000)]) {
    assert.equal(decodeToken(text), null)
  }
  assert.equal(tokenPsk(nodeSuite, new Uint8Array(16)).length, 32)
})

test('a secret never shows itself', () => {
  const secret = new Secret(Uint8Array.of(222, 173, 190, 239))
  const shown = [String(secret), JSON.stringify({ secret }), inspect({ secret })]
  for (const text of shown) {
    assert.match(text, /\[secret\]/)
    assert.doesNotMatch(text, /222|dead/)
  }
})
