// What pages show of readings by hand, as plain values.

import type { UnixMs } from '../../../../shared/units.ts'
import type { PlaceOfMeter, Shown } from './manual.ts'

export type ManualState = 'waiting' | 'approved' | 'refused'
export type ManualKind = Exclude<Shown['by'], 'device'>

/** A register that is known of a meter. */
export interface KnownRegister {
  readonly obis: string
  readonly unit: number
  /** How finely it counts; null: no device has said so. */
  readonly exponent: number | null
  readonly newest: Shown
}

/** A meter of which somebody enters a reading. */
export interface ManualMeterView {
  readonly id: number
  readonly number: string
  readonly digits: number | null
  readonly medium: 'electricity' | 'water' | 'heat' | 'gas'
  readonly billedBy: readonly string[] | null
  readonly registers: readonly KnownRegister[]
  /** The newest first; for a customer only those where they are, or were, supplied. */
  readonly places: readonly PlaceOfMeter[]
}

export interface ManualRow {
  readonly id: number
  readonly meterId: number
  readonly meter: string
  readonly digits: number | null
  readonly obis: string
  readonly unit: number
  readonly value: number
  readonly exponent: number
  readonly at: UnixMs
  /** Where the meter hung then. */
  readonly zone: string
  readonly kind: ManualKind
  readonly photo: string
  readonly note: string
  readonly state: ManualState
  readonly enteredAt: UnixMs
  readonly enteredBy: string
  readonly decidedAt: UnixMs | null
  readonly decidedBy: string | null
  readonly decidedWhy: string | null
  /** Its place in the order of the list. */
  readonly key: string
}

export type OwnRow = ManualRow
