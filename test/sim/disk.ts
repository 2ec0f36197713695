// The slave's disk: the outbox as services/slave/shell/outbox.ts keeps it. A commit is all or
// nothing; what the process held in memory is gone when it dies, what was committed is not.

import assert from 'node:assert/strict'
import type { FaultCode } from '../../shared/faults.ts'
import type { UnixMs, UnixUs } from '../../shared/units.ts'
import type {
  Backlog,
  FetchQuery,
  OutboxCommit,
  Stored,
  StoredCommand,
  StoredEpoch,
  StoredFrame,
  StoredIdentity,
  StoredRun,
} from '../../services/slave/core/state.ts'

export type CommitVerdict =
  | { readonly ok: true; readonly backlog: Backlog }
  | { readonly ok: false; readonly fault: FaultCode }

export class Disk {
  /** Full: new frames do not fit, acknowledgements do (the reserve file). */
  full = false
  readonly #framesMax: number
  #identity: StoredIdentity | null = null
  readonly #epochs = new Map<number, StoredEpoch>()
  readonly #runs = new Map<number, StoredRun>()
  readonly #cursors = new Map<string, UnixMs>()
  #command: StoredCommand | null = null
  readonly #schedules = new Map<string, number>()
  /** By run; sequences grow. */
  readonly #frames = new Map<number, StoredFrame[]>()
  #lastUsed: UnixUs | null = null
  #highestRun = 0
  #backlog: Backlog = { frames: 0, bytes: 0 }

  constructor(framesMax: number) {
    this.#framesMax = framesMax
  }

  load(): Stored {
    return {
      identity: this.#identity,
      epochs: [...this.#epochs.values()].sort((a, b) => a.id - b.id),
      runs: [...this.#runs.values()].sort((a, b) => a.run - b.run),
      cursors: new Map(this.#cursors),
      command: this.#command,
      schedules: new Map(this.#schedules),
      lastUsed: this.#lastUsed,
      highestRun: this.#highestRun,
      backlog: this.#backlog,
    }
  }

  get backlog(): Backlog {
    return this.#backlog
  }

  holds(run: number, sequence: number): boolean {
    return this.#frames.get(run)?.some((frame) => frame.sequence === sequence) ?? false
  }

  /** Every frame that waits, in order. */
  waiting(): readonly StoredFrame[] {
    return [...this.#frames].sort(([a], [b]) => a - b).flatMap(([, frames]) => frames)
  }

  commit(commit: OutboxCommit): CommitVerdict {
    const fresh = commit.frames ?? []
    if (fresh.length > 0 && this.full) return { ok: false, fault: 'OPS-06' }
    if (fresh.length > 0 && this.#backlog.frames + fresh.length > this.#framesMax) {
      return { ok: false, fault: 'OPS-15' }
    }
    if (commit.identity !== undefined) this.#identity = commit.identity
    for (const epoch of commit.epochs ?? []) this.#epochs.set(epoch.id, epoch)
    for (const run of commit.runs ?? []) {
      this.#runs.set(run.run, run)
      this.#highestRun = Math.max(this.#highestRun, run.run)
    }
    for (const frame of fresh) this.#put(frame)
    for (const [meter, through] of commit.cursors ?? []) this.#cursors.set(meter, through)
    if (commit.command !== undefined) this.#command = commit.command
    for (const [meter, seconds] of commit.schedules ?? []) this.#schedules.set(meter, seconds)
    for (const { run, through } of commit.forget ?? []) this.#forget(run, through)
    for (const run of commit.dropRuns ?? []) {
      this.#forget(run, Number.MAX_SAFE_INTEGER)
      this.#runs.delete(run)
    }
    for (const epoch of commit.dropEpochs ?? []) this.#epochs.delete(epoch)
    const { lastUsed } = commit
    if (lastUsed !== undefined && lastUsed > (this.#lastUsed ?? 0)) this.#lastUsed = lastUsed
    return { ok: true, backlog: this.#backlog }
  }

  fetch(query: FetchQuery): readonly StoredFrame[] {
    const found: StoredFrame[] = []
    let bytes = 0
    const runs = [...this.#runs.values()]
      .filter((run) => run.epoch === query.epoch && run.run >= query.run && !run.forked)
      .sort((a, b) => a.run - b.run)
    for (const { run } of runs) {
      for (const frame of this.#frames.get(run) ?? []) {
        if (run === query.run && frame.sequence <= query.sequence) continue
        bytes += frame.body.length
        if (found.length > 0 && bytes > query.bytesMax) return found
        found.push(frame)
        if (found.length >= query.framesMax) return found
      }
    }
    return found
  }

  #put(frame: StoredFrame): void {
    assert.ok(this.#runs.has(frame.run), 'a frame refers to its run (foreign key)')
    assert.ok(this.#epochs.has(frame.epoch), 'a frame refers to its epoch')
    const frames = this.#frames.get(frame.run) ?? []
    const last = frames.at(-1)?.sequence ?? -1
    assert.ok(frame.sequence > last, 'a sequence is stored once (unique index)')
    frames.push(frame)
    this.#frames.set(frame.run, frames)
    this.#backlog = {
      frames: this.#backlog.frames + 1,
      bytes: this.#backlog.bytes + frame.body.length,
    }
  }

  #forget(run: number, through: number): void {
    const frames = this.#frames.get(run) ?? []
    const kept = frames.filter((frame) => frame.sequence > through)
    if (kept.length > 0) this.#frames.set(run, kept)
    else this.#frames.delete(run)
    let { bytes } = this.#backlog
    for (const frame of frames) if (frame.sequence <= through) bytes -= frame.body.length
    this.#backlog = { frames: this.#backlog.frames - (frames.length - kept.length), bytes }
  }
}
