// Where a search leads (services/billing/site/core/search.ts).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Hit, hitHref, jump, listOf } from '../../../services/billing/site/core/search.ts'

const hit = (key: string, exact: boolean): Hit => ({
  group: 'meters',
  key,
  title: key,
  note: '',
  exact,
})

test('one exact hit is opened at once; none and several leave the choice', () => {
  assert.equal(jump([hit('1', false), hit('2', true)]), '/meters/2')
  assert.equal(jump([hit('1', false)]), null)
  assert.equal(jump([hit('1', true), hit('2', true)]), null)
  assert.equal(jump([]), null)
})

test('a group leads to its list, the search in its address', () => {
  assert.equal(listOf('customers', 'a&b'), '/customers?q=a%26b')
  assert.equal(listOf('bills', 'a'), null)
  assert.equal(hitHref({ ...hit('7', false), group: 'devices' }), '/fleet/7')
})
