import assert from 'node:assert/strict'
import { test } from 'node:test'
import { smsLength } from '../../../services/billing/notices/core/sms-length.ts'

test('an SMS holds 160 GSM letters or 70 others; parts 153 or 67 (TS 23.038, 23.040)', () => {
  const parts = (text: string): number => smsLength(text).parts
  assert.equal(parts('a'.repeat(160)), 1)
  assert.equal(parts('a'.repeat(161)), 2)
  assert.equal(parts('a'.repeat(306)), 2)
  assert.equal(parts('a'.repeat(307)), 3)
  assert.equal(parts('€'.repeat(80)), 1)
  assert.equal(parts('€'.repeat(81)), 2)
  // 153 is odd: an escaped sign that would be split moves to the next part as a whole.
  assert.equal(parts('€'.repeat(152)), 2)
  assert.equal(parts('€'.repeat(153)), 3)
  assert.equal(parts('₹'.repeat(70)), 1)
  assert.equal(parts('₹'.repeat(71)), 2)
  assert.equal(parts('😀'.repeat(67)), 3)
})
