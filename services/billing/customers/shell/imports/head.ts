// The beginning of a file: its headers, what parts its cells, and a few lines for the eye.

import { isPlainText } from '../../../kit/plain-text.ts'
import type { Delimiter, Encoding } from '../../core/imports/dialect.ts'
import { type FileVerdict, readRecords } from './records.ts'

/** Lines shown below the headers while columns are mapped. */
const SAMPLE_LINES = 5

export interface FileHead {
  readonly headers: readonly string[]
  readonly delimiter: Delimiter
  readonly sample: readonly (readonly string[])[]
}

export type HeadVerdict =
  | { readonly ok: true; readonly head: FileHead }
  | Extract<FileVerdict, { readonly ok: false }>

/** Reads no further than the first lines. */
export async function readHead(
  parts: AsyncIterable<Uint8Array>,
  reading: { readonly encoding: Encoding; readonly delimiter: Delimiter | null },
): Promise<HeadVerdict> {
  let found: FileHead | null = null
  const verdict = await readRecords(beginning(parts), reading, {
    head: (headers, delimiter) => {
      found = { headers: headers.map((header) => header.trim()), delimiter, sample: [] }
      return true
    },
    take: async (records) => {
      const sample = records.slice(0, SAMPLE_LINES).map(({ cells }) => cells)
      if (found !== null) found = { ...found, sample }
      return false
    },
  })
  if (found !== null && !isText(found)) {
    const detail = 'its first line is no text: save the table as CSV'
    return { ok: false, fault: 'OPS-39', detail }
  }
  // A file that ends in the middle of a line is one of which only the beginning was read.
  if (found !== null) return { ok: true, head: found }
  return verdict.ok ? { ok: false, fault: 'OPS-39', detail: 'it has no header' } : verdict
}

/** A workbook or an archive is read without an error in an encoding of one byte per letter. */
const isText = ({ headers }: FileHead): boolean => headers.every((header) => isPlainText(header))

const LINE_FEED = 10

/** The first part, up to its last line end: what is cut in the middle of a line is no mistake. */
async function* beginning(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const part of parts) {
    const end = part.lastIndexOf(LINE_FEED)
    yield end < 0 ? part : part.subarray(0, end + 1)
    return
  }
}
