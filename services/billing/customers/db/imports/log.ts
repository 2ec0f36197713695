// The record of imports: what came, how it was read, what became of it. Its rows are written
// outside the transaction that imports, so that the progress of one can be seen while it runs.

import { type Kysely, sql } from 'kysely'
import { type UnixMs, unixMs } from '../../../../../shared/units.ts'
import { isDelimiter, isEncodingName } from '../../core/imports/dialect.ts'
import { isKind, type Kind } from '../../core/imports/kinds.ts'
import { readMapping } from '../../core/imports/mapping.ts'
import { type FieldChange, type ImportCounts } from '../../core/imports/outcome.ts'
import type { ImportState, ImportView, ReadingPlan } from '../../core/imports/views.ts'
import type { Database } from '../../../store/schema.ts'
import './tables.ts'

/** Imports on one page of the log. */
const PAGE_ROWS = 50
/** Refusals on one page of an import; the file of refused lines has them all. */
const REFUSALS_SHOWN = 200

const COLUMNS = [
  'id',
  'kind',
  'file_name',
  'bytes',
  'sha256',
  'headers',
  'options',
  'state',
  'phase',
  'done',
  'total',
  'counts',
  'code',
  'detail',
  'uploaded_at',
  'uploaded_by',
  'applied_at',
  'applied_by',
  'undone_at',
  'undone_by',
] as const

const rows = (db: Kysely<Database>) =>
  db
    .selectFrom('imports')
    .select(COLUMNS)
    .select(
      // Without its hash it is still arriving, or was cut off.
      sql<boolean>`sha256 <> '' and exists (select from import_parts p
        where p.import_id = imports.id)`.as('has_file'),
    )

type Row = Awaited<ReturnType<ReturnType<typeof rows>['execute']>>[number]

function viewOf(row: Row): ImportView | null {
  const { kind } = row
  if (!isKind(kind)) return null
  return {
    id: row.id,
    kind,
    fileName: row.file_name,
    bytes: row.bytes,
    sha256: row.sha256,
    headers: row.headers,
    state: row.state,
    phase: row.phase,
    done: row.done,
    total: row.total,
    counts: isCounts(row.counts) ? row.counts : null,
    code: row.code,
    detail: row.detail,
    uploadedAt: unixMs(row.uploaded_at.getTime()),
    uploadedBy: row.uploaded_by,
    appliedAt: instant(row.applied_at),
    appliedBy: row.applied_by,
    undoneAt: instant(row.undone_at),
    undoneBy: row.undone_by,
    hasFile: row.has_file,
    plan: planOf(kind, row.options),
  }
}

const instant = (at: Date | null): UnixMs | null => (at === null ? null : unixMs(at.getTime()))

const isCounts = (value: unknown): value is ImportCounts =>
  typeof value === 'object' && value !== null && 'lines' in value && 'rows' in value

const textIn = (value: unknown, name: string): string => {
  if (typeof value !== 'object' || value === null) return ''
  const text: unknown = Reflect.get(value, name)
  return typeof text === 'string' ? text : ''
}

function planOf(kind: Kind, options: unknown): ReadingPlan | null {
  const [encoding, delimiter] = [textIn(options, 'encoding'), textIn(options, 'delimiter')]
  const names: unknown =
    typeof options === 'object' && options !== null ? Reflect.get(options, 'mapping') : null
  if (!isEncodingName(encoding) || !isDelimiter(delimiter) || !Array.isArray(names)) return null
  const mapping = readMapping(
    kind,
    names.map((name: unknown) => (typeof name === 'string' ? name : '')),
  )
  if (mapping === null) return null
  const order = textIn(options, 'dates')
  return {
    encoding,
    delimiter,
    decimal: textIn(options, 'decimal') === ',' ? ',' : '.',
    dates: order === 'day' || order === 'month' ? order : 'none',
    zone: textIn(options, 'zone'),
    mapping,
  }
}

export async function findImport(db: Kysely<Database>, id: number): Promise<ImportView | null> {
  const row = await rows(db).where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : viewOf(row)
}

/** The newest imports before an id; `next`: where the following page begins. */
export async function listImports(
  db: Kysely<Database>,
  before: number | null,
): Promise<{ readonly imports: readonly ImportView[]; readonly next: number | null }> {
  let query = rows(db)
    .orderBy('id', 'desc')
    .limit(PAGE_ROWS + 1)
  if (before !== null) query = query.where('id', '<', before)
  const found = await query.execute()
  const shown = found.slice(0, PAGE_ROWS)
  const next = found.length > PAGE_ROWS ? (shown.at(-1)?.id ?? null) : null
  return { imports: shown.flatMap((row) => viewOf(row) ?? []), next }
}

