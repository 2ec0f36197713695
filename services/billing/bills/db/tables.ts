// Bills and the series that number them: the tables that only bills writes.

import type { ColumnType, Generated } from 'kysely'
import type { Defaulted, Json, Timestamp } from '../../store/schema.ts'

export type PeriodState = 'unseen' | 'waiting' | 'blocked' | 'ready' | 'billed' | 'exempt'

declare module '../../store/schema.ts' {
  interface Database {
    bill_series: { series: string; next: number }
    /** One row for each contract and period that is over (migrations/0016_contracts.sql). */
    bill_periods: {
      contract_id: number
      period_from: string
      period_to: string
      state: Generated<PeriodState>
      code: string | null
      detail: Generated<string>
      since: Defaulted<Date>
      due_at: Defaulted<Date>
      bill_id: number | null
      /** Of a ready one: what its bill would come to, as it was last looked at. */
      looked_at: Timestamp | null
      energy: string | null
      amount: string | null
      currency: string | null
      tariff_version_id: number | null
    }
    bill_tilings: { zone: string; tiled_to: string }
    bill_orders: { month: string; ordered_at: Timestamp; ordered_by: string }
    bill_marks: { id: Generated<number>; contract_id: number }
    bills: {
      id: Generated<number>
      number: string
      customer_id: number
      service_point_id: number
      contract_id: number
      period_from: string
      period_to: string
      tariff_version_id: number
      currency: string
      /** Minor units. pool.ts reads bigint as a number and refuses unsafe ones: money goes through
       * BigInt(). */
      total: ColumnType<number, bigint, never>
      content: Json
      hash: string
      issued_at: Timestamp
      /** Null: before this was kept. */
      issued_by: string | null
      due_on: string
    }
  }
}
