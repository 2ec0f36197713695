// NTP datagrams: what is written is read back, and no input makes the reader throw.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  type ExtensionField,
  fromStamp,
  type NtpHeader,
  type NtpPacket,
  PACKET_BYTES_MAX,
  readAllFields,
  readPacket,
  refidOf,
  refidText,
  toStamp,
  writeFields,
  writePacket,
} from '../../shared/clock/ntp/packet.ts'
import { fromHex, toHex } from '../../shared/bytes.ts'
import { spanUs, unixUs } from '../../shared/units.ts'

const stamp = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })
const short = fc.integer({ min: 0, max: 0xffff_ffff }).map((n) => spanUs((n * 1e6) / 65_536))
const headers: fc.Arbitrary<NtpHeader> = fc.record({
  leap: fc.constantFrom(0, 1, 2, 3),
  version: fc.constant(4),
  mode: fc.integer({ min: 0, max: 7 }),
  stratum: fc.integer({ min: 0, max: 255 }),
  poll: fc.integer({ min: -128, max: 127 }),
  precision: fc.integer({ min: -128, max: 127 }),
  rootDelay: short,
  rootDispersion: short,
  refid: fc.integer({ min: 0, max: 0xffff_ffff }),
  reference: stamp,
  origin: stamp,
  receive: stamp,
  transmit: stamp,
})
const fields: fc.Arbitrary<ExtensionField[]> = fc.array(
  fc.record({
    type: fc.integer({ min: 0, max: 0xffff }),
    body: fc.uint8Array({ minLength: 0, maxLength: 120 }),
  }),
  { maxLength: 8 },
)

const read = (bytes: Uint8Array): NtpPacket => {
  const verdict = readPacket(bytes)
  assert.ok(verdict.ok)
  return verdict.packet
}
const starts = (found: Uint8Array, body: Uint8Array) =>
  assert.equal(toHex(found.subarray(0, body.length)), toHex(body))

test('a packet is read as it was written, fields padded with zeros', () => {
  fc.assert(
    fc.property(headers, fields, (header, written) => {
      const bytes = writePacket(header, written)
      const { fields: found, ...rest } = read(bytes)
      assert.deepEqual({ ...rest }, { ...header })
      assert.deepEqual(
        found.map(({ type }) => type),
        written.map(({ type }) => type),
      )
      for (const [index, { body, at }] of found.entries()) {
        starts(body, written[index]?.body ?? new Uint8Array(0))
        assert.equal(toHex(bytes.subarray(at + 4, at + 4 + body.length)), toHex(body))
      }
      const alone = readAllFields(writeFields(written)) ?? []
      assert.equal(alone.length, written.length)
      for (const [index, { body }] of alone.entries()) {
        starts(body, written[index]?.body ?? new Uint8Array(0))
      }
    }),
  )
})

test('mutated and random bytes are refused or read, and nothing throws', () => {
  const mutated = fc
    .tuple(
      headers,
      fields,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }),
      fc.nat(200),
    )
    .map(([header, extra, flips, cut]) => {
      const bytes = writePacket(header, extra)
      for (const [at, value] of flips) bytes[at % bytes.length] = value
      return bytes.subarray(0, Math.max(0, bytes.length - (cut > 60 ? 0 : cut)))
    })
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 300 })), (bytes) => {
      const verdict = readPacket(bytes)
      readAllFields(bytes)
      if (!verdict.ok) return
      const used = verdict.packet.fields.reduce((sum, { body }) => sum + 4 + body.length, 48)
      assert.ok(used <= bytes.length)
      assert.ok(verdict.packet.version === 3 || bytes.length - used <= 24)
    }),
    { numRuns: 2_000 },
  )
})

test('a refusal names its reason: too short, too long, another version, fields that do not add up', () => {
  const fault = (bytes: Uint8Array) => {
    const verdict = readPacket(bytes)
    return verdict.ok ? 'ok' : verdict.fault
  }
  const packet = (version: number, length: number) => {
    const bytes = new Uint8Array(length)
    bytes[0] = version * 8 + 3
    return bytes
  }
  assert.equal(fault(packet(4, 47)), 'WIR-03')
  assert.equal(fault(packet(4, 48)), 'ok')
  assert.equal(fault(packet(3, PACKET_BYTES_MAX)), 'ok')
  assert.equal(fault(packet(3, PACKET_BYTES_MAX + 1)), 'WIR-02')
  for (const version of [0, 1, 2, 5, 6, 7]) assert.equal(fault(packet(version, 48)), 'WIR-01')
  // What may follow the last field (RFC 7822): a MAC of 4, 20 or 24 bytes.
  for (const code of [4, 20, 24]) assert.equal(fault(packet(4, 48 + code)), 'ok')
  for (const rest of [1, 8, 16, 23, 28]) assert.equal(fault(packet(4, 48 + rest)), 'WIR-03')
  const field = (length: number) => {
    const bytes = packet(4, 48 + 28)
    bytes.set([0x01, 0x04, 0, length], 48)
    return fault(bytes)
  }
  assert.equal(field(28), 'ok')
  assert.equal(field(24), 'ok')
  assert.equal(field(32), 'WIR-03')
  assert.equal(field(26), 'WIR-03')
  assert.equal(field(12), 'WIR-03')
  const odd = packet(4, 48 + 30)
  odd.set([0x01, 0x04, 0, 30], 48)
  assert.equal(fault(odd), 'WIR-03')
})

test('instants from 2020 to 2156 survive a stamp unchanged, also across the wrap of 2036', () => {
  const turn = Date.UTC(2036, 1, 7, 6, 28, 16) * 1_000
  for (const by of [-1_000_000, -1, 0, 1, 1_000_000]) {
    assert.equal(fromStamp(toStamp(unixUs(turn + by))), turn + by)
  }
  assert.equal(toStamp(unixUs(turn)), 1n, 'never the 0 of "not known"')
  assert.equal(toStamp(unixUs(turn - 1_000_000)) >> 32n, 0xffff_ffffn)
  const first = Date.UTC(2020, 0, 1) * 1_000
  fc.assert(
    fc.property(fc.integer({ min: first, max: first + (2 ** 32 - 1) * 1e6 }), (at) => {
      assert.equal(fromStamp(toStamp(unixUs(at))), at)
    }),
  )
})

test('an error bound in a packet is never less than the error', () => {
  const base = read(fromHex(`23${'00'.repeat(47)}`) ?? new Uint8Array(0))
  fc.assert(
    fc.property(fc.double({ min: 0.001, max: 6e10, noNaN: true }), (us) => {
      const told = read(writePacket({ ...base, rootDispersion: spanUs(us) })).rootDispersion
      assert.ok(told >= us && told < us + 16)
    }),
  )
})

test('a refid is shown as letters at stratum 0 and 1 and as an address at higher ones', () => {
  assert.equal(refidText(refidOf('GPS'), 1), 'GPS')
  assert.equal(refidText(refidOf('RATE'), 0), 'RATE')
  assert.equal(refidText(0x7f000001, 2), '127.0.0.1')
  assert.equal(refidText(0x1b5b3141, 1), '1b5b3141')
})
