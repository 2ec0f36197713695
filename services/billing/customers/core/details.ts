// One account, customer or service point with all that hangs on it, as plain values.

import type { UnixMs } from '../../../../shared/units.ts'
import type { CivilDate } from '../../civil/calendar.ts'
import type { CustomerEntry } from './entries.ts'

export interface CustomerDetail extends CustomerEntry {
  readonly id: number
  readonly version: number
  readonly contracts: readonly ContractLine[]
}

export interface ServicePointDetail {
  readonly id: number
  readonly code: string
  readonly address: string
  readonly zone: string
  readonly version: number
  readonly contracts: readonly ContractLine[]
  readonly installations: readonly InstallationLine[]
}

/** A contract in a list of another page. */
export interface ContractLine {
  readonly id: number
  readonly number: string
  readonly customerId: number
  readonly customer: string
  readonly servicePointId: number
  readonly servicePoint: string
  readonly address: string
  readonly zone: string
  readonly from: CivilDate
  readonly to: CivilDate | null
}

export interface InstallationLine {
  readonly id: number
  readonly meterId: number
  readonly meter: string
  readonly medium: string
  readonly servicePointId: number
  readonly from: UnixMs
  readonly to: UnixMs | null
  readonly main: string | null
  /** OBIS codes that are billed, or that a reading has come of; the first ones to be read. */
  readonly registers: readonly string[]
}

export interface TermLine {
  readonly id: number
  readonly from: CivilDate
  readonly tariffId: number | null
  readonly tariff: string | null
  readonly missing: 'wait' | 'estimate'
}

export interface ContractDetail {
  readonly id: number
  readonly number: string
  readonly from: CivilDate
  readonly to: CivilDate | null
  readonly billedFrom: CivilDate
  /** First day that no bill covers; null: there is no bill yet. */
  readonly billedUntil: CivilDate | null
  readonly version: number
  readonly customer: CustomerDetail
  readonly point: ServicePointDetail
  readonly terms: readonly TermLine[]
}

export interface TariffChoice {
  readonly id: number
  readonly code: string
  readonly name: string
}

export interface MeterDetail {
  readonly id: number
  readonly number: string
  readonly medium: string
  readonly registers: readonly string[]
}
