// What a CONFIRM says and what is durable cannot both come from one slave alone (wire.md 6.5, 8):
// an alarm and an exception at the master, while the link goes on.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SealedUpTo } from '../../../shared/wire/control.ts'
import { RecoveryWorld } from './recovery-world.ts'
import { callAs } from './thief-session.ts'

const SECOND = 1_000_000
const MINUTE = 60 * SECOND

/** Two runs, both durable in full, and what an honest CONFIRM lists of them. */
function twoRuns(): { readonly world: RecoveryWorld; readonly honest: readonly SealedUpTo[] } {
  const world = new RecoveryWorld()
  world.settle()
  world.read(5)
  world.settle()
  world.restartSlave()
  world.settle()
  world.read(2)
  world.settle()
  world.complete()
  const { runs } = world.disk.load()
  assert.equal(runs.length, 2)
  const honest = runs.map(({ epoch, run, last, lastHash }) => ({
    epoch,
    run,
    sequence: last,
    hash: lastHash,
  }))
  return { world, honest }
}

/** What the exceptions say after a CONFIRM that lists the run of this place otherwise. */
function told(place: 0 | 1, otherwise: Partial<SealedUpTo>): readonly string[] {
  const { world, honest } = twoRuns()
  const runs = honest.map((entry, at) => (at === place ? { ...entry, ...otherwise } : entry))
  const { heard } = callAs(world, world.disk.load(), { wantEpoch: false, runs })
  assert.ok(
    heard.some(({ is }) => is === 'committed'),
    'the link goes on',
  )
  const forks = world.doubts.filter(({ code }) => code === 'SEC-FORK')
  assert.equal(world.refused.filter((code) => code === 'SEC-FORK').length, forks.length)
  return forks.map(({ run, detail }) => `${run} ${detail.replace(/^epoch \d+: /, '')}`)
}

test('an honest CONFIRM contradicts nothing, whatever waits in the newest run', () => {
  assert.deepEqual(told(0, {}), [])
  assert.deepEqual(told(1, { sequence: 40, hash: new Uint8Array(32).fill(3) }), [])
})

test('fewer frames than are durable, or another hash of as many', () => {
  assert.deepEqual(told(1, { sequence: 1 }), [
    '2 run 2 is sealed up to frame 1 there, and stored up to 2 here',
  ])
  assert.deepEqual(told(0, { hash: new Uint8Array(32).fill(3) }), [
    '1 run 1 has another history up to frame 5 there than here',
  ])
})

test('frames of a run that is over: somebody else began the one after it', () => {
  assert.deepEqual(told(0, { sequence: 8, hash: new Uint8Array(32).fill(3) }), [
    '1 run 1, frames 6 to 8: not taken, run 2 had begun',
  ])
})

test('frames whose place another took give the window back: what is read from then on comes', () => {
  const world = new RecoveryWorld()
  world.settle()
  world.read(5)
  world.settle()
  world.disconnect()
  const copied = world.disk.snapshot()
  // More than a window waits.
  world.read(70)
  const mine = world.agent
  const restore = world.disk.snapshot()
  // Who copied the disk before begins a run of his own in the same epoch.
  copied()
  world.restartSlave()
  world.settle()
  world.read(1)
  world.settle()
  world.disconnect()
  restore()
  world.agent = mine
  // His reading is of no interest here; run numbers of the two collide in this world's table.
  world.rows.delete('2 1 0')
  const before = world.taken
  world.settle()
  world.pass(20 * MINUTE, SECOND)
  world.settle()
  world.read(3)
  world.pass(20 * MINUTE, SECOND)
  const came = [...world.rows.values()].filter((value) => value > before)
  assert.deepEqual(
    came.toSorted((a, b) => a - b),
    [before + 1, before + 2, before + 3],
    world.said(),
  )
  assert.ok(world.doubts.some(({ code }) => code === 'SEC-FORK'))
  assert.ok(world.disk.waiting().length >= 60, 'its own frames are kept')
})
