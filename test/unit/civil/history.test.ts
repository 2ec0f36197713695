import assert from 'node:assert/strict'
import { test } from 'node:test'
import { historyFrom } from '../../../services/billing/civil/calendar.ts'
import { unixMs } from '../../../shared/units.ts'

const NOW = unixMs(Date.parse('2026-11-30T23:00:00Z'))
const from = (billed: string | null): string =>
  new Date(historyFrom(NOW, 'Asia/Kolkata', billed)).toISOString()

test('a slave back-fills from the first day that is billed, at least the month before', () => {
  // In Kolkata it is December.
  assert.equal(from(null), '2026-10-31T18:30:00.000Z')
  assert.equal(from('2026-10-01'), '2026-09-30T18:30:00.000Z')
  assert.equal(from('2026-12-01'), '2026-10-31T18:30:00.000Z')
})

test('it asks no meter for more than a year', () => {
  assert.equal(from('2012-01-01'), '2025-11-30T18:30:00.000Z')
})
