// What the working role of the database may do with what is final.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GRANTS } from '../../../services/billing/store/grants.ts'

test('what is final can be added and never changed or deleted', () => {
  for (const name of ['bills', 'readings', 'exceptions', 'tariff_versions']) {
    assert.deepEqual(GRANTS[name], { insert: true }, name)
  }
  const { update, delete: remove } = GRANTS['commands'] ?? {}
  assert.deepEqual(update, ['sent_at', 'outcome', 'detail', 'receipt_at'])
  assert.equal(remove, undefined)
})
