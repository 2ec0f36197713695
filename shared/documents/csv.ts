// A strict reader for CSV as RFC 4180 has it: commas, quotes doubled inside quotes, lines ended
// by LF or CRLF. A spreadsheet's odder habits (other separators, spaces around quotes) are named
// with their line and column, not guessed at.

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

/** Every line as its cells; empty lines are left out. */
export function readCsv(text: string): CsvVerdict {
  const source = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text
  const rows: CsvCell[][] = []
  let [at, line, begin] = [0, 1, 0]
  let row: CsvCell[] = []
  const wrong = (where: number, problem: string): CsvVerdict => ({
    ok: false,
    line,
    column: where - begin + 1,
    problem,
  })
  while (at < source.length) {
    const start = { line, column: at - begin + 1 }
    let cell = ''
    if (source[at] === '"') {
      const close = closingQuote(source, at)
      if (close < 0) return wrong(at, 'a quote that is never closed')
      const inside = source.slice(at + 1, close)
      cell = inside.replaceAll('""', '"')
      const lastBreak = inside.lastIndexOf('\n')
      if (lastBreak >= 0) {
        line += inside.split('\n').length - 1
        begin = at + 1 + lastBreak + 1
      }
      at = close + 1
    } else {
      const end = /[,"\r\n]|$/.exec(source.slice(at))?.index ?? 0
      cell = source.slice(at, at + end)
      at += end
    }
    row.push({ text: cell, ...start })
    const next = source[at]
    if (next === ',') {
      at += 1
      if (at < source.length) continue
      row.push({ text: '', line, column: at - begin + 1 })
    } else if (next !== undefined && !/^\r?\n/.test(source.slice(at, at + 2))) {
      return wrong(at, `${JSON.stringify(next)} here; a cell with quotes is quoted as a whole`)
    }
    at += source[at] === '\r' ? 2 : 1
    line += 1
    begin = at
    const [first] = row
    if (row.length > 1 || first?.text !== '') rows.push(row)
    row = []
  }
  return { ok: true, rows }
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
