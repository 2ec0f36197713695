// Feeds damaged copies of true bodies, and noise, to every decoder that an outsider can reach: it
// must return a verdict, and accepted input must be inside the limits.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { concat, Writer } from '../../shared/bytes.ts'
import { obisOf } from '../../shared/meter/obis.ts'
import { type Reading, UNIT } from '../../shared/meter/reading.ts'
import { nodeSuite } from '../../shared/node/node-suite.ts'
import { ControlChannel } from '../../shared/tves/handshake.ts'
import { CipherState, startHandshake } from '../../shared/tves/noise.ts'
import { decodeToken } from '../../shared/tves/token.ts'
import { second, spanMs, spanUs, unixMs, unixUs } from '../../shared/units.ts'
import {
  decodeContent,
  encodeOpener,
  encodeReadings,
  padContent,
  readingCount,
} from '../../shared/wire/content.ts'
import { decodeControl, encodeControl } from '../../shared/wire/control.ts'
import { decodeFrame, encodeHeader } from '../../shared/wire/frame.ts'
import { READING_VALUE_MAX } from '../../shared/wire/limits.ts'
import {
  enrolmentHello,
  readMessage,
  refusal,
  sessionAnswer,
  sessionHello,
} from '../../shared/wire/message.ts'
import { headOf, type Opener } from '../../shared/wire/opener.ts'
import {
  decodeAttempt,
  decodeSessionHello,
  decodeSessionOffer,
  encodeAttempt,
  encodeSessionHello,
  encodeSessionOffer,
} from '../../shared/wire/payload.ts'
import { Deframer } from '../../shared/wire/transport.ts'
import { CONTROLS } from './samples.ts'

const RUNS = 10_000
const hash = new Uint8Array(32).fill(1)

/** Copies of the given bodies with bytes changed, cut, or stretched; and plain noise. */
function damaged(...bodies: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const edits = fc.array(
    fc.tuple(fc.nat(), fc.oneof(fc.constantFrom(0, 1, 127, 128, 255), fc.nat(255))),
    { maxLength: 4 },
  )
  const changed = fc
    .tuple(fc.constantFrom(...bodies), edits, fc.nat(12), fc.nat(12))
    .map(([body, places, cut, longer]) => {
      const copy = concat(
        body.subarray(0, body.length - (cut > 8 ? cut : 0)),
        new Uint8Array(longer > 8 ? longer : 0),
      )
      for (const [at, value] of places) copy[at % Math.max(copy.length, 1)] = value
      return copy
    })
  return fc.oneof({ weight: 5, arbitrary: changed }, fc.uint8Array({ maxLength: 120 }))
}

function feed(inputs: fc.Arbitrary<Uint8Array>, check: (input: Uint8Array) => void): void {
  fc.assert(
    fc.property(inputs, (input) => {
      check(input)
    }),
    { numRuns: RUNS },
  )
}

test('damaged control messages: a message that writes back to the same bytes, or null', () => {
  feed(damaged(...CONTROLS.map(encodeControl)), (input) => {
    const message = decodeControl(input)
    if (message === null || message.is === 'status') return
    // A task we do not know is read past and never written.
    if (message.is === 'command' && message.what === null) return
    assert.deepEqual(encodeControl(message), new Uint8Array(input))
  })
})

const reading = {
  meter: 'SN-1',
  register: obisOf([1, 0, 1, 8, 0, 255]),
  value: 12_345,
  exponent: 0,
  unit: UNIT.Wh,
  source: 'live',
  meterTime: unixMs(1_790_000_000_000),
  checked: true,
} as const
const stamp = {
  agentTime: unixMs(1_790_000_000_500),
  clockState: 'S',
  clockBound: spanMs(12),
  processMs: 99_000,
} as const

const readings = [reading, { ...reading, value: -4 }, { ...reading, meter: 'B', meterTime: null }]
const opener: Opener = {
  kind: 'opener',
  processId: new Uint8Array(8),
  previous: { epoch: 1, run: 2, sequence: 3, hash },
  processStart: unixMs(1_789_999_901_500),
  heads: [reading, { ...reading, meter: 'B', meterTime: null }, { ...reading, meter: 'C' }].map(
    headOf,
  ),
}
const context = { begins: unixMs(1_790_000_000_000), opener }
const encoded = (...readings: readonly Reading[]) =>
  encodeReadings([{ stamp, readings }], context).plaintext

test('damaged content: at most as many readings as the header says, all within the limits', () => {
  const unknown = { ...reading, meter: 'unknown' }
  const inner = [
    encoded(...readings),
    encoded(unknown, { ...unknown, value: 7 }),
    encodeReadings(
      readings.map((each) => ({ stamp, readings: [each] })),
      context,
    ).plaintext,
    encodeOpener(opener),
  ]
  feed(damaged(...inner, ...inner.map(padContent)), (input) => {
    for (const count of [0, 2, 3, 8_000, 65_535]) {
      assert.notEqual(decodeContent(input, count, { ...context, opener: null })?.kind, 'readings')
      const content = decodeContent(input, count, context)
      if (content?.kind === 'opener') {
        assert.ok(count === 0 && content.heads.length <= 256)
        assert.ok(content.heads.every(({ meter }) => /^[A-Za-z0-9._-]{1,32}$/.test(meter)))
      }
      if (content?.kind !== 'readings') continue
      assert.equal(readingCount(content.groups), count)
      for (const { stamp, readings } of content.groups) {
        for (const ms of [stamp.agentTime, stamp.processMs]) {
          assert.ok(Number.isInteger(ms) && ms >= 0 && ms < 2 ** 48)
        }
        for (const { value, meterTime } of readings) {
          assert.ok(Math.abs(value) <= READING_VALUE_MAX)
          assert.ok(meterTime === null || !Number.isNaN(new Date(meterTime).getTime()))
        }
      }
    }
  })
})

