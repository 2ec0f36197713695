// Amounts have the digits of their currency's smallest coin wherever a customer meets them: page,
// PDF, mail and SMS of a bill in yen, in Kuwaiti dinars and in rupees.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { render } from 'preact-render-to-string'
import { mailText, smsText } from '../../services/billing/bills/core/notice.ts'
import type { BillView } from '../../services/billing/bills/core/views.ts'
import { mailHtml } from '../../services/billing/bills/pages/bill-mail.ts'
import { MyBillPage, MyBillsPage } from '../../services/billing/bills/pages/my-bills.tsx'
import { renderBillPdf } from '../../services/billing/bills/shell/pdf.ts'
import type { PageContext } from '../../services/billing/kit/context.ts'
import { billOf, TARIFF } from '../fixtures/bills-world.ts'

const tool = spawnSync('pdftotext', ['-v']).error === undefined
const skip = !tool && process.env['REQUIRE_PEERS'] !== '1' && 'pdftotext of poppler-utils is absent'

const document = (currency: string, minorDigits: number, charges: readonly object[]) => ({
  ...TARIFF,
  code: 'T-1',
  currency,
  minorDigits,
  slabProration: 'none',
  monthDigits: undefined,
  charges,
})
const energy = (rate: string) => ({ kind: 'slabs', code: 'energy', label: 'E', slabs: [{ rate }] })
const tax = (percent: string, ...on: readonly string[]) => ({
  kind: 'tax',
  code: 'tax',
  label: 'Tax',
  percent,
  on,
})
const fixed = (amount: string) => ({ kind: 'fixed', code: 'fixed', label: 'Fixed', amount })

const context: PageContext = {
  viewer: { kind: 'customer', id: 1, name: 'A' },
  formToken: 't',
  path: '/home',
  assets: { style: '/s.css', icon: '/i.svg', refresh: null, keys: null },
  isPage: () => true,
  demo: false,
}

/** Everything a customer gets of a bill, as text: by the name of the place. */
async function everywhere(view: BillView): Promise<ReadonlyMap<string, string>> {
  const { content, bill } = view
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-digits-'))
  const file = join(folder, 'bill.pdf')
  writeFileSync(file, await renderBillPdf(content))
  const pdf = spawnSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' }).stdout
  rmSync(folder, { recursive: true })
  const mail = mailText(content, null)
  return new Map([
    ['page', render(MyBillPage({ context, view }))],
    ['list', render(MyBillsPage({ context, view: [bill] }))],
    ['PDF', pdf],
    ['mail', `${mail.subject}\n${mail.text}`],
    ['HTML mail', mailHtml(content, null)],
    ['SMS', smsText(content, null)],
  ])
}

/** Amounts behind a currency's sign or code, as printed. */
const printed = (text: string, sign: string): readonly string[] =>
  [...text.matchAll(new RegExp(`${sign} ?([0-9,]+(?:\\.[0-9]+)?)`, 'g'))].map(
    ([, amount = '']) => amount,
  )

test('yen have no digits after them, dinars three, rupees two, everywhere', { skip }, async () => {
  const bills = [
    // Prices per kWh, and products before they are rounded, have every digit.
    // 221 kWh: 6,488 and 312 yen, tax 10 % of 6,800.
    [
      'JPY',
      'JPY',
      ['29.3575', '6,488.0075'],
      document('JPY', 0, [energy('29.3575'), fixed('312'), tax('10', 'energy', 'fixed')]),
      '7,480',
      /^[0-9,]+$/,
      ['6,488', '312', '6,800', '680'],
    ],
    // 3.086 dinars, and 5 % of them: 0.154.
    [
      'KWD',
      'KWD',
      ['0.013964', '3.086044'],
      document('KWD', 3, [energy('0.013964'), tax('5', 'energy')]),
      '3.240',
      /^[0-9,]+\.[0-9]{3}$/,
      ['3.086', '0.154'],
    ],
    // A price with one digit in the document has two on paper: 3.5 and 3.50 are one price.
    [
      'INR',
      '(?:₹|Rs)',
      [],
      document('INR', 2, [energy('3.5'), tax('16', 'energy')]),
      '897.26',
      /^[0-9,]+\.[0-9]{2}$/,
      ['3.50', '773.50', '123.76'],
    ],
  ] as const
  for (const [name, sign, prices, tariff, total, digits, parts] of bills)
    for (const [place, text] of await everywhere(billOf(1, 'A', tariff))) {
      const amounts = printed(text, sign)
      assert.ok(amounts.includes(total), `${name} ${total} in the ${place}: ${amounts.join(' ')}`)
      if (place === 'page' || place === 'PDF')
        for (const part of parts)
          assert.ok(amounts.includes(part), `${name} ${part} in the ${place}: ${amounts.join(' ')}`)
      for (const amount of amounts)
        if (!prices.some((price) => price === amount))
          assert.match(amount, digits, `${name} in the ${place}`)
    }
})
