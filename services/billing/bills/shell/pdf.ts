// The bill on A4, drawn from the stored content alone: one page, and where several meters or
// registers make it a second one with all their readings. The same content gives the same
// bytes: the PDF's own date is the day of issue, and nothing else in it comes from outside.

import { join } from 'node:path'
import Pdf from 'pdfkit'
import { packageRoot } from '../../../../shared/node/root.ts'
import type { BillContent } from '../core/bill-content.ts'
import { dateText, parseUtc, periodText } from '../../civil/calendar.ts'
import { amountText } from '../../civil/amount-text.ts'
import { MAIN_BOLD, MAIN_REGULAR } from './faces.ts'
import { letteringOf } from './lettering.ts'
import { drawEnergy, drawReadings } from './pdf-readings.ts'
import { drawCharges, drawHow } from './pdf-tables.ts'
import { GREY, INK, type Sheet, SIDE, WIDTH, write, BLUE, PALE } from './pdf-sheet.ts'

/** Every text of a bill, as it is drawn and not as JSON spells it. */
function textsOf(bill: BillContent): string {
  const texts: string[] = []
  JSON.stringify(bill, (_key, value: unknown) => {
    if (typeof value === 'string') texts.push(value)
    return value
  })
  return texts.join('\n')
}

interface DrawOptions {
  /** Gets the letters that no face draws. */
  readonly onMissing?: (letters: readonly string[]) => void
  /** The picture that the bill names, PNG or JPEG. */
  readonly logo?: Uint8Array | null
}

/** Resolves to the bytes of the page. Takes tens of milliseconds: the server calls it in a thread
 * (press.ts). */
export async function renderBillPdf(
  bill: BillContent,
  { onMissing = () => {}, logo = null }: DrawOptions = {},
): Promise<Uint8Array> {
  const lettering = await letteringOf(textsOf(bill))
  if (lettering.missing.length > 0) onMissing(lettering.missing)
  const issuedAt = new Date(parseUtc(bill.issuedAt) ?? 0)
  const paper = new Pdf({
    size: 'A4',
    margin: 0,
    lang: 'en',
    displayTitle: true,
    info: {
      Title: `Electricity bill ${bill.number}`,
      Author: bill.utility.name,
      Creator: 'Ticklock',
      Producer: 'Ticklock',
      CreationDate: issuedAt,
      ModDate: issuedAt,
    },
  })
  const sheet: Sheet = Object.assign(paper, { lettering })
  const pages: Uint8Array[] = []
  const done = new Promise<Uint8Array>((resolve, reject) => {
    sheet.on('data', (chunk: Uint8Array) => pages.push(chunk))
    sheet.on('end', () => resolve(new Uint8Array(Buffer.concat(pages))))
    sheet.on('error', reject)
  })
  sheet.registerFont('regular', join(packageRoot(), MAIN_REGULAR))
  sheet.registerFont('bold', join(packageRoot(), MAIN_BOLD))
  for (const [name, font] of lettering.fonts) sheet.registerFont(name, Buffer.from(font))
  drawBill(sheet, bill, logo)
  sheet.end()
  return done
}

function drawBill(sheet: Sheet, bill: BillContent, logo: Uint8Array | null): void {
  drawHead(sheet, bill, logo)
  drawParties(sheet, bill)
  drawDue(sheet, bill)
  let y = drawEnergy(sheet, bill, 300)
  y = drawCharges(sheet, bill, y + 20)
  y = drawHow(sheet, bill, y + 18)
  drawPayment(sheet, bill)
  const isLegalDrawn = drawLegal(sheet, bill, y)
  drawReadings(sheet, bill)
  if (!isLegalDrawn) drawLegalApart(sheet, bill)
}

/** Room for the logo, points. */
const LOGO = { width: 84, height: 50, gap: 12 } as const

function drawHead(sheet: Sheet, bill: BillContent, logo: Uint8Array | null): void {
  sheet.rect(0, 0, 595.28, 6).fill(BLUE)
  const room = { width: LOGO.width, height: LOGO.height }
  if (logo !== null) {
    sheet.image(Buffer.from(logo), SIDE, 34, { fit: [room.width, room.height], valign: 'center' })
  }
  const inset = logo === null ? 0 : LOGO.width + LOGO.gap
  const left = { x: SIDE + inset, width: 300 - inset } as const
  const { name } = bill.utility
  const size = nameSize(sheet, name, left.width)
  const named = write(sheet, name, { ...left, y: 36, size, bold: true, color: BLUE, height: 32 })
  const address = bill.utility.address.replaceAll('\n', ', ')
  const below = 36 + named + 2
  write(sheet, address, { ...left, y: below, size: 9, color: GREY, height: 92 - below })
  const right = { x: SIDE + 300, width: WIDTH - 300, align: 'right' } as const
  write(sheet, 'Electricity bill', { ...right, y: 34, size: 14, bold: true })
  write(sheet, `No. ${bill.number}`, { ...right, y: 55, size: 10 })
  write(sheet, `Issued ${dateText(bill.issuedOn)}`, { ...right, y: 69, size: 9, color: GREY })
  sheet
    .moveTo(SIDE, 94)
    .lineTo(SIDE + WIDTH, 94)
    .lineWidth(0.75)
    .stroke(PALE)
}

