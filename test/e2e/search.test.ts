// Searching as people type it (migrations/0024_search.sql).

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type TestPostgres, testPostgres } from './postgres.ts'

let postgres: TestPostgres

before(async () => {
  postgres = await testPostgres()
})
after(() => postgres.close())

const fold = async (text: string): Promise<unknown> => {
  const { rows } = await postgres.db.pool.query('select search_fold($1) as folded', [text])
  return rows[0]?.folded
}

test('search minds neither case nor accents, in any script', async () => {
  for (const [text, folded] of [
    ['Müller-Lüdenscheidt', 'muller-ludenscheidt'],
    ['ŁÓDŹ', 'lodz'],
    ['Straße', 'strasse'],
    ['ÆRØ', 'aero'],
    ['ΑΘΉΝΑ', 'αθηνα'],
    ['Москва', 'москва'],
    ['आशा', 'आशा'],
    ['１２', '12'],
  ] as const) {
    assert.equal(await fold(text), folded)
  }
})
