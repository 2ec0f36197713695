// Which frame goes next, and what a refusal leads to. The cases with a seed were found by the
// simulation.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  acknowledge,
  expect,
  pump,
  takeFetched,
} from '../../../services/slave/core/outgoing/forwarder.ts'
import { compare } from '../../../services/slave/core/outgoing/inventory.ts'
import { closeLanes, openLanes, wake } from '../../../services/slave/core/outgoing/lanes.ts'
import { type Forwarder, noLanes } from '../../../services/slave/core/state/outgoing.ts'
import type { StoredFrame, StoredRun } from '../../../services/slave/core/state/stored.ts'
import { nodeSuite as suite } from '../../../shared/node/node-suite.ts'
import { streamNext, streamStart } from '../../../shared/tves/stream.ts'
import { second, unixMs } from '../../../shared/units.ts'

const OLD = 7
const NEWEST = 9
const DEVICE = new Uint8Array(8)
const bodyOf = (epoch: number, run: number, sequence: number): Uint8Array =>
  Uint8Array.of(epoch, run, sequence)

function hashOf(epoch: number, run: number, sequence: number): Uint8Array {
  if (sequence < 0) return streamStart(suite, DEVICE, epoch, run)
  const body = bodyOf(epoch, run, sequence)
  return streamNext(suite, hashOf(epoch, run, sequence - 1), body)
}

const frameOf = (epoch: number, run: number, sequence: number): StoredFrame => ({
  epoch,
  run,
  sequence,
  second: second(sequence),
  before: hashOf(epoch, run, sequence - 1),
  hash: hashOf(epoch, run, sequence),
  body: bodyOf(epoch, run, sequence),
  sealedAt: unixMs(0),
})

const runOf = (epoch: number, run: number, last: number, acknowledged = -1): StoredRun => ({
  epoch,
  run,
  last,
  lastHash: hashOf(epoch, run, last),
  acknowledged,
  acknowledgedHash: hashOf(epoch, run, acknowledged),
  forked: false,
  first: 0,
  firstHash: hashOf(epoch, run, -1),
  dropped: null,
})

type Runs = ReadonlyMap<number, StoredRun>

/** The outbox's answer with these frames of one run. */
function fetched(forwarder: Forwarder, runs: Runs, run: number, sequences: readonly number[]) {
  const row = runs.get(run)
  assert.ok(row)
  const frames = sequences.map((sequence) => frameOf(row.epoch, run, sequence))
  const found = { extent: row, through: sequences.at(-1) ?? -1, frames, opener: null }
  const stock = { suite, device: DEVICE, runs, open: null }
  return takeFetched(forwarder, stock, { epoch: row.epoch, found })
}

/** What went out, as epoch/run/sequence; each question to the outbox as `?epoch run>sequence`. */
const sent = (forwarder: Forwarder, runs: Runs): string[] =>
  pump(forwarder, { suite, runs }).map((action) => {
    if (action.do === 'send') return action.body.join('/')
    if (action.do === 'tell') return action.message.is
    const { epoch, run, sequence, last } = action.query
    return `?${epoch} ${run}>${sequence}..${last}`
  })

const laneAt = (epoch: number, run: number, sequence = -1) => ({
  epoch,
  run,
  sequence,
  claim: null,
})
const runs = new Map([
  [1, runOf(NEWEST, 1, 1)],
  [2, runOf(NEWEST, 2, 1)],
])
const long = new Map([[1, runOf(NEWEST, 1, 2)]])

/** Through this sequence of run 1. */
const acknowledged = (forwarder: Forwarder, sequence: number): void => {
  const hash = hashOf(NEWEST, 1, sequence)
  const news = acknowledge(forwarder, runs, { epoch: NEWEST, run: 1, sequence, hash })
  assert.equal(news.is, 'durable')
}

test('a run begins on the wire when the one before it is durable (simulation, seed 7)', () => {
  const forwarder = noLanes()
  openLanes(forwarder, [laneAt(NEWEST, 1)])
  assert.deepEqual(sent(forwarder, runs), ['?9 1>-1..1'])
  fetched(forwarder, runs, 1, [0, 1])
  assert.deepEqual(sent(forwarder, runs), ['9/1/0', '9/1/1', '?9 2>-1..1'])
  fetched(forwarder, runs, 2, [0, 1])
  acknowledged(forwarder, 0)
  assert.deepEqual(sent(forwarder, runs), [])
  acknowledged(forwarder, 1)
  assert.deepEqual(sent(forwarder, runs), ['9/2/0', '9/2/1'])
})

test('a refused frame is sent again with all behind it, once (wire.md 9, SEC-06)', () => {
  const forwarder = noLanes()
  openLanes(forwarder, [laneAt(NEWEST, 1)])
  sent(forwarder, long)
  fetched(forwarder, long, 1, [0, 1, 2])
  assert.deepEqual(sent(forwarder, long), ['9/1/0', '9/1/1', '9/1/2'])
  expect(forwarder, { code: 'SEC-03', epoch: NEWEST, run: 1, next: 0 })
  assert.deepEqual(sent(forwarder, long), ['?9 1>-1..2'])
  fetched(forwarder, long, 1, [0, 1, 2])
  assert.deepEqual(sent(forwarder, long), ['9/1/0', '9/1/1', '9/1/2'])
  // The two behind the damaged one were refused too: old news.
  const gap = { code: 'SEC-06', epoch: NEWEST, run: 1, next: 0 } as const
  expect(forwarder, gap)
  expect(forwarder, gap)
  assert.deepEqual(sent(forwarder, long), [])
  expect(forwarder, gap)
  assert.deepEqual(sent(forwarder, long), ['?9 1>-1..2'])
})

