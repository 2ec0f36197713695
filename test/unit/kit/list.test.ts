import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  csvHref,
  listHref,
  type ListSpec,
  pageOf,
  placeOf,
  placeText,
  readList,
} from '../../../services/billing/kit/list.ts'

const SPEC: ListSpec = {
  path: '/customers',
  sorts: { name: 'text', since: 'date', id: 'integer' },
  sort: 'name',
  filters: {
    zone: [
      ['Asia/Kolkata', 'India'],
      ['UTC', 'UTC'],
    ],
  },
}

test('a place survives the way through a query, and nonsense is none', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 100 }).filter((key) => !key.includes('\0')),
      fc.integer({ min: 1, max: 2_147_483_647 }),
      (key, id) => {
        assert.deepEqual(placeOf(placeText({ key, id }), 'text'), { key, id })
      },
    ),
  )
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const type of ['text', 'integer', 'bigint', 'date', 'timestamptz'] as const) {
        const place = placeOf(text, type)
        if (place !== null) assert.ok(place.id > 0)
      }
    }),
  )
})

test('a place with a key of another type is none (the database would answer with an error)', () => {
  for (const [key, type, fits] of [
    ['2026-02-29', 'date', false],
    ['2024-02-29', 'date', true],
    ['2026-13-01', 'date', false],
    ['a', 'integer', false],
    ['-12', 'integer', true],
    ['12345678901', 'integer', false],
    ['2026-06-01T10:00:00Z', 'timestamptz', true],
    ['2026-06-01T25:00:00Z', 'timestamptz', false],
    ['now', 'timestamptz', false],
    ['a\0', 'text', false],
  ] as const) {
    assert.equal(placeOf(placeText({ key, id: 1 }), type) !== null, fits, key)
  }
  assert.equal(placeOf(placeText({ key: 'a', id: 2_147_483_648 }), 'text'), null)
  assert.equal(placeOf(placeText({ key: 'x'.repeat(401), id: 1 }), 'text'), null)
})

test('what a query does not say, or says wrongly, is the list as it is by itself', () => {
  const plain = readList({}, SPEC)
  assert.deepEqual(plain, {
    q: '',
    sort: 'name',
    down: false,
    filters: { zone: '' },
    after: null,
    before: null,
    limit: 50,
  })
  const wrong = { sort: 'constructor', zone: '__proto__', after: '%', q: ['a', 'b'] }
  assert.deepEqual(readList(wrong, SPEC), plain)
  assert.deepEqual(readList(null, SPEC), plain)
})

test('links keep the choices, and another order begins at the first page', () => {
  const place = placeText({ key: '2026-06-01', id: 7 })
  const query = readList({ q: ' Lake ', sort: '-since', zone: 'UTC', after: place }, SPEC)
  assert.deepEqual(query.after, { key: '2026-06-01', id: 7 })
  assert.equal(listHref(SPEC, query), '/customers?sort=-since&q=Lake&zone=UTC')
  assert.equal(listHref(SPEC, query, { sort: 'name' }), '/customers?sort=name&q=Lake&zone=UTC')
  assert.equal(csvHref(SPEC, query), '/customers.csv?sort=-since&q=Lake&zone=UTC')
})

test('a preset filter holds until an address says otherwise, and links keep what it said', () => {
  const spec: ListSpec = { ...SPEC, preset: { zone: 'UTC' } }
  assert.deepEqual(readList({}, spec).filters, { zone: 'UTC' })
  assert.equal(listHref(spec, readList({}, spec)), '/customers')
  const all = readList({ zone: '' }, spec)
  assert.deepEqual(all.filters, { zone: '' })
  assert.equal(listHref(spec, all), '/customers?zone=')
  const other = readList({ zone: 'Asia/Kolkata' }, spec)
  assert.equal(listHref(spec, other), '/customers?zone=Asia%2FKolkata')
})

/** 120 rows, walked as the database walks them. */
function walk(query: ReturnType<typeof readList>): number[] {
  const ids = Array.from({ length: 120 }, (_row, index) => index + 1)
  const { after, before } = query
  if (before !== null)
    return ids
      .filter((id) => id < before.id)
      .toReversed()
      .slice(0, 51)
  return ids.filter((id) => after === null || id > after.id).slice(0, 51)
}

test('next and previous lead through the whole list and back', () => {
  const spec: ListSpec = { path: '/x', sorts: { id: 'integer' }, sort: 'id', filters: {} }
  const at = (asked: object) => {
    const query = readList(asked, spec)
    return pageOf(walk(query), query, (id) => ({ key: String(id), id }))
  }
  const [first, second] = [at({}), at({ after: at({}).next })]
  const third = at({ after: second.next })
  assert.deepEqual(
    [first, second, third].map(({ rows }) => rows.length),
    [50, 50, 20],
  )
  assert.deepEqual([first.previous, third.next], [null, null])
  const back = at({ before: third.previous })
  assert.deepEqual(back.rows, second.rows)
  const start = at({ before: back.previous })
  assert.deepEqual([start.rows, start.previous], [first.rows, null])
  assert.equal(start.next, first.next)
})
