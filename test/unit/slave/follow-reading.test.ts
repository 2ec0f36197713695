// One reading through the slave's core, by name: every place in which it waits is a value in the
// state, from the meter's answer to the frame that is forgotten (docs/architecture.md).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Job } from '../../../services/slave/core/state/jobs.ts'
import type { ReadRequest } from '../../../services/slave/core/state/plan.ts'
import { monoUs, unixMs } from '../../../shared/units.ts'
import { readingOf } from '../pairs/pair-world.ts'
import { Walk } from './walk.ts'

const SECOND = 1_000_000

/** An open link, the meter asked, nothing on its way. */
function opened(): Walk {
  const walk = new Walk()
  walk.connect()
  walk.storeAll()
  walk.tell({ on: 'tick' })
  walk.storeAll()
  assert.equal(walk.state.link.phase.is, 'open')
  assert.deepEqual(kinds(walk), [])
  return walk
}

const answer = (walk: Walk, request: ReadRequest = 'now') =>
  walk.tell({
    on: 'readings',
    meter: 'M-1',
    request,
    more: false,
    at: monoUs(walk.mono),
    readings: [readingOf('M-1')],
  })

const kinds = ({ state }: Walk): readonly Job['is'][] => state.jobs.waiting.map(({ job }) => job.is)

function framesOf({ state }: Walk): Extract<Job, { is: 'frames' }> {
  const job = state.jobs.busy?.job
  assert.ok(job?.is === 'frames', `${job?.is} is on its way to the disk`)
  return job
}

const openRunOf = ({ state }: Walk) => state.sealing.sealer?.run ?? null

const SETTLED_BY_NOW = { meter: 'M-1', request: 'now', through: null, command: null }

test('a reading waits for the disk as a job that holds its frame and what it settles', () => {
  const walk = opened()
  const { state } = walk
  assert.notEqual(state.capture.schedule?.get('M-1')?.readingSince, null, 'the meter was asked')
  answer(walk)
  const job = framesOf(walk)
  // An opener and one frame of readings.
  assert.equal(job.frames.length, 2)
  assert.deepEqual(
    job.captures.map(({ settles }) => settles),
    [SETTLED_BY_NOW],
  )
  // Until it is durable nothing else has moved on.
  assert.equal(openRunOf(walk), null)
  assert.equal(state.outgoing.runs.size, 0)
  assert.notEqual(state.capture.schedule?.get('M-1')?.readingSince, null)

  walk.store()
  assert.equal(openRunOf(walk)?.row.last, 1)
  assert.equal(state.capture.schedule?.get('M-1')?.readingSince, null, 'settled')
})

test('a refused job is tried again as it was; what came meanwhile waits beside it', () => {
  const walk = opened()
  answer(walk)
  const { frames } = framesOf(walk)
  const refused = walk.refuse()
  assert.deepEqual(kinds(walk), ['frames'])
  assert.equal(walk.state.jobs.storingFails, true)
  answer(walk, 'push')
  assert.deepEqual(
    walk.state.capture.waiting.map(({ settles }) => settles?.request),
    ['push'],
  )
  walk.mono += SECOND
  walk.tell({ on: 'tick' })
  assert.equal(framesOf(walk).frames, frames)
  assert.deepEqual(walk.state.jobs.busy?.handed?.frames, refused.frames)
  walk.store()
  // The later one is sealed as soon as the earlier one is durable.
  assert.deepEqual(walk.state.capture.waiting, [])
  assert.equal(framesOf(walk).captures[0]?.settles?.request, 'push')
})

test('stored, it is sent; acknowledged, it waits to be forgotten, and is', () => {
  const walk = opened()
  const { outgoing } = walk.state
  walk.mono += SECOND
  answer(walk)
  walk.store()
  const run = outgoing.runs.get(1)
  assert.deepEqual([run?.last, run?.acknowledged], [1, 1], 'the master has it')
  assert.deepEqual([...outgoing.unsaved], [1], 'the disk does not know yet')
  walk.mono += SECOND
  walk.tell({ on: 'tick' })
  const forget = walk.state.jobs.busy?.job
  assert.ok(forget?.is === 'forget')
  assert.deepEqual(forget.acknowledged, [1])
  assert.deepEqual([...outgoing.unsaved], [])
  walk.store()
  assert.equal(outgoing.forgetting, false)
  assert.equal(walk.state.jobs.backlog.frames, 0)
})

test('a range of history moves its cursor when the last part of the answer is durable', () => {
  const walk = opened()
  const end = unixMs(1_700_000_100_000)
  const readings = Array.from({ length: 1_500 }, (_, index) => ({
    ...readingOf('M-1'),
    meterTime: unixMs(end - index),
  }))
  walk.tell({
    on: 'readings',
    meter: 'M-1',
    request: 'history',
    more: true,
    at: monoUs(walk.mono),
    readings,
  })
  const settled = framesOf(walk).captures.map(({ settles }) => settles)
  assert.ok(settled.length > 1, 'more than one part')
  const last = { meter: 'M-1', request: 'history', through: end, command: null }
  assert.deepEqual(settled, [...settled.slice(1).map(() => null), last])
  assert.deepEqual(walk.state.jobs.busy?.handed?.cursors, [['M-1', end]])
  assert.equal(walk.state.capture.schedule?.get('M-1')?.cursor, null)
  walk.store()
  assert.equal(walk.state.capture.schedule?.get('M-1')?.cursor, end)
})
