// The clock figures are open to everybody, so asking for them often must cost nothing.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pool } from 'pg'
import { servedClockFigures } from '../../../services/billing/clocks/db/figures.ts'

test('one look at the database serves all callers within two seconds, a failed one nobody', async () => {
  let looks = 0
  let away = false
  let now = 0
  const pool = Object.create(Pool.prototype, {
    query: {
      value: async () => {
        looks += 1
        if (away) throw new Error('away')
        return { rows: [] }
      },
    },
  })
  const figures = servedClockFigures(pool, () => now)
  await Promise.all(Array.from({ length: 100 }, () => figures()))
  now = 1_999
  await figures()
  // One look takes two statements.
  assert.equal(looks, 2)
  now = 2_000
  assert.equal((await figures()).meters.known, 0)
  assert.equal(looks, 4)
  away = true
  now = 5_000
  await assert.rejects(figures(), /away/)
  away = false
  await figures()
  assert.equal(looks, 8)
})
