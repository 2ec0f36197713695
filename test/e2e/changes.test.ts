// The record of who changed what (services/billing/store/changes.ts).

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { changesOf, recordChange } from '../../services/billing/store/changes.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

let postgres: TestPostgres

before(async () => {
  postgres = await testPostgres()
})
after(() => postgres.close())

test('changes of a row are read newest first, and cannot be rewritten by anybody', async () => {
  const { db, owner } = postgres
  const author = { who: 'Ravi', why: 'typing error', importId: null }
  const row = { what: 'customer', id: 7 } as const
  await recordChange(db.kysely, author, { ...row, before: null, after: { name: 'Asha' } })
  await recordChange(db.kysely, author, { ...row, before: { name: 'Asha' }, after: { name: 'A' } })
  await recordChange(db.kysely, author, { what: 'meter', id: 7, before: { a: 1 }, after: null })
  const changes = await changesOf(db.kysely, [row], 10)
  assert.deepEqual(
    changes.map(({ who, before: was, after: is }) => [who, was, is]),
    [
      ['Ravi', { name: 'Asha' }, { name: 'A' }],
      ['Ravi', null, { name: 'Asha' }],
    ],
  )
  await assert.rejects(owner.query("update changes set who = 'nobody'"), /only added to/)
  await assert.rejects(owner.query('delete from changes'), /only added to/)
})
