// The bytes of imported files, in parts: nobody holds a whole file in memory.

import { type Kysely, sql } from 'kysely'
import type { Kind } from '../../core/imports/kinds.ts'
import type { Database } from '../../../store/schema.ts'
import './tables.ts'

/** How long a file is kept, days; the record of what it brought stays. */
const KEPT_DAYS = 31

/** A file without its hash is still arriving for so long, hours; then the program was killed while
 * it came. A request lasts some minutes at most. */
const ARRIVING_HOURS = 1

/** Begins the record of a file that is being received. */
export async function beginImport(
  db: Kysely<Database>,
  file: { readonly kind: Kind; readonly name: string; readonly by: string },
): Promise<number> {
  const { id } = await db
    .insertInto('imports')
    .values({
      kind: file.kind,
      file_name: file.name,
      bytes: 0,
      sha256: '',
      uploaded_by: file.by,
      counts: null,
      digest: null,
      code: null,
      applied_at: null,
      applied_by: null,
      undone_at: null,
      undone_by: null,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

export async function addPart(
  db: Kysely<Database>,
  part: { readonly id: number; readonly no: number; readonly content: Uint8Array },
): Promise<void> {
  await db
    .insertInto('import_parts')
    .values({ import_id: part.id, no: part.no, content: Buffer.from(part.content) })
    .execute()
}

export async function sealFile(
  db: Kysely<Database>,
  id: number,
  file: { readonly bytes: number; readonly sha256: string },
): Promise<void> {
  await db.updateTable('imports').set(file).where('id', '=', id).execute()
}

/** The file's bytes, part by part. */
export async function* partsOf(db: Kysely<Database>, id: number): AsyncIterable<Uint8Array> {
  for (let no = 0; ; no += 1) {
    const part = await db
      .selectFrom('import_parts')
      .select('content')
      .where('import_id', '=', id)
      .where('no', '=', no)
      .executeTakeFirst()
    if (part === undefined) return
    yield part.content
  }
}

/** Lets an import go that came to nothing. */
export async function dropImport(db: Kysely<Database>, id: number): Promise<void> {
  await db
    .deleteFrom('imports')
    .where('id', '=', id)
    .where('applied_at', 'is', null)
    .where('state', 'in', ['uploaded', 'checked', 'refused', 'interrupted'])
    .execute()
}

/** Drops files whose month is over, the refused lines and previews that rest on them, and what
 * never arrived whole. */
export async function dropOldFiles(db: Kysely<Database>): Promise<void> {
  await db
    .deleteFrom('imports')
    .where('sha256', '=', '')
    .where(sql<boolean>`uploaded_at < now() - make_interval(hours => ${ARRIVING_HOURS})`)
    .execute()
  const old = sql<boolean>`import_id in (select id from imports
    where uploaded_at < now() - make_interval(days => ${KEPT_DAYS}))`
  await db.deleteFrom('import_parts').where(old).execute()
  await db.deleteFrom('import_refusals').where(old).execute()
  await db.deleteFrom('import_previews').where(old).execute()
}
