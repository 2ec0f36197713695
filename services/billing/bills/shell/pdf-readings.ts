// What the meters showed. One register fits on the page with everything that is to be said about
// its two readings; for more there is a line each, and a page of their own behind it.

import { grouped } from '../../civil/amount-text.ts'
import type {
  BillContent,
  BilledReading,
  BilledRegister,
  BilledSegment,
} from '../core/bill-content.ts'
import { clockWords, edgeText, ESTIMATED_WORDS, markOf, wayText } from '../core/bill-words.ts'
import {
  BLUE,
  type Column,
  GREY,
  PALE,
  ROW,
  rule,
  type Sheet,
  SIDE,
  title,
  WIDTH,
  write,
} from './pdf-sheet.ts'

/** Registers listed on the first page; the others stand on the next. */
const LINES_MAX = 6
/** Where the next page ends, points. */
const PAGE_BOTTOM = 790
const PAGE_TOP = 48
const SMALL = 8

const COLUMNS: readonly [Column, Column, Column] = [
  { x: SIDE, width: 190 },
  { x: SIDE + 190, width: 170 },
  { x: SIDE + 360, width: WIDTH - 360, align: 'right' },
]

interface Line {
  readonly segment: BilledSegment
  readonly register: BilledRegister
}

const linesOf = ({ segments }: BillContent): readonly Line[] =>
  segments.flatMap((segment) => segment.registers.map((register) => ({ segment, register })))

const isPlain = (bill: BillContent): boolean => linesOf(bill).length === 1

const kWhText = (kWh: string, bill: BillContent): string => `${grouped(kWh, bill.currency)} kWh`

/** Returns the y below. */
export function drawEnergy(sheet: Sheet, bill: BillContent, top: number): number {
  const [only, ...others] = linesOf(bill)
  const y =
    only !== undefined && others.length === 0
      ? drawOne(sheet, bill, { ...only, top })
      : drawMany(sheet, bill, top)
  rule(sheet, y)
  const estimated = bill.energy.estimated === 'yes'
  const days = `${bill.period.days} days`
  const name = estimated ? 'Energy used, ESTIMATED' : 'Energy used'
  write(sheet, name, { ...COLUMNS[0], y: y + 4, size: 10, bold: true })
  write(sheet, days, { ...COLUMNS[1], y: y + 4, size: 9.5 })
  write(sheet, kWhText(bill.energy.kWh, bill), { ...COLUMNS[2], y: y + 4, size: 10, bold: true })
  const below = y + ROW + 4
  if (!estimated) return below
  const box = { x: SIDE, y: below, width: WIDTH, size: SMALL, color: GREY, height: 3 * SMALL }
  return below + write(sheet, ESTIMATED_WORDS, box)
}

const marked = (words: string, reading: BilledReading): string => {
  const mark = markOf(reading)
  return mark === null ? words : `${words}, ${mark}`
}

function drawOne(
  sheet: Sheet,
  bill: BillContent,
  { segment, register, top }: Line & { readonly top: number },
): number {
  title(sheet, 'Your meter', top)
  const { zone } = bill.servicePoint
  let y = top + 20
  const meter = `Meter ${segment.meter.number}, register ${register.register}`
  write(sheet, meter, { x: SIDE, y, width: WIDTH, size: 9, color: GREY })
  y += ROW
  rule(sheet, y - 2)
  for (const [name, reading] of [
    ['Reading at the beginning', register.opening],
    ['Reading at the end', register.closing],
  ] as const) {
    const row = [marked(name, reading), edgeText(reading, zone), kWhText(reading.kWh, bill)]
    y = drawRow(sheet, row, y)
    y += drawFound(sheet, reading, { zone, y, x: SIDE, width: WIDTH }) + 3
  }
  return drawFactors(sheet, { segment, register }, y)
}

/** How a reading was found, small, on two lines at most. Returns the height. */
function drawFound(
  sheet: Sheet,
  reading: BilledReading,
  at: { readonly zone: string; readonly x: number; readonly y: number; readonly width: number },
): number {
  const words = [wayText(reading, at.zone), clockWords(reading, at.zone)].filter(
    (text) => text !== '',
  )
  const text = words.join(', ')
  const { x, y, width } = at
  return write(sheet, text, { x, y, width, size: SMALL, color: GREY, height: 3 * SMALL })
}

function drawRow(sheet: Sheet, row: readonly string[], y: number): number {
  for (const [i, column] of COLUMNS.entries())
    write(sheet, row[i] ?? '', { ...column, y: y + 2, size: 9.5 })
  return y + ROW
}

