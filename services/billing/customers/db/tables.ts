// Who lives where, with which meter and under which tariff: the tables that only customers writes.

import type { Generated } from 'kysely'
import type { Defaulted, Timestamp } from '../../store/schema.ts'

declare module '../../store/schema.ts' {
  interface Database {
    customers: {
      id: Generated<number>
      number: string
      name: string
      address: string
      email: string | null
      phone: string | null
      language: Generated<string>
      created_at: Defaulted<Date>
    }
    service_points: { id: Generated<number>; code: string; address: string; zone: string }
    installations: {
      id: Generated<number>
      meter_id: number
      service_point_id: number
      from_ts: Timestamp
      to_ts: Timestamp | null
    }
    occupancies: {
      id: Generated<number>
      customer_id: number
      service_point_id: number
      from_date: string
      to_date: string | null
    }
    tariff_assignments: {
      id: Generated<number>
      service_point_id: number
      tariff_id: number
      from_date: string
      to_date: string | null
    }
  }
}
