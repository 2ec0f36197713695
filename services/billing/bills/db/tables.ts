// Bills and the series that number them: the tables that only bills writes.

import type { ColumnType, Generated } from 'kysely'
import type { Json, Timestamp } from '../../store/schema.ts'

declare module '../../store/schema.ts' {
  interface Database {
    bill_series: { series: string; next: number }
    bills: {
      id: Generated<number>
      number: string
      customer_id: number
      service_point_id: number
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
      due_on: string
    }
  }
}
