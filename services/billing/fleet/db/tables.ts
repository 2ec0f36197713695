// Devices, their keys, links and commands, and what was refused: the tables that only fleet writes.

import type { ColumnType, Generated } from 'kysely'
import type { ReceiptOutcome } from '../../../../shared/wire/commands.ts'
import type { Defaulted, Json, Timestamp } from '../../store/schema.ts'

declare module '../../store/schema.ts' {
  interface Database {
    devices: {
      id: string
      name: string
      static_key: Buffer | null
      psk: Buffer | null
      attempt: Generated<number>
      history_from: Timestamp | null
      revoked_at: Timestamp | null
      created_at: Defaulted<Date>
      master_key: Buffer | null
      no: Generated<number>
    }
    enrolment_tokens: {
      id: string
      device_id: string
      secret: Buffer
      expires_at: Timestamp
      burnt_by: Buffer | null
      burnt_at: Timestamp | null
      created_at: Defaulted<Date>
      master_key: Buffer | null
    }
    epochs: {
      device_id: string
      id: number
      origin: Timestamp
      transcript: Buffer
      keys: Buffer
      closed_at: Timestamp | null
      created_at: Defaulted<Date>
      drained_at: Timestamp | null
      named_at: Timestamp | null
      let_go_at: Timestamp | null
    }
    device_status: {
      device_id: string
      transport: string | null
      connected_at: Timestamp | null
      disconnected_at: Timestamp | null
      reported_at: Timestamp | null
      clock_state: string | null
      clock_offset_us: number | null
      clock_bound_us: number | null
      round_trip_us: number | null
      backlog_frames: number | null
      meters: number | null
      faults: ColumnType<Record<string, number>, string | undefined, string>
    }
    commands: {
      device_id: string
      number: number
      what: Json
      asked_by: string
      created_at: Defaulted<Date>
      expires_at: Timestamp
      sent_at: Timestamp | null
      outcome: ReceiptOutcome | null
      detail: Generated<string>
      receipt_at: Timestamp | null
    }
    refusals: {
      hour: Timestamp
      device_id: string
      code: string
      count: number
      last_at: Timestamp
    }
  }
}
