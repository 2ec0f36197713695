// From the bytes of a file to its lines, in slices: memory stays small whatever the file, and the
// event loop is free again after each slice. csv-parse reads what RFC 4180 says; its exceptions
// become verdicts here and nowhere else. docs/adr/0021-csv.md.

import { CsvError, parse } from 'csv-parse'
import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { undefused } from '../../../kit/csv.ts'
import {
  CELL_CHARS_MAX,
  type Delimiter,
  type Encoding,
  EncodingProbe,
  headOf,
  IMPORT_COLUMNS_MAX,
  IMPORT_LINES_MAX,
} from '../../core/imports/dialect.ts'

/** Bytes decoded and parsed at a time: some 300 lines, a few milliseconds. */
const SLICE_BYTES = 32_768
/** Lines handed on at a time. */
const SLICE_LINES = 500
/** Longest record, characters; an unclosed quote would otherwise take the rest of the file. */
const RECORD_CHARS_MAX = IMPORT_COLUMNS_MAX * CELL_CHARS_MAX

/** Most cells of a line that has not ended: `max_record_size` counts what stands in them, and a
 * line of separators alone would take memory without end. */
const CELLS_MAX = 100_000

export interface FileRecord {
  /** Of its first character, counted from 1. */
  readonly line: number
  readonly cells: readonly string[]
}

export type FileVerdict =
  | { readonly ok: true; readonly lines: number }
  | { readonly ok: false; readonly fault: 'OPS-38' | 'OPS-39'; readonly detail: string }

/** How the bytes are read; delimiter null: as the header line says. */
export interface Reading {
  readonly encoding: Encoding
  readonly delimiter: Delimiter | null
}

/** What receives the lines. */
export interface Receiver {
  /** The first line. False: enough, read no further. */
  head(cells: readonly string[], delimiter: Delimiter): boolean
  /** Some lines below it. False: enough. */
  take(records: readonly FileRecord[]): Promise<boolean>
}

/** Why reading ended early. */
class Refused extends Error {
  readonly fault: 'OPS-38' | 'OPS-39'
  constructor(fault: 'OPS-38' | 'OPS-39', detail: string) {
    super(detail)
    this.fault = fault
  }
}

/** Reads a file to its end, or to where it cannot be read. OPS-38: not in that encoding. OPS-39: no
 * CSV, or more than the limits. */
export async function readRecords(
  parts: AsyncIterable<Uint8Array>,
  reading: Reading,
  receiver: Receiver,
): Promise<FileVerdict> {
  try {
    let lines = 0
    for await (const slice of recordSlices(parts, reading)) {
      if ('head' in slice) {
        if (!receiver.head(slice.head, slice.delimiter)) break
        continue
      }
      lines += slice.records.length
      if (!(await receiver.take(slice.records))) break
    }
    return { ok: true, lines }
  } catch (error) {
    if (error instanceof Refused) return { ok: false, fault: error.fault, detail: error.message }
    if (error instanceof CsvError) {
      return { ok: false, fault: 'OPS-39', detail: problemText(error) }
    }
    throw error
  }
}

type Slice =
  | { readonly head: readonly string[]; readonly delimiter: Delimiter }
  | { readonly records: readonly FileRecord[] }

async function* recordSlices(
  parts: AsyncIterable<Uint8Array>,
  reading: Reading,
): AsyncGenerator<Slice> {
  const texts = decoded(parts, reading.encoding)
  const first = await texts.next()
  const text = first.done === true ? '' : first.value
  const head = headOf(text)
  const delimiter = reading.delimiter ?? head.delimiter
  // A line `sep=;` before the header is the writer's note to itself.
  const rest = chain(text.slice(head.skip), texts)
  yield* parsed(rest, { delimiter, skipped: head.skip === 0 ? 0 : 1 })
}

/** The lines below the header of a file that was read before, in slices; what cannot be read any
 * more ends it. */
export async function* linesOf(
  parts: AsyncIterable<Uint8Array>,
  reading: Reading,
): AsyncGenerator<readonly FileRecord[]> {
  for await (const slice of recordSlices(parts, reading)) {
    if ('records' in slice) yield slice.records
  }
}

async function* chain(first: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield first
  yield* rest
}

const PROBLEMS: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quote is never closed',
  INVALID_OPENING_QUOTE: 'a quote stands inside a cell; quote the whole cell',
  CSV_INVALID_CLOSING_QUOTE: 'something follows a closing quote',
  CSV_MAX_RECORD_SIZE: 'a line is too long; a quote before it may never be closed',
}