test('twice refused at one place: skipped; once more parks an old epoch, leaves the newest', () => {
  const both = new Map([
    [1, runOf(OLD, 1, 1)],
    [2, runOf(NEWEST, 2, 1)],
  ])
  const forwarder = noLanes()
  openLanes(forwarder, [laneAt(OLD, 1, 0), laneAt(NEWEST, 2)])
  assert.deepEqual(sent(forwarder, both), ['?7 1>0..1', '?9 2>-1..1'])
  fetched(forwarder, both, 1, [1])
  assert.deepEqual(sent(forwarder, both), ['7/1/1'])
  const refused = { code: 'SEC-03', epoch: OLD, run: 1, next: 1 } as const
  for (const wanted of ['7/1/1', 'skip']) {
    assert.deepEqual(expect(forwarder, refused), { is: 'resend' })
    sent(forwarder, both)
    fetched(forwarder, both, 1, [1])
    assert.deepEqual(sent(forwarder, both), [wanted])
  }
  assert.deepEqual(expect(forwarder, refused), { is: 'parked', fault: 'SEC-03' })
  const left = expect(forwarder, { code: 'SEC-12', epoch: NEWEST, run: 2, next: 0 })
  assert.deepEqual(left, { is: 'drop', fault: 'SEC-12' })
})

test('refused at other places each time, a frame is not skipped', () => {
  const forwarder = noLanes()
  openLanes(forwarder, [laneAt(NEWEST, 1)])
  for (const next of [0, 7]) {
    sent(forwarder, long)
    fetched(forwarder, long, 1, [0, 1, 2])
    assert.deepEqual(sent(forwarder, long), ['9/1/0', '9/1/1', '9/1/2'])
    expect(forwarder, { code: 'SEC-03', epoch: NEWEST, run: 1, next })
  }
})

test('what the outbox answers to a session that is over is not taken for the next one', () => {
  const forwarder = noLanes()
  openLanes(forwarder, [laneAt(NEWEST, 1)])
  assert.deepEqual(sent(forwarder, long), ['?9 1>-1..2'])
  closeLanes(forwarder)
  openLanes(forwarder, [laneAt(NEWEST, 1, 1)])
  assert.deepEqual(sent(forwarder, long), ['?9 1>1..2'])
  fetched(forwarder, long, 1, [0, 1, 2])
  assert.deepEqual(sent(forwarder, long), [])
  fetched(forwarder, long, 1, [2])
  assert.deepEqual(sent(forwarder, long), ['9/1/2'])
})

test('a frame is asked for when its transaction is known to be done, not before', () => {
  const forwarder = noLanes()
  openLanes(forwarder, [laneAt(NEWEST, 1)])
  assert.deepEqual(sent(forwarder, new Map([[1, runOf(NEWEST, 1, 0)]])), ['?9 1>-1..0'])
  fetched(forwarder, new Map([[1, runOf(NEWEST, 1, 0)]]), 1, [0])
  assert.deepEqual(sent(forwarder, new Map([[1, runOf(NEWEST, 1, 0)]])), ['9/1/0'])
  wake(forwarder, runOf(NEWEST, 1, 2))
  assert.deepEqual(sent(forwarder, long), ['?9 1>0..2'])
})

test('frames that waited for the disk past a new epoch get a lane (simulation, seed 40)', () => {
  const forwarder = noLanes()
  openLanes(forwarder, [laneAt(NEWEST, 2)])
  wake(forwarder, runOf(OLD, 1, 10, 9))
  assert.deepEqual(
    forwarder.lanes.map(({ epoch, at: { run, sequence } }) => [epoch, run, sequence]),
    [
      [OLD, 1, 9],
      [NEWEST, 2, -1],
    ],
  )
})

test('nothing of an epoch the master does not know is sent, not even what is stored later', () => {
  const forwarder = noLanes()
  openLanes(forwarder, [laneAt(NEWEST, 2)], new Set([OLD]))
  wake(forwarder, runOf(OLD, 1, 10, 9))
  assert.deepEqual(
    forwarder.lanes.map(({ epoch }) => epoch),
    [NEWEST],
  )
})

test('a run begun between CONFIRM and COMMITTED is sent in this session (simulation, seed 42)', () => {
  const begun = new Map([
    [1, runOf(OLD, 1, 3)],
    [2, runOf(NEWEST, 2, 1)],
  ])
  const start = ({ epoch, run }: StoredRun): Uint8Array => hashOf(epoch, run, -1)
  const { starts, forks } = compare(begun, [], NEWEST, 2, start)
  assert.deepEqual(forks, [])
  assert.deepEqual(starts, [laneAt(OLD, 1), laneAt(NEWEST, 2)])
})
