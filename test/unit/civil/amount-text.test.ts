import assert from 'node:assert/strict'
import { test } from 'node:test'
import { amountText, grouped } from '../../../services/billing/civil/amount-text.ts'

test('rupees are grouped by lakh and crore, other money by thousands (Intl en-IN, en-GB)', () => {
  for (const amount of [
    '0.05',
    '12.30',
    '999.99',
    '1000',
    '99999',
    '100000',
    '12345678',
    '-1234567.5',
  ]) {
    const digits = { minimumFractionDigits: amount.split('.')[1]?.length ?? 0 }
    for (const [currency, locale] of [
      ['INR', 'en-IN'],
      ['EUR', 'en-GB'],
    ] as const)
      assert.equal(
        grouped(amount, currency),
        new Intl.NumberFormat(locale, digits).format(Number(amount)),
      )
  }
  assert.equal(amountText('-1234.56', 'INR'), '-₹1,234.56')
  assert.equal(amountText('1234.50', 'CHF'), 'CHF 1,234.50')
})
