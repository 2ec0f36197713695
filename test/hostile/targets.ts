// Every decoder that an outsider's bytes reach, with true inputs to damage and with what must hold
// for accepted input: it is inside the limits, and encodes to the same bytes where the encoding is
// unique.

import assert from 'node:assert/strict'
import type { MasterSetup } from '../../services/master/core/state.ts'
import { startMaster } from '../../services/master/core/master.ts'
import { concat, fromText, toText } from '../../shared/bytes.ts'
import { dsmrDecoder, encodeTelegram } from '../../shared/meter/dsmr/dsmr.ts'
import { encodeSem } from '../../shared/meter/sem/sem.ts'
import { semDecoder } from '../../shared/meter/sem/stream.ts'
import { nodeRandom, nodeSuite as suite } from '../../shared/node/node-suite.ts'
import { sealFrame } from '../../shared/tves/seal.ts'
import { Secret } from '../../shared/secret.ts'
import { decodeToken, encodeToken } from '../../shared/tves/token.ts'
import { decodeTree, encodeTree, leafAt, plantTree } from '../../shared/tves/tree.ts'
import { monoUs, second, spanUs, unixMs, unixUs } from '../../shared/units.ts'
import { compactBody, expandBody } from '../../shared/wire/compact.ts'
import { decodeContent, readingCount } from '../../shared/wire/content.ts'
import { decodeControl, encodeControl } from '../../shared/wire/control.ts'
import {
  COMPACT_BYTE,
  decodeFrame,
  encodeHeader,
  type FrameHeader,
} from '../../shared/wire/frame.ts'
import { METER_TIME_MAX, READING_VALUE_MAX } from '../../shared/wire/limits.ts'
import { enrolmentHello, readMessage, refusal } from '../../shared/wire/message.ts'
import {
  decodeAttempt,
  decodeSessionHello,
  decodeSessionOffer,
  encodeAttempt,
  encodeSessionHello,
  encodeSessionOffer,
} from '../../shared/wire/payload.ts'
import { Deframer, lengthPrefixed } from '../../shared/wire/transport.ts'
import type { Target } from './mutation.ts'
import { NTS_TARGETS } from './nts-targets.ts'
import { TARIFF_TARGETS } from './tariff-target.ts'
import { CONTENTS, CONTEXT, CONTROLS } from './samples.ts'

const AT = monoUs(1)
const BODY_BYTES_MAX = 65_535
const same = (written: Uint8Array, input: Uint8Array): void =>
  assert.equal(Buffer.compare(written, input), 0, 'written back to the same bytes')

const tree = plantTree(suite, new Uint8Array(32).fill(7))
const sealedFrame = (sequence: number, plaintext: Uint8Array, count: number): Uint8Array => {
  const opener = sequence === 0
  const salt = opener ? new Uint8Array(16).fill(3) : null
  return sealFrame(suite, {
    key: new Uint8Array(32).fill(1),
    iv: new Uint8Array(12),
    device: new Uint8Array(8),
    transcript: new Uint8Array(32),
    header: { opener, epoch: 1, run: 1, second: second(sequence), sequence, count, salt },
    plaintext,
  })
}
const frames = CONTENTS.map(({ bytes, count }, at) => sealedFrame(Math.min(at, 1), bytes, count))
const BEFORE: FrameHeader = {
  opener: true,
  epoch: 1,
  run: 1,
  second: second(0),
  sequence: 0,
  count: 0,
  salt: new Uint8Array(16),
}

const bodies = [
  ...frames,
  enrolmentHello(new Uint8Array(8), new Uint8Array(48)),
  refusal('SEC-FORK'),
  ...[0x11, 0x12].flatMap((type) =>
    [1, 2, 3].map((step) => concat(Uint8Array.of(type, step, 1), new Uint8Array(96).fill(step))),
  ),
  concat(Uint8Array.of(0x15), new Uint8Array(60)),
]

const deframer: Target = {
  name: 'deframer',
  seeds: [concat(...bodies.map(lengthPrefixed)), ...bodies.map(lengthPrefixed)],
  feed: (input) => {
    const deframer = new Deframer()
    const cut = input.length >> 1
    const answers = [input.subarray(0, cut), input.subarray(cut)].map((chunk) => {
      const answer = deframer.push(chunk)
      assert.ok(deframer.pending <= BODY_BYTES_MAX + 1)
      return answer
    })
    for (const { bodies } of answers) {
      for (const body of bodies) assert.ok(body.length >= 1 && body.length <= BODY_BYTES_MAX)
    }
    return answers.every(({ ok }) => ok)
  },
}

