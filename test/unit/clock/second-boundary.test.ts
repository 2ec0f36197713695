// Readings taken at the edges of seconds by clocks that are wrong: a part of what `npm run bench --
// clock` sends.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crossSeconds } from '../../bench/clock/second-boundary.ts'

const FRAMES = 20_000

test('no frame is lost or refused at any edge of a second, at -10 to +10 s (wire.md 9)', () => {
  const { frames, near, lost, refused, ahead, refusedFirst, storedLater, twice } = crossSeconds(
    FRAMES,
    1,
  )
  assert.deepEqual(
    { frames, near, lost, refused },
    { frames: FRAMES, near: FRAMES / 2, lost: 0, refused: 0 },
  )
  assert.equal(ahead, FRAMES / 10)
  assert.equal(refusedFirst, ahead, 'SEC-02 first, at 11 s')
  assert.equal(storedLater, ahead, 'and stored later')
  assert.equal(twice, 0, 'once')
})
