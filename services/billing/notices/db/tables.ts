// The outbox of notices: the table that only notices writes.

import type { Generated } from 'kysely'
import type { Defaulted, Timestamp } from '../../store/schema.ts'

declare module '../../store/schema.ts' {
  interface Database {
    notices: {
      id: Generated<number>
      bill_id: number
      channel: 'email' | 'sms'
      address: string
      subject: string | null
      body: string
      state: Generated<'queued' | 'sent' | 'failed'>
      attempts: Generated<number>
      next_attempt_at: Defaulted<Date>
      last_fault: string | null
      provider_id: string | null
      sent_at: Timestamp | null
      created_at: Defaulted<Date>
    }
  }
}
