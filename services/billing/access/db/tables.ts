// Operators, sessions and links: the tables that only access writes.

import type { Generated } from 'kysely'
import type { Defaulted, Timestamp } from '../../store/schema.ts'

declare module '../../store/schema.ts' {
  interface Database {
    operators: {
      id: Generated<number>
      name: string
      password: string
      created_at: Defaulted<Date>
    }
    sessions: {
      hash: Buffer
      operator_id: number | null
      customer_id: number | null
      expires_at: Timestamp
      created_at: Defaulted<Date>
    }
    links: {
      hash: Buffer
      purpose: 'setup' | 'customer'
      customer_id: number | null
      expires_at: Timestamp
      used_at: Timestamp | null
      created_at: Defaulted<Date>
    }
  }
}
