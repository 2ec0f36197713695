// What was charged and how it was computed.

import { amountText, coinText, grouped } from '../../civil/amount-text.ts'
import { minorText } from '../../civil/money.ts'
import type { BillContent, BilledLine, BilledPart } from '../core/bill-content.ts'
import { unreachable } from '../../../../shared/assert.ts'
import {
  BLUE,
  type Column,
  GREY,
  ROW,
  rule,
  type Sheet,
  SIDE,
  title,
  WIDTH,
  write,
} from './pdf-sheet.ts'

/** Where the page's lower part (how to pay) begins, less a margin, points. */
const BOTTOM = 742

/** Height of what follows the charges: the total, and how it was computed, points. */
const BELOW = 92

/** How one part of a line reads: `100 kWh × ₹3.50 = 350.00`, exact to the last digit, or
 * `16 % of ₹1,646.65`. */
function partText(line: BilledLine, part: BilledPart, bill: BillContent): string {
  const { currency } = bill
  switch (line.kind) {
    case 'slabs':
      return [
        grouped(part.quantity, currency),
        'kWh ×',
        amountText(part.rate, bill),
        '=',
        grouped(coinText(part.amount, bill), currency),
      ].join(' ')
    case 'tax':
      return `${percentText(part.rate)} of ${amountText(part.quantity, bill)}`
    case 'fixed':
      return part.of === undefined
        ? ''
        : `${part.quantity} of ${part.of} days of ${amountText(part.rate, bill)}`
    default:
      return unreachable(line.kind)
  }
}

/** `0.16` -> `16 %`: moves the point, no arithmetic on floats. */
function percentText(rate: string): string {
  const [whole = '0', fraction = ''] = rate.split('.')
  const digits = `${whole}${fraction.padEnd(2, '0')}`
  const at = whole.length + 2
  const rest = digits.slice(at)
  const percent = digits.slice(0, at).replace(/^0+(?=\d)/, '')
  return `${percent}${rest === '' ? '' : `.${rest}`} %`
}

/** Every line with its parts, and the total. Rows shrink when a tariff has many slabs. */
export function drawCharges(sheet: Sheet, bill: BillContent, top: number): number {
  title(sheet, 'What you pay for', top)
  const rowCount = bill.lines.reduce((sum, line) => sum + rowsOf(line), 1)
  const room = BOTTOM - BELOW - (top + 20)
  const row = Math.min(ROW, room / rowCount)
  const size = Math.min(9.5, row * 0.62)
  let y = top + 20
  rule(sheet, y)
  const label: Column = { x: SIDE, width: 190 }
  const detail: Column = { x: SIDE + 190, width: 220 }
  const amount: Column = { x: SIDE + 410, width: WIDTH - 410, align: 'right' }
  for (const line of bill.lines) {
    const text = amountText(line.amount, bill)
    write(sheet, line.label, { ...label, y: y + 2, size })
    write(sheet, text, { ...amount, y: y + 2, size })
    for (const [i, part] of line.parts.entries()) {
      const how = partText(line, part, bill)
      write(sheet, how, { ...detail, y: y + 2 + i * row, size, color: GREY })
    }
    y += rowsOf(line) * row
    rule(sheet, y, '#e6ebf1', 0.5)
  }
  rule(sheet, y, BLUE, 1.25)
  write(sheet, 'Total', { ...label, y: y + 5, size: 12, bold: true })
  const total = amountText(bill.total, bill)
  write(sheet, total, { ...amount, y: y + 5, size: 12, bold: true })
  return y + 24
}

const rowsOf = (line: BilledLine): number => Math.max(1, line.parts.length)

const ROUNDED: ReadonlyMap<string, string> = new Map([
  ['half-away', 'half away from zero'],
  ['half-even', 'half to the even neighbour'],
])

/** How it was computed, in words; the fingerprint lets anybody find the exact price list. */
export function drawHow(sheet: Sheet, bill: BillContent, top: number): number {
  const { tariff } = bill
  const coin = amountText(minorText(1n, Number(bill.minorDigits)), bill)
  const limits =
    tariff.slabProration === 'none'
      ? ''
      : `Slab limits are those of 30 days times ${tariff.months}: ${bill.period.days} days.`
  const rounding = ROUNDED.get(tariff.rounding) ?? tariff.rounding
  const text = [
    'How it was computed: the differences of the readings,',
    'priced slab by slab at full precision;',
    `each line is rounded once to ${coin} (${rounding}), and the total is the sum of the lines.`,
    limits,
    `Tariff ${tariff.code}, valid from ${tariff.validFrom},`,
    `fingerprint ${tariff.hash.slice(0, 16)}. Source: ${tariff.source}.`,
    `Times are local to ${bill.servicePoint.zone}.`,
  ].join(' ')
  const box = { x: SIDE, y: top, width: WIDTH, size: 8, color: GREY, height: 48 }
  return top + write(sheet, text, box)
}
