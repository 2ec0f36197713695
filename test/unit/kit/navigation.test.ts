import assert from 'node:assert/strict'
import { test } from 'node:test'
import { navigationAt, OPERATOR_PAGES, startOf } from '../../../services/billing/kit/navigation.ts'

const all = () => true
const today = (path: string) =>
  ['/fleet', '/clock', '/readings', '/bills', '/access'].includes(path)
const here = (links: readonly { text: string; here: boolean }[]) =>
  links.filter((link) => link.here).map(({ text }) => text)

test('a group leads to its first page that exists, and shows only those', () => {
  const { groups, entries } = navigationAt(OPERATOR_PAGES, '/clock', today)
  assert.deepEqual(
    groups.map(({ text, href }) => [text, href]),
    [
      ['Billing', '/bills'],
      ['Fleet', '/fleet'],
      ['Settings', '/access'],
    ],
  )
  assert.deepEqual(
    entries.map(({ text }) => text),
    ['Devices', 'Clock', 'Readings'],
  )
  assert.deepEqual([here(groups), here(entries)], [['Fleet'], ['Clock']])
})

test('a page belongs to the longest entry above it', () => {
  for (const [path, group, entry] of [
    ['/readings/manual/new', 'Billing', 'Manual readings'],
    ['/readings', 'Fleet', 'Readings'],
    ['/settings/mail', 'Settings', 'Mail'],
    ['/settings', 'Settings', 'Utility'],
    ['/accounts/17', 'Accounts', 'Accounts'],
  ] as const) {
    const { groups, entries } = navigationAt(OPERATOR_PAGES, path, all)
    assert.deepEqual([here(groups), here(entries)], [[group], [entry]], path)
  }
  assert.deepEqual(here(navigationAt(OPERATOR_PAGES, '/bills-of-others', all).entries), [])
})

test('a group of one page has no second row', () => {
  assert.deepEqual(navigationAt(OPERATOR_PAGES, '/attention', all).entries, [])
  assert.deepEqual(here(navigationAt(OPERATOR_PAGES, '/attention', all).groups), ['Attention'])
})

test('an operator starts at the first page that exists', () => {
  assert.equal(startOf(all), '/attention')
  assert.equal(startOf(today), '/bills')
})
