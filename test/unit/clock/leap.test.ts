import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leapMidnight } from '../../../shared/clock/estimate/leap.ts'
import { unixUs } from '../../../shared/units.ts'

test('leap seconds come at the end of June and of December, 2000 to 2100, and no other day', () => {
  const day = 86_400_000
  let found = 0
  for (let at = Date.UTC(2000, 2, 1); at < Date.UTC(2100, 1, 28); at += day) {
    const next = new Date(at + day)
    const expected = next.getUTCDate() === 1 && [0, 6].includes(next.getUTCMonth())
    const midnight = expected ? (at + day) * 1_000 : null
    assert.equal(leapMidnight(unixUs(at * 1_000)), midnight, next.toISOString())
    assert.equal(leapMidnight(unixUs((at + day) * 1_000 - 1)), midnight)
    if (expected) found += 1
  }
  assert.equal(found, 200)
})
