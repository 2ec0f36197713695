// What a bill is made from, as plain values; null or empty where the database has nothing.

import type { UnixMs } from '../../../../shared/units.ts'
import type { CivilDate, CivilPeriod } from '../../civil/calendar.ts'
import type { RegisterReading } from '../../readings/core/consumption.ts'
import type { TariffVersion } from '../../tariffs/core/tariff.ts'
import type { BillContent, ClockOf, EstimateBy, ReadBy, Way } from './bill-content.ts'
import type { Compared } from './meter-time.ts'

/** A register as it was read. */
export interface Sample extends RegisterReading {
  /** OBIS code. */
  readonly register: string
  readonly at: UnixMs
  readonly by: ReadBy
  /** Of the slave's own clock; null for a person's reading. */
  readonly boundMs: number | null
}

/** How right the time of the readings behind a value is. */
export interface BoundaryClock {
  readonly of: ClockOf
  /** The clock minus UTC; null: unknown, or it does not matter. */
  readonly offsetMs: number | null
  readonly boundMs: number | null
  /** When a meter's clock was compared; null for other clocks. */
  readonly comparedAt: UnixMs | null
}

/** A register at the edge of a segment. */
export interface Boundary extends RegisterReading {
  readonly register: string
  readonly at: UnixMs
  readonly way: Way
  readonly estimate: EstimateBy | null
  /** The readings it comes from: one at or beside the instant, or its neighbours. */
  readonly basis: readonly Sample[]
  readonly clock: BoundaryClock
  /** Number of the bill that counted from or to this value already; null: none did. */
  readonly bill: string | null
}

/** What is known around one edge of a meter's time at a place. */
export interface Edge {
  readonly at: UnixMs
  /** The edge of the period, or where the meter came or went within it. */
  readonly kind: 'period' | 'installed' | 'removed'
  /** Around the instant, of each register: at it, the nearest before and the nearest after. */
  readonly samples: readonly Sample[]
  readonly clock: Compared
  /** What another bill counted from or to at this instant. */
  readonly fixed: readonly Boundary[]
}

/** Consumption over whole months that were measured at both ends. */
export interface Average {
  readonly register: string
  /** increase * 10^exponent Wh within so many milliseconds. */
  readonly increase: bigint
  readonly exponent: number
  readonly ms: number
  readonly months: number
}

export interface BilledMeter {
  readonly number: string
  readonly medium: 'electricity' | 'water' | 'heat' | 'gas'
  /** The register rolls over at 10^digits of its own resolution; null: never. */
  readonly digits: number | null
  readonly multiplier: number
  /** An operator said which device reads it, or none has reported it. */
  readonly adopted: boolean
  /** OBIS codes whose sum is billed; null: the total, or else the tariff registers. */
  readonly billedBy: readonly string[] | null
  /** OBIS codes of imported energy that it has ever shown. */
  readonly shows: readonly string[]
}

/** A meter at the place for a part of the period [from, to), or for all of it. */
export interface Stretch {
  readonly meter: BilledMeter
  readonly from: UnixMs
  readonly to: UnixMs
  readonly opening: Edge
  readonly closing: Edge
  /** Nobody compared the meter's clock yet, and its slave is about to. */
  readonly clockAwaited?: boolean
  readonly averages: readonly Average[]
}

export type TariffFact =
  | { readonly is: 'in force'; readonly version: TariffVersion }
  /** The contract's terms name no tariff. */
  | { readonly is: 'none agreed' }
  /** No version of it holds on the first day of the period. */
  | { readonly is: 'not published'; readonly code: string }
  /** Another version, or another tariff, begins inside the period. */
  | { readonly is: 'changes'; readonly code: string; readonly on: CivilDate }

export interface BillFacts {
  readonly period: CivilPeriod
  readonly now: UnixMs
  readonly customer: BillContent['customer']
  readonly servicePoint: BillContent['servicePoint']
  /** What its terms say of a reading that is missing at an edge. */
  readonly missing: 'wait' | 'estimate'
  readonly tariff: TariffFact
  /** Number of a bill next to this period that does not read back as it was issued; null: none. */
  readonly spoilt: string | null
  /** In the order in which the meters came. */
  readonly stretches: readonly Stretch[]
}