test('a block that claims 2^50 readings costs nothing: it is refused before it is filled', () => {
  const claim = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x03)
  const honest = encoded({ ...reading, meter: 'B', meterTime: null, value: 0 })
  // Its last bytes: one block, of kind 5 (head 2 alone), one reading, value 0.
  assert.deepEqual(honest.slice(-4), Uint8Array.of(1, 5, 1, 0))
  for (const kind of [5, 4]) {
    const claims = concat(honest.slice(0, -3), Uint8Array.of(kind), claim, Uint8Array.of(0))
    assert.equal(decodeContent(claims, 8_000, context), null)
  }
  const blocks = concat(honest.slice(0, -4), claim, honest.slice(-3))
  assert.equal(decodeContent(blocks, 1, context), null)
})

test('damaged bodies: a verdict with a WIR fault, or a message; frames within the limits', () => {
  const header = encodeHeader({
    opener: false,
    epoch: 1,
    run: 2,
    second: second(3),
    sequence: 4,
    count: 5,
    salt: null,
  })
  const bodies = [
    enrolmentHello(new Uint8Array(8), new Uint8Array(48)),
    sessionHello(1, new Uint8Array(4), new Uint8Array(96)),
    sessionAnswer(1, new Uint8Array(96)),
    refusal('SEC-FORK'),
    concat(header, new Uint8Array(60)),
  ]
  feed(damaged(...bodies), (input) => {
    const verdict = readMessage(input)
    if (!verdict.ok) assert.match(verdict.fault, /^WIR-0[1234]$/)
    else if (verdict.message.is === 'refusal')
      assert.match(verdict.message.code, /^[A-Z0-9-]{1,16}$/)
    const frame = decodeFrame(input)
    if (frame === null) return
    assert.ok(frame.header.count <= 8_000 && frame.sealed.length >= 16)
    assert.deepEqual(concat(encodeHeader(frame.header), frame.sealed), new Uint8Array(input))
  })
})

test('damaged handshake payloads: read back to the same bytes, or null', () => {
  const offer = {
    device: new Uint8Array(8),
    t2: unixUs(1),
    t3: unixUs(2),
    bound: spanUs(3),
    tolerance: 10,
    historyFrom: null,
    origin: unixMs(1_790_000_000_000),
  }
  const payloads = [
    encodeSessionOffer(offer),
    encodeSessionOffer({ ...offer, origin: null, bound: null }),
    encodeSessionHello({ processId: new Uint8Array(8), wantsEpoch: true }),
    encodeAttempt(3),
  ]
  feed(damaged(...payloads), (input) => {
    const read = decodeSessionOffer(input)
    if (read !== null) assert.deepEqual(encodeSessionOffer(read), new Uint8Array(input))
    const hello = decodeSessionHello(input)
    if (hello !== null) assert.deepEqual(encodeSessionHello(hello), new Uint8Array(input))
    assert.notEqual(decodeAttempt(input), 0)
  })
})

test('a stream of noise and messages: bodies or WIR-03, never more held than one message', () => {
  const noise = fc.uint8Array({ maxLength: 200 })
  // Two random bytes are nearly always a length that no chunk here fills.
  const message = fc
    .uint8Array({ maxLength: 200 })
    .map((body) => concat(new Writer().u16(body.length).done(), body))
  let [bodies, refused] = [0, 0]
  fc.assert(
    fc.property(fc.array(fc.oneof(noise, message), { maxLength: 20 }), (chunks) => {
      const deframer = new Deframer()
      for (const chunk of chunks) {
        const answer = deframer.push(chunk)
        for (const body of answer.bodies) assert.ok(body.length >= 1 && body.length <= 65_535)
        bodies += answer.bodies.length
        if (!answer.ok) refused += 1
        assert.ok(deframer.pending <= 65_536)
      }
    }),
    { numRuns: 1_000 },
  )
  assert.ok(bodies > 100 && refused > 10, `${bodies} bodies, ${refused} refused`)
})

test('noise as token, as control body and as handshake message is refused without a throw', () => {
  const staticKey = (fill: number) => {
    const privateKey = new Uint8Array(32).fill(fill)
    return { privateKey, publicKey: nodeSuite.publicKey(privateKey) }
  }
  const own = staticKey(2)
  const ephemeral = new Uint8Array(32).fill(3)
  const cipher = () => new CipherState(nodeSuite, new Uint8Array(32).fill(1))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 150 }), fc.string(), (noise, text) => {
      decodeToken(text)
      const channel = new ControlChannel({ send: cipher(), receive: cipher() }, null)
      assert.equal(channel.open(concat(Uint8Array.of(0x15), noise)).ok, false)
      const handshake = startHandshake({
        suite: nodeSuite,
        pattern: 'IKpsk2',
        initiator: false,
        prologue: new Uint8Array(0),
        staticKey: own,
        ephemeral,
      })
      assert.equal(handshake.read(noise), null)
    }),
    { numRuns: 1_000 },
  )
})
