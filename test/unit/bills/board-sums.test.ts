import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sumsOf } from '../../../services/billing/bills/core/board.ts'

test('bills of one currency add up exactly, however many digits their tariffs have', () => {
  const row = (amount: string | null, currency: string | null) => ({ amount, currency })
  const sums = sumsOf([
    row('7480', 'JPY'),
    row('12.50', 'JPY'),
    row('3.240', 'KWD'),
    row('-0.005', 'KWD'),
    row(null, null),
    row('0.0001', 'CLF'),
  ])
  assert.deepEqual(sums, [
    { currency: 'JPY', count: 2, amount: '7492.50' },
    { currency: 'KWD', count: 2, amount: '3.235' },
    { currency: 'CLF', count: 1, amount: '0.0001' },
  ])
})