const message: Target = {
  name: 'message',
  seeds: bodies,
  feed: (input) => {
    const verdict = readMessage(input)
    if (!verdict.ok) assert.match(verdict.fault, /^WIR-0[1234]$/)
    else if (verdict.message.is === 'refusal') {
      assert.match(verdict.message.code, /^[A-Z0-9-]{1,16}$/)
    }
    return verdict.ok
  },
}

const frame: Target = {
  name: 'frame',
  seeds: frames,
  feed: (input) => {
    const parts = decodeFrame(input)
    if (parts === null) return false
    assert.ok(parts.header.count <= 8_000 && parts.sealed.length >= 16)
    same(concat(encodeHeader(parts.header), parts.sealed), input)
    return true
  },
}

const control: Target = {
  name: 'control',
  seeds: CONTROLS.map(encodeControl),
  feed: (input) => {
    const read = decodeControl(input)
    if (read === null) return false
    // STATUS holds text, an unknown command is not kept: those two are not written back.
    if (read.is !== 'status' && !(read.is === 'command' && read.what === null)) {
      same(encodeControl(read), input)
    }
    return true
  },
}

const offer = {
  device: new Uint8Array(8),
  t2: unixUs(1),
  t3: unixUs(2),
  bound: spanUs(3),
  tolerance: 10,
  historyFrom: null,
  origin: unixMs(1_790_000_000_000),
}
const payloads: Target = {
  name: 'payloads',
  seeds: [
    encodeSessionOffer(offer),
    encodeSessionOffer({ ...offer, origin: null, bound: null }),
    encodeSessionHello({ processId: new Uint8Array(8), wantsEpoch: true }),
    encodeAttempt(3),
  ],
  feed: (input) => {
    const read = decodeSessionOffer(input)
    if (read !== null) same(encodeSessionOffer(read), input)
    const hello = decodeSessionHello(input)
    if (hello !== null) same(encodeSessionHello(hello), input)
    const attempt = decodeAttempt(input)
    assert.notEqual(attempt, 0)
    return read !== null || hello !== null || attempt !== null
  },
}

/** Behind a frame of the same run; the whole frame again, or nothing. */
const compact: Target = {
  name: 'compact',
  seeds: frames.slice(1).map((body) => compactBody(BEFORE, body)),
  feed: (input) => {
    const body = expandBody(BEFORE, input)
    assert.equal(expandBody(null, input), input[0] === COMPACT_BYTE ? null : input)
    if (body === null) return false
    if (input[0] !== COMPACT_BYTE) return body === input
    assert.ok(body.length <= BODY_BYTES_MAX)
    const parts = decodeFrame(body)
    if (parts === null) return false
    const { header } = parts
    assert.ok(header.sequence === BEFORE.sequence + 1 && header.second >= BEFORE.second)
    // A count that is said though it is the one before is taken too, and not written.
    const again = expandBody(BEFORE, compactBody(BEFORE, body))
    assert.ok(again !== null)
    same(again, body)
    return true
  },
}

const content: Target = {
  name: 'content',
  seeds: CONTENTS.map(({ bytes }) => bytes),
  feed: (input) => {
    let taken = false
    for (const count of [0, 1, 2, 3, 40, 8_000]) {
      const read = decodeContent(input, count, CONTEXT)
      decodeContent(input, count, { ...CONTEXT, opener: null })
      if (read === null) continue
      taken = true
      if (read.kind === 'opener') {
        assert.ok(count === 0 && read.heads.length <= 256)
        continue
      }
      assert.equal(readingCount(read.groups), count)
      for (const { value, meterTime } of read.groups.flatMap(({ readings }) => readings)) {
        assert.ok(Math.abs(value) <= READING_VALUE_MAX)
        assert.ok(meterTime === null || Math.abs(meterTime) <= METER_TIME_MAX * 1_000)
      }
    }
    return taken
  },
}

const token: Target = {
  name: 'token',
  seeds: [
    fromText(
      encodeToken({
        id: new Uint8Array(8).fill(9),
        secret: new Secret(new Uint8Array(16).fill(8)),
        fingerprint: new Uint8Array(16).fill(7),
      }),
    ),
    fromText('BEHQ SCIJ BEEA QCAI - cais qcai baeA QCAI'),
  ],
  feed: (input) => {
    const text = toText(input)
    const read = decodeToken(text)
    if (read === null) return false
    assert.equal(encodeToken(read), text.replaceAll(/[\s-]/g, '').toUpperCase())
    return true
  },
}

