// Imports and what is kept of them; customers writes them.

import type { ColumnType, Generated } from 'kysely'
import type { ImportState } from '../../core/imports/views.ts'
import type { Defaulted, Json, Timestamp } from '../../../store/schema.ts'

declare module '../../../store/schema.ts' {
  interface Database {
    imports: {
      id: Generated<number>
      kind: string
      file_name: string
      bytes: number
      sha256: string
      header_key: Generated<string>
      headers: Generated<readonly string[]>
      options: ColumnType<unknown, string | undefined, string>
      state: Generated<ImportState>
      phase: Generated<string>
      done: Generated<number>
      total: Generated<number>
      counts: Json | null
      digest: string | null
      code: string | null
      detail: Generated<string>
      uploaded_at: Defaulted<Date>
      uploaded_by: string
      applied_at: Timestamp | null
      applied_by: string | null
      undone_at: Timestamp | null
      undone_by: string | null
    }
    import_parts: { import_id: number; no: number; content: Buffer }
    import_refusals: {
      import_id: number
      line: number
      no: number
      target: string | null
      reason: string
      remedy: string
    }
    import_previews: {
      import_id: number
      no: number
      what: string
      state: 'new' | 'changed'
      key: string
      line: number
      fields: Json
    }
  }
}
