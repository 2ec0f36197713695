// A side that was set back: the slave's disk, or the master's database (wire.md 6.3).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeFrame, type FrameHeader, isFrame } from '../../../shared/wire/frame.ts'
import { expandBody } from '../../../shared/wire/compact.ts'
import { DAY, HOUR, RecoveryWorld } from './recovery-world.ts'

function running(count = 5): RecoveryWorld {
  const world = new RecoveryWorld()
  world.settle()
  world.read(count)
  world.settle()
  world.complete()
  return world
}

test('the database is set back within the week: every reading ends stored once', () => {
  const world = running()
  const restore = world.snapshotLedger()
  world.read(5)
  world.settle()
  restore()
  assert.equal(world.rows.size, 5)
  world.read(3)
  world.settle()
  world.complete()
  assert.equal(world.disk.backlog.frames, 0)
  assert.deepEqual(world.exceptions, [])
  assert.match(world.said(), /SEC-06/)
  assert.doesNotMatch(world.said(), /FORK/)
})

test('the database is set back over several runs: they come again in their order', () => {
  const world = running()
  const restore = world.snapshotLedger()
  world.read(2)
  for (let runs = 0; runs < 3; runs += 1) {
    world.restartSlave()
    world.settle()
    world.read(3)
    world.settle()
  }
  world.complete()
  restore()
  world.read(1)
  world.settle()
  world.complete()
  assert.deepEqual(world.exceptions, [])
  assert.doesNotMatch(world.said(), /FORK|SEC-04/)
})

test('set back while the slave was off: its first CONFIRM names every run it holds', () => {
  const world = running()
  const restore = world.snapshotLedger()
  world.restartSlave()
  world.settle()
  world.read(4)
  world.settle()
  restore()
  world.restartSlave()
  world.settle()
  world.read(1)
  world.settle()
  world.complete()
})

test('set back while the slave was off, in an old epoch only: a new process asks about that too', () => {
  const world = running()
  world.disconnect()
  world.read(3)
  world.pass(HOUR + 1)
  // A new epoch is live while the old one is held up.
  const old = world.disk.load().epochs[0]?.id ?? 0
  let before: FrameHeader | null = null
  world.line = (body) => {
    if (!isFrame(body)) return body
    const whole = expandBody(before, body)
    before = (whole === null ? null : decodeFrame(whole)?.header) ?? null
    return before?.epoch === old ? null : body
  }
  world.connect()
  world.read(2)
  world.pass(2_000_000)
  const restore = world.snapshotLedger()
  assert.equal(world.rows.size, 7)
  world.line = (body) => body
  world.connect()
  world.settle()
  world.complete()
  restore()
  world.restartSlave()
  world.settle()
  world.complete()
})

test('a drained epoch of the time before is not given up while the slave can still need it', () => {
  const world = running()
  const restore = world.snapshotLedger()
  world.read(3)
  world.settle()
  // A new epoch at the hour; the one before is drained and closed.
  world.pass(HOUR + 1)
  world.connect()
  world.read(2)
  world.settle()
  world.complete()
  restore()
  world.settle()
  world.read(2)
  world.settle()
  // What was sealed in the epoch begun after the snapshot cannot be opened by anybody any more.
  world.complete([9, 10])
  assert.match(world.said(), /SEC-04/)
  assert.doesNotMatch(world.said(), /FORK/)
})

test('the database is set back further than the week: a tombstone "forgotten", no wrong row', () => {
  const world = running()
  const restore = world.snapshotLedger()
  world.read(4)
  world.settle()
  world.pass(8 * DAY, DAY)
  world.read(2)
  world.settle()
  world.pass(HOUR, HOUR / 4)
  world.complete()
  restore()
  world.settle()
  world.read(2)
  world.settle()
  // 6 to 9 were acknowledged more than a week ago; the two after them come again.
  world.complete([6, 7, 8, 9])
  assert.deepEqual(
    world.exceptions.map((gone) => gone.kind === 'given-up' && [gone.first, gone.reason]),
    [[6, 'forgotten']],
  )
  assert.doesNotMatch(world.said(), /FORK/)
})

test('the slave’s disk is set back behind the master: SEC-FORK, a new run, nothing lost or wrong', () => {
  const world = running()
  const restore = world.disk.snapshot()
  world.read(3)
  world.settle()
  world.complete()
  world.disconnect()
  restore()
  world.restartSlave()
  world.settle()
  world.read(3)
  world.settle()
  world.complete()
  assert.match(world.said(), /SEC-FORK/)
})
