// Clocks, their history and their events: the tables that only clocks writes.

import type { ColumnType, Generated } from 'kysely'
import type { HeadClockReport, MeterClockOutcome } from '../../../../shared/clock/evidence.ts'
import type { Timestamp } from '../../store/schema.ts'

declare module '../../store/schema.ts' {
  interface Database {
    clocks: {
      id: Generated<number>
      device_id: string
      meter: string
      at: Timestamp
      state: string
      offset_us: number
      bound_us: number | null
      frequency_ppb: number | null
      skew_ppb: number
      holdover_ms: number
      steps: number
      last_step_us: number
      resolution_us: number | null
      monthly_drift_ms: number | null
      outcome: MeterClockOutcome | null
      event: number | null
      report: ColumnType<HeadClockReport | null, string, string>
      point_until: Timestamp
      point_at: Timestamp
      point_state: string
      point_offset_us: number
      point_bound_us: number | null
    }
    clock_history: {
      at: Timestamp
      offset_us: number
      bound_us: number | null
      clock_id: number
      frequency_ppb: number | null
      state: string
      keep: boolean
    }
    clock_events: {
      id: Generated<number>
      clock_id: number
      at: Timestamp
      code: string
      amount_us: number | null
      detail: string
    }
  }
}
