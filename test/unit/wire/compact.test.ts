// The compact header: the same frame with less on the line, and nothing an altered byte can gain.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { Floodgate, HANDSHAKE_LIMITS } from '../../../services/master/core/flood.ts'
import { RecentSteps } from '../../../services/master/core/recent-steps.ts'
import { judge } from '../../../services/master/core/gate.ts'
import { emptyRoster, putDevice } from '../../../services/master/core/roster.ts'
import type { DeviceState, Link, Owned, Turn } from '../../../services/master/core/state.ts'
import { install, putEpoch } from '../../../services/master/core/streams.ts'
import { takeFrame } from '../../../services/master/core/intake.ts'
import { enterEpoch, seal } from '../../../services/slave/core/capture/sealer.ts'
import { concat } from '../../../shared/bytes.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../../shared/meter/obis.ts'
import { UNIT } from '../../../shared/meter/reading.ts'
import { nodeRandom, nodeSuite as suite } from '../../../shared/node/node-suite.ts'
import { ControlChannel } from '../../../shared/tves/handshake.ts'
import { CipherState } from '../../../shared/tves/noise.ts'
import { encodeTree, plantTree } from '../../../shared/tves/tree.ts'
import { second, spanMs, unixMs, unixUs } from '../../../shared/units.ts'
import { compactBody, expandBody } from '../../../shared/wire/compact.ts'
import { decodeFrame, encodeHeader, type FrameHeader } from '../../../shared/wire/frame.ts'
import { readMessage } from '../../../shared/wire/message.ts'

const DEVICE = '0011223344556677'
const ORIGIN = unixMs(1_800_000_000_000)
const TREE = plantTree(suite, new Uint8Array(32).fill(3))
const EPOCH = { id: 7, origin: ORIGIN, transcript: new Uint8Array(32).fill(9) }
const FRAMES = 40

/** Opener and frames 1 to FRAMES of one run, one reading each, two frames a second. */
function sealed(): readonly Uint8Array[] {
  const id = Uint8Array.fromHex(DEVICE)
  let sealer = enterEpoch(id, { ...EPOCH, tree: encodeTree(TREE), state: 'committed' }, 0, null)
  const bodies: Uint8Array[] = []
  for (let index = 0; index < FRAMES; index += 1) {
    const at = unixMs(ORIGIN + 500 * index)
    const reading = {
      meter: 'M-1',
      register: ACTIVE_IMPORT_TOTAL,
      value: 100 + index,
      exponent: 0,
      unit: UNIT.Wh,
      source: 'live',
      meterTime: null,
      checked: true,
    } as const
    const stamp = {
      agentTime: at,
      clockState: 'S',
      clockBound: spanMs(5),
      processMs: index,
    } as const
    const done = seal(sealer, {
      suite,
      at,
      groups: [{ stamp, readings: [reading] }],
      salt: new Uint8Array(16).fill(5),
      processId: new Uint8Array(8),
      processStart: ORIGIN,
      pad: false,
    })
    sealer = done.sealer
    bodies.push(...done.frames.map(({ body }) => body))
  }
  return bodies
}
const BODIES = sealed()
const bodyAt = (index: number): Uint8Array => BODIES[index] ?? new Uint8Array(0)
const headerAt = (index: number): FrameHeader => {
  const header = decodeFrame(bodyAt(index))?.header
  assert.ok(header)
  return header
}

function freshDevice(): Owned<DeviceState> {
  const roster = emptyRoster()
  const nobody = { staticKey: null, psk: null, attempt: 0, revoked: false, historyFrom: null }
  putDevice(roster, { id: DEVICE, name: 'attic', ...nobody })
  const device = roster.devices.get(DEVICE)
  assert.ok(device)
  putEpoch(device, { ...EPOCH, closed: false, tree: TREE })
  return device
}
const gateOf = (device: DeviceState) => ({
  suite,
  device,
  now: unixMs(ORIGIN + 60_000),
  timed: true,
  toleranceMs: 10_000,
})

