// What the slave seals: which heads an opener names, which captures share a frame, padding.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judge } from '../../../services/master/core/gate.ts'
import { emptyRoster, putDevice } from '../../../services/master/core/roster.ts'
import { install, putEpoch } from '../../../services/master/core/streams.ts'
import { enterEpoch, leaveRun, seal } from '../../../services/slave/core/capture/sealer.ts'
import type { Sealer } from '../../../services/slave/core/state/sealing.ts'
import type { AcceptedFrame } from '../../../shared/handover/sink.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../../shared/meter/obis.ts'
import { type Reading, type ReadingGroup, UNIT } from '../../../shared/meter/reading.ts'
import { nodeSuite as suite } from '../../../shared/node/node-suite.ts'
import { encodeTree, plantTree } from '../../../shared/tves/tree.ts'
import { spanMs, unixMs } from '../../../shared/units.ts'
import { decodeContent } from '../../../shared/wire/content.ts'

const DEVICE = '0011223344556677'
const ORIGIN = unixMs(1_800_000_000_000)
const TRANSCRIPT = new Uint8Array(32).fill(9)
const TREE = plantTree(suite, new Uint8Array(32).fill(3))
const EPOCH = { id: 7, origin: ORIGIN, transcript: TRANSCRIPT, tree: encodeTree(TREE) }

const entered = (): Sealer =>
  enterEpoch(Uint8Array.fromHex(DEVICE), { ...EPOCH, state: 'committed' }, 0, null)

const readingOf = (meter: string, value: number): Reading => ({
  meter,
  register: ACTIVE_IMPORT_TOTAL,
  value,
  exponent: 0,
  unit: UNIT.Wh,
  source: 'live',
  meterTime: null,
  checked: true,
})
const groupOf = (at: number, ...readings: readonly Reading[]): ReadingGroup => ({
  stamp: {
    agentTime: unixMs(ORIGIN + at),
    clockState: 'S',
    clockBound: spanMs(5),
    processMs: 3_000 + at,
  },
  readings,
})

const sealAt = (sealer: Sealer, at: number, groups: readonly ReadingGroup[], pad = false) =>
  seal(sealer, {
    suite,
    at: unixMs(ORIGIN + at),
    groups,
    salt: new Uint8Array(16).fill(5),
    processId: new Uint8Array(8).fill(6),
    processStart: unixMs(ORIGIN - 3_000),
    pad,
  })

/** What the master makes of the frames. */
function taken(...bodies: readonly Uint8Array[]): readonly AcceptedFrame[] {
  const roster = emptyRoster()
  const nobody = { staticKey: null, psk: null, attempt: 0, revoked: false, historyFrom: null }
  putDevice(roster, { id: DEVICE, name: 'attic', ...nobody })
  const device = roster.devices.get(DEVICE)
  assert.ok(device)
  putEpoch(device, { ...EPOCH, closed: false, tree: TREE })
  const now = unixMs(ORIGIN + 60_000)
  return bodies.map((body) => {
    const verdict = judge({ suite, device, now, timed: true, toleranceMs: 10_000 }, body)
    assert.ok(verdict.ok, JSON.stringify(verdict))
    install(verdict.moved)
    return verdict.frame
  })
}

const headsOf = (frame: AcceptedFrame | undefined) => {
  const opener = frame?.position.opener ?? new Uint8Array(0)
  const content = decodeContent(opener, 0, { begins: ORIGIN, opener: null })
  assert.ok(content?.kind === 'opener')
  assert.equal(content.processStart, ORIGIN - 3_000)
  return content.heads.map(({ meter }) => meter)
}

test('captures that wait together share a frame, each with its own stamp (wire.md 8.2)', () => {
  const groups = [
    groupOf(100, readingOf('A', 1), readingOf('B', 2)),
    groupOf(900, readingOf('A', 3)),
  ]
  const { frames, sealer } = sealAt(entered(), 1_000, groups)
  assert.equal(frames.length, 2)
  const later = [groupOf(5_000, readingOf('C', 9), readingOf('A', 4))]
  const more = sealAt(sealer, 5_000, later)
  assert.equal(more.frames.length, 1)
  const [opener, first, second] = taken(...[...frames, ...more.frames].map(({ body }) => body))
  assert.deepEqual(headsOf(opener), ['A', 'B'])
  assert.deepEqual(first?.content, { kind: 'readings', groups })
  assert.deepEqual(second?.content, { kind: 'readings', groups: later })
})

test('what does not fit one frame goes into the next (wire.md 10)', () => {
  const readings = Array.from({ length: 1_000 }, (_, i) => readingOf(`M${i}`.padEnd(32, 'x'), i))
  const groups = [0, 1, 2].map((at) => groupOf(at, ...readings))
  const { frames } = sealAt(entered(), 1_000, groups)
  const [opener, ...rest] = taken(...frames.map(({ body }) => body))
  assert.equal(headsOf(opener).length, 256)
  assert.ok(rest.length === 3 && frames.every(({ body }) => body.length <= 65_535))
  const found = rest.flatMap(({ content }) => (content.kind === 'readings' ? content.groups : []))
  assert.deepEqual(found, groups)
})

test('a later opener names what was sealed before in this process, 256 heads at most', () => {
  let { sealer } = sealAt(entered(), 0, [groupOf(0, readingOf('A', 1))])
  sealer = sealAt(sealer, 0, [groupOf(0, readingOf('B', 1))]).sealer
  const { frames } = sealAt(leaveRun(sealer), 0, [groupOf(0, readingOf('C', 1))])
  assert.deepEqual(headsOf(taken(...frames.map(({ body }) => body))[0]), ['A', 'B', 'C'])
  const many = Array.from({ length: 300 }, (_, i) => readingOf(`M${i}`, i))
  const full = sealAt(leaveRun(sealer), 0, [groupOf(0, ...many)])
  assert.equal(full.sealer.heads.size, 256)
  const [opener, frame] = taken(...full.frames.map(({ body }) => body))
  assert.equal(headsOf(opener).length, 256)
  assert.deepEqual(frame?.content, { kind: 'readings', groups: [groupOf(0, ...many)] })
})

test('padded frames are multiples of 64 inside, opener and readings, and read the same', () => {
  const groups = [groupOf(100, readingOf('A', 1))]
  const padded = sealAt(entered(), 1_000, groups, true).frames.map(({ body }) => body)
  const plain = sealAt(entered(), 1_000, groups, false).frames.map(({ body }) => body)
  assert.deepEqual(
    padded.map((body, sequence) => (body.length - (sequence === 0 ? 52 : 36)) % 64),
    [0, 0],
  )
  assert.notDeepEqual(
    plain.map(({ length }) => length),
    padded.map(({ length }) => length),
  )
  assert.deepEqual(
    taken(...padded).map(({ content }) => content),
    taken(...plain).map(({ content }) => content),
  )
})
