// How much the outbox holds, and what goes when. Frames that wait for the master go only when they
// are beyond the age limit; those it acknowledged stay for a week, in case it is set back (wire.md
// 6.3), and make room before anything new is refused.

import { assert } from '../../../../shared/assert.ts'
import { unixUs, usToMs } from '../../../../shared/units.ts'
import { ACKNOWLEDGED_KEPT_DAYS, STREAMS_LISTED_MAX } from '../../../../shared/wire/limits.ts'
import type { Backlog, Extent, StoredRun } from '../../core/state/stored.ts'
import type { OutboxLimits } from './limits.ts'
import { bytesOf, numberOf, readExtent, type Row } from './rows.ts'
import type { Statements } from './statements.ts'

const DAY_MS = 86_400_000
/** Deleted at once where room is made: about as much as one commit brings. */
const ROOM_FRAMES = 64

interface Totals {
  frames: number
  bytes: number
  keptFrames: number
  keptBytes: number
}

/** The totals as one transaction moves them; taken over when it is durable. */
export class Stocktaking {
  readonly #statements: Statements
  readonly #limits: OutboxLimits
  readonly #totals: Totals
  #lastUsed: number | null
  readonly #trimmed = new Map<number, Extent>()
  tooOld = 0

  private constructor(
    statements: Statements,
    limits: OutboxLimits,
    totals: Totals,
    used: number | null,
  ) {
    this.#statements = statements
    this.#limits = limits
    this.#totals = totals
    this.#lastUsed = used
  }

  static load(statements: Statements, limits: OutboxLimits): Stocktaking {
    const row: Row = statements.state.get() ?? {}
    const totals = {
      frames: numberOf(row, 'frames'),
      bytes: numberOf(row, 'bytes'),
      keptFrames: numberOf(row, 'kept_frames'),
      keptBytes: numberOf(row, 'kept_bytes'),
    }
    const used = row['last_used'] === null ? null : numberOf(row, 'last_used')
    return new Stocktaking(statements, limits, totals, used)
  }

