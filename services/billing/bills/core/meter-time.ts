// A load profile is written by the meter's own clock: how right that clock was is how right such a
// reading's time is. What the slave knows of its own clock says nothing about it.

import type { UnixMs } from '../../../../shared/units.ts'

/** How far a meter's clock may be off while a reading of its load profile still bounds a bill,
 * milliseconds. UNI/TS 11291 lets a gateway correct a clock that is less than 60 s off and has any
 * other reported to the head-end; it is also the tolerance for a reading beside midnight. */
export const METER_CLOCK_MAX_MS = 60_000

/** A comparison is good for this long, milliseconds: the history keeps a point every six hours
 * even when nothing happens, and misses at most one of them. */
const FRESH_MS = 12 * 3_600_000

/** A meter's clock as a slave compared it: the clock minus UTC. */
export interface Comparison {
  readonly at: UnixMs
  readonly offsetMs: number
  /** Null: unknown. */
  readonly boundMs: number | null
  /** The meter itself called its readings invalid, or its clock was more than 4 h off (B0). */
  readonly invalid: boolean
}

/** The last comparison at or before an instant, and the first after it. */
export interface Compared {
  readonly before: Comparison | null
  readonly after: Comparison | null
}

export const NEVER_COMPARED: Compared = { before: null, after: null }

export type MeterTime =
  | { readonly is: 'unknown' }
  | { readonly is: 'known' | 'beyond'; readonly by: Comparison }

/** How right the meter's clock was at an instant. Where no comparison is fresh, the worse of its
 * neighbours counts: somebody may have set the clock in between. */
export function meterTimeAt({ before, after }: Compared, at: UnixMs): MeterTime {
  if (before !== null && at - before.at <= FRESH_MS) return judged(before)
  if (before === null) return after === null ? { is: 'unknown' } : judged(after)
  return judged(after !== null && worse(after, before) ? after : before)
}

const judged = (by: Comparison): MeterTime => ({ is: isBeyond(by) ? 'beyond' : 'known', by })

export const isBeyond = ({ offsetMs, invalid }: Comparison): boolean =>
  invalid || Math.abs(offsetMs) > METER_CLOCK_MAX_MS

const worse = (one: Comparison, other: Comparison): boolean => {
  if (isBeyond(one) !== isBeyond(other)) return isBeyond(one)
  return (
    Math.abs(one.offsetMs) + (one.boundMs ?? 0) > Math.abs(other.offsetMs) + (other.boundMs ?? 0)
  )
}
