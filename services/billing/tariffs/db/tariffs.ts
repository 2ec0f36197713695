// Tariffs and their published versions. A version never changes: a correction is a new version.

import type { Kysely } from 'kysely'
import { canonicalJson } from '../../../../shared/documents/canonical.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import { assert } from '../../../../shared/assert.ts'
import { isCivilDate } from '../../civil/calendar.ts'
import { parseTariff, type TariffVersion } from '../core/tariff.ts'
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
  | { readonly ok: false; readonly fault: 'OPS-05'; readonly detail: string }

/** Publishes a tariff document as the version valid from a local date. OPS-05 when the document is
 * not a tariff, or when different content is already published for that date. */
export async function publishTariff(
  db: Kysely<Database>,
  entry: { readonly document: unknown; readonly validFrom: string; readonly now: UnixMs },
): Promise<Publication> {
  const refuse = (detail: string): Publication => ({ ok: false, fault: 'OPS-05', detail })
  const verdict = parseTariff(entry.document)
  if (!verdict.ok) return refuse(`${verdict.at.path}: ${verdict.at.why}`)
  if (!isCivilDate(entry.validFrom)) return refuse('validFrom: not a date such as 2026-04-01')
  const { tariff, document, hash } = verdict
  return db.transaction().execute(async (trx) => {
    const { id: tariffId } = await trx
      .insertInto('tariffs')
      .values({ code: tariff.code, name: tariff.name })
      .onConflict((conflict) => conflict.column('code').doUpdateSet({ name: tariff.name }))
      .returning('id')
      .executeTakeFirstOrThrow()
    const inserted = await trx
      .insertInto('tariff_versions')
      .values({
        tariff_id: tariffId,
        valid_from: entry.validFrom,
        content: canonicalJson(document),
        hash,
        published_at: new Date(entry.now),
      })
      .onConflict((conflict) => conflict.columns(['tariff_id', 'valid_from']).doNothing())
      .returning('id')
      .executeTakeFirst()
    if (inserted !== undefined)
      return { ok: true, tariffId, versionId: inserted.id, hash, already: false }
    const held = await trx
      .selectFrom('tariff_versions')
      .select(['id', 'hash'])
      .where('tariff_id', '=', tariffId)
      .where('valid_from', '=', entry.validFrom)
      .executeTakeFirstOrThrow()
    if (held.hash !== hash)
      return refuse(`another ${tariff.code} is published for ${entry.validFrom}; it never changes`)
    return { ok: true, tariffId, versionId: held.id, hash, already: true }
  })
}

export interface StoredTariff extends TariffVersion {
  readonly id: number
}

/** What a run needs to know about every tariff: the version valid on a period's first day. Null
 * when another version begins within the period, which one bill cannot show (BIL-07). */
export async function tariffsFor(
  db: Kysely<Database>,
  period: { readonly from: string; readonly to: string },
): Promise<ReadonlyMap<number, StoredTariff | null>> {
  const rows = await db
    .selectFrom('tariff_versions')
    .select(['id', 'tariff_id', 'valid_from', 'content', 'hash'])
    .where('valid_from', '<', period.to)
    .orderBy('valid_from')
    .execute()
  const tariffs = new Map<number, StoredTariff | null>()
  for (const row of rows) {
    if (row.valid_from > period.from) {
      tariffs.set(row.tariff_id, null)
      continue
    }
    const verdict = parseTariff(row.content)
    assert(
      verdict.ok && verdict.hash === row.hash,
      'a stored tariff reads back as it was published',
    )
    const { id, valid_from: validFrom, hash } = row
    tariffs.set(row.tariff_id, { id, tariff: verdict.tariff, validFrom, hash })
  }
  return tariffs
}