/** Stores how a file is read; the next file with these headers is read so too. */
export async function savePlan(
  db: Kysely<Database>,
  id: number,
  how: {
    readonly kind: Kind
    readonly headers: readonly string[]
    readonly key: string
    readonly plan: ReadingPlan
  },
): Promise<void> {
  const { plan } = how
  const options = JSON.stringify({ ...plan, mapping: plan.mapping.map((name) => name ?? '') })
  const headers = [...how.headers]
  await db
    .updateTable('imports')
    .set({ kind: how.kind, headers, header_key: how.key, options })
    .where('id', '=', id)
    .where('state', 'in', ['uploaded', 'checked', 'refused', 'interrupted'])
    .execute()
}

/** How the last file of that kind with these headers was read; null: there was none. */
export async function rememberedPlan(
  db: Kysely<Database>,
  kind: Kind,
  headers: { readonly key: string; readonly but: number },
): Promise<ReadingPlan | null> {
  const row = await db
    .selectFrom('imports')
    .select('options')
    .where('kind', '=', kind)
    .where('header_key', '=', headers.key)
    .where('id', '<>', headers.but)
    .where('counts', 'is not', null)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : planOf(kind, row.options)
}

/** Moves an import into another state; false when it was not in one of `from`. */
export async function moveImport(
  db: Kysely<Database>,
  id: number,
  move: {
    readonly from: readonly ImportState[]
    readonly to: ImportState
    readonly code?: string
    readonly detail?: string
  },
): Promise<boolean> {
  const moved = await db
    .updateTable('imports')
    .set({ state: move.to, phase: '', done: 0, code: move.code ?? null, detail: move.detail ?? '' })
    .where('id', '=', id)
    .where('state', 'in', [...move.from])
    .executeTakeFirst()
  return moved.numUpdatedRows > 0n
}

/** Says something about an import in words, without moving it. */
export async function noteOnImport(
  db: Kysely<Database>,
  id: number,
  note: { readonly code: string; readonly detail: string },
): Promise<void> {
  await db.updateTable('imports').set(note).where('id', '=', id).execute()
}

export async function tellProgress(
  db: Kysely<Database>,
  id: number,
  progress: { readonly phase: string; readonly done: number; readonly total: number },
): Promise<void> {
  await db.updateTable('imports').set(progress).where('id', '=', id).execute()
}

export async function digestOf(db: Kysely<Database>, id: number): Promise<string | null> {
  const row = await db
    .selectFrom('imports')
    .select('digest')
    .where('id', '=', id)
    .executeTakeFirst()
  return row?.digest ?? null
}

export interface PreviewRow {
  readonly what: string
  readonly state: 'new' | 'changed'
  readonly key: string
  readonly line: number
  readonly fields: readonly FieldChange[]
}

export async function previewsOf(db: Kysely<Database>, id: number): Promise<readonly PreviewRow[]> {
  const found = await db
    .selectFrom('import_previews')
    .select(['what', 'state', 'key', 'line', 'fields'])
    .where('import_id', '=', id)
    .orderBy('no')
    .execute()
  return found.map((row) => ({
    ...row,
    fields: Array.isArray(row.fields) ? row.fields.filter(isFieldChange) : [],
  }))
}

const isFieldChange = (value: unknown): value is FieldChange =>
  typeof value === 'object' && value !== null && 'field' in value && 'after' in value

export interface RefusalRow {
  readonly line: number
  readonly target: string | null
  readonly reason: string
  readonly remedy: string
}

/** Refusals after a line, in the order of the file. */
export const refusalsOf = (
  db: Kysely<Database>,
  id: number,
  { after, limit }: { readonly after: number; readonly limit: number | null },
): Promise<readonly RefusalRow[]> =>
  db
    .selectFrom('import_refusals')
    .select(['line', 'target', 'reason', 'remedy'])
    .where('import_id', '=', id)
    .where('line', '>', after)
    .orderBy('line')
    .orderBy('no')
    .limit(limit ?? REFUSALS_SHOWN)
    .execute()

/** What was at work when the program ended is named so: nothing of it was stored. Call it when
 * nobody is at work. */
export async function markInterrupted(db: Kysely<Database>): Promise<number> {
  const marked = await db
    .updateTable('imports')
    .set({ state: 'interrupted', detail: 'the program ended while it worked on this' })
    .where('state', 'in', ['checking', 'applying'])
    .executeTakeFirst()
  // An undo that was cut short undid nothing: the import is still there.
  const undoing = await db
    .updateTable('imports')
    .set({ state: 'applied', detail: 'the program ended while it was being undone: try again' })
    .where('state', '=', 'undoing')
    .executeTakeFirst()
  return Number(marked.numUpdatedRows + undoing.numUpdatedRows)
}
