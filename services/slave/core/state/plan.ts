// The meters as configured, how each is read and how its clock is looked after.

import type { SpanMs, SpanUs } from '../../../../shared/units.ts'

/** One meter and how it is read. */
export interface MeterPlan {
  readonly meter: string
  /** Time between two readings; ignored for meters that push. */
  readonly everyMs: number
  readonly push: boolean
  /** Read its load profile from where the last left off; this needs `profileIntervalMs`. */
  readonly history: boolean
  /** Interval of its load profile. Left out: it has none that could be read. */
  readonly profileIntervalMs?: SpanMs
  /** Left out: its clock is none of our business. */
  readonly clock?: MeterClockPlan
}

/** How a meter's clock is looked after. `watch`: observed and reported; `light`: corrected as a
 * gateway may. */
export interface MeterClockPlan {
  readonly keep: 'watch' | 'light'
  /** Standard time of its calendar, east of UTC: where its days and months end. */
  readonly zone: SpanUs
}

/** How a reading is got: asked now, from the load profile, or sent by the meter unasked. */
export type ReadRequest = 'now' | 'history' | 'push'
