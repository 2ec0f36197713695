// The paper: margins, colours, and writing a text into a box on it.

import type Pdf from 'pdfkit'
import { isPlain, type Lettering, linesOf, type Part, partsOf } from './lettering.ts'

export type Sheet = InstanceType<typeof Pdf> & {
  /** How the letters of its texts are drawn. */
  readonly lettering: Lettering
}

/** Points. A4 is 595.28 wide. */
export const SIDE = 48
export const WIDTH = 595.28 - 2 * SIDE

export const INK = '#1c2430'
export const GREY = '#5a6472'
export const PALE = '#cfd8e3'
export const BLUE = '#1a3a5c'

export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly size: number
  /** Points; what does not fit is cut with an ellipsis. One line by default. */
  readonly height?: number
  readonly bold?: boolean
  readonly color?: string
  readonly align?: 'left' | 'right'
}

/** Noto Sans: from the top of a line to its baseline, and the height of a line, of its size. */
const ASCENT = 1.069
const LINE = 1.362
const LINE_GAP = 1
/** Width of the outline that makes a stroke bold, and a thin face regular, of its size. */
const BOLD_OUTLINE = 0.022
const THIN_OUTLINE = 0.03

/** No box on the page holds more letters; to measure far longer texts takes minutes. */
const LETTERS_MAX = 600

const clipped = (text: string): string =>
  text.length <= LETTERS_MAX ? text : `${text.slice(0, LETTERS_MAX).toWellFormed()}…`

/** Writes and returns the height used, points. */
export function write(sheet: Sheet, whole: string, box: Box): number {
  const text = clipped(whole)
  if (!isPlain(sheet.lettering, text)) return writeMixed(sheet, text, box)
  const { width, align = 'left', height = box.size * 1.4 } = box
  const options = { width, align, height, ellipsis: true, lineGap: LINE_GAP }
  sheet
    .font(box.bold === true ? 'bold' : 'regular')
    .fontSize(box.size)
    .fillColor(box.color ?? INK)
  const used = Math.min(sheet.heightOfString(text, { width, lineGap: LINE_GAP }), height)
  sheet.text(text, box.x, box.y, options)
  return used
}

/** `features`, although empty, makes pdfkit shape a part as a whole, not word by word. */
const SHAPED: PDFKit.Mixins.TextOptions = {
  lineBreak: false,
  features: [],
  baseline: 'alphabetic',
}

/** Without the placing of marks. fontkit breaks on a font whose table leaves an anchor out, which
 * is legal and common (Gurmukhi, Malayalam, Khmer, Koranic signs); the marks then stand where the
 * font itself puts them. pdfkit's types know no feature that is switched off. */
const MARKS_UNPLACED: PDFKit.Mixins.TextOptions = Object.assign({}, SHAPED, {
  features: { mark: false, mkmk: false, abvm: false, blwm: false },
})

/** How a part is drawn: its width, and the options that do not break on it. */
function shapedBy(sheet: InstanceType<typeof Pdf>, text: string) {
  for (const options of [SHAPED, MARKS_UNPLACED]) {
    try {
      return { options, width: sheet.widthOfString(text, options) }
    } catch {
      // The next one leaves more out.
    }
  }
  return null
}

/** The same for a text of several faces, or one that runs from right to left. */
function writeMixed(sheet: Sheet, text: string, box: Box): number {
  const { width, align = 'left', height = box.size * 1.4, size } = box
  const main = box.bold === true ? 'bold' : 'regular'
  sheet.fontSize(size)
  const fontOf = ({ face }: Part): InstanceType<typeof Pdf> => sheet.font(face?.name ?? main)
  const widthOf = (part: Part): number => shapedBy(fontOf(part), part.text)?.width ?? 0
  const measure = (line: string): number =>
    partsOf(sheet.lettering, line).reduce((sum, part) => sum + widthOf(part), 0)
  const row = size * LINE + LINE_GAP
  const linesMax = Math.max(1, Math.floor(height / row + 0.01))
  const lines = linesOf(text, { width, linesMax, measure })
  for (const [n, line] of lines.entries()) {
    let x = align === 'right' ? box.x + width - measure(line) : box.x
    const y = box.y + n * row + size * ASCENT
    for (const part of partsOf(sheet.lettering, line)) {
      const outline = outlineOf(part, box.bold === true) * size
      const color = box.color ?? INK
      fontOf(part).fillColor(color).strokeColor(color).lineWidth(outline)
      const shaped = shapedBy(sheet, part.text)
      if (shaped === null) continue
      sheet.text(part.text, x, y, { ...shaped.options, fill: true, stroke: outline > 0 })
      x += shaped.width
    }
  }
  return Math.min(lines.length * row, Math.max(height, row))
}

function outlineOf({ face }: Part, bold: boolean): number {
  if (face === null) return 0
  return (face.thin ? THIN_OUTLINE : 0) + (bold ? BOLD_OUTLINE : 0)
}

/** Height of a row of a table, points. */
export const ROW = 17

export interface Column {
  readonly x: number
  readonly width: number
  readonly align?: 'left' | 'right'
}

export function rule(sheet: Sheet, y: number, color = PALE, weight = 0.75): void {
  sheet
    .moveTo(SIDE, y)
    .lineTo(SIDE + WIDTH, y)
    .lineWidth(weight)
    .stroke(color)
}

export function title(sheet: Sheet, text: string, y: number): void {
  write(sheet, text, { x: SIDE, y, width: WIDTH, size: 11, bold: true, color: BLUE })
}
