// Lists by key over a real PostgreSQL: every row once, in order, forwards and backwards, whatever
// the order is and while others write.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type RawBuilder, sql } from 'kysely'
import { type ListSpec, pageOf, placeText, readList } from '../../services/billing/kit/list.ts'
import { countUpTo } from '../../services/billing/store/count-up-to.ts'
import { instantKey, keyset } from '../../services/billing/store/keyset.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const SPEC: ListSpec = {
  path: '/customers',
  sorts: { name: 'text', number: 'text', since: 'timestamptz', day: 'date', id: 'integer' },
  sort: 'name',
  filters: {},
}
const KEYS: Readonly<Record<string, RawBuilder<unknown>>> = {
  name: sql`c.name`,
  number: sql`c.number`,
  since: sql`c.since`,
  day: sql`c.day`,
  id: sql`c.id`,
}
interface Row {
  readonly id: number
  readonly key: string
}

let postgres: TestPostgres
before(async () => {
  postgres = await testPostgres()
  // Names that repeat, with capitals, spaces and other scripts; times that differ by microseconds.
  await postgres.owner.query(`create table listed as
    select i as id, 'C-' || i as number,
      (array['Asha', 'asha', 'Élan', 'Zoë', 'a b', 'ab', 'आशा', '安'])[1 + i % 8] || i % 90 as name,
      timestamptz '2026-06-01 00:00:00.000001Z' + i % 40 * interval '1 microsecond' as since,
      date '2026-01-30' + i % 70 as day
    from generate_series(1, 730) i`)
  await postgres.owner.query('grant all on listed to public')
})
after(() => postgres.close())

async function page(asked: Readonly<Record<string, string>>) {
  const query = readList(asked, SPEC)
  const key = KEYS[query.sort] ?? sql`c.id`
  const type = SPEC.sorts[query.sort] ?? 'text'
  const k = keyset({ query, key, type, id: sql`c.id` })
  const text = type === 'timestamptz' ? instantKey(key) : sql`${key}::text`
  const { rows } = await sql<Row>`
    select c.id, ${text} as key from listed c
    where ${k.where} order by ${k.orderBy} limit ${k.limit}`.execute(postgres.db.kysely)
  return pageOf(rows, query, (row) => row)
}

test('every row once, in the order of the database, to the end and back', async () => {
  for (const sort of Object.keys(SPEC.sorts).flatMap((name) => [name, `-${name}`])) {
    const order = sql`${KEYS[sort.replace('-', '')]} ${sql.raw(sort.startsWith('-') ? 'desc' : 'asc')}`
    const tie = sql.raw(sort.startsWith('-') ? 'desc' : 'asc')
    const { rows: whole } = await sql<Row>`
      select id from listed c order by ${order}, id ${tie}`.execute(postgres.db.kysely)
    const forth: number[] = []
    let shown = await page({ sort })
    for (;;) {
      forth.push(...shown.rows.map(({ id }) => id))
      if (shown.next === null) break
      shown = await page({ sort, after: shown.next })
    }
    assert.deepEqual(
      forth,
      whole.map(({ id }) => id),
      sort,
    )
    const back: number[] = []
    for (;;) {
      back.unshift(...shown.rows.map(({ id }) => id))
      if (shown.previous === null) break
      shown = await page({ sort, before: shown.previous })
    }
    assert.deepEqual(back, forth, `${sort} back`)
  }
})

test('a place whose row is gone still leads on', async () => {
  const first = await page({ sort: 'id' })
  const second = await page({ sort: 'id', after: placeText({ key: '60', id: 60 }) })
  assert.deepEqual([first.rows.at(-1)?.id, second.rows[0]?.id], [50, 61])
  await postgres.owner.query('delete from listed where id = 60')
  const again = await page({ sort: 'id', after: placeText({ key: '60', id: 60 }) })
  assert.deepEqual(again.rows[0]?.id, 61)
})

test('what anybody may write into the address of a list is no error of the database', async () => {
  for (const sort of Object.keys(SPEC.sorts)) {
    for (const key of ['', '0', 'x', '2026-02-31', '99999999999', '2026-06-01T00:00:60Z', "';--"]) {
      for (const side of ['after', 'before']) {
        const { rows } = await page({ sort, [side]: placeText({ key, id: 7 }) })
        assert.ok(rows.length <= 50)
      }
    }
  }
})

test('rows are counted as far as anybody wants to know', async () => {
  const { kysely } = postgres.db
  assert.equal(await countUpTo(kysely, sql`from listed where id <= 30`, 100), 30)
  assert.equal(await countUpTo(kysely, sql`from listed`, 100), 101)
})