  copy(): Stocktaking {
    return new Stocktaking(this.#statements, this.#limits, { ...this.#totals }, this.#lastUsed)
  }

  get backlog(): Backlog {
    const { frames, bytes } = this.#totals
    return { frames, bytes }
  }

  get trimmed(): readonly Extent[] {
    return [...this.#trimmed.values()]
  }

  /** True while something acknowledged could give way. */
  get keeps(): boolean {
    return this.#totals.keptFrames > 0
  }

  add(bytes: number): void {
    this.#totals.frames += 1
    this.#totals.bytes += bytes
  }

  /** Before the run's row is stored: what it acknowledges, or does not any more. */
  acknowledge({ run, acknowledged }: StoredRun): void {
    const row = this.#statements.run.get(run)
    const before = row === undefined ? acknowledged : numberOf(row, 'acknowledged')
    if (before === acknowledged) return
    const [from, to] = [Math.min(before, acknowledged), Math.max(before, acknowledged)]
    const { frames, bytes } = this.#count(run, from, to)
    const way = acknowledged > before ? 1 : -1
    this.#totals.frames -= way * frames
    this.#totals.bytes -= way * bytes
    this.#totals.keptFrames += way * frames
    this.#totals.keptBytes += way * bytes
  }

  /** The whole run goes. */
  drop(run: number): void {
    const row = this.#statements.run.get(run)
    if (row !== undefined) this.#forget(run, numberOf(row, 'acknowledged'), numberOf(row, 'last'))
    this.#trimmed.delete(run)
  }

  /** Deletes up to `most` of what was kept long enough. The newest second used is the "now": it
   * grows with what is sealed, so a machine that wakes up in the year 2099 throws nothing away. */
  tidy(most: number): void {
    if (this.#lastUsed === null) return
    const now = usToMs(unixUs(this.#lastUsed))
    const keptSince = now - ACKNOWLEDGED_KEPT_DAYS * DAY_MS
    const oldest = now - this.#limits.ageMaxMs
    const runs = this.#statements.runs.all()
    let left = most
    for (const [index, run] of runs.entries()) {
      if (left <= 0) return
      const acknowledged = numberOf(run, 'acknowledged')
      // Nobody asks for more runs than CONFIRM lists.
      const listed = runs.length - index <= STREAMS_LISTED_MAX
      left -= this.#deleteWhile(run, left, (sequence, sealedAt) =>
        sequence <= acknowledged ? !listed || sealedAt < keptSince : sealedAt < oldest,
      )
    }
  }

  /** Deletes acknowledged frames, oldest first, until the limits hold. */
  makeRoom(): void {
    if (this.excess() === null || !this.keeps) return
    for (const run of this.#statements.runs.all()) {
      while (this.#giveWay(run, ROOM_FRAMES) > 0) {
        if (this.excess() === null || !this.keeps) return
      }
    }
  }

  /** Deletes up to `most` acknowledged frames, oldest first. */
  giveWay(most: number): void {
    let left = most
    for (const run of this.#statements.runs.all()) {
      if (left <= 0) return
      left -= this.#giveWay(run, left)
    }
  }

  /** What is beyond the size limits; null: nothing is. */
  excess(): string | null {
    const { frames, bytes, keptFrames, keptBytes } = this.#totals
    const { framesMax, bytesMax } = this.#limits
    if (frames + keptFrames <= framesMax && bytes + keptBytes <= bytesMax) return null
    return `${frames} frames, ${bytes} bytes would wait`
  }

  put(lastUsed: number | null, highestRun: number): void {
    const { frames, bytes, keptFrames, keptBytes } = this.#totals
    assert(Math.min(frames, bytes, keptFrames, keptBytes) >= 0, 'no frame is forgotten twice')
    this.#lastUsed = lastUsed ?? this.#lastUsed
    this.#statements.putState.run(lastUsed, highestRun, frames, bytes, keptFrames, keptBytes)
  }

  #giveWay(run: Row, most: number): number {
    const acknowledged = numberOf(run, 'acknowledged')
    return this.#deleteWhile(run, most, (sequence) => sequence <= acknowledged)
  }

  /** Deletes a run's oldest frames, up to `most` of them, while `goes` says so. */
  #deleteWhile(
    row: Row,
    most: number,
    goes: (sequence: number, sealedAt: number) => boolean,
  ): number {
    const [run, last] = [numberOf(row, 'run'), numberOf(row, 'last')]
    let count = 0
    let through: { sequence: number; hash: Uint8Array } | null = null
    for (const frame of this.#statements.oldest.iterate(run, last, most)) {
      const sequence = numberOf(frame, 'sequence')
      if (!goes(sequence, numberOf(frame, 'sealed_at'))) break
      through = { sequence, hash: bytesOf(frame, 'hash') }
      count += 1
    }
    if (through === null) return 0
    const acknowledged = numberOf(row, 'acknowledged')
    const lost = this.#forget(run, acknowledged, through.sequence)
    this.tooOld += lost
    const { sequence, hash } = through
    this.#statements.putExtent.run(sequence + 1, hash, lost > 0 ? 'too old' : null, run)
    const now = this.#statements.run.get(run)
    if (now !== undefined) this.#trimmed.set(run, readExtent(now))
    return count
  }

  /** Deletes frames up to `through`; returns how many of them waited. */
  #forget(run: number, acknowledged: number, through: number): number {
    const kept = this.#count(run, -1, Math.min(acknowledged, through))
    const waiting = this.#count(run, Math.max(acknowledged, -1), through)
    this.#statements.forget.run(run, through)
    this.#totals.keptFrames -= kept.frames
    this.#totals.keptBytes -= kept.bytes
    this.#totals.frames -= waiting.frames
    this.#totals.bytes -= waiting.bytes
    return waiting.frames
  }

  #count(run: number, after: number, through: number): { frames: number; bytes: number } {
    const row: Row = this.#statements.count.get(run, after, through) ?? {}
    return { frames: numberOf(row, 'frames'), bytes: numberOf(row, 'bytes') }
  }
}
