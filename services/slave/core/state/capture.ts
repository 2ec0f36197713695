// Meter answers on their way to the disk, and when each meter is read. Changed by capture/.

import type { ReadingGroup } from '../../../../shared/meter/reading.ts'
import type { MonoUs, SpanMs, UnixMs } from '../../../../shared/units.ts'
import type { MeterPlan, ReadRequest } from './plan.ts'

export interface MeterTurn {
  readonly plan: MeterPlan
  /** Interval of the load profile that is read; null: none is. */
  readonly interval: SpanMs | null
  readonly nextReadAt: MonoUs
  readonly readingSince: MonoUs | null
  readonly historySince: MonoUs | null
  /** End of the range asked for. */
  readonly askedTo: UnixMs | null
  readonly historyRetryAt: MonoUs
  /** End of the last interval stored. Null: no history is wanted (yet). */
  readonly cursor: UnixMs | null
  /** End of the last interval taken, perhaps still waiting for the disk. */
  readonly taken: UnixMs | null
}

/** What a meter's answer settles once all of it is durable. */
export interface Settlement {
  readonly meter: string
  readonly request: ReadRequest
  /** How far its load profile is known with it; null: no further than before. */
  readonly through: UnixMs | null
  /** Number of the command that waits for it; null: none does. */
  readonly command: number | null
}

/** One meter answer, or a part of one, stamped, waiting to be sealed. */
export interface Capture {
  readonly group: ReadingGroup
  /** The process id its process ms belong to. */
  readonly processId: Uint8Array
  /** With the last part of an answer; null with the parts before it. */
  readonly settles: Settlement | null
}

export interface CaptureState {
  /** Null until there is an epoch to seal in. */
  readonly schedule: ReadonlyMap<string, MeterTurn> | null
  readonly waiting: readonly Capture[]
}
