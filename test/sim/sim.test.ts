// Three short worlds in every test run; many and long ones with `npm run sim`.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulate } from './run.ts'

const DAYS = 0.25

for (const seed of [2, 7, 16]) {
  test(`world ${seed}: nothing lost, repeated, forged or late beyond its stated bound`, () => {
    const { broken, recent, rows, renewals, observer } = simulate(seed, DAYS)
    assert.equal(broken, null, recent.join('\n'))
    assert.ok(rows > 50, `${rows} rows are no world`)
    assert.ok(renewals > 0, 'no link lasted long enough to be left for a new epoch')
    assert.ok(observer.compact > 10, `${observer.compact} frames went with the compact header`)
    assert.ok(observer.anchors > 0, 'no slave gave an anchor')
  })
}

test('the same seed is the same world, to the last row and count', () => {
  assert.equal(simulate(3, DAYS).digest, simulate(3, DAYS).digest)
})
