// A strict reader for CSV as RFC 4180 has it, in the dialects that office programs save: commas,
// semicolons or tabs between cells, quotes doubled inside quotes, lines ended by LF, CR or both.
// The first separator of the first line is that of the file; a line `sep=;` before it, as one
// program writes it, names it. Odder habits (spaces around quotes) are named with their line and
// column, not guessed at.

export interface CsvCell {
  readonly text: string
  readonly line: number
  /** Of its first character, counted from 1. */
  readonly column: number
}

export type CsvVerdict =
  | { readonly ok: true; readonly rows: readonly (readonly CsvCell[])[] }
  | {
      readonly ok: false
      readonly line: number
      readonly column: number
      readonly problem: string
    }

const BYTE_ORDER_MARK = '\uFEFF'
const LINE_END = /\r\n|\r|\n/g
/** `sep=;`, alone in the first line. */
const NAMED_SEPARATOR = /^"?sep=([,;\t])"?(?:\r\n|\r|\n|$)/i

type Separator = ',' | ';' | '\t'
const isSeparator = (char: string | undefined): char is Separator =>
  char === ',' || char === ';' || char === '\t'

/** Where the reader is in the text. */
interface Place {
  at: number
  line: number
  /** Where its line begins. */
  begin: number
}

/** Every line as its cells; empty lines are left out. */
export function readCsv(text: string): CsvVerdict {
  const source = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text
  const [named = '', separatorNamed] = NAMED_SEPARATOR.exec(source) ?? []
  const separator = isSeparator(separatorNamed) ? separatorNamed : separatorOf(source)
  const place: Place = { at: 0, line: 1, begin: 0 }
  pass(place, named)
  const rows: CsvCell[][] = []
  while (place.at < source.length) {
    const row: CsvCell[] = []
    const problem = readRow(source, place, separator, row)
    if (problem !== null) {
      const { line, at, begin } = place
      return { ok: false, line, column: at - begin + 1, problem }
    }
    if (row.length > 1 || row[0]?.text !== '') rows.push(row)
  }
  return { ok: true, rows }
}

/** The first separator outside quotes in the first line; a comma when it has none. */
function separatorOf(source: string): Separator {
  let quoted = false
  for (const char of source) {
    if (char === '"') quoted = !quoted
    else if (!quoted && isSeparator(char)) return char
    else if (!quoted && (char === '\n' || char === '\r')) break
  }
  return ','
}

/** Reads the cells of a row, and its line end; what is wrong, at the place reached, or null. */
function readRow(
  source: string,
  place: Place,
  separator: Separator,
  row: CsvCell[],
): string | null {
  for (;;) {
    const { line } = place
    const column = place.at - place.begin + 1
    let text = ''
    if (source[place.at] === '"') {
      const close = closingQuote(source, place.at)
      if (close < 0) return 'a quote that is never closed'
      const inside = source.slice(place.at + 1, close)
      text = inside.replaceAll('""', '"')
      pass(place, source.slice(place.at, close + 1))
    } else {
      const begin = place.at
      while (place.at < source.length && !endsCell(source[place.at], separator)) place.at += 1
      text = source.slice(begin, place.at)
    }
    row.push({ text, line, column })
    const next = source[place.at]
    if (next === separator) {
      place.at += 1
    } else if (next === undefined) {
      return null
    } else if (next === '\r' || next === '\n') {
      pass(place, source.startsWith('\r\n', place.at) ? '\r\n' : next)
      return null
    } else {
      return `${JSON.stringify(next)} here; a cell with quotes is quoted as a whole`
    }
  }
}

const endsCell = (char: string | undefined, separator: Separator): boolean =>
  char === separator || char === '"' || char === '\r' || char === '\n'

/** Goes past a piece of the text, counting its lines. */
function pass(place: Place, piece: string): void {
  const start = place.at
  for (const end of piece.matchAll(LINE_END)) {
    place.line += 1
    place.begin = start + end.index + end[0].length
  }
  place.at = start + piece.length
}

/** Index of the quote that closes the one at `open`, or -1. */
function closingQuote(source: string, open: number): number {
  let at = open + 1
  for (;;) {
    at = source.indexOf('"', at)
    if (at < 0 || source[at + 1] !== '"') return at
    at += 2
  }
}

/** One line of CSV, quoted where it must be. */
export const csvLine = (cells: readonly string[]): string =>
  `${cells
    .map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
    .join(',')}\n`
