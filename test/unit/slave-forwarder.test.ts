// Which frame goes next, and what a refusal leads to. The cases with a seed were found by the
// simulation.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  acknowledge,
  closeLanes,
  expect,
  type Forwarder,
  noLanes,
  openLanes,
  pump,
  takeFetched,
  wake,
} from '../../services/slave/core/forwarder.ts'
import { compare } from '../../services/slave/core/inventory.ts'
import type { StoredFrame, StoredRun } from '../../services/slave/core/state.ts'
import { second, unixMs } from '../../shared/units.ts'

const OLD = 7
const NEWEST = 9
const hashOf = (run: number, sequence: number): Uint8Array =>
  new Uint8Array(32).fill(run * 16 + sequence)

const frameOf = (epoch: number, run: number, sequence: number): StoredFrame => ({
  epoch,
  run,
  sequence,
  second: second(sequence),
  hash: hashOf(run, sequence),
  body: Uint8Array.of(epoch, run, sequence),
  sealedAt: unixMs(0),
})

const runOf = (epoch: number, run: number, last: number, acknowledged = -1): StoredRun => ({
  epoch,
  run,
  last,
  lastHash: hashOf(run, last),
  acknowledged,
  acknowledgedHash: hashOf(run, acknowledged),
  forked: false,
})

/** What went out, as epoch/run/sequence; each question to the outbox as `?epoch`. */
const sent = (forwarder: Forwarder): string[] =>
  pump(forwarder).map((action) => {
    if (action.do === 'send') return action.body.join('/')
    return action.do === 'fetch' ? `?${action.query.epoch}` : action.do
  })

/** All runs of these tests, whole. */
const runs = new Map([
  [1, runOf(NEWEST, 1, 5)],
  [2, runOf(NEWEST, 2, 5)],
])

const laneAt = (epoch: number, run: number, sequence = -1) => ({
  epoch,
  run,
  sequence,
  claim: null,
})

test('a run begins on the wire when the one before it is durable (simulation, seed 7)', () => {
  const forwarder = noLanes()
  openLanes(forwarder, [laneAt(NEWEST, 1)])
  assert.deepEqual(sent(forwarder), ['?9'])
  const frames = [
    [1, 0],
    [1, 1],
    [2, 0],
    [2, 1],
  ].map(([run = 0, sequence = 0]) => frameOf(NEWEST, run, sequence))
  takeFetched(forwarder, runs, { epoch: NEWEST, frames: frames })
  assert.deepEqual(sent(forwarder), ['9/1/0', '9/1/1'])
  acknowledge(forwarder, runs, { epoch: NEWEST, run: 1, sequence: 0, hash: hashOf(1, 0) })
  assert.deepEqual(sent(forwarder), [])
  acknowledge(forwarder, runs, { epoch: NEWEST, run: 1, sequence: 1, hash: hashOf(1, 1) })
  assert.deepEqual(sent(forwarder), ['9/2/0', '9/2/1', '?9'])
})

test('a refused frame is sent again with all behind it, once (wire.md 9, SEC-06)', () => {
  const forwarder = noLanes()
  openLanes(forwarder, [laneAt(NEWEST, 1)])
  sent(forwarder)
  const frames = [0, 1, 2].map((sequence) => frameOf(NEWEST, 1, sequence))
  takeFetched(forwarder, runs, { epoch: NEWEST, frames: frames })
  assert.deepEqual(sent(forwarder), ['9/1/0', '9/1/1', '9/1/2', '?9'])
  takeFetched(forwarder, runs, { epoch: NEWEST, frames: [] })
  expect(forwarder, { code: 'SEC-03', epoch: NEWEST })
  assert.deepEqual(sent(forwarder), ['?9'])
  takeFetched(forwarder, runs, { epoch: NEWEST, frames: frames })
  assert.deepEqual(sent(forwarder), ['9/1/0', '9/1/1', '9/1/2', '?9'])
  takeFetched(forwarder, runs, { epoch: NEWEST, frames: [] })
  // The two behind the damaged one were refused too: old news.
  expect(forwarder, { code: 'SEC-06', epoch: NEWEST })
  expect(forwarder, { code: 'SEC-06', epoch: NEWEST })
  assert.deepEqual(sent(forwarder), [])
  expect(forwarder, { code: 'SEC-06', epoch: NEWEST })
  assert.deepEqual(sent(forwarder), ['?9'])
})

