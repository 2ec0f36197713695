// The paper: margins, colours, and writing a text into a box on it.

import type Pdf from 'pdfkit'

export type Sheet = InstanceType<typeof Pdf>

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

/** Writes and returns the height used, points. */
export function write(sheet: Sheet, text: string, box: Box): number {
  const { width, align = 'left', height = box.size * 1.4 } = box
  const options = { width, align, height, ellipsis: true, lineGap: 1 }
  sheet
    .font(box.bold === true ? 'bold' : 'regular')
    .fontSize(box.size)
    .fillColor(box.color ?? INK)
  const used = Math.min(sheet.heightOfString(text, { width, lineGap: 1 }), height)
  sheet.text(text, box.x, box.y, options)
  return used
}
