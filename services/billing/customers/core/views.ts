// What other domains ask about a customer, as plain values.

import type { CivilDate } from '../../civil/calendar.ts'

export interface CustomerName {
  readonly name: string
  readonly number: string
}

/** A service point that a customer occupies now, with its meter. */
export interface Place {
  readonly address: string
  readonly zone: string
  /** First local day on which the customer occupies it. */
  readonly movedIn: CivilDate
  /** Null while none is installed. */
  readonly meter: {
    readonly id: number
    readonly number: string
    readonly digits: number | null
    readonly multiplier: number
  } | null
}
