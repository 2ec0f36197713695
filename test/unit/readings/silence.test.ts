// When a meter counts as silent.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  SILENT_AFTER_MAX_S,
  SILENT_AFTER_MIN_S,
  silentAfterS,
  usualAfter,
} from '../../../services/billing/readings/core/silence.ts'

test('three usual waits, within a quarter of an hour and 26 hours', () => {
  assert.equal(silentAfterS(null), SILENT_AFTER_MAX_S)
  assert.equal(silentAfterS(1), SILENT_AFTER_MIN_S)
  assert.equal(silentAfterS(300), SILENT_AFTER_MIN_S)
  assert.equal(silentAfterS(301), 903)
  assert.equal(silentAfterS(86_400), SILENT_AFTER_MAX_S)
})

test('a day away does not slow down the alarm of a meter that speaks each second for long', () => {
  let usual = usualAfter(1, 86_400)
  assert.equal(silentAfterS(usual), SILENT_AFTER_MAX_S)
  let news = 0
  for (; silentAfterS(usual) > SILENT_AFTER_MIN_S; news += 1) usual = usualAfter(usual, 1)
  assert.ok(news < 300, `${news} news`)
})

test('a day’s profile in eight parts, seconds apart, is still a daily meter', () => {
  let usual: number | null = null
  for (let day = 0; day < 10; day += 1) {
    usual = usualAfter(usual, 86_400 - 7)
    for (let part = 1; part < 8; part += 1) usual = usualAfter(usual, 1)
  }
  assert.equal(silentAfterS(usual), SILENT_AFTER_MAX_S)
})
