// A sample of what mutate.ts does in a night. MUTATIONS and FLIPPED_FRAMES set how much.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flipFrames } from './flips.ts'
import { hammer } from './mutation.ts'
import { TARGETS } from './targets.ts'

const COUNT = Number(process.env['MUTATIONS'] ?? 20_000)
const FRAMES = Number(process.env['FLIPPED_FRAMES'] ?? 200)

for (const target of TARGETS) {
  test(`${target.name}: ${COUNT} damaged inputs are answered, fast and within memory`, (t) => {
    const [first] = target.seeds
    assert.ok(first !== undefined && target.feed(first), 'an undamaged input is taken')
    const { taken, slowestMs } = hammer(target, { count: COUNT, seed: 1 })
    t.diagnostic(`${taken} taken, slowest ${slowestMs.toFixed(1)} ms`)
    assert.ok(taken < COUNT, 'some are refused')
  })
}

test(`every bit of ${FRAMES} frames flipped: refused, state unmoved (wire.md 9)`, (t) => {
  const { flips, refused } = flipFrames({ frames: FRAMES, seed: 1 })
  t.diagnostic(`${flips} bits`)
  for (const fault of ['WIR-03', 'SEC-02', 'SEC-03', 'SEC-04', 'SEC-05', 'SEC-06', 'SEC-12']) {
    assert.ok(refused.has(fault), `${fault} refused some`)
  }
})
