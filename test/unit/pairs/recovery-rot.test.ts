// What the disk does not give back as it was written becomes a tombstone for exactly that, and a
// frame the master cannot open is skipped only when it is whole (wire.md 6.4).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FRAME_BYTE } from '../../../shared/wire/frame.ts'
import { RecoveryWorld } from './recovery-world.ts'

/** Six frames of one run wait: the opener and readings 1 to 5. */
function waiting(): RecoveryWorld {
  const world = new RecoveryWorld()
  world.settle()
  world.disconnect()
  world.read(5)
  assert.equal(world.disk.backlog.frames, 6)
  return world
}

const given = ({ exceptions }: RecoveryWorld) =>
  exceptions.map((gone) => (gone.kind === 'given-up' ? [gone.first, gone.reason] : gone.kind))

function drains(world: RecoveryWorld, without: readonly number[]): void {
  world.settle()
  world.read(2)
  world.settle()
  world.complete(without)
  assert.equal(world.disk.backlog.frames, 0)
  assert.doesNotMatch(world.said(), /FORK/)
}

for (const how of ['body', 'gone'] as const) {
  for (const [where, sequence] of [
    ['in the middle', 3],
    ['at the end', 5],
  ] as const) {
    test(`a frame ${where} rots (${how}): one tombstone, all others come (OPS-16)`, () => {
      const world = waiting()
      world.disk.rot(1, sequence, how)
      drains(world, [sequence])
      assert.deepEqual(given(world), [[sequence, 'damaged']])
      assert.match(world.said(), new RegExp(`OPS-16 run 1, frames ${sequence} to ${sequence}`))
    })
  }
}

test('a hash that rots costs no frame: its neighbour knows it', () => {
  for (const sequence of [0, 3, 5]) {
    const world = waiting()
    world.disk.rot(1, sequence, 'hash')
    drains(world, [])
    assert.deepEqual(given(world), [])
  }
})

test('frames side by side are one range; the frame between two holes still comes', () => {
  const world = waiting()
  world.disk.rot(1, 1, 'body')
  world.disk.rot(1, 2, 'gone')
  world.disk.rot(1, 4, 'body')
  drains(world, [1, 2, 4])
  assert.deepEqual(given(world), [
    [1, 'damaged'],
    [4, 'damaged'],
  ])
})

test('more damaged frames than one look brings: one tombstone over all of them', () => {
  const world = waiting()
  world.read(200)
  for (let sequence = 3; sequence <= 180; sequence += 1) world.disk.rot(1, sequence, 'body')
  world.settle()
  world.complete(Array.from({ length: 178 }, (_, n) => n + 3))
  assert.deepEqual(given(world), [[3, 'damaged']])
})

test('the opener rots: its second copy is sent', () => {
  for (const how of ['body', 'gone'] as const) {
    const world = waiting()
    world.disk.rot(1, 0, how)
    drains(world, [])
    assert.deepEqual(given(world), [])
  }
})

test('both copies of the opener rot: the run in use is left, then given up as a whole', () => {
  const world = waiting()
  world.disk.rot(1, 0, 'body', true)
  world.settle()
  assert.deepEqual(given(world), [], 'nothing is said while frames can still be sealed in it')
  world.read(1)
  world.settle()
  world.read(1)
  world.settle()
  world.complete([1, 2, 3, 4, 5])
  assert.deepEqual(given(world), [[0, 'damaged']])
  assert.equal(world.disk.backlog.frames, 0)
})

test('both copies of the opener of an earlier run rot: that run is given up at once', () => {
  const world = waiting()
  world.restartSlave()
  world.read(2)
  world.disk.rot(1, 0, 'body', true)
  drains(world, [1, 2, 3, 4, 5])
  assert.deepEqual(given(world), [[0, 'damaged']])
})

test('rot behind what the master has: the lane that resumes there finds it too', () => {
  const world = waiting()
  world.settle()
  world.disconnect()
  world.read(3)
  world.disk.rot(1, 6, 'body')
  drains(world, [6])
})

/** Bends the frame of this sequence, so many times. */
function bend(world: RecoveryWorld, sequence: number, times: number): void {
  let left = times
  world.line = (body) => {
    if (body[0] !== FRAME_BYTE || left === 0 || body.length < 40) return body
    if (new DataView(body.buffer, body.byteOffset).getUint32(14) !== sequence) return body
    left -= 1
    const bent = body.slice()
    // Another place each time, as a line does it.
    const at = bent.length - 1 - left
    bent[at] = (bent[at] ?? 0) ^ 0x10
    return bent
  }
}

test('a frame damaged on the line once, or twice, comes all the same: it is not skipped', () => {
  for (const times of [1, 2]) {
    const world = waiting()
    bend(world, 3, times)
    drains(world, [])
    assert.deepEqual(given(world), [])
  }
})

test('a frame the master cannot open, though it is whole, is skipped and kept sealed', () => {
  const world = waiting()
  world.poison(3)
  drains(world, [3])
  assert.deepEqual(given(world), ['sealed'])
  assert.match(world.said(), /SEC-03 run 1, frame 3/)
})

test('an opener the master cannot open is skipped; what it headed is kept, a new run is read', () => {
  const world = waiting()
  world.poison(0)
  const before = world.taken
  world.settle()
  world.read(2)
  world.settle()
  const kinds = given(world)
  assert.equal(kinds[0], 'sealed')
  // They opened; what their numbers mean stood in the opener.
  assert.deepEqual([...new Set(kinds.slice(1))], ['unreadable'])
  world.complete(Array.from({ length: before }, (_, n) => n + 1))
  assert.equal(world.disk.backlog.frames, 0)
})

test('a device that gives up a fourth time in a month alarms (SEC-15), a third does not', () => {
  const world = waiting()
  for (const sequence of [1, 3, 5]) world.disk.rot(1, sequence, 'body')
  drains(world, [1, 3, 5])
  assert.ok(!world.refused.includes('SEC-15'))
  world.disconnect()
  world.read(2)
  world.disk.rot(1, world.taken, 'body')
  world.settle()
  assert.ok(world.refused.includes('SEC-15'))
})
