// The notice of a new bill: one short message, or a mail with the bill attached.

import { amountText, amountTextPlain, grouped } from '../../civil/amount-text.ts'
import type { BillContent } from './bill-content.ts'
import { dateText, periodText } from '../../civil/calendar.ts'
import { smsLength } from '../../notices/core/sms-length.ts'

/** The longest wording that fits into one message; the shortest if none does. */
export function smsText(bill: BillContent): string {
  const amount = amountTextPlain(bill.total, bill.currency)
  const period = periodText(bill.period)
  const due = dateText(bill.dueOn)
  const energy = `${grouped(bill.energy.kWh, bill.currency)} kWh`
  const billed = `${bill.utility.name}: your electricity bill for ${period} is ${amount}`
  const pay = `Please pay by ${due}. Bill ${bill.number}`
  const wordings = [
    `${billed} for ${energy}. ${pay}, meter ${bill.meter.number}.`,
    `${billed} for ${energy}. ${pay}.`,
    `Your electricity bill for ${period} is ${amount}. ${pay}.`,
    `Electricity bill ${bill.number}: ${amount}, due ${due}.`,
  ]
  const fitting = wordings.find((text) => smsLength(text).parts === 1)
  return fitting ?? wordings[wordings.length - 1] ?? ''
}

export interface MailText {
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** Subject, plain text and HTML of the mail that carries the bill as a PDF. `link` opens the
 * customer's own pages; null when there is none. */
export function mailText(bill: BillContent, link: string | null): MailText {
  const amount = amountText(bill.total, bill.currency)
  const period = periodText(bill.period)
  const subject = `Your electricity bill for ${period}: ${amount}, due ${dateText(bill.dueOn)}`
  return { subject, text: plainMail(bill, link), html: htmlMail(bill, subject, link) }
}

/** Labels and values in the mail, as printed on the bill. */
function summary(bill: BillContent): readonly (readonly [string, string])[] {
  const { currency } = bill
  return [
    ['Bill', bill.number],
    ['Period', periodText(bill.period)],
    ['Meter', bill.meter.number],
    ['Energy used', `${grouped(bill.energy.kWh, currency)} kWh`],
    ...bill.lines.map(({ label, amount }) => [label, amountText(amount, currency)] as const),
    ['Total', amountText(bill.total, currency)],
    ['Please pay by', dateText(bill.dueOn)],
  ]
}

function plainMail(bill: BillContent, link: string | null): string {
  const lines = summary(bill).map(([label, value]) => `${label}: ${value}`)
  return [
    `Dear ${bill.customer.name},`,
    '',
    `here is your electricity bill for ${periodText(bill.period)}.`,
    'The bill itself is attached as a PDF;',
    'it shows the meter readings and how every amount was computed.',
    '',
    ...lines,
    '',
    'How to pay',
    ...bill.utility.payment,
    '',
    ...(link === null
      ? []
      : ['Your usage and all your bills (the link is yours alone):', link, '']),
    `Questions? ${bill.utility.contact}`,
    '',
    bill.utility.name,
    bill.utility.address,
  ].join('\n')
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
])
const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (letter) => ESCAPES.get(letter) ?? '')

/** One column, no pictures, nothing loaded from anywhere: a mail program shows it as it is. */
function htmlMail(bill: BillContent, subject: string, link: string | null): string {
  const row = ([label, value]: readonly [string, string]): string => {
    const strong = label === 'Total' ? 'font-weight:bold;border-top:2px solid #1a3a5c' : ''
    const cell = `padding:6px 0;${strong}`
    const head = `<td style="${cell}">${escaped(label)}</td>`
    return `<tr>${head}<td style="${cell};text-align:right">${escaped(value)}</td></tr>`
  }
  const { utility } = bill
  const [name, period] = [escaped(utility.name), escaped(periodText(bill.period))]
  const amount = escaped(amountText(bill.total, bill.currency))
  const pages =
    link === null
      ? ''
      : `<p style="margin:24px 0 0"><a href="${escaped(link)}">Your usage and all your bills</a>
(the link is yours alone)</p>`
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
<p style="font-weight:bold;margin:24px 0 0">How to pay</p>
<p style="margin:0">${utility.payment.map(escaped).join('<br>')}</p>
${pages}
<p style="color:#56606e;margin-top:24px">Questions? ${escaped(utility.contact)}<br>
${name}, ${escaped(utility.address)}</p>
</div></body></html>
`
}
