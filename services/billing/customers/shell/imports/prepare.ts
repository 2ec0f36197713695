// Before the dry run: how the file is written and which column is what, proposed from the file
// itself and from how the last one with the same headers was read.

import type { Kysely } from 'kysely'
import type { Database } from '../../../store/schema.ts'
import type { DateOrder, DecimalMark, Delimiter, Encoding } from '../../core/imports/dialect.ts'
import type { Kind } from '../../core/imports/kinds.ts'
import { guessMapping, headerKey, type Mapping } from '../../core/imports/mapping.ts'
import type { ReadingPlan } from '../../core/imports/views.ts'
import { partsOf } from '../../db/imports/files.ts'
import { rememberedPlan, savePlan } from '../../db/imports/log.ts'
import { type FileHead, type HeadVerdict, readHead } from './head.ts'

/** What somebody has chosen; null: to be proposed. */
export interface Choices {
  readonly encoding: Encoding
  readonly delimiter: Delimiter | null
  readonly decimal: DecimalMark | null
  readonly dates: DateOrder | null
  readonly zone: string | null
  readonly mapping: Mapping | null
}

export type Prepared =
  | { readonly ok: true; readonly head: FileHead; readonly plan: ReadingPlan }
  | Extract<HeadVerdict, { readonly ok: false }>

/** Reads the head of an import's file and stores how the rest will be read. `zone`: proposed for
 * service points that name none. */
export async function prepareImport(
  db: Kysely<Database>,
  job: { readonly id: number; readonly kind: Kind; readonly zone: string },
  choices: Choices,
): Promise<Prepared> {
  const { encoding, delimiter } = choices
  const verdict = await readHead(partsOf(db, job.id), { encoding, delimiter })
  if (!verdict.ok) return verdict
  const { head } = verdict
  const key = headerKey(head.headers)
  const before = await rememberedPlan(db, job.kind, { key, but: job.id })
  const fitting = choices.mapping?.length === head.headers.length ? choices.mapping : null
  const plan: ReadingPlan = {
    encoding,
    delimiter: head.delimiter,
    // Where a semicolon parts cells, the comma is needed for numbers.
    decimal: choices.decimal ?? before?.decimal ?? (head.delimiter === ';' ? ',' : '.'),
    dates: choices.dates ?? before?.dates ?? 'none',
    zone: choices.zone ?? before?.zone ?? job.zone,
    mapping: fitting ?? before?.mapping ?? guessMapping(job.kind, head.headers),
  }
  await savePlan(db, job.id, { kind: job.kind, headers: head.headers, key, plan })
  return { ok: true, head, plan }
}
