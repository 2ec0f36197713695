// Tariffs and their published versions: the tables that only tariffs writes.

import type { Generated } from 'kysely'
import type { Defaulted, Json } from '../../store/schema.ts'

declare module '../../store/schema.ts' {
  interface Database {
    tariffs: { id: Generated<number>; code: string; name: string }
    tariff_versions: {
      id: Generated<number>
      tariff_id: number
      valid_from: string
      content: Json
      hash: string
      published_at: Defaulted<Date>
    }
  }
}