const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const number = fc.integer({ min: 1, max: 0xffff_ffff })
const headers: fc.Arbitrary<FrameHeader> = fc
  .tuple(number, number, u32, number, fc.nat(8_000))
  .map(([epoch, run, at, sequence, count]) => {
    return { opener: false, epoch, run, second: second(at), sequence, count, salt: null }
  })

void describe('compact and expand (wire.md 8.1)', () => {
  test('a frame that follows its predecessor comes back byte by byte and is at least 12 shorter', () => {
    const steps = fc.tuple(
      fc.oneof(fc.nat(3), u32),
      fc.oneof(fc.constant(null), fc.nat(8_000)),
      fc.uint8Array({ minLength: 16, maxLength: 60 }),
    )
    fc.assert(
      fc.property(headers, steps, (before, [later, count, sealedPart]) => {
        const at = before.second + later
        const sequence = before.sequence + 1
        if (at > 0xffff_ffff || sequence > 0xffff_ffff) return
        const header = { ...before, second: second(at), sequence, count: count ?? before.count }
        const body = concat(encodeHeader(header), sealedPart)
        const line = compactBody(before, body)
        assert.deepEqual(expandBody(before, line), body)
        if (sequence % 32 === 0) assert.equal(line, body)
        else assert.ok(line[0] === 0x14 && line.length <= body.length - 12)
      }),
      { numRuns: 500 },
    )
  })

  test('a frame that does not follow keeps its full header', () => {
    const [before, body] = [headerAt(2), bodyAt(3)]
    assert.equal(compactBody(null, body), body)
    for (const change of [
      { epoch: 8 },
      { run: 2 },
      { sequence: 1 },
      { sequence: 3 },
      { second: second(headerAt(3).second + 1) },
    ]) {
      assert.equal(compactBody({ ...before, ...change }, body), body, JSON.stringify(change))
    }
    assert.equal(compactBody(headerAt(1), bodyAt(0)), bodyAt(0), 'an opener')
    assert.equal(compactBody(headerAt(31), bodyAt(32)), bodyAt(32), 'every 32nd')
    assert.equal(bodyAt(3).length - compactBody(before, body).length, 20 - 2)
  })

  test('no frame before it, a number too large or a body too long is WIR-03', () => {
    const before = headerAt(2)
    const rest = new Uint8Array(30)
    const line = (...bytes: number[]) => concat(Uint8Array.of(0x14, ...bytes), rest)
    assert.ok(expandBody(before, line(2)))
    assert.equal(expandBody(null, line(2)), null)
    const last = { ...before, second: second(0xffff_ffff) }
    assert.ok(expandBody(last, line(0)))
    assert.equal(expandBody(last, line(2)), null)
    assert.equal(expandBody({ ...before, sequence: 0xffff_ffff }, line(0)), null)
    assert.ok(expandBody(before, line(1, 0x1f, 0x40)))
    assert.equal(expandBody(before, line(1, 0x1f, 0x41)), null)
    assert.equal(expandBody(before, line(0x80, 0)), null, 'not the shortest form')
    assert.equal(expandBody(before, Uint8Array.of(0x14)), null)
    assert.equal(expandBody(before, Uint8Array.of(0x14, 3, 1)), null)
    const longest = concat(Uint8Array.of(0x14, 0), new Uint8Array(65_515))
    assert.equal(expandBody(before, longest)?.length, 65_535)
    assert.equal(expandBody(before, concat(longest, Uint8Array.of(0)))?.length, undefined)
    const short = expandBody(before, concat(Uint8Array.of(0x14, 0), new Uint8Array(15)))
    assert.ok(short !== null && decodeFrame(short) === null, 'no room for a tag')
  })

  test('every flipped bit of a compact frame is refused, and the frame still opens', () => {
    const device = freshDevice()
    for (const index of [0, 1]) {
      const verdict = judge(gateOf(device), bodyAt(index))
      assert.ok(verdict.ok)
      install(verdict.moved)
    }
    const line = compactBody(headerAt(1), bodyAt(2))
    assert.equal(line[0], 0x14)
    for (let bit = 0; bit < line.length * 8; bit += 1) {
      const bent = line.slice()
      bent[bit >> 3] = (bent[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const message = readMessage(bent)
      if (!message.ok || message.message.is !== 'frame') continue
      const body = expandBody(headerAt(1), bent)
      if (body !== null) assert.ok(!judge(gateOf(device), body).ok, `bit ${bit}`)
    }
    const whole = expandBody(headerAt(1), line)
    assert.ok(whole !== null && judge(gateOf(device), whole).ok)
  })
})

/** An open link of the master, and what it does with what comes. */
function openLink() {
  const device = freshDevice()
  device.link = 1
  const cipher = () => new CipherState(suite, new Uint8Array(32).fill(1))
  const channel = new ControlChannel({ send: cipher(), receive: cipher() }, null)
  const link: Link = {
    id: 1,
    transport: 'tcp',
    source: '',
    site: '',
    handshaking: null,
    handshakeFor: null,
    openedAt: 0,
    phase: { is: 'open', device, channel },
    damaged: 0,
    calledAs: null,
    calledUnder: null,
    predecessor: null,
    suspect: null,
    owed: [],
    meterClocksUntil: 0,
  }
  const keys = { privateKey: new Uint8Array(32), publicKey: new Uint8Array(32) }
  const take = (line: Uint8Array): string => {
    const turn: Turn = {
      setup: {
        suite,
        random: nodeRandom,
        staticKeys: [keys],
        toleranceSeconds: 10,
        unwrap: (wrapped) => wrapped,
      },
      roster: { ...emptyRoster(), devices: new Map([[DEVICE, device]]) },
      links: new Map([[1, link]]),
      handshakes: { greeted: 0 },
      floodgate: new Floodgate(HANDSHAKE_LIMITS),
      recentSteps: new RecentSteps(),
      now: { at: unixUs((ORIGIN + 60_000) * 1_000), bound: 1 },
      actions: [],
    }
    const waiting = device.waiting.length + (device.outstanding?.length ?? 0)
    takeFrame(turn, link, device, line)
    if (device.waiting.length + (device.outstanding?.length ?? 0) > waiting) return 'taken'
    return turn.actions.map((action) => (action.do === 'refused' ? action.code : action.do)).join()
  }
  return { take, line: (index: number) => compactBody(headerAt(index - 1), bodyAt(index)) }
}

void describe('the master’s link', () => {
  test('a compact frame is read against the frame before it, and none is WIR-03', () => {
    const { take, line } = openLink()
    assert.equal(take(line(1)), 'WIR-03,disconnected,drop')
    const other = openLink()
    assert.deepEqual([bodyAt(0), line(1), line(2)].map(other.take), ['taken', 'taken', 'taken'])
  })

  test('a refused frame is a predecessor like any other (wire.md 8.1)', () => {
    const { take, line } = openLink()
    const lines = [bodyAt(0), bodyAt(5), line(6), line(7), bodyAt(1), line(2), line(3)]
    assert.deepEqual(lines.map(take), [
      'taken',
      'SEC-06,send',
      'SEC-06,send',
      'SEC-06,send',
      'taken',
      'taken',
      'taken',
    ])
  })

  test('a predecessor altered on the line misleads until the next full header, no longer', () => {
    const { take, line } = openLink()
    for (let index = 0; index <= 25; index += 1) assert.equal(take(bodyAt(index)), 'taken')
    const altered = bodyAt(26).slice()
    // Sequence 26 becomes 10: spent, and what follows is read as 11, 12 ...
    altered[17] = 10
    assert.equal(take(altered), 'SEC-05')
    for (let index = 27; index < 32; index += 1) assert.equal(take(line(index)), 'SEC-05')
    assert.equal(take(line(32)), 'SEC-06,send')
  })
})
