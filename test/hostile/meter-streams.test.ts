import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { concat, fromText, toText } from '../../shared/bytes.ts'
import { dsmrDecoder, encodeTelegram } from '../../shared/meter/dsmr/dsmr.ts'
import { encodeSem, encodeSemBody } from '../../shared/meter/sem/sem.ts'
import { semDecoder } from '../../shared/meter/sem/stream.ts'
import { monoUs, unixMs } from '../../shared/units.ts'

const AT = monoUs(1)
const RUNS = 300
const OPTIONS = { allowUnchecked: false, standardOffsetMinutes: 60 }

const SEM = encodeSem({
  is: 'now',
  consumer: 'C-1001',
  value: 123_456,
  exponent: 1,
  unit: 'Wh',
  meterTime: unixMs(1_767_225_600_000),
  checked: true,
})
const TELEGRAM = encodeTelegram([
  '/TCK5HOSTILE',
  '',
  '0-0:1.0.0(260115120000W)',
  '1-0:1.8.1(000009.533*kWh)',
  '0-1:24.2.1(260115110000W)(12785.123*m3)',
])

/** Bit by bit, so that it shares nothing with the tables under test. */
function crcBitwise(bytes: Uint8Array, kind: 'arc' | 'ibm-3740'): number {
  let crc = kind === 'arc' ? 0 : 0xffff
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit += 1) {
      if (kind === 'arc') {
        const low = (crc ^ (byte >> bit)) & 1
        crc = (crc >> 1) ^ (low ? 0xa001 : 0)
      } else {
        const high = ((crc >> 15) ^ (byte >> (7 - bit))) & 1
        crc = ((crc << 1) & 0xffff) ^ (high ? 0x1021 : 0)
      }
    }
  }
  return crc
}
const digits = (crc: number) => crc.toString(16).toUpperCase().padStart(4, '0')

const mutation = fc.tuple(
  fc.constantFrom('set' as const, 'insert' as const, 'drop' as const, 'repeat' as const),
  fc.nat(1_000),
  fc.integer({ min: 0, max: 255 }),
)
function mutate(bytes: Uint8Array, changes: readonly (readonly [string, number, number])[]) {
  const list = [...bytes]
  for (const [how, where, byte] of changes) {
    const at = where % Math.max(1, list.length)
    if (how === 'set') list[at] = byte
    else if (how === 'insert') list.splice(at, 0, byte)
    else if (how === 'drop') list.splice(at, 1)
    else list.splice(at, 0, ...list.slice(at, at + 20))
  }
  return Uint8Array.from(list)
}
const changes = fc.array(mutation, { minLength: 1, maxLength: 6 })

test('SEM: a mutated frame needs a right checksum, and the next one is read', () => {
  fc.assert(
    fc.property(changes, (changes) => {
      const mutated = mutate(SEM, changes)
      const verdicts = semDecoder().push(concat(mutated, SEM), AT)
      const frames = verdicts.filter((verdict) => verdict.ok)
      assert.ok(frames.length >= 1, 'the undamaged frame behind it is read')
      const text = toText(concat(mutated, SEM))
      for (const { frame } of frames) {
        if (frame.is === 'now' && !frame.checked) continue
        const covered = `${encodeSemBody(frame)}\x03`
        const crc = digits(crcBitwise(fromText(covered), 'ibm-3740'))
        assert.ok(text.includes(`\x02${covered}${crc}`))
      }
    }),
    { numRuns: RUNS },
  )
})

test('SEM: every flip of a single bit inside a frame is found', () => {
  for (let bit = 0; bit < (SEM.length - 2) * 8; bit += 1) {
    const flipped = Uint8Array.from(SEM)
    const at = bit >> 3
    flipped[at] = (SEM[at] ?? 0) ^ (1 << (bit & 7))
    const decoder = semDecoder()
    const verdicts = [...decoder.push(flipped, AT), ...decoder.flush(AT)]
    assert.ok(verdicts.length > 0)
    assert.ok(!verdicts.some((verdict) => verdict.ok), `bit ${bit}`)
  }
})

test('DSMR: a mutated telegram is never taken unless its checksum is right', () => {
  fc.assert(
    fc.property(changes, (changes) => {
      const mutated = mutate(TELEGRAM, changes)
      for (const verdict of dsmrDecoder(OPTIONS).push(mutated, AT)) {
        if (!verdict.ok) continue
        const text = toText(mutated)
        const starts = [...text.matchAll(/\//g)].map((match) => match.index)
        const end = text.indexOf('!')
        const right = starts.some((start) => {
          const crc = crcBitwise(fromText(text.slice(start, end + 1)), 'arc')
          return text.slice(end + 1, end + 5).toUpperCase() === digits(crc)
        })
        assert.ok(right, JSON.stringify(text))
      }
      // Where unchecked telegrams are allowed, it must not crash either.
      dsmrDecoder({ ...OPTIONS, allowUnchecked: true }).push(mutated, AT)
    }),
    { numRuns: RUNS },
  )
})

test('endless input keeps at most one frame and reports once per kilobyte', () => {
  const flood = (fill: number) => new Uint8Array(1_000_000).fill(fill)
  const streams: readonly (readonly [string, Uint8Array])[] = [
    ['noise', flood(0xff)],
    ['text', flood(0x41)],
    ['line feeds', flood(0x0a)],
    ['zeros', flood(0)],
    ['one frame that never ends', concat(Uint8Array.of(0x02), flood(0x41))],
    ['one telegram that never ends', concat(fromText('/'), flood(0x41))],
  ]
  for (const [name, bytes] of streams) {
    const sem = semDecoder()
    const dsmr = dsmrDecoder(OPTIONS)
    const told = sem.push(bytes, AT).length + dsmr.push(bytes, AT).length
    assert.ok(told < 2_100, `${name}: ${told} reports`)
    assert.equal(sem.push(SEM, AT).at(-1)?.ok, true, name)
    assert.equal(dsmr.push(concat(fromText('\r\n'), TELEGRAM), AT).at(-1)?.ok, true, name)
  }
})
