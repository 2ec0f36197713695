// The time since boot, read rarely: no sleep may hide behind that.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { thriftySinceBoot } from '../../../shared/node/system-clock.ts'
import { monoUs, spanUs, unixUs } from '../../../shared/units.ts'

/** A machine whose clocks are moved by hand, and how often its time since boot was read. */
function machine() {
  const at = { mono: 5_000_000, wall: 1_800_000_000_000_000, boot: 90_000_000, reads: 0 }
  const sinceBoot = thriftySinceBoot({
    mono: () => monoUs(at.mono),
    wall: () => unixUs(at.wall),
    sinceBoot: () => {
      at.reads += 1
      return spanUs(at.boot)
    },
  })
  const run = (us: number): void => {
    at.mono += us
    at.wall += us
    at.boot += us
  }
  const sleep = (us: number): void => {
    at.wall += us
    at.boot += us
  }
  return { at, run, sleep, sinceBoot }
}

test('a sleep shows at once, however recent the last look', () => {
  const { at, run, sleep, sinceBoot } = machine()
  run(10)
  assert.equal(sinceBoot(), at.boot)
  sleep(100_000)
  assert.equal(sinceBoot(), at.boot)
  run(10)
  assert.equal(sinceBoot(), at.boot)
})

test('while nothing happens the time since boot is read once a second', () => {
  const { at, run, sinceBoot } = machine()
  for (let i = 0; i < 10_000; i += 1) {
    run(1_000)
    assert.equal(sinceBoot(), at.boot)
  }
  assert.ok(at.reads >= 9 && at.reads <= 11, `${at.reads} reads in 10 s`)
})

test('a sleep hidden by a wall clock set back equally far shows within a second', () => {
  const { at, run, sleep, sinceBoot } = machine()
  sleep(600_000_000)
  at.wall -= 600_000_000
  run(1_000_001)
  assert.equal(sinceBoot(), at.boot)
})
