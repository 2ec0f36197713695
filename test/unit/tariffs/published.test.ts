// The tariffs in docs/examples/tariffs against the worked bills of their own sources.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minorText, parseDecimal, ZERO } from '../../../services/billing/civil/money.ts'
import { linesOf } from '../../../services/billing/tariffs/core/charges.ts'
import { tariffText } from '../../../services/billing/tariffs/core/print.ts'
import { exampleTariffs } from '../../../services/billing/tariffs/shell/examples.ts'

interface Example {
  readonly id: string
  readonly source: string
  readonly kWh: string
  readonly period: { readonly from: string; readonly to: string }
  /** In the order of the lines; the total last. */
  readonly amounts: readonly string[]
}

const APRIL = { from: '2020-04-01', to: '2020-05-01' }
const EXAMPLES: readonly Example[] = [
  {
    id: 'msedcl-lt-1b-2020-04',
    source: 'rates of MERC 322/2019; a reading of 221 units as in kjparmar.in, 30 days',
    kWh: '221',
    period: APRIL,
    amounts: ['1245.03', '320.45', '151.64', '110.00', '292.34', '2119.46'],
  },
  {
    id: 'msedcl-lt-1b-2020-04',
    source:
      'MSEDCL LT bill calculation examples: 31 days are 1.03 months, the first slab ends at 103',
    kWh: '104',
    period: { from: '2020-05-01', to: '2020-06-01' },
    // 103 * 3.46 + 7.43; 104 * 1.45; 103 * 0.50 + 0.84
    amounts: ['363.81', '150.80', '52.34', '110.00', '108.31', '785.26'],
  },
  {
    id: 'kseb-lt-1a-2019',
    source: 'ksebinfoportal.blogspot.com, July 2020: 117 units, energy 424.10, bill 540.35',
    kWh: '117',
    period: APRIL,
    amounts: ['424.10', '55.00', '42.41', '11.70', '6.00', '0.54', '0.54', '0.06', '540.35'],
  },
  {
    id: 'seymour-residential-summer',
    source: 'cityofseymour.org, summer rates, 2000 kWh: total 275.13, tax 2.75, bill 277.88',
    kWh: '2000',
    period: APRIL,
    // 16.00 + 22.05 + 26.125 + 33.45, which the city prints as 26.13 + ... = 97.63
    amounts: ['97.63', '170.00', '7.50', '2.75', '277.88'],
  },
  {
    id: 'evn-residential-2015',
    source: 'pcangiang.evnspc.vn: 410 kWh, 829.820 + 82.982 = 912.802 dong',
    kWh: '410',
    period: APRIL,
    amounts: ['829820', '82982', '912802'],
  },
  {
    id: 'erongored-residential-40a',
    source:
      'erongored.com: 850 kWh, 390 + 840 + 206, basic 320, levies 12.75 and 9.18, N$ 1 777.93',
    kWh: '850',
    period: APRIL,
    amounts: ['1436.00', '320.00', '12.75', '9.18', '1777.93'],
  },
]

const offered = exampleTariffs()

for (const { id, source, kWh, period, amounts } of EXAMPLES) {
  test(`${id}: ${kWh} kWh to the last digit (${source})`, () => {
    const found = offered.find((example) => example.id === id)
    assert.ok(found !== undefined, 'it lies in docs/examples/tariffs')
    const { tariff } = found
    const lines = linesOf(tariff, parseDecimal(kWh) ?? ZERO, period)
    const total = lines.reduce((sum, { amount }) => sum + amount, 0n)
    const printed = [...lines.map(({ amount }) => amount), total]
    assert.deepEqual(
      printed.map((amount) => minorText(amount, tariff.minorDigits)),
      amounts,
    )
  })
}

test('five tariffs are offered, each with its source and a worked bill, written as we print them', () => {
  assert.equal(offered.length, 5)
  for (const { id, tariff, text } of offered) {
    assert.ok(
      EXAMPLES.some((example) => example.id === id),
      `a worked bill for ${id}`,
    )
    assert.ok(tariff.source.length > 40, tariff.source)
    assert.equal(text, tariffText(tariff))
  }
})