/** Rollover and transformer ratio, where there is one. */
function drawFactors(sheet: Sheet, { segment, register }: Line, top: number): number {
  const { digits, multiplier } = segment.meter
  let y = top
  if (register.rolledOver === 'yes')
    y = drawRow(sheet, ['The register rolled over in between', `${digits} digits`], y)
  if (multiplier !== '1') y = drawRow(sheet, ['Transformer ratio', '', `× ${multiplier}`], y)
  return y
}

/** A line for each register. */
function drawMany(sheet: Sheet, bill: BillContent, top: number): number {
  title(sheet, bill.segments.length === 1 ? 'Your meter' : 'Your meters', top)
  const lines = linesOf(bill)
  let y = top + 20
  rule(sheet, y - 2)
  for (const { segment, register } of lines.slice(0, LINES_MAX)) {
    const { opening, closing } = register
    const name = `${segment.meter.number}, ${register.register}`
    const span = `${grouped(opening.kWh, bill.currency)} to ${grouped(closing.kWh, bill.currency)}`
    const mark = [opening, closing].map(markOf).find((text) => text !== null)
    const words = mark === undefined || mark === null ? span : `${span}, ${mark}`
    y = drawRow(sheet, [name, words, kWhText(register.kWh, bill)], y)
  }
  const more = lines.length > LINES_MAX ? `${lines.length - LINES_MAX} more, and how` : 'How'
  const text = `${more} every reading was found: next page.`
  write(sheet, text, { x: SIDE, y: y + 2, width: WIDTH, size: SMALL, color: GREY })
  return y + 14
}

/** The pages behind the first, for a bill of several registers. */
export function drawReadings(sheet: Sheet, bill: BillContent): void {
  if (isPlain(bill)) return
  let y = newPage(sheet, bill)
  const { zone } = bill.servicePoint
  for (const segment of bill.segments) {
    if (y > PAGE_BOTTOM - 110) y = newPage(sheet, bill)
    const from = edgeText({ at: segment.from }, zone)
    const to = edgeText({ at: segment.to }, zone)
    const head = `Meter ${segment.meter.number}`
    write(sheet, head, { ...COLUMNS[0], y, size: 10, bold: true })
    const span = { x: SIDE + 190, y: y + 1, width: WIDTH - 190, size: 9, color: GREY }
    write(sheet, `${from} to ${to}`, { ...span, align: 'right' })
    y += ROW
    for (const register of segment.registers) {
      if (y > PAGE_BOTTOM - 90) y = newPage(sheet, bill)
      y = drawRegister(sheet, bill, { segment, register, top: y })
    }
    rule(sheet, y, PALE)
    const sum = { ...COLUMNS[2], y: y + 3, size: 9.5, bold: true }
    write(sheet, `Meter ${segment.meter.number} together`, { ...COLUMNS[0], y: y + 3, size: 9.5 })
    write(sheet, kWhText(segment.kWh, bill), sum)
    y += 2 * ROW
  }
}

function newPage(sheet: Sheet, bill: BillContent): number {
  sheet.addPage()
  sheet.rect(0, 0, 595.28, 6).fill(BLUE)
  title(sheet, 'The readings in full', PAGE_TOP - 14)
  const number = { x: SIDE + 300, y: PAGE_TOP - 14, width: WIDTH - 300, size: 9, color: GREY }
  write(sheet, `Bill ${bill.number}`, { ...number, align: 'right' })
  return PAGE_TOP + 16
}

function drawRegister(
  sheet: Sheet,
  bill: BillContent,
  { segment, register, top }: Line & { readonly top: number },
): number {
  const { zone } = bill.servicePoint
  let y = top
  rule(sheet, y, '#e6ebf1', 0.5)
  write(sheet, `Register ${register.register}`, { ...COLUMNS[0], y: y + 3, size: 9, color: GREY })
  y += 15
  for (const [name, reading] of [
    ['At the beginning', register.opening],
    ['At the end', register.closing],
  ] as const) {
    const row = [marked(name, reading), edgeText(reading, zone), kWhText(reading.kWh, bill)]
    y = drawRow(sheet, row, y)
    y += drawFound(sheet, reading, { zone, y, x: SIDE, width: WIDTH }) + 2
  }
  y = drawFactors(sheet, { segment, register }, y)
  return drawRow(sheet, ['Used', '', kWhText(register.kWh, bill)], y)
}
