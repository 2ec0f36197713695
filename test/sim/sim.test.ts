// Three short worlds in every test run, with a week of silence behind each; many and long ones with
// `npm run sim`.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulate } from './run.ts'

const DAYS = 0.25

/** Sessions left for a new epoch, over all worlds. */
let renewed = 0
/** Meters' clocks corrected, each within the law: test/sim/crystals.ts. */
let corrected = 0

for (const seed of [2, 7, 16]) {
  test(`world ${seed}: nothing lost, repeated, forged or opened by a thief; clocks hold`, () => {
    const outcome = simulate(seed, DAYS)
    const { broken, recent, rows, renewals, corrections, observer, attacks, thief } = outcome
    assert.equal(broken, null, recent.join('\n'))
    assert.ok(rows > 50, `${rows} rows are no world`)
    renewed += renewals
    corrected += corrections
    assert.ok(observer.compact > 10, `${observer.compact} frames went with the compact header`)
    // A world in which nobody attacks or steals proves nothing.
    assert.ok(attacks > 20, `${attacks} attacks`)
    assert.ok(thief.thefts > 3 && thief.shut > 50, `${thief.thefts} thefts, ${thief.shut} tries`)
    assert.ok(thief.opened > 0, `the loot opened ${thief.opened} later frames`)
    assert.ok(observer.anchors > 0, 'no slave gave an anchor')
  })
}

test('some links lasted long enough to be left for a new epoch', () => {
  assert.ok(renewed > 0)
})

test('some meters were corrected, and none over an interval or by more than a minute', () => {
  assert.ok(corrected > 0)
})

test('the same seed is the same world, to the last row and count', () => {
  const short = { short: true }
  assert.equal(simulate(3, DAYS, short).digest, simulate(3, DAYS, short).digest)
})

test('where nobody is on the path, nobody attacks', () => {
  const { broken, attacks, observer } = simulate(5, DAYS, { peaceful: true, short: true })
  assert.deepEqual([broken, attacks], [null, 0])
  assert.equal(observer.refused.get('SEC-11') ?? 0, 0)
})
