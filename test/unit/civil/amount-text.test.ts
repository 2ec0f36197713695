import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  amountText,
  amountTextPlain,
  grouped,
} from '../../../services/billing/civil/amount-text.ts'

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
  assert.equal(amountText('-1234.56', INR), '-₹1,234.56')
  assert.equal(amountText('1234.5', { currency: 'CHF', minorDigits: 2 }), 'CHF 1,234.50')
})

const INR = { currency: 'INR', minorDigits: '2' }

test('digits after the point are those of the smallest coin, never fewer, never zeros beyond', () => {
  for (const [amount, currency, minorDigits, text] of [
    ['3.5', 'INR', 2, '₹3.50'],
    ['3.500', 'INR', 2, '₹3.50'],
    ['3.4625', 'INR', 2, '₹3.4625'],
    ['110', 'INR', '2', '₹110.00'],
    ['6800', 'JPY', 0, 'JPY 6,800'],
    ['6800.00', 'JPY', '0', 'JPY 6,800'],
    ['32.44', 'JPY', 0, 'JPY 32.44'],
    ['3.24', 'KWD', 3, 'KWD 3.240'],
    ['-0.5', 'KWD', '3', '-KWD 0.500'],
  ] as const) {
    const money = { currency, minorDigits }
    assert.equal(amountText(amount, money), text)
    if (currency !== 'INR')
      assert.equal(amountTextPlain(amount, money).replace('-', ''), text.replace('-', ''))
  }
  assert.equal(amountTextPlain('3.5', INR), 'Rs 3.50')
})
