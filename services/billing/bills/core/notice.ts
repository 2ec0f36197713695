// The notice of a new bill: one short message, or a mail with the bill attached.

import { amountText, amountTextPlain, grouped } from '../../civil/amount-text.ts'
import type { BillContent } from './bill-content.ts'
import { ESTIMATED_WORDS, meterNumbers, metersText } from './bill-words.ts'
import { dateText, periodText } from '../../civil/calendar.ts'
import { smsLength } from '../../notices/core/sms-length.ts'

/** The longest wording that fits into one message together with the link behind it; the shortest if
 * none does. `link` opens the customer's own pages; null when there is none. */
export function smsText(bill: BillContent, link: string | null): string {
  const amount = amountTextPlain(bill.total, bill)
  const period = periodText(bill.period)
  const due = dateText(bill.dueOn)
  const energy = energyText(bill)
  const billed = `${bill.utility.name}: your electricity bill for ${period} is ${amount}`
  const pay = `Please pay by ${due}. Bill ${bill.number}`
  const behind = link === null ? '' : ` ${link}`
  const wordings = [
    `${billed} for ${energy}. ${pay}, ${metersText(bill)}.`,
    `${billed} for ${energy}. ${pay}.`,
    `Your electricity bill for ${period} is ${amount}. ${pay}.`,
    `Electricity bill ${bill.number}: ${amount}, due ${due}.`,
    `Bill ${bill.number}: ${amount}.`,
  ].map((text) => `${text}${behind}`)
  return wordings.find((text) => smsLength(text).parts === 1) ?? wordings.at(-1) ?? ''
}

/** `221 kWh`; an estimate says so wherever the amount stands. */
const energyText = ({ energy, currency }: BillContent): string =>
  `${grouped(energy.kWh, currency)} kWh${energy.estimated === 'yes' ? ' (estimated)' : ''}`

export interface MailText {
  readonly subject: string
  readonly text: string
}

/** Subject and plain text of the mail that carries the bill as a PDF. `link` opens the customer's
 * own pages; null when there is none. */
export function mailText(bill: BillContent, link: string | null): MailText {
  const amount = amountText(bill.total, bill)
  const period = periodText(bill.period)
  const subject = `Your electricity bill for ${period}: ${amount}, due ${dateText(bill.dueOn)}`
  return { subject, text: plainMail(bill, link) }
}

/** Labels and values in the mail, as printed on the bill. */
export function summary(bill: BillContent): readonly (readonly [string, string])[] {
  return [
    ['Bill', bill.number],
    ['Period', periodText(bill.period)],
    [bill.segments.length === 1 ? 'Meter' : 'Meters', meterNumbers(bill).join(', ')],
    ['Energy used', energyText(bill)],
    ...bill.lines.map(({ label, amount }) => [label, amountText(amount, bill)] as const),
    ['Total', amountText(bill.total, bill)],
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
    ...(bill.energy.estimated === 'yes' ? ['', ESTIMATED_WORDS] : []),
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
    ...(bill.utility.legal === undefined ? [] : ['', bill.utility.legal]),
  ].join('\n')
}
