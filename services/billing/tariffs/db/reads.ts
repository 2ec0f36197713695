// Published tariffs, for operators.

import type { Kysely } from 'kysely'
import type { TariffRow } from '../core/views.ts'
import type { Database } from '../../store/schema.ts'

/** Versions shown on the tariff page: ten years of a few tariffs. */
const TARIFFS_MAX = 200

export interface TariffReads {
  tariffs(): Promise<readonly TariffRow[]>
}

export function tariffReads(db: Kysely<Database>): TariffReads {
  return {
    async tariffs() {
      const rows = await db
        .selectFrom('tariff_versions')
        .innerJoin('tariffs', 'tariffs.id', 'tariff_versions.tariff_id')
        .select(['code', 'name', 'valid_from', 'hash', 'content'])
        .orderBy('code')
        .orderBy('valid_from', 'desc')
        .limit(TARIFFS_MAX)
        .execute()
      return rows.map(({ valid_from, content, ...row }) => ({
        ...row,
        validFrom: valid_from,
        content: JSON.stringify(content, null, 2),
      }))
    },
  }
}
