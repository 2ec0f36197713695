// Bills that were issued read back as they were, in either format.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBill } from '../../../services/billing/bills/core/bill-reading.ts'
import { clockWords, wayText } from '../../../services/billing/bills/core/bill-words.ts'
import { endsOf } from '../../../services/billing/bills/core/closings.ts'
import { mailText, smsText } from '../../../services/billing/bills/core/notice.ts'
import { hashOf } from '../../../shared/documents/canonical.ts'
import { contentFor } from '../../fixtures/bill-content.ts'
import { FIRST } from '../../fixtures/first-bill.ts'

test('a bill of the first format reads back, is checked, and says what it does not know', () => {
  const hash = hashOf(FIRST)
  const read = readBill(FIRST, hash)
  assert.ok(read.ok)
  const { content } = read
  assert.equal(content.format, 'ticklock-bill/1')
  const [segment] = content.segments
  const [register] = segment?.registers ?? []
  assert.ok(segment !== undefined && register !== undefined)
  assert.equal(segment.kWh, '221')
  assert.equal(register.opening.kWh, '25001.00')
  assert.match(clockWords(register.opening, 'UTC'), /does not say how right/)
  assert.match(smsText(content, null), /221 kWh.*meter M1/)
  // The next bill goes on from its end.
  const [end] = endsOf(content, 'closing').get('M1') ?? []
  assert.deepEqual([end?.value, end?.exponent, end?.bill], [2_522_200, 1, '202605-000001'])
  const changed = { ...FIRST, closing: { ...FIRST.closing, value: '2522201' } }
  assert.equal(readBill(changed, hash).ok, false)
})

test('a bill of the second format with another word in it does not read back', () => {
  const content = contentFor({})
  const hash = hashOf(content)
  assert.deepEqual(readBill(content, hash), { ok: true, content })
  const [segment] = content.segments
  const estimated = { ...content, energy: { ...content.energy, estimated: 'yes' } }
  assert.equal(readBill(estimated, hash).ok, false)
  const odd = { ...content, segments: [{ ...segment, registers: [{}] }] }
  assert.equal(readBill(odd, hash).ok, false)
  assert.equal(readBill({ ...content, format: 'ticklock-bill/3' }, hash).ok, false)
})

test('a reading says in words how it was found, and by whose clock', () => {
  const [segment] = contentFor({}).segments
  const [register] = segment?.registers ?? []
  assert.ok(register !== undefined)
  const { opening } = register
  assert.equal(wayText(opening, 'Asia/Kolkata'), "from the meter's load profile")
  assert.equal(clockWords(opening, 'UTC'), "by the meter's clock, 300 ms fast, within 100 ms")
  const later = { ...opening.clock, comparedAt: '2026-06-02T06:00:00Z' }
  assert.match(
    clockWords({ ...opening, clock: later }, 'UTC'),
    /100 ms, as compared on 2 June 2026$/,
  )
  const sample = { value: '1', exponent: '0', kWh: '0.001', by: 'slave' } as const
  const beside = { ...sample, at: '2026-04-30T18:29:59.6Z' }
  assert.equal(
    wayText({ ...opening, way: 'nearest', basis: [beside] }, 'Asia/Kolkata'),
    'read over its data line at 30 April 2026, 23:59:59 (400 ms before)',
  )
  const after = { ...sample, at: '2026-04-30T18:40:00Z', kWh: '0.003' }
  assert.equal(
    wayText({ ...opening, way: 'interpolated', basis: [beside, after] }, 'Asia/Kolkata'),
    'interpolated evenly between 0.001 kWh at 30 April 2026, 23:59:59 and 0.003 kWh at 1 May 2026, 00:10:00',
  )
  const estimate = { ...opening, way: 'estimated', estimate: 'average', bill: 'B-1' } as const
  assert.match(
    wayText({ ...estimate, basis: [] }, 'Asia/Kolkata'),
    /^ESTIMATED: from what was billed before on, .*; as on bill B-1$/,
  )
})

test('mail and SMS about an estimated bill say so', () => {
  const content = contentFor({})
  const estimated = { ...content, energy: { ...content.energy, estimated: 'yes' as const } }
  assert.match(smsText(estimated, null), /estimated/)
  assert.match(mailText(estimated, null).text, /is estimated.*set right by itself/s)
  assert.doesNotMatch(mailText(content, null).text, /estimated/)
})
