// What the NTP server answers, to whom, and how often.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  fromStamp,
  type NtpHeader,
  type NtpPacket,
  readPacket,
  refidText,
  toStamp,
  writePacket,
} from '../../../shared/clock/ntp/packet.ts'
import {
  answerTo,
  type ServedClock,
  strikeTransmit,
  Turnstile,
  UNSYNCHRONISED,
} from '../../../shared/clock/ntp/server.ts'
import { monoUs, spanUs, unixUs } from '../../../shared/units.ts'

const NOW = unixUs(1_790_000_000_123_456)
const served: ServedClock = {
  leap: 1,
  stratum: 3,
  refid: 0x01020304,
  rootDelay: spanUs(2_000),
  rootDispersion: spanUs(700),
  reference: unixUs(NOW - 5_000_000),
}
const zero = { rootDelay: spanUs(0), rootDispersion: spanUs(0), refid: 0, reference: 0n }
const asked: NtpHeader = {
  ...zero,
  leap: 0,
  version: 4,
  mode: 3,
  stratum: 0,
  poll: 7,
  precision: 0,
  origin: 0n,
  receive: 0n,
  transmit: 0x0123456789abcdefn,
}
const ask = (
  datagram: Uint8Array,
  turn: 'answer' | 'kiss',
  clock: ServedClock = served,
  port = 40_123,
): Uint8Array | null => answerTo({ datagram, port }, turn, NOW, clock)
const answered = (bytes: Uint8Array | null): NtpPacket => {
  assert.ok(bytes !== null)
  assert.equal(bytes.length, 48)
  const read = readPacket(bytes, 1)
  assert.ok(read.ok)
  return read.packet
}

test('tells the truth about its clock, repeats the question’s id, stamps t3 last', () => {
  const answer = ask(writePacket(asked), 'answer')
  assert.ok(answer !== null)
  strikeTransmit(answer, unixUs(NOW + 40))
  const packet = answered(answer)
  const { leap, stratum, refid, mode, version, poll, precision } = packet
  assert.deepEqual(
    [leap, stratum, refid, mode, version, poll, precision],
    [1, 3, 0x01020304, 4, 4, 7, -20],
  )
  assert.equal(packet.origin, asked.transmit)
  assert.equal(fromStamp(packet.receive), NOW)
  assert.equal(fromStamp(packet.transmit), NOW + 40)
  assert.equal(packet.reference, toStamp(unixUs(NOW - 5_000_000)))
  assert.ok(packet.rootDelay >= 2_000 && packet.rootDispersion >= 700)
})

test('a clock that is not synchronised answers, and says so', () => {
  const { leap, stratum, reference } = answered(ask(writePacket(asked), 'answer', UNSYNCHRONISED))
  assert.deepEqual([leap, stratum, reference], [3, 16, 0n])
})

/** Mode of the answer to each mode 0 to 7 (from a port of its own), by version; null: silence.
 * Checked against chronyd: e2e/time-versions. */
const ANSWERED: Readonly<Record<number, readonly (number | null)[]>> = {
  1: [4, 2, null, 4, null, null, null, null],
  2: [null, 2, null, 4, null, null, null, null],
  3: [null, 2, null, 4, null, null, null, null],
  4: [null, 2, null, 4, null, null, null, null],
}

test('answers clients and symmetric peers of versions 1 to 4 in their version, nobody else', () => {
  for (let version = 0; version < 8; version += 1) {
    for (let mode = 0; mode < 8; mode += 1) {
      const answer = ask(writePacket({ ...asked, version, mode }), 'answer')
      const right = ANSWERED[version]?.[mode] ?? null
      const said = answer === null ? null : answered(answer)
      assert.deepEqual(said?.mode ?? null, right, `${version} ${mode}`)
      if (said === null) continue
      assert.equal(said.version, version)
      assert.equal(said.origin, asked.transmit)
      // No answer is itself a question, from whatever port: two servers cannot feed each other.
      if (answer !== null) assert.equal(ask(answer, 'answer', served, 123), null)
    }
  }
})

test('version 1 without a mode from port 123 is a peer, not a client: silence', () => {
  const old = writePacket({ ...asked, version: 1, mode: 0 })
  assert.equal(ask(old, 'answer', served, 123), null)
  assert.equal(answered(ask(old, 'answer', served, 1_023)).mode, 4)
})

test('no answer is longer than its question, whatever the question is', () => {
  const question = fc.oneof(
    fc.uint8Array({ maxLength: 1_500 }),
    fc.uint8Array({ minLength: 44, maxLength: 400 }).map((bytes) => {
      bytes[0] = 0x23
      return bytes
    }),
    fc
      .array(fc.record({ type: fc.nat(65_535), body: fc.uint8Array({ maxLength: 80 }) }))
      .map((fields) => writePacket(asked, fields)),
  )
  let answers = 0
  fc.assert(
    fc.property(question, fc.constantFrom('answer', 'kiss'), (bytes, turn) => {
      const answer = ask(bytes, turn)
      if (answer === null) return
      answers += 1
      assert.ok(answer.length === 48 && answer.length <= bytes.length)
    }),
    { numRuns: 1_000 },
  )
  assert.ok(answers > 200, `${answers}`)
})

test('a kiss says RATE and nothing about the clock', () => {
  const kiss = answered(ask(writePacket(asked), 'kiss'))
  assert.equal(refidText(kiss.refid, kiss.stratum), 'RATE')
  assert.deepEqual([kiss.stratum, kiss.leap, kiss.origin], [0, 3, asked.transmit])
})

test('128 answers in a row, 16 a second after that, one kiss in 8 s, else silence', () => {
  const turnstile = new Turnstile()
  const turns = (count: number, at: number, address = 'a') => {
    const counted = { answer: 0, kiss: 0, silence: 0 }
    for (let i = 0; i < count; i += 1) counted[turnstile.turn(address, monoUs(at))] += 1
    return counted
  }
  assert.deepEqual(turns(200, 0), { answer: 128, kiss: 1, silence: 71 })
  assert.deepEqual(turns(1, 0, 'b'), { answer: 1, kiss: 0, silence: 0 })
  assert.deepEqual(turns(200, 1_000_000), { answer: 16, kiss: 0, silence: 184 })
  assert.deepEqual(turns(200, 7_999_999), { answer: 111, kiss: 0, silence: 89 })
  assert.deepEqual(turns(200, 8_000_000), { answer: 1, kiss: 1, silence: 198 })
  assert.deepEqual(turns(200, 100_000_000), { answer: 128, kiss: 1, silence: 71 })
})

test('a hundred thousand forged addresses take no more memory than 8,192', () => {
  const turnstile = new Turnstile()
  for (let i = 0; i < 100_000; i += 1) turnstile.turn(`address ${i}`, monoUs(i))
  assert.equal(turnstile.tracked, 8_192)
})
