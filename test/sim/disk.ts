// The slave's disk: the outbox as services/slave/shell/outbox/outbox.ts keeps it. A commit is all
// or nothing; what the process held in memory is gone when it dies, what was committed is not.

import assert from 'node:assert/strict'
import type { DriftRegister } from '../../shared/clock/meter/policy.ts'
import type { FaultCode } from '../../shared/faults.ts'
import type { UnixMs, UnixUs } from '../../shared/units.ts'
import type {
  Backlog,
  FetchQuery,
  Found,
  Extent,
  OutboxCommit,
  Stored,
  StoredCommand,
  StoredEpoch,
  StoredFrame,
  StoredFrequency,
  StoredIdentity,
  StoredRun,
} from '../../services/slave/core/state/stored.ts'

export type CommitVerdict =
  | { readonly ok: true; readonly backlog: Backlog; readonly trimmed: readonly Extent[] }
  | { readonly ok: false; readonly fault: FaultCode }

const DAY_MS = 86_400_000
const KEPT_MS = 7 * DAY_MS
const AGE_MS = 400 * DAY_MS

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
  readonly #corrections = new Map<string, DriftRegister>()
  /** By run; sequences grow. What is acknowledged stays for a week. */
  readonly #frames = new Map<number, StoredFrame[]>()
  /** The second copy of each run's first frame. */
  readonly #openers = new Map<number, StoredFrame>()
  /** Counted by run; what is not here is counted again. */
  readonly #waiting = new Map<number, Backlog>()
  #lastUsed: UnixUs | null = null
  #frequency: StoredFrequency | null = null
  #highestRun = 0

  constructor(framesMax: number) {
    this.#framesMax = framesMax
  }

  load(): Stored {
    return {
      identity: this.#identity,
      epochs: [...this.#epochs.values()].sort((a, b) => a.id - b.id).map(copyOf),
      runs: [...this.#runs.values()].sort((a, b) => a.run - b.run),
      cursors: new Map(this.#cursors),
      command: this.#command,
      schedules: new Map(this.#schedules),
      corrections: new Map(this.#corrections),
      lastUsed: this.#lastUsed,
      frequency: this.#frequency,
      highestRun: this.#highestRun,
      backlog: this.backlog,
    }
  }

  get backlog(): Backlog {
    const sum = { frames: 0, bytes: 0 }
    for (const run of this.#runs.values()) {
      const { frames, bytes } = this.#waitingOf(run)
      sum.frames += frames
      sum.bytes += bytes
    }
    return sum
  }

  /** What waits of one run: counted from the end, and only when something changed. */
  #waitingOf({ run, acknowledged }: StoredRun): Backlog {
    const known = this.#waiting.get(run)
    if (known !== undefined) return known
    const held = this.#frames.get(run) ?? []
    let [frames, bytes, at] = [0, 0, held.length - 1]
    for (; at >= 0; at -= 1) {
      const frame = held[at]
      if (frame === undefined || frame.sequence <= acknowledged) break
      frames += 1
      bytes += frame.body.length
    }
    const counted = { frames, bytes }
    this.#waiting.set(run, counted)
    return counted
  }

  holds(run: number, sequence: number): boolean {
    return this.#frames.get(run)?.some((frame) => frame.sequence === sequence) ?? false
  }

  /** Every frame that waits, in order. */
  waiting(): readonly StoredFrame[] {
    return [...this.#runs.values()]
      .sort((a, b) => a.run - b.run)
      .flatMap(({ run, acknowledged }) =>
        (this.#frames.get(run) ?? []).filter(({ sequence }) => sequence > acknowledged),
      )
  }

  /** Everything as it is now; `restore` puts it back. */
  snapshot(): () => void {
    const maps = [this.#epochs, this.#runs, this.#cursors, this.#frames, this.#openers] as const
    const copies = maps.map((map) => new Map<unknown, unknown>(map))
    const frames = [...this.#frames].map(([run, held]) => [run, [...held]] as const)
    const state = [this.#identity, this.#lastUsed, this.#frequency, this.#highestRun] as const
    return () => {
      for (const [index, map] of maps.entries()) {
        const target: Map<unknown, unknown> = map
        target.clear()
        for (const [key, value] of copies[index] ?? []) target.set(key, value)
      }
      for (const [run, held] of frames) this.#frames.set(run, [...held])
      this.#waiting.clear()
      ;[this.#identity, this.#lastUsed, this.#frequency, this.#highestRun] = state
    }
  }

  /** Every frame it holds, acknowledged or not. */
  stored(): readonly StoredFrame[] {
    return [...this.#frames.values()].flat()
  }

  /** Last sequence that is stored of a run; -1: none. */
  lastOf(run: number): number {
    return this.#runs.get(run)?.last ?? -1
  }

  /** What was sealed earlier goes a week after it was acknowledged, ms. */
  get tidiedBefore(): number {
    return (this.#lastUsed ?? 0) / 1_000 - KEPT_MS
  }

  originOf(epoch: number): UnixMs | undefined {
    return this.#epochs.get(epoch)?.origin
  }

  /** A frame comes back otherwise than it was written, or not at all. */
  rot(run: number, sequence: number, how: 'body' | 'hash' | 'gone', copy = false): void {
    const bend = (frame: StoredFrame): StoredFrame => ({ ...frame, [how]: bent(frame, how) })
    const frames = this.#frames.get(run) ?? []
    const kept = how === 'gone' ? frames.filter((frame) => frame.sequence !== sequence) : frames
    const rotten = kept.map((frame) => (frame.sequence === sequence ? bend(frame) : frame))
    this.#frames.set(run, rotten)
    this.#waiting.delete(run)
    const opener = this.#openers.get(run)
    if (copy && opener !== undefined) this.#openers.set(run, bend(opener))
  }

  commit(commit: OutboxCommit): CommitVerdict {
    const fresh = commit.frames ?? []
    if (fresh.length > 0 && this.full) return { ok: false, fault: 'OPS-06' }
    if (this.backlog.frames + fresh.length > this.#framesMax && fresh.length > 0) {
      return { ok: false, fault: 'OPS-15' }
    }
    if (commit.identity !== undefined) this.#identity = commit.identity
    // A disk holds bytes of its own: the slave overwrites what it handed over.
    for (const epoch of commit.epochs ?? []) this.#epochs.set(epoch.id, copyOf(epoch))
    for (const run of commit.runs ?? []) {
      const { first, firstHash, dropped } = this.#runs.get(run.run) ?? run
      this.#runs.set(run.run, { ...run, first, firstHash, dropped })
      this.#waiting.delete(run.run)
      this.#highestRun = Math.max(this.#highestRun, run.run)
    }
    for (const frame of fresh) this.#put(frame)
    for (const [meter, through] of commit.cursors ?? []) this.#cursors.set(meter, through)
    if (commit.command !== undefined) this.#command = commit.command
    for (const [meter, seconds] of commit.schedules ?? []) this.#schedules.set(meter, seconds)
    for (const [meter, register] of commit.corrections ?? []) {
      this.#corrections.set(meter, register)
    }
    for (const run of commit.dropRuns ?? []) {
      this.#frames.delete(run)
      this.#waiting.delete(run)
      this.#openers.delete(run)
      this.#runs.delete(run)
    }
    for (const epoch of commit.dropEpochs ?? []) this.#epochs.delete(epoch)
    this.#lastUsed = commit.lastUsed ?? this.#lastUsed
    this.#frequency = commit.frequency ?? this.#frequency
    return { ok: true, backlog: this.backlog, trimmed: commit.tidy === true ? this.#tidy() : [] }
  }

  fetch({ run, sequence, last, framesMax, bytesMax, epoch }: FetchQuery): Found {
    const extent = this.#runs.get(run)
    assert.ok(extent?.epoch === epoch, 'frames are asked of a run that is stored')
    const opener = sequence < 0 ? (this.#openers.get(run) ?? null) : null
    const frames: StoredFrame[] = []
    let bytes = 0
    for (const frame of this.#frames.get(run) ?? []) {
      if (frame.sequence <= sequence || frame.sequence > last) continue
      bytes += frame.body.length
      const full = frames.length >= framesMax || (frames.length > 0 && bytes > bytesMax)
      if (full) return { extent, opener, frames, through: frame.sequence - 1 }
      frames.push(frame)
    }
    return { extent, opener, frames, through: last }
  }

  /** What was acknowledged a week ago, or is older than the limit, goes. */
  #tidy(): readonly Extent[] {
    const now = (this.#lastUsed ?? 0) / 1_000
    const changed: Extent[] = []
    for (const [number, run] of this.#runs) {
      const goes = ({ sequence, sealedAt }: StoredFrame): boolean =>
        sealedAt < now - (sequence <= run.acknowledged ? KEPT_MS : AGE_MS)
      const frames = this.#frames.get(number) ?? []
      const end = frames.findIndex((frame) => !goes(frame))
      const gone = end < 0 ? frames : frames.slice(0, end)
      const last = gone.at(-1)
      if (last === undefined) continue
      const dropped = last.sequence > run.acknowledged ? 'too old' : run.dropped
      const after = { ...run, first: last.sequence + 1, firstHash: last.hash, dropped }
      this.#frames.set(number, frames.slice(gone.length))
      this.#waiting.delete(number)
      this.#runs.set(number, after)
      changed.push(after)
    }
    return changed
  }

  #put(frame: StoredFrame): void {
    assert.ok(this.#runs.has(frame.run), 'a frame refers to its run (foreign key)')
    assert.ok(this.#epochs.has(frame.epoch), 'a frame refers to its epoch')
    const frames = this.#frames.get(frame.run) ?? []
    const last = frames.at(-1)?.sequence ?? -1
    assert.ok(frame.sequence > last, 'a sequence is stored once (unique index)')
    frames.push(frame)
    this.#frames.set(frame.run, frames)
    this.#waiting.delete(frame.run)
    if (frame.sequence === 0) this.#openers.set(frame.run, frame)
  }
}

const copyOf = (epoch: StoredEpoch): StoredEpoch => ({ ...epoch, tree: epoch.tree.slice() })

function bent(frame: StoredFrame, how: 'body' | 'hash' | 'gone'): Uint8Array {
  const bytes = (how === 'hash' ? frame.hash : frame.body).slice()
  const at = bytes.length - 1
  bytes[at] = (bytes[at] ?? 0) ^ 1
  return bytes
}
