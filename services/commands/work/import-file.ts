// `ticklock import`: the same import as on the pages, against the running head-end's database. It
// stands in the log of imports too, and can be undone there.

import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import { errorText, FaultError } from '../../../shared/node/fault-error.ts'
import {
  type DateOrder,
  type DecimalMark,
  type Delimiter,
  type Encoding,
  isEncodingName,
} from '../../billing/customers/core/imports/dialect.ts'
import { isKind, type Kind, KINDS } from '../../billing/customers/core/imports/kinds.ts'
import { ENTITY_WORDS, refusalText } from '../../billing/customers/core/imports/labels.ts'
import { mappingProblem } from '../../billing/customers/core/imports/mapping.ts'
import { ENTITIES, totalOf } from '../../billing/customers/core/imports/outcome.ts'
import type { ImportView } from '../../billing/customers/core/imports/views.ts'
import { COLUMN_WORDS } from '../../billing/customers/core/imports/words.ts'
import { dropImport } from '../../billing/customers/db/imports/files.ts'
import { findImport, moveImport, refusalsOf } from '../../billing/customers/db/imports/log.ts'
import { prepareImport } from '../../billing/customers/shell/imports/prepare.ts'
import { receiveFile } from '../../billing/customers/shell/imports/receive.ts'
import { refusedList } from '../../billing/customers/shell/imports/refused.ts'
import { applyImport, checkImport } from '../../billing/customers/shell/imports/run.ts'
import { csvPieces } from '../../billing/kit/csv.ts'
import type { Db } from '../../billing/store/pool.ts'
import type { Settings } from '../../settings.ts'
import { operator, withDatabase } from './database.ts'

/** Refusals printed; --refused writes them all. */
const REFUSALS_PRINTED = 20

export interface ImportOrder {
  readonly kind: Kind
  readonly dryRun: boolean
  readonly delimiter: Delimiter | null
  readonly encoding: Encoding
  readonly decimal: DecimalMark | null
  readonly dates: DateOrder | null
  readonly zone: string | null
  readonly refused: string | null
}

type Given = Readonly<Record<string, string | boolean | undefined>>

const DELIMITER_WORDS: Readonly<Record<string, Delimiter>> = {
  comma: ',',
  ',': ',',
  semicolon: ';',
  ';': ';',
  tab: '\t',
  '\t': '\t',
}
const DECIMAL_WORDS: Readonly<Record<string, DecimalMark>> = {
  point: '.',
  '.': '.',
  comma: ',',
  ',': ',',
}
const DATE_WORDS: Readonly<Record<string, DateOrder>> = { day: 'day', month: 'month' }

/** The options of the command, or what is wrong with them. */
export function readImportOptions(
  given: Given,
):
  | { readonly ok: true; readonly order: ImportOrder }
  | { readonly ok: false; readonly wrong: string } {
  const text = (name: string): string => String(given[name] ?? '')
  const kind = text('kind')
  if (!isKind(kind)) return { ok: false, wrong: `--kind is one of ${KINDS.join(', ')}` }
  const encoding = text('encoding') || 'utf-8'
  if (!isEncodingName(encoding)) return { ok: false, wrong: `--encoding ${encoding} is not known` }
  const word = <T>(name: string, words: Readonly<Record<string, T>>): T | null | undefined =>
    given[name] === undefined ? null : words[text(name)]
  const delimiter = word('delimiter', DELIMITER_WORDS)
  const decimal = word('decimal', DECIMAL_WORDS)
  const dates = word('dates', DATE_WORDS)
  if (delimiter === undefined) return { ok: false, wrong: '--delimiter is comma, semicolon or tab' }
  if (decimal === undefined) return { ok: false, wrong: '--decimal is point or comma' }
  if (dates === undefined) return { ok: false, wrong: '--dates is day or month' }
  const [zone, refused] = [given['zone'], given['refused']].map((value) =>
    typeof value === 'string' ? value : null,
  )
  const dryRun = given['dry-run'] === true
  const rest = { zone: zone ?? null, refused: refused ?? null, dryRun }
  return { ok: true, order: { kind, encoding, delimiter, decimal, dates, ...rest } }
}

