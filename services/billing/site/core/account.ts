// Everything about one account on one page, as plain values.

import type { UnixMs } from '../../../../shared/units.ts'
import type { BillRow } from '../../bills/core/views.ts'
import type { CivilDate } from '../../civil/calendar.ts'
import type { ContractDetail } from '../../customers/core/details.ts'
import type { NoticeRow } from '../../notices/core/views.ts'

/** A period that is over and not billed. */
export interface OpenPeriod {
  readonly from: CivilDate
  readonly to: CivilDate
  readonly state: string
  readonly code: string | null
  readonly detail: string
  readonly since: UnixMs
}

/** The newest value of a register. */
export interface NewestReading {
  readonly meterId: number
  readonly obis: string
  readonly value: number
  readonly exponent: number
  readonly unit: number
  readonly at: UnixMs
}

export interface EnteredReading extends NewestReading {
  readonly id: number
  readonly meter: string
  readonly kind: string
  readonly state: string
  readonly enteredBy: string
  readonly note: string
}

export interface AccountView {
  readonly account: ContractDetail
  readonly open: readonly OpenPeriod[]
  readonly newest: readonly NewestReading[]
  readonly entered: readonly EnteredReading[]
  readonly bills: readonly BillRow[]
  readonly notices: readonly NoticeRow[]
  readonly changes: readonly {
    readonly at: UnixMs
    readonly who: string
    readonly why: string
    readonly what: string
    readonly before: unknown
    readonly after: unknown
  }[]
}
