// Clocks that jump and processes that die at the wrong moment: every reading ends stored once.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeFrame } from '../../../shared/wire/frame.ts'
import { DAY, HOUR, RecoveryWorld } from './recovery-world.ts'

const SECOND = 1_000_000
/** 1970-01-01 and the second after 2038-01-19T03:14:07Z, when a signed 32-bit second overflows. */
const DEAD_CLOCK = 12 * SECOND
const AFTER_2038 = (2 ** 31 + 1) * SECOND

function running(world = new RecoveryWorld()): RecoveryWorld {
  world.settle()
  world.read(3)
  world.settle()
  world.complete()
  return world
}

/** Epoch and second of every frame stored, in order. */
const seconds = ({ commits }: RecoveryWorld) =>
  commits.flatMap(({ frames }) => frames ?? []).map(({ epoch, second }) => [epoch, second] as const)

/** Within an epoch the second never decreases (wire.md 6). */
function inOrder(world: RecoveryWorld): void {
  const last = new Map<number, number>()
  for (const [epoch, second] of seconds(world)) {
    assert.ok(second >= (last.get(epoch) ?? 0), `second ${second} of epoch ${epoch}`)
    last.set(epoch, second)
  }
}

function comesThrough(world: RecoveryWorld): void {
  world.settle()
  world.read(2)
  world.settle()
  world.complete()
  inOrder(world)
  assert.doesNotMatch(world.said(), /FORK/)
}

test('the clock is an hour back at a start, with and without a link', () => {
  for (const linked of [true, false]) {
    const world = running()
    world.restartSlave(world.now - HOUR)
    if (linked) world.settle()
    world.read(3)
    comesThrough(world)
  }
})

test('a dead clock starts in 1970', () => {
  const world = running()
  world.restartSlave(DEAD_CLOCK)
  world.read(3)
  comesThrough(world)
})

test('before and after the signed 32-bit second ends in 2038', () => {
  const world = new RecoveryWorld()
  world.now = (2 ** 31 - 4) * SECOND
  world.restartSlave()
  running(world)
  world.read(5)
  assert.ok(world.now > AFTER_2038)
  comesThrough(world)
  assert.deepEqual(world.refused, [])
})

test('a clock weeks ahead without a link: the first new epoch brings it back (wire.md 6.1)', () => {
  const world = running()
  world.restartSlave(world.now + 20 * DAY)
  world.read(3)
  world.settle()
  world.read(3)
  world.settle()
  const epochs = new Set(seconds(world).map(([epoch]) => epoch)).size
  comesThrough(world)
  // What follows is live at once, in that very epoch: nothing more is refused for its time.
  assert.equal(new Set(seconds(world).map(([epoch]) => epoch)).size, epochs)
  assert.deepEqual(world.refused.filter((code) => code === 'SEC-02').length, 1)
  world.restartSlave()
  world.settle()
  comesThrough(world)
  assert.deepEqual(world.refused.filter((code) => code === 'SEC-02').length, 1)
})

test('a clock in 2038 while it is 2027: nothing is sealed until the link tells the time', () => {
  const world = running()
  world.restartSlave(AFTER_2038)
  world.read(2)
  assert.match(world.said(), /CLK-05/)
  comesThrough(world)
})

test('a crash between sealing and committing: the reading was never promised, the next one comes', () => {
  const world = running()
  const before = world.taken
  world.commitFails = true
  world.read(1)
  world.commitFails = false
  world.restartSlave()
  world.settle()
  world.read(2)
  world.settle()
  world.complete([before + 1])
  inOrder(world)
})

test('a commit that fails is tried again with the same bytes', () => {
  const world = running()
  const first = world.commits.length
  world.commitFails = true
  world.read(1)
  world.pass(3 * SECOND, SECOND)
  world.commitFails = false
  world.pass(3 * SECOND, SECOND)
  const tries = world.commits
    .slice(first)
    .flatMap(({ frames = [] }) => frames.map(({ body }) => body))
  assert.ok(tries.length >= 3)
  for (const body of tries) assert.deepEqual(body, tries[0])
  comesThrough(world)
})

test('the master dies between message 2 and the commit, and between commit and COMMITTED', () => {
  for (const when of ['before CONFIRM', 'after CONFIRM'] as const) {
    const world = running()
    world.pass(HOUR + SECOND)
    let bodies = 0
    world.line = (body) => {
      bodies += 1
      // Message 1 passes; the CONFIRM is lost, or everything after it.
      return bodies <= (when === 'before CONFIRM' ? 1 : 2) ? body : null
    }
    world.connect()
    world.restartMaster()
    world.line = (body) => body
    comesThrough(world)
  }
})

test('the master dies with frames on their way to the sink: they come again, once', () => {
  const world = running()
  world.sink = 'lost'
  world.read(3)
  world.restartMaster()
  world.sink = 'works'
  comesThrough(world)
  world.sink = 'failed'
  world.read(2)
  world.sink = 'works'
  comesThrough(world)
})

test('399 days without a link, then everything comes; what is older than 400 was given up', () => {
  const world = running()
  world.disconnect()
  for (let day = 0; day < 399; day += 7) {
    world.pass(7 * DAY, DAY)
    world.read(1)
  }
  comesThrough(world)
  world.disconnect()
  const lost = world.taken + 1
  world.read(1)
  world.pass(390 * DAY, 30 * DAY)
  world.read(1)
  world.pass(20 * DAY, DAY)
  world.read(1)
  world.pass(HOUR, HOUR / 4)
  world.settle()
  world.read(1)
  world.settle()
  world.complete([lost])
  const [gone] = world.exceptions
  assert.ok(gone?.kind === 'given-up' && gone.reason === 'too old' && world.exceptions.length === 1)
  const first = world.commits.flatMap(({ frames }) => frames ?? [])[0]
  assert.ok(first !== undefined && decodeFrame(first.body)?.header.opener)
})
