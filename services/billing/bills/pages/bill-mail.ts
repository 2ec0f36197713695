// The mail about a bill as HTML; its plain text is core/notice.ts.

import { amountText } from '../../civil/amount-text.ts'
import { dateText, periodText } from '../../civil/calendar.ts'
import type { BillContent } from '../core/bill-content.ts'
import { ESTIMATED_WORDS } from '../core/bill-words.ts'
import { mailText, summary } from '../core/notice.ts'

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
])
const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (letter) => ESCAPES.get(letter) ?? '')

/** With its line ends. */
const lines = (text: string): string => escaped(text).replaceAll('\n', '<br>')

/** One column, no pictures, no remote content: every mail program shows it as it is. */
export function mailHtml(bill: BillContent, link: string | null): string {
  const row = ([label, value]: readonly [string, string]): string => {
    const strong = label === 'Total' ? 'font-weight:bold;border-top:2px solid #1a3a5c' : ''
    const cell = `padding:6px 0;${strong}`
    const head = `<td style="${cell}">${escaped(label)}</td>`
    return `<tr>${head}<td style="${cell};text-align:right">${escaped(value)}</td></tr>`
  }
  const { utility } = bill
  const legal =
    utility.legal === undefined
      ? ''
      : `\n<p style="color:#56606e;font-size:13px">${lines(utility.legal)}</p>`
  const { subject } = mailText(bill, link)
  const [name, period] = [escaped(utility.name), escaped(periodText(bill.period))]
  const amount = escaped(amountText(bill.total, bill))
  const pages =
    link === null
      ? ''
      : `<p style="margin:24px 0 0"><a href="${escaped(link)}">Your usage and all your bills</a>
(the link is yours alone)</p>`
  const estimated =
    bill.energy.estimated === 'yes' ? `<p style="margin:16px 0 0">${ESTIMATED_WORDS}</p>\n` : ''
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escaped(subject)}</title></head>
<body style="margin:0;background:#ffffff;color:#1c2430;font:16px/1.5 'Noto Sans',Arial,sans-serif">
<div style="max-width:34em;margin:0 auto;padding:24px">
<p style="font-size:20px;font-weight:bold;color:#1a3a5c;margin:0 0 16px">${name}</p>
<p>Dear ${escaped(bill.customer.name)},</p>
<p>here is your electricity bill for ${period}. The bill itself is attached as a
PDF; it shows the meter readings and how every amount was computed.</p>
<p style="font-size:28px;font-weight:bold;margin:16px 0 0">${amount}</p>
<p style="margin:0 0 16px">due ${escaped(dateText(bill.dueOn))}</p>
<table style="width:100%;border-collapse:collapse">${summary(bill).map(row).join('')}</table>
${estimated}<p style="font-weight:bold;margin:24px 0 0">How to pay</p>
<p style="margin:0">${utility.payment.map(escaped).join('<br>')}</p>
${pages}
<p style="color:#56606e;margin-top:24px">Questions? ${escaped(utility.contact)}<br>
${name}, ${lines(utility.address)}</p>${legal}
</div></body></html>
`
}
