// How much the outbox may hold.

export interface OutboxLimits {
  /** Frames and bytes of frame bodies that are held. What is acknowledged makes room first; beyond:
   * OPS-15, no new readings. */
  readonly framesMax: number
  readonly bytesMax: number
  /** Older frames are dropped, milliseconds. */
  readonly ageMaxMs: number
}
