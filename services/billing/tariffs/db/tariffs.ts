// Tariffs and their published versions. A version never changes: a correction is a new version.

import type { Kysely } from 'kysely'
import { canonicalJson, type JsonObject } from '../../../../shared/documents/canonical.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import { assert } from '../../../../shared/assert.ts'
import { isCivilDate } from '../../civil/calendar.ts'
import { parseTariff, type Tariff, type TariffVersion } from '../core/tariff.ts'
import { type Author, recordChange } from '../../store/changes.ts'
import type { Database } from '../../store/schema.ts'

export type Publication =
  | {
      readonly ok: true
      readonly tariffId: number
      readonly versionId: number
      readonly hash: string
      /** True when exactly this version had been published before. */
      readonly already: boolean
    }
  | { readonly ok: false; readonly fault: 'BIL-20' | 'BIL-34'; readonly detail: string }
  /** Somebody published meanwhile: `newest` is not what this author saw. */
  | {
      readonly ok: false
      readonly fault: 'BIL-34'
      readonly detail: string
      readonly newest: StoredTariff | null
    }

interface Entry {
  readonly document: unknown
  /** Local date. */
  readonly validFrom: string
  readonly now: UnixMs
  /** Without: a program, such as the demo. */
  readonly author?: Author
  /** The newest version of this tariff that the author saw, null for none; without: whatever. */
  readonly seen?: number | null
}

const PROGRAM: Author = { who: 'ticklock', why: 'published by a program', importId: null }

/** Publishes a tariff document as the version valid from a local date. BIL-20 when the document is
 * not a tariff; BIL-34 when different content is already published for that date, or when somebody
 * else has published meanwhile. */
export async function publishTariff(db: Kysely<Database>, entry: Entry): Promise<Publication> {
  const verdict = parseTariff(entry.document)
  if (!verdict.ok) {
    return { ok: false, fault: 'BIL-20', detail: `${verdict.at.path}: ${verdict.at.why}` }
  }
  if (!isCivilDate(entry.validFrom)) {
    return { ok: false, fault: 'BIL-34', detail: 'not a date such as 2026-04-01' }
  }
  return db.transaction().execute((trx) => publish(trx, entry, verdict))
}

interface Parsed {
  readonly tariff: Tariff
  readonly document: JsonObject
  readonly hash: string
}

async function publish(
  trx: Kysely<Database>,
  entry: Entry,
  { tariff, document, hash }: Parsed,
): Promise<Publication> {
  const { code, name } = tariff
  const { validFrom, seen } = entry
  // The update of nothing locks the row: two who publish one tariff do so one after the other.
  const { id: tariffId } = await trx
    .insertInto('tariffs')
    .values({ code, name })
    .onConflict((conflict) =>
      conflict.column('code').doUpdateSet((set) => ({ name: set.ref('tariffs.name') })),
    )
    .returning('id')
    .executeTakeFirstOrThrow()
  const held = await trx
    .selectFrom('tariff_versions')
    .select(['id', 'hash'])
    .where('tariff_id', '=', tariffId)
    .where('valid_from', '=', validFrom)
    .executeTakeFirst()
  if (held?.hash === hash) return { ok: true, tariffId, versionId: held.id, hash, already: true }
  const newest = await newestVersion(trx, tariffId)
  if (seen !== undefined && seen !== (newest?.id ?? null)) {
    const detail = `somebody else published ${code} meanwhile`
    return { ok: false, fault: 'BIL-34', detail, newest }
  }
  if (held !== undefined) {
    const detail = `another ${code} is published for ${validFrom}; it never changes`
    return { ok: false, fault: 'BIL-34', detail }
  }
  await trx.updateTable('tariffs').set({ name }).where('id', '=', tariffId).execute()
  const content = canonicalJson(document)
  const published_at = new Date(entry.now)
  const { id: versionId } = await trx
    .insertInto('tariff_versions')
    .values({ tariff_id: tariffId, valid_from: validFrom, content, hash, published_at })
    .returning('id')
    .executeTakeFirstOrThrow()
  await recordChange(trx, entry.author ?? PROGRAM, {
    what: 'tariff',
    id: tariffId,
    before: newest === null ? null : { code, validFrom: newest.validFrom, hash: newest.hash },
    after: { code, validFrom, hash },
  })
  return { ok: true, tariffId, versionId, hash, already: false }
}

export interface StoredTariff extends TariffVersion {
  readonly id: number
}

/** The version published last, whichever date it is valid from. */
async function newestVersion(db: Kysely<Database>, tariffId: number): Promise<StoredTariff | null> {
  const row = await db
    .selectFrom('tariff_versions')
    .select(['id', 'valid_from', 'content', 'hash'])
    .where('tariff_id', '=', tariffId)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : storedTariff(row)
}

interface StoredRow {
  readonly id: number
  readonly valid_from: string
  readonly content: unknown
  readonly hash: string
}

/** A version as it was published; anything else in the row is our own bug, or somebody's hand. */
export function storedTariff(row: StoredRow): StoredTariff {
  const verdict = parseTariff(row.content)
  assert(verdict.ok && verdict.hash === row.hash, 'a stored tariff reads back as it was published')
  return { id: row.id, tariff: verdict.tariff, validFrom: row.valid_from, hash: row.hash }
}