/** The usual size of the utility's name where it stands in one line, or else one in which it does
 * in two. */
function nameSize(sheet: Sheet, name: string, width: number): number {
  sheet.font('bold')
  if (sheet.fontSize(16).widthOfString(name) <= width) return 16
  return sheet.fontSize(11).heightOfString(name, { width }) <= 32 ? 11 : 8.5
}

function drawParties(sheet: Sheet, bill: BillContent): void {
  const { customer, servicePoint } = bill
  const left = { x: SIDE, width: 252 } as const
  const named = write(sheet, customer.name, { ...left, y: 112, size: 11, bold: true, height: 31 })
  const below = 112 + named + 2
  write(sheet, customer.address, { ...left, y: below, size: 10, height: 196 - below })
  const facts: readonly (readonly [string, string])[] = [
    ['Customer number', customer.number],
    ['Service point', servicePoint.code],
    ['Supplied at', servicePoint.address],
    ['Tariff', bill.tariff.name],
  ]
  let y = 112
  for (const [label, value] of facts) {
    write(sheet, label, { x: 320, y, width: 90, size: 9, color: GREY })
    const height = write(sheet, value, {
      x: 412,
      y,
      width: SIDE + WIDTH - 412,
      size: 9,
      height: 26,
    })
    y += Math.max(15, height + 3)
  }
}

/** The one thing everybody looks for: how much, and by when. */
function drawDue(sheet: Sheet, bill: BillContent): void {
  sheet.roundedRect(SIDE, 200, WIDTH, 76, 4).fill('#eef3f8')
  write(sheet, 'Amount to pay', { x: SIDE + 18, y: 212, width: 200, size: 9, color: GREY })
  const amount = amountText(bill.total, bill)
  write(sheet, amount, { x: SIDE + 18, y: 226, width: 260, size: 26, bold: true, color: BLUE })
  const column = (x: number, label: string, value: string): void => {
    write(sheet, label, { x, y: 212, width: 120, size: 9, color: GREY })
    write(sheet, value, { x, y: 233, width: 122, size: 12, bold: true, color: INK })
  }
  column(306, 'Please pay by', dateText(bill.dueOn))
  column(430, 'Bill for', periodText(bill.period))
}

function drawPayment(sheet: Sheet, bill: BillContent): void {
  const top = 748
  sheet
    .moveTo(SIDE, top)
    .lineTo(SIDE + WIDTH, top)
    .lineWidth(0.75)
    .stroke(PALE)
  write(sheet, 'How to pay', { x: SIDE, y: top + 12, width: 300, size: 10, bold: true })
  const ways = bill.utility.payment.join('\n')
  write(sheet, ways, { x: SIDE, y: top + 28, width: 310, size: 9, height: 54 })
  const right = { x: SIDE + 330, width: WIDTH - 330 } as const
  write(sheet, 'Questions about this bill?', { ...right, y: top + 12, size: 10, bold: true })
  const contact = `${bill.utility.contact}\nPlease give the bill number ${bill.number}.`
  write(sheet, contact, { ...right, y: top + 28, size: 9, height: 54 })
}

/** Where the first page's own text ends, above the way to pay. */
const LEGAL_BOTTOM = 740
const LEGAL_SIZE = 7.5
/** Space above it at least. */
const LEGAL_GAP = 10

/** Draws it above the way to pay, when there is room below `y`; true: it is drawn, or there is
 * none. */
function drawLegal(sheet: Sheet, { utility: { legal } }: BillContent, y: number): boolean {
  if (legal === undefined) return true
  const top = LEGAL_BOTTOM - legalHeights(sheet, legal).reduce((sum, height) => sum + height, 0)
  if (top < y + LEGAL_GAP) return false
  writeLegal(sheet, legal, top)
  return true
}

/** The same on a page of its own. */
function drawLegalApart(sheet: Sheet, { number, utility: { legal = '' } }: BillContent): void {
  sheet.addPage()
  write(sheet, `Bill ${number}`, { x: SIDE, y: 36, width: WIDTH, size: 9, color: GREY })
  writeLegal(sheet, legal, 60)
}

function writeLegal(sheet: Sheet, legal: string, top: number): void {
  const heights = legalHeights(sheet, legal)
  let y = top
  for (const [at, text] of legal.split('\n').entries()) {
    const height = heights[at] ?? 0
    write(sheet, text, { x: SIDE, y, width: WIDTH, size: LEGAL_SIZE, color: GREY, height })
    y += height
  }
}

/** Heights of its paragraphs, with room for letters of other faces, which may run wider. */
function legalHeights(sheet: Sheet, legal: string): readonly number[] {
  sheet.font('regular').fontSize(LEGAL_SIZE)
  return legal.split('\n').map((text) => {
    const lines = Math.ceil(sheet.heightOfString(`${text} `, { width: WIDTH }) / LEGAL_SIZE / 1.4)
    return (lines === 1 ? 1 : Math.ceil(lines * 1.25)) * LEGAL_SIZE * 1.5
  })
}