test('a frame that never opens parks an old epoch and leaves the newest (simulation, seed 10)', () => {
  const forwarder = noLanes()
  openLanes(forwarder, [laneAt(OLD, 1), laneAt(NEWEST, 2)])
  assert.deepEqual(sent(forwarder), ['?7', '?9'])
  assert.deepEqual(expect(forwarder, { code: 'SEC-03', epoch: OLD }), { is: 'resend' })
  const parked = expect(forwarder, { code: 'SEC-03', epoch: OLD })
  assert.deepEqual(parked, { is: 'parked', fault: 'SEC-03' })
  const left = expect(forwarder, { code: 'SEC-12', epoch: NEWEST })
  assert.deepEqual(left, { is: 'drop', fault: 'SEC-12' })
})

test('what the outbox answers to a session that is over is not taken for the next one', () => {
  const forwarder = noLanes()
  openLanes(forwarder, [laneAt(NEWEST, 1)])
  assert.deepEqual(sent(forwarder), ['?9'])
  closeLanes(forwarder)
  openLanes(forwarder, [laneAt(NEWEST, 1, 1)])
  assert.deepEqual(sent(forwarder), ['?9'])
  takeFetched(forwarder, runs, {
    epoch: NEWEST,
    frames: [frameOf(NEWEST, 1, 0), frameOf(NEWEST, 1, 5)],
  })
  assert.deepEqual(sent(forwarder), [])
  takeFetched(forwarder, runs, { epoch: NEWEST, frames: [frameOf(NEWEST, 1, 2)] })
  assert.deepEqual(sent(forwarder), ['9/1/2', '?9'])
})

test('a frame is not sent before its transaction is known to be done', () => {
  const forwarder = noLanes()
  openLanes(forwarder, [laneAt(NEWEST, 1)])
  sent(forwarder)
  const frames = [frameOf(NEWEST, 1, 0), frameOf(NEWEST, 1, 1)]
  takeFetched(forwarder, new Map([[1, runOf(NEWEST, 1, 0)]]), { epoch: NEWEST, frames })
  assert.deepEqual(sent(forwarder), ['9/1/0', '?9'])
})

test('frames stored while the outbox looked are asked for again', () => {
  const forwarder = noLanes()
  openLanes(forwarder, [laneAt(NEWEST, 1)])
  sent(forwarder)
  wake(forwarder, runOf(NEWEST, 1, 0))
  takeFetched(forwarder, runs, { epoch: NEWEST, frames: [] })
  assert.deepEqual(sent(forwarder), ['?9'])
})

test('frames that waited for the disk past a new epoch get a lane (simulation, seed 40)', () => {
  const forwarder = noLanes()
  openLanes(forwarder, [laneAt(NEWEST, 2)])
  takeFetched(forwarder, runs, { epoch: NEWEST, frames: [] })
  wake(forwarder, runOf(OLD, 1, 10, 9))
  assert.deepEqual(
    forwarder.lanes.map(({ epoch, run, sequence }) => [epoch, run, sequence]),
    [
      [OLD, 1, 9],
      [NEWEST, 2, -1],
    ],
  )
})

test('a run begun between CONFIRM and COMMITTED is sent in this session (simulation, seed 42)', () => {
  const runs = new Map([
    [1, runOf(OLD, 1, 3)],
    [2, runOf(NEWEST, 2, 1)],
  ])
  const { starts, forks } = compare(runs, [], NEWEST, 2)
  assert.deepEqual(forks, [])
  assert.deepEqual(starts, [laneAt(OLD, 1), laneAt(NEWEST, 2)])
})
