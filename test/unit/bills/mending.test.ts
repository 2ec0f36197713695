import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mendingOf } from '../../../services/billing/bills/core/mending.ts'
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
