import assert from 'node:assert/strict'
import { test } from 'node:test'
import { amountText, grouped } from '../../../services/billing/civil/amount-text.ts'
import { mailText, smsText } from '../../../services/billing/bills/core/notice.ts'
import { smsLength } from '../../../services/billing/notices/core/sms-length.ts'
import { contentFor } from './bill-content.ts'

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

test('an SMS holds 160 GSM letters or 70 others; parts 153 or 67 (TS 23.038, 23.040)', () => {
  const parts = (text: string): number => smsLength(text).parts
  assert.equal(parts('a'.repeat(160)), 1)
  assert.equal(parts('a'.repeat(161)), 2)
  assert.equal(parts('a'.repeat(306)), 2)
  assert.equal(parts('a'.repeat(307)), 3)
  assert.equal(parts('€'.repeat(80)), 1)
  assert.equal(parts('€'.repeat(81)), 2)
  // 153 is odd: an escaped sign that would be split moves to the next part as a whole.
  assert.equal(parts('€'.repeat(152)), 2)
  assert.equal(parts('€'.repeat(153)), 3)
  assert.equal(parts('₹'.repeat(70)), 1)
  assert.equal(parts('₹'.repeat(71)), 2)
  assert.equal(parts('😀'.repeat(67)), 3)
})

test('the SMS about a bill takes one part, with amount and due date, whatever the name', () => {
  const plain = smsText(contentFor({}))
  assert.equal(
    plain,
    'Lakeside Power: your electricity bill for May 2026 is Rs 2,104.46 for 221 kWh. ' +
      'Please pay by 17 June 2026. Bill B2026-000001, meter M1.',
  )
  const utility = (name: string) => ({ name, address: 'A', contact: 'C', payment: [] })
  for (const name of ['L'.repeat(60), 'L'.repeat(400), 'लेकसाइड पावर']) {
    const text = smsText(contentFor({ utility: utility(name) }))
    assert.equal(smsLength(text).parts, 1, text)
    assert.match(text, /Rs 2,104\.46.*17 June 2026/)
  }
})

test('the mail names amount, due date and payment; a name with markup stays text', () => {
  const customer = { number: 'C', name: '<b>Asha</b> & "Co"', address: 'A' }
  const { subject, text, html } = mailText(contentFor({ customer }), 'http://localhost/c/abc')
  assert.equal(subject, 'Your electricity bill for May 2026: ₹2,104.46, due 17 June 2026')
  assert.match(text, /Electricity duty: ₹290\.27\n/)
  assert.match(text, /At the counter\./)
  assert.match(text, /\nhttp:\/\/localhost\/c\/abc\n/)
  assert.ok(html.includes('<a href="http://localhost/c/abc">'))
  assert.ok(html.includes('Dear &lt;b&gt;Asha&lt;/b&gt; &amp; &quot;Co&quot;,'))
  assert.ok(!html.includes('<b>'))
})