const trees = [0, 1, 900, 77_777, 2 ** 32 - 1].map((at) =>
  encodeTree(leafAt(suite, tree, second(at))?.tree ?? tree),
)
const keyTree: Target = {
  name: 'tree',
  seeds: [encodeTree(tree), ...trees],
  feed: (input) => {
    const read = decodeTree(input)
    if (read === null) return false
    same(encodeTree(read), input)
    if (read.next < 2 ** 32) assert.equal(leafAt(suite, read, second(read.next))?.key.length, 32)
    return true
  },
}

const DEVICE = '00000000000000d1'
const staticKey = { privateKey: new Uint8Array(32).fill(5), publicKey: new Uint8Array(32).fill(6) }
const MASTER: Omit<MasterSetup, 'unwrap'> = {
  suite,
  random: nodeRandom,
  staticKeys: [staticKey],
  toleranceSeconds: 10,
}

/** What the master finds in its database at its start, unwrapped: psk, token secret, key tree. */
const roster: Target = {
  name: 'roster',
  seeds: trees,
  feed: (input) => {
    const unwrap = (wrapped: Uint8Array): Uint8Array | null =>
      wrapped.length % 7 === 6 ? null : wrapped.slice()
    const master = startMaster({ ...MASTER, unwrap })
    const now = { at: unixUs(1_790_000_000_000_000), bound: 5 }
    const origin = unixMs(1_790_000_000_000)
    const known = { id: DEVICE, name: 'x', attempt: 1, revoked: false, historyFrom: null }
    const epoch = { device: DEVICE, id: 1, origin, transcript: input.slice(0, 32), closed: false }
    const token = { id: '01', device: DEVICE, expiresAt: origin, burntBy: null }
    const actions = master.load(
      {
        devices: [{ ...known, staticKey: input.slice(0, 32), psk: input }],
        tokens: [{ ...token, secret: input }],
        epochs: [{ ...epoch, keys: input }],
        positions: [],
      },
      now,
    )
    const sealed = unwrap(input) === null
    const lost = sealed || decodeTree(input) === null
    assert.deepEqual(
      actions.map((action) => (action.do === 'unreadable' ? action.what : action.do)),
      [...(sealed ? ['psk', 'token'] : []), ...(lost ? ['key tree'] : [])],
    )
    return decodeTree(input) !== null
  },
}

const SEM = encodeSem({
  is: 'now',
  consumer: 'C-1001',
  value: 123_456,
  exponent: 1,
  unit: 'Wh',
  meterTime: unixMs(1_767_225_600_000),
  checked: true,
})
const sem: Target = {
  name: 'SEM',
  seeds: [SEM, concat(SEM, SEM), fromText('E 000123.45 kWh\r\n')],
  feed: (input) => {
    const decoder = semDecoder()
    const verdicts = decoder.push(input, AT)
    assert.ok(verdicts.length <= input.length)
    const after = decoder.push(SEM, AT)
    assert.equal(after.at(-1)?.ok, true, 'the undamaged frame behind it is read')
    decoder.flush(AT)
    return verdicts.some(({ ok }) => ok)
  },
}

const TELEGRAM = encodeTelegram([
  '/TCK5HOSTILE',
  '',
  '0-0:1.0.0(260115120000W)',
  '1-0:1.8.1(000009.533*kWh)',
  '0-1:24.2.1(260115110000W)(12785.123*m3)',
])
const dsmr = (allowUnchecked: boolean): Target => ({
  name: allowUnchecked ? 'DSMR, checksum not asked for' : 'DSMR',
  seeds: [TELEGRAM, concat(TELEGRAM, TELEGRAM)],
  feed: (input) => {
    const decoder = dsmrDecoder({ allowUnchecked, standardOffsetMinutes: 60 })
    const verdicts = decoder.push(input, AT)
    assert.ok(verdicts.length <= input.length)
    // What is half here may swallow one telegram, not two.
    const after = decoder.push(concat(fromText('\r\n'), TELEGRAM, TELEGRAM), AT)
    assert.equal(after.at(-1)?.ok, true, 'a telegram behind it is read')
    return verdicts.some(({ ok }) => ok)
  },
})

export const TARGETS: readonly Target[] = [
  deframer,
  message,
  frame,
  compact,
  control,
  payloads,
  content,
  token,
  keyTree,
  roster,
  sem,
  dsmr(false),
  dsmr(true),
  ...NTS_TARGETS,
  ...TARIFF_TARGETS,
]
