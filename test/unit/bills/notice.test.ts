import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mailText, smsText } from '../../../services/billing/bills/core/notice.ts'
import { smsLength } from '../../../services/billing/notices/core/sms-length.ts'
import { mailHtml } from '../../../services/billing/bills/pages/bill-mail.ts'
import { contentFor } from '../../fixtures/bill-content.ts'

test('the SMS about a bill takes one part, with amount and due date, whatever the name', () => {
  const plain = smsText(contentFor({}), null)
  assert.equal(
    plain,
    'Lakeside Power: your electricity bill for May 2026 is Rs 2,104.46 for 221 kWh. ' +
      'Please pay by 17 June 2026. Bill B2026-000001, meter M1.',
  )
  const utility = (name: string) => ({ name, address: 'A', contact: 'C', payment: [] })
  for (const name of ['L'.repeat(60), 'L'.repeat(400), 'लेकसाइड पावर']) {
    const text = smsText(contentFor({ utility: utility(name) }), null)
    assert.equal(smsLength(text).parts, 1, text)
    assert.match(text, /Rs 2,104\.46.*17 June 2026/)
  }
})

test('the SMS with its link takes one part, and always says the amount', () => {
  const secret = 'A1b2C3d4E5f6G7h8I9j0K_'
  for (const base of [
    'http://localhost:8080',
    'https://bills.lakeside.example',
    'https://kunden.stadtwerke-musterhausen-am-see.example/abrechnung',
  ]) {
    const link = `${base}/c/${secret}`
    const text = smsText(contentFor({}), link)
    const { parts, places } = smsLength(text)
    assert.equal(parts, 1, `${places} places: ${text}`)
    assert.ok(text.endsWith(` ${link}`), text)
    assert.match(text, /B2026-000001.*Rs 2,104\.46|Rs 2,104\.46.*B2026-000001/)
  }
  // Nothing fits beside such a link: the shortest wording, and the link whole.
  const long = `https://${'long.'.repeat(30)}example/c/${secret}`
  assert.equal(smsText(contentFor({}), long), `Bill B2026-000001: Rs 2,104.46. ${long}`)
})

test('the mail names amount, due date and payment; a name with markup stays text', () => {
  const customer = { number: 'C', name: '<b>Asha</b> & "Co"', address: 'A' }
  const bill = contentFor({ customer })
  const { subject, text } = mailText(bill, 'http://localhost/c/abc')
  const html = mailHtml(bill, 'http://localhost/c/abc')
  assert.equal(subject, 'Your electricity bill for May 2026: ₹2,104.46, due 17 June 2026')
  assert.match(text, /Electricity duty: ₹290\.27\n/)
  assert.match(text, /At the counter\./)
  assert.match(text, /\nhttp:\/\/localhost\/c\/abc\n/)
  assert.ok(html.includes('<a href="http://localhost/c/abc">'))
  assert.ok(html.includes('Dear &lt;b&gt;Asha&lt;/b&gt; &amp; &quot;Co&quot;,'))
  assert.ok(!html.includes('<b>'))
})
