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
      version: Generated<number>
      created_at: Defaulted<Date>
    }
    service_points: {
      id: Generated<number>
      code: string
      address: string
      zone: string
      version: Generated<number>
    }
    installations: {
      id: Generated<number>
      meter_id: number
      service_point_id: number
      from_ts: Timestamp
      to_ts: Timestamp | null
      main_meter_id: number | null
    }
    /** One at a time for a service point; local dates [from_date, to_date). */
    contracts: {
      id: Generated<number>
      number: Generated<string>
      customer_id: number
      service_point_id: number
      from_date: string
      to_date: string | null
      /** First day that is billed here. */
      billed_from: string
      version: Generated<number>
      created_at: Defaulted<Date>
    }
    /** What holds from a date until the next row's. */
    contract_terms: {
      id: Generated<number>
      contract_id: number
      from_date: string
      tariff_id: number | null
      cycle: Generated<'month'>
      missing: Generated<'wait' | 'estimate'>
    }
  }
}
