// The lines of a file that were refused, as people had them, with a reason behind each: to be
// corrected and imported again.

import type { Kysely } from 'kysely'
import type { CsvList, CsvValue } from '../../../kit/csv.ts'
import type { Database } from '../../../store/schema.ts'
import { refusalText } from '../../core/imports/labels.ts'
import type { ImportView } from '../../core/imports/views.ts'
import { partsOf } from '../../db/imports/files.ts'
import { refusalsOf } from '../../db/imports/log.ts'
import { linesOf } from './records.ts'

/** Refusals fetched at a time. */
const REFUSALS_PAGE = 2_000

/** The columns that refused files add; an import of the corrected file leaves them out. */
export const REASON_COLUMNS = ['Refused line', 'Refused because'] as const

export const refusedList = (db: Kysely<Database>, view: ImportView): CsvList => ({
  head: [...view.headers, ...REASON_COLUMNS],
  rows: refusedRows(db, view),
})

/** Both the file and its refusals are in the order of lines: one pass over both. */
async function* refusedRows(
  db: Kysely<Database>,
  view: ImportView,
): AsyncGenerator<readonly CsvValue[]> {
  if (view.plan === null) return
  const refusals = refusalGroups(db, view.id)
  let next = await refusals.next()
  for await (const records of linesOf(partsOf(db, view.id), view.plan)) {
    for (const { line, cells } of records) {
      if (next.done === true) return
      if (next.value.line !== line) continue
      const padded = view.headers.map((_, at) => cells[at] ?? '')
      yield [...padded, line, next.value.text]
      next = await refusals.next()
    }
  }
}

/** Everything that is wrong with a line, line by line. */
async function* refusalGroups(
  db: Kysely<Database>,
  id: number,
): AsyncGenerator<{ readonly line: number; readonly text: string }> {
  let held: { line: number; texts: string[] } | null = null
  for (let after = 0; ; ) {
    const rows = await refusalsOf(db, id, { after, limit: REFUSALS_PAGE })
    const last = rows.at(-1)
    const isLastPage = rows.length < REFUSALS_PAGE
    // The last line of a full page may go on: it is fetched anew.
    for (const row of rows.filter(({ line }) => isLastPage || line !== last?.line)) {
      if (held !== null && held.line !== row.line) {
        yield { line: held.line, text: held.texts.join('; ') }
        held = null
      }
      held ??= { line: row.line, texts: [] }
      held.texts.push(refusalText(row))
    }
    if (last === undefined || isLastPage) break
    after = last.line - 1
  }
  if (held !== null) yield { line: held.line, text: held.texts.join('; ') }
}
