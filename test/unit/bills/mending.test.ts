import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mendingOf, missingReadingForm } from '../../../services/billing/bills/core/mending.ts'
import { FAULT_CODES } from '../../../shared/faults.ts'

const SUPPLY = { contractId: 7, servicePointId: 8 } as const

test('every fault of a bill leads to a page, and names what is done there', () => {
  for (const code of FAULT_CODES.filter((each) => each.startsWith('BIL-'))) {
    const [href, words] = mendingOf(code, SUPPLY)
    assert.match(href, /^\/[a-z-]+(\/[78]|\?state=[a-z-]+)?$/, code)
    assert.match(words, /^[A-Z][a-z ]+$/, code)
  }
})

test('a missing reading is entered at its account, a zone at its service point', () => {
  assert.deepEqual(mendingOf('BIL-04', SUPPLY), ['/accounts/7', 'Enter a reading'])
  assert.deepEqual(mendingOf('BIL-27', SUPPLY), ['/service-points/8', 'Choose a zone'])
  assert.deepEqual(mendingOf('BIL-99', SUPPLY), ['/accounts/7', 'See the account'])
})

test('a missing reading leads to the form of the meter that lacks it, not of its successor', () => {
  const form = (code: string, detail: string) =>
    missingReadingForm({ code, detail }, ['BL-1', 'BL-12', 'A/3'])
  const edge = 'at 1 October 2026, 00:00'
  assert.equal(form('BIL-04', `BL-12 ${edge}`), '/readings/manual/new?number=BL-12')
  assert.equal(form('BIL-04', `A/3 ${edge}`), '/readings/manual/new?number=A%2F3')
  assert.equal(form('BIL-04', `BL-123 ${edge}`), null)
  assert.equal(form('BIL-21', `BL-1 ${edge}`), null)
})