function problemText(error: CsvError): string {
  const lines: unknown = Reflect.get(error, 'lines')
  const place = typeof lines === 'number' ? `line ${lines}: ` : ''
  return place + (PROBLEMS[error.code] ?? 'no CSV as RFC 4180 has it')
}

/** The text in slices. */
async function* decoded(
  parts: AsyncIterable<Uint8Array>,
  encoding: Encoding,
): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding, { fatal: true })
  const probe = encoding === 'utf-8' ? new EncodingProbe() : null
  const decode = (bytes: Uint8Array | null): string => {
    try {
      return bytes === null ? decoder.decode() : decoder.decode(bytes, { stream: true })
    } catch {
      throw new Refused('OPS-38', probeText(probe) ?? `it is not ${encoding}`)
    }
  }
  for await (const part of parts) {
    for (let at = 0; at < part.length; at += SLICE_BYTES) {
      const slice = part.subarray(at, at + SLICE_BYTES)
      probe?.take(slice)
      const wrong = probeText(probe)
      if (wrong !== null) throw new Refused('OPS-38', wrong)
      const text = decode(slice)
      if (text !== '') yield text
      // Streams hand on in one breath; sockets and timers get their turn here.
      await setImmediate()
    }
  }
  const last = decode(null)
  if (last !== '') yield last
}

function probeText(probe: EncodingProbe | null): string | null {
  const verdict = probe?.verdict
  return verdict === undefined || verdict.ok ? null : `line ${verdict.line} ${verdict.why}`
}

/** Parses and hands on in slices, the header first. */
async function* parsed(
  texts: AsyncIterable<string>,
  how: { readonly delimiter: Delimiter; readonly skipped: number },
): AsyncGenerator<Slice> {
  const parser = parse({
    delimiter: how.delimiter,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: RECORD_CHARS_MAX,
  })
  const source = Readable.from(whileBounded(texts, parser))
  source.on('error', (error) => parser.destroy(error))
  source.pipe(parser)
  let [count, begun]: [number, boolean] = [0, false]
  let records: FileRecord[] = []
  try {
    for await (const item of parser) {
      const record = recordOf(item, how.skipped)
      if (record.cells.every((cell) => cell.trim() === '')) continue
      if (!begun) {
        begun = true
        assertColumns(record.cells)
        yield { head: record.cells, delimiter: how.delimiter }
        continue
      }
      count += 1
      if (count > IMPORT_LINES_MAX) {
        throw new Refused('OPS-39', `it has more than ${IMPORT_LINES_MAX} lines; split it`)
      }
      records.push(record)
      if (records.length < SLICE_LINES) continue
      yield { records }
      records = []
    }
  } finally {
    source.destroy()
    parser.destroy()
  }
  if (!begun) throw new Refused('OPS-39', 'it is empty: its first line names the columns')
  if (records.length > 0) yield { records }
}

/** Hands texts to the parser as long as the line it is at does not grow without end. */
async function* whileBounded(texts: AsyncIterable<string>, parser: object): AsyncGenerator<string> {
  for await (const text of texts) {
    if (cellsSoFar(parser) > CELLS_MAX) {
      const detail = `a line has more than ${CELLS_MAX} cells; is it the right separator?`
      throw new Refused('OPS-39', detail)
    }
    yield text
  }
}

/** csv-parse keeps the cells of the line it is at in its state. */
function cellsSoFar(parser: object): number {
  const state: unknown = Reflect.get(parser, 'state')
  const record: unknown = typeof state === 'object' && state ? Reflect.get(state, 'record') : null
  return Array.isArray(record) ? record.length : 0
}

function assertColumns(cells: readonly string[]): void {
  if (cells.length <= IMPORT_COLUMNS_MAX) return
  const detail = `it has ${cells.length} columns; ${IMPORT_COLUMNS_MAX} are allowed`
  throw new Refused('OPS-39', detail)
}

/** csv-parse says where a record ends; it began as many lines before as its cells hold. */
function recordOf(item: unknown, skipped: number): FileRecord {
  const record: unknown =
    typeof item === 'object' && item !== null ? Reflect.get(item, 'record') : []
  const info: unknown = typeof item === 'object' && item !== null ? Reflect.get(item, 'info') : {}
  const lines: unknown = typeof info === 'object' && info !== null ? Reflect.get(info, 'lines') : 0
  // One more than there may be, so that the line is refused, and no more memory than that.
  const kept: unknown[] = Array.isArray(record) ? record.slice(0, IMPORT_COLUMNS_MAX + 1) : []
  const cells = kept.map((cell: unknown) => undefused(String(cell)))
  const inside = cells.reduce((sum, cell) => sum + cell.split('\n').length - 1, 0)
  return { line: Number(lines) - inside + skipped, cells }
}
