import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTariff } from '../../../services/billing/tariffs/core/tariff.ts'

const slab = (...slabs: readonly unknown[]): unknown => ({
  kind: 'slabs',
  code: 'energy',
  label: 'Energy',
  slabs,
})
const duty = (...on: readonly string[]): unknown => ({
  kind: 'tax',
  code: 'duty',
  label: 'Duty',
  percent: '16',
  on,
})
const PLAIN = {
  format: 'ticklock-tariff/1',
  code: 'T',
  name: 'Plain',
  currency: 'INR',
  minorDigits: 2,
  rounding: 'half-away',
  slabProration: 'none',
  dueDays: 15,
  source: 'example',
  charges: [slab({ rate: '5' }), duty('energy')],
}

const pathOf = (document: unknown): string => {
  const verdict = parseTariff(document)
  return verdict.ok ? 'accepted' : `${verdict.fault} ${verdict.at.path}: ${verdict.at.why}`
}

test('the hash of a tariff ignores the order of fields and trailing zeros', () => {
  const one = parseTariff(PLAIN)
  const two = parseTariff({ charges: [slab({ rate: '5.00' }), duty('energy')], ...omit('charges') })
  assert.ok(one.ok && two.ok)
  assert.equal(one.hash, two.hash)
  const other = parseTariff({ ...PLAIN, charges: [slab({ rate: '5.01' }), duty('energy')] })
  assert.ok(other.ok && other.hash !== one.hash)
})

const omit = (name: string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(PLAIN).filter(([key]) => key !== name))

const refused: readonly (readonly [string, unknown, string])[] = [
  ['text', 'tariff', 'document: not an object'],
  ['misspelt field', { ...PLAIN, dueDay: 3 }, 'dueDay: unknown field'],
  ['no rounding', omit('rounding'), 'rounding: missing'],
  ['rate as a float', { ...PLAIN, charges: [slab({ rate: 5 })] }, 'charges[0].slabs[0].rate: not'],
  [
    'rate 1e9',
    { ...PLAIN, charges: [slab({ rate: '1e9' })] },
    'charges[0].slabs[0].rate: not a dec',
  ],
  [
    'falling slabs',
    {
      ...PLAIN,
      charges: [slab({ upTo: '100', rate: '1' }, { upTo: '100', rate: '2' }, { rate: '3' })],
    },
    'charges[0].slabs[1].upTo: not above',
  ],
  [
    'no last slab',
    { ...PLAIN, charges: [slab({ upTo: '9', rate: '1' })] },
    'charges[0].slabs[0].upTo',
  ],
  [
    'early end',
    { ...PLAIN, charges: [slab({ rate: '1' }, { rate: '2' })] },
    'charges[0].slabs[0].upTo',
  ],
  [
    'tax on nothing',
    { ...PLAIN, charges: [slab({ rate: '1' }), duty()] },
    'charges[1].on: names no',
  ],
  ['tax on itself', { ...PLAIN, charges: [duty('duty')] }, 'charges[0].on: "duty" is not a charge'],
  [
    'tax twice',
    { ...PLAIN, charges: [slab({ rate: '1' }), duty('energy', 'energy')] },
    'charges[1].on',
  ],
  [
    'one code twice',
    { ...PLAIN, charges: [slab({ rate: '1' }), slab({ rate: '1' })] },
    'charges[1].code',
  ],
  ['no charges', { ...PLAIN, charges: [] }, 'charges: no charges'],
  ['month digits alone', { ...PLAIN, monthDigits: 2 }, 'monthDigits: applies only'],
]
for (const [what, document, path] of refused) {
  test(`a tariff with ${what} is refused with the path of the fault (billing.md)`, () => {
    const answer = pathOf(document)
    assert.ok(answer.startsWith(`BIL-20 ${path}`), answer)
  })
}
