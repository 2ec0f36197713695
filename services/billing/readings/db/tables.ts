// Readings, the meters and registers they come from, and authentic content that is not a plain
// reading: the tables that only readings writes.

import type { Generated } from 'kysely'
import type { Defaulted, Timestamp } from '../../store/schema.ts'

/** What was read, when, and how far it can be believed. */
interface ReadingColumns {
  ts: Timestamp
  meter_id: number
  register_id: number
  value: number
  source: number
  quality: number
  agent_ts: Timestamp
  meter_ts: Timestamp | null
  clock_state: string
  clock_bound_ms: number
}

interface LastValuesTable {
  meter_id: number
  register_id: number
  ts: Timestamp
  value: number
  quality: number
  clock_state: string
  clock_bound_ms: number
  stored_at: Timestamp
  device_no: number | null
  sealed_at: Timestamp | null
  /** Longest usual wait between two news, seconds (core/silence.ts). */
  usual_s: number | null
  due_at: Defaulted<Date>
}

/** What a meter measures. */
export type Medium = 'electricity' | 'water' | 'heat' | 'gas'

declare module '../../store/schema.ts' {
  interface Database {
    meters: {
      id: Generated<number>
      number: string
      device_id: string | null
      digits: number | null
      multiplier: Generated<number>
      created_at: Defaulted<Date>
      adopted_at: Timestamp | null
      adopted_by: string | null
      make: Generated<string>
      medium: Generated<Medium>
      /** OBIS codes whose sum is billed; null: the total, or else the tariff registers. */
      billed_by: readonly string[] | null
      version: Generated<number>
    }
    /** A register as somebody read it; it counts once approved. */
    manual_readings: {
      id: Generated<number>
      meter_id: number
      obis: string
      unit: number
      ts: Timestamp
      value: number
      exponent: number
      kind: 'opening' | 'closing' | 'technician' | 'customer'
      photo: Generated<string>
      note: Generated<string>
      state: Generated<'waiting' | 'approved' | 'refused'>
      entered_at: Defaulted<Date>
      entered_by: string
      decided_at: Timestamp | null
      decided_by: string | null
      decided_why: string | null
    }
    registers: {
      id: Generated<number>
      obis: string
      exponent: number
      unit: number
      brought_by: string | null
    }
    readings: ReadingColumns
    rival_readings: ReadingColumns & {
      id: Generated<number>
      device_no: number
      sealed_at: Timestamp
      epoch: number
      run: number
      sequence: number
      item: number
    }
    set_aside: {
      number: Generated<number>
      device_id: string
      device_no: number
      meter_id: number | null
      from_at: Timestamp | null
      to_at: Timestamp | null
      reason: string
      set_by: string
      set_at: Defaulted<Date>
      lifted_at: Timestamp | null
      lifted_by: string | null
      lifted_reason: string | null
    }
    /** A view: readings that count, under a time that is right to the minute
     * (migrations/0013_standing.sql). */
    timed_readings: {
      ts: Date
      meter_id: number
      register_id: number
      value: number
      source: number
      quality: number
      clock_state: string
      clock_bound_ms: number
    }
    retimed_readings: {
      device_id: string
      epoch: number
      run: number
      sequence: number
      item: number
      received_at: Timestamp
      process_ms: number
      meter_id: number
      register_id: number
      value: number
      source: number
      quality: number
      agent_ts: Timestamp
      clock_state: string
      clock_bound_ms: number
      ts: Timestamp | null
      bound_ms: number | null
      way: 'anchor' | 'between' | null
      retimed_at: Timestamp | null
    }
    slave_processes: {
      device_id: string
      process: string
      seen_at: Defaulted<Date>
      first_run: number | null
      last_run: number | null
      first_ms: number | null
      first_utc: Timestamp | null
      first_bound_ms: number | null
      best_ms: number | null
      best_utc: Timestamp | null
      best_bound_ms: number | null
      last_ms: number | null
      last_utc: Timestamp | null
      last_bound_ms: number | null
      sure_from: Timestamp | null
      sure_to: Timestamp | null
      news_at: Timestamp | null
      due_at: Timestamp | null
    }
    last_values: LastValuesTable
    /** A view: those that are not set aside. */
    standing_values: LastValuesTable
    stream_positions: {
      device_id: string
      epoch: number
      run: number
      sequence: number
      second: number
      hash: Buffer
      salt: Buffer
      opener: Buffer | null
      updated_at: Defaulted<Date>
    }
    exceptions: {
      id: Generated<number>
      at: Defaulted<Date>
      device_id: string
      epoch: number
      run: number
      sequence: number
      item: number
      code: string
      meter: string | null
      detail: string
      content: Buffer | null
    }
  }
}
