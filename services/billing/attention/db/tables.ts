// What somebody has to look at: the tables that only attention writes.

import type { Generated } from 'kysely'
import type { Timestamp } from '../../store/schema.ts'

declare module '../../store/schema.ts' {
  interface Database {
    attention: {
      id: Generated<number>
      key: string
      code: string
      harm: number
      subject: string
      href: string
      count: number
      since: Timestamp
      last_at: Timestamp
      looked_at: Timestamp
      seen_at: Timestamp | null
      seen_by: string | null
      muted_until: Timestamp | null
      muted_by: string | null
      closed_at: Timestamp | null
      closed_by: string | null
      closed_count: number | null
      reason: string | null
      rank: number
    }
    attention_cursors: { name: string; id: number }
  }
}
