// A source of time as the selection, the head clock and its reports see it, whatever protocol
// brings it. The protocol keeps its own state (an NTP association, a PTP port) to itself and fills
// in this view for the instant at which it is asked; a new protocol joins by doing the same.

import type { MonoUs, SpanUs } from '../../units.ts'
import type { Estimate } from './estimator.ts'
import type { LeapNotice } from './leap.ts'

/** `system`: the operating system's clock, as good as its operator states it. */
export type SourceKind = 'ntp' | 'nts' | 'ptp' | 'system'

export interface SourceView {
  /** As the operator wrote it. */
  readonly name: string
  readonly kind: SourceKind
  /** The offset of UTC from our monotonic clock (`utc` at `mono`), its bound, and how both move on;
   * null while nothing is known. */
  readonly estimate: Estimate | null
  /** When the last sample came, and its delay there and back; null: none yet. */
  readonly sampledAt: MonoUs | null
  readonly delay: SpanUs | null
  /** The last eight polls, newest in bit 0: 1 was answered. 0: it cannot be reached. */
  readonly reach: number
  /** Poll interval, log2 seconds. */
  readonly poll: number
  readonly leap: LeapNotice
  /** Null while it has not said where its time comes from. */
  readonly reference: Reference | null
  /** Why it brings nothing; empty when it does. */
  readonly note: string
}

/** What is passed on of a source to those who take their time from us. */
export interface Reference {
  /** 32 bits that identify it: a source that sees its own notices a loop. */
  readonly id: number
  /** Its distance from a primary clock, as NTP counts: a primary clock itself is 1. */
  readonly stratum: number
  /** From the primary clock to us and back. */
  readonly rootDelay: SpanUs
}