/** Imports a file and prints what came of it. OPS-04 when it cannot be read, OPS-38 and OPS-39 when
 * it cannot be imported. */
export async function importByCommand(
  settings: Settings,
  path: string,
  order: ImportOrder,
): Promise<void> {
  await withDatabase(settings, async (db) => {
    const id = await received(db, path, order)
    await prepared(db, id, order)
    await moveImport(db.kysely, id, { from: ['uploaded'], to: 'checking' })
    const store = { pool: db.pool, db: db.kysely }
    await checkImport(store, id)
    const checked = await standing(db, id, 'checked')
    await printOutcome(db, checked)
    if (order.refused !== null) await writeRefused(db, checked, order.refused)
    const { counts } = checked
    const writes = counts === null ? 0 : totalOf(counts, 'new') + totalOf(counts, 'changed')
    if (order.dryRun || writes === 0) {
      console.log('Nothing was written.')
      return
    }
    await moveImport(db.kysely, id, { from: ['checked'], to: 'applying' })
    await applyImport(store, id, operator())
    await standing(db, id, 'applied')
    console.log(`Import ${id}: ${writes} rows were written. Undo: the page Imports.`)
  })
}

async function received(db: Db, path: string, { kind }: ImportOrder): Promise<number> {
  const chunks = readable(path)
  const file = { kind, name: basename(path), by: operator(), chunks }
  const verdict = await receiveFile(db.kysely, file)
  if (!verdict.ok) throw new FaultError(verdict.fault, `${path}: ${verdict.detail}`)
  return verdict.id
}

async function* readable(path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path)) {
      if (chunk instanceof Uint8Array) yield chunk
    }
  } catch (error) {
    throw new FaultError('OPS-04', `${path}: ${errorText(error)}`)
  }
}

/** Guesses the columns and says how; a file without what its kind needs is refused. */
async function prepared(db: Db, id: number, order: ImportOrder): Promise<void> {
  const { kind, encoding, delimiter, decimal, dates, zone } = order
  const choices = { encoding, delimiter, decimal, dates, zone, mapping: null }
  const made = await prepareImport(db.kysely, { id, kind, zone: '' }, choices)
  const problem = made.ok ? mappingProblem(kind, made.plan.mapping) : made.detail
  if (!made.ok || problem !== null) {
    await dropImport(db.kysely, id)
    throw new FaultError(made.ok ? 'OPS-39' : made.fault, problem ?? '')
  }
  for (const [at, target] of made.plan.mapping.entries()) {
    const place = target === null ? '(left out)' : COLUMN_WORDS[target].label
    console.log(`column ${at + 1} "${made.head.headers[at] ?? ''}": ${place}`)
  }
}

/** The import in the state that it should be in by now. */
async function standing(db: Db, id: number, state: ImportView['state']): Promise<ImportView> {
  const view = await findImport(db.kysely, id)
  if (view === null || view.state !== state) {
    const code = view?.code === 'OPS-38' ? 'OPS-38' : 'OPS-39'
    throw new FaultError(code, view?.detail ?? `import ${id} is gone`)
  }
  return view
}

async function printOutcome(db: Db, view: ImportView): Promise<void> {
  const { counts } = view
  if (counts === null) return
  console.log(`${counts.lines} lines, ${counts.refused} refused`)
  for (const entity of ENTITIES) {
    const tally = counts.rows[entity]
    if (tally === undefined) continue
    const words = `${tally.new} new, ${tally.changed} changed, ${tally.equal} equal`
    console.log(`${ENTITY_WORDS[entity]}: ${words}`)
  }
  const refusals = await refusalsOf(db.kysely, view.id, { after: 0, limit: REFUSALS_PRINTED })
  for (const refusal of refusals) console.log(`line ${refusal.line}: ${refusalText(refusal)}`)
  if (counts.refused > REFUSALS_PRINTED) console.log('... all of them: --refused FILE')
}

async function writeRefused(db: Db, view: ImportView, path: string): Promise<void> {
  const file = await open(path, 'w')
  try {
    for await (const piece of csvPieces(refusedList(db.kysely, view))) await file.write(piece)
  } finally {
    await file.close()
  }
}
