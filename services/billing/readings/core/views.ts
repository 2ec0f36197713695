// What the pages show of readings, as plain values.

import type { UnixMs } from '../../../../shared/units.ts'
import type { UsageMonth } from './usage.ts'

export interface LiveRow {
  readonly meterId: number
  readonly meter: string
  readonly device: string | null
  readonly obis: string
  readonly value: number
  readonly exponent: number
  readonly unit: number
  readonly at: UnixMs
  readonly quality: number
  readonly clockState: string
  readonly clockBoundMs: number
  /** Without news until then it is overdue (silence.ts). */
  readonly dueAt: UnixMs
  /** Where a page of the list goes on behind it. */
  readonly place: { readonly key: string; readonly id: number }
}

/** A reading taken under an unsure clock: what its stamp said, and when it was really taken. */
export interface RetimedRow {
  readonly meter: string
  readonly obis: string
  readonly value: number
  readonly exponent: number
  readonly unit: number
  readonly stampedAt: UnixMs
  readonly clockState: string
  readonly clockBoundMs: number
  /** Null while unknown. */
  readonly retimed: {
    readonly at: UnixMs
    readonly boundMs: number
    readonly way: 'anchor' | 'between'
  } | null
}

/** A meter of which no news came for longer than is usual (silence.ts). */
export interface SilentMeter {
  readonly id: number
  readonly number: string
  readonly deviceId: string
  /** The name of its device. */
  readonly device: string
  /** Time of its newest reading; null: it never spoke. */
  readonly newestAt: UnixMs | null
  /** When something new of it was stored last. */
  readonly heardAt: UnixMs | null
  /** Since when it is silent. */
  readonly dueAt: UnixMs
  /** Its usual wait between two news, seconds; null: not known. */
  readonly usualS: number | null
}

/** How many meters of a device are silent, and since when the first of them is. */
export interface SilentDevice {
  readonly device: string
  readonly count: number
  readonly since: UnixMs
}

export interface ExceptionRow {
  readonly id: number
  readonly at: UnixMs
  readonly device: string
  readonly code: string
  readonly meter: string | null
  readonly detail: string
}

/** What a device sealed in a time that an operator set aside. */
export interface SetAsideRow {
  readonly number: number
  /** Null: of all its meters. */
  readonly meter: string | null
  /** Null: without a beginning, or an end. */
  readonly from: UnixMs | null
  readonly to: UnixMs | null
  readonly reason: string
  readonly by: string
  readonly at: UnixMs
  /** Null: it still holds. */
  readonly liftedAt: UnixMs | null
}

export interface UsageView {
  readonly meter: string
  readonly unit: string
  readonly zone: string
  readonly months: readonly UsageMonth[]
}
