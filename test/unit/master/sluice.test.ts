// Backpressure of the master's shell, with peers that only record the calls.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Sluice } from '../../../services/master/shell/sluice.ts'
import type { AcceptedFrame } from '../../../shared/handover/sink.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../../shared/meter/obis.ts'
import { type Reading, UNIT } from '../../../shared/meter/reading.ts'
import { second, spanMs, unixMs } from '../../../shared/units.ts'

const reading: Reading = {
  meter: 'M',
  register: ACTIVE_IMPORT_TOTAL,
  value: 1,
  exponent: 0,
  unit: UNIT.Wh,
  source: 'live',
  meterTime: null,
  checked: true,
}
const at = unixMs(0)
const stamp = { agentTime: at, clockState: 'S', clockBound: spanMs(1), processMs: 0 } as const

/** One frame with this many readings. */
const frames = (count: number): readonly AcceptedFrame[] => [
  {
    position: {
      device: '00',
      epoch: 1,
      run: 1,
      sequence: 1,
      second: second(0),
      hash: new Uint8Array(32),
      salt: new Uint8Array(16),
      opener: null,
    },
    receivedAt: at,
    sealedAt: at,
    latest: at,
    late: false,
    content: {
      kind: 'readings',
      groups: [{ stamp, readings: Array.from({ length: count }, () => reading) }],
    },
  },
]

class NotedPeer {
  reads = true
  pause(): void {
    this.reads = false
  }
  resume(): void {
    this.reads = true
  }
}

const peers = (count: number) => Array.from({ length: count }, () => new NotedPeer())
const readCount = (among: readonly NotedPeer[]) => among.filter(({ reads }) => reads).length

test('links are read while less than 50,000 readings wait, and paused from there on', () => {
  const sluice = new Sluice()
  const [one, other] = [new NotedPeer(), new NotedPeer()]
  sluice.enter(frames(49_999))
  sluice.brought(one)
  assert.equal(one.reads, true)
  sluice.enter(frames(1))
  sluice.brought(one)
  assert.deepEqual([one.reads, other.reads], [false, true])
})

test('paused links resume four at a time below 25,000 readings, in the order they were paused', () => {
  const sluice = new Sluice()
  const held = peers(6)
  const [most, some] = [frames(30_000), frames(10_000)]
  sluice.enter(most)
  sluice.enter(some)
  sluice.enter(some)
  for (const peer of held) sluice.brought(peer)
  sluice.leave(some)
  assert.equal(readCount(held), 0)
  sluice.leave(most)
  assert.deepEqual(
    held.map(({ reads }) => reads),
    [true, true, true, true, false, false],
  )
})

test('when nothing is on its way all links are read, also after failed batches', () => {
  const sluice = new Sluice()
  const held = peers(20)
  const all = frames(60_000)
  sluice.enter(all)
  for (const peer of held) sluice.brought(peer)
  sluice.leave(all)
  assert.equal(readCount(held), 20)
})

test('a link that is gone is not resumed', () => {
  const sluice = new Sluice()
  const gone = new NotedPeer()
  const all = frames(60_000)
  sluice.enter(all)
  sluice.brought(gone)
  sluice.forget(gone)
  sluice.leave(all)
  assert.equal(gone.reads, false)
})
