// Lists as CSV files that a spreadsheet opens and cannot be tricked by. What begins with = + - @ or
// a tab is a formula to a spreadsheet, and whoever chooses a name in the list would choose what
// runs on the reader's machine; so such text gets an apostrophe in front. Numbers are written as
// numbers. The importers take the apostrophe away again (`undefused`), so a file survives the way
// out, through a spreadsheet that keeps it, and back.

import { assert } from '../../../shared/assert.ts'

/** Text, a whole number, an exact decimal as text, or nothing. */
export type CsvValue = string | number | null | { readonly exact: string }

export interface CsvList {
  readonly head: readonly string[]
  readonly rows: Iterable<readonly CsvValue[]> | AsyncIterable<readonly CsvValue[]>
}

/** What begins a formula in some spreadsheet; the wide forms are those of East Asian keyboards. */
const TRIGGER = '[=+\\-@\\uFF1D\\uFF0B\\uFF0D\\uFF20]'
/** A cell may begin anew behind these when a program expects another separator than a comma. */
const CELL_BEGINS = '(?<=^|[;\\t\\r\\n])'
const DANGEROUS = new RegExp(`${CELL_BEGINS}(?=[\\s']*${TRIGGER}|'*[\\t\\r])`, 'g')
const DEFUSED = new RegExp(`${CELL_BEGINS}'(?=[\\s']*${TRIGGER}|'*[\\t\\r])`, 'g')

/** The text with an apostrophe before everything that a spreadsheet would take for a formula. */
export const defused = (text: string): string => text.replace(DANGEROUS, "'")

/** The text as it was before `defused`. */
export const undefused = (text: string): string => text.replace(DEFUSED, '')

const EXACT = /^-?\d+(?:\.\d+)?$/

function cellText(value: CsvValue): string {
  if (value === null) return ''
  if (typeof value === 'string') return `"${defused(value).replaceAll('"', '""')}"`
  const text = typeof value === 'number' ? String(value) : value.exact
  assert(EXACT.test(text), 'a number in a list is a plain decimal')
  return text
}

/** One line, as RFC 4180 has it. */
export const csvRow = (values: readonly CsvValue[]): string =>
  `${values.map(cellText).join(',')}\r\n`

/** Without it a spreadsheet takes UTF-8 for the letters of its own region. */
const BYTE_ORDER_MARK = '\uFEFF'
/** A piece of a file is sent once it has so many characters: large enough for few packets, small
 * enough that a list of any length needs no memory. */
const PIECE_CHARS = 32_768

/** The file piece by piece: no more than one piece is held. */
export async function* csvPieces({ head, rows }: CsvList): AsyncGenerator<string> {
  let piece = BYTE_ORDER_MARK + csvRow(head)
  for await (const row of rows) {
    piece += csvRow(row)
    if (piece.length < PIECE_CHARS) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}
