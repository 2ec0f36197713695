// The outbox: where a reading waits until it is durable further on. One SQLite file holds the
// sealed frames AND the key tree that sealed them, because one transaction must move both: a frame
// without the punctured tree would leave its key on the disk, a punctured tree without the frame
// would lose a reading.
//
// SQLite in its oldest mode (rollback journal, full synchronisation) and not a file of our own: a
// power cut at any moment leaves the state before or after a commit, and that has been tested by
// others for twenty years. What we add is the care that no older tree survives in a journal, in a
// free page or in the slack of a page: see PRAGMAS and TREE_SLOT_BYTES. See docs/adr/0006-slave.md.

import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { assert } from '../../../shared/assert.ts'
import type { FaultCode } from '../../../shared/faults.ts'
import type { UnixMs } from '../../../shared/units.ts'
import type { Backlog, FetchQuery, OutboxCommit, Stored, StoredFrame } from '../core/state.ts'
import { type Fault, faultOfSqlite, prepareFolder, Reserve } from './outbox-files.ts'
import { bytesOf, numberOf, readFrame, readStored } from './outbox-rows.ts'
import { PRAGMAS, SCHEMA_VERSION, upgrade } from './outbox-schema.ts'
import { Statements } from './outbox-statements.ts'

export interface OutboxLimits {
  /** Frames and bytes of frame bodies that may wait; beyond: OPS-15, no new readings. */
  readonly framesMax: number
  readonly bytesMax: number
  /** Runs whose newest frame is older are dropped, milliseconds. */
  readonly ageMaxMs: number
}

export type CommitVerdict =
  | { readonly ok: true; readonly backlog: Backlog }
  | { readonly ok: false; readonly fault: FaultCode; readonly detail: string }

/** Frames in order. `damaged`: the next one after them does not match its hash; its run ends
 * there. */
export interface Fetched {
  readonly frames: readonly StoredFrame[]
  readonly damaged: { readonly run: number; readonly sequence: number } | null
}

/** Frames deleted in one transaction when a run reaches the age limit: keeps the journal small. */
const AGE_FRAMES_PER_COMMIT = 256

const DATABASE_FILE = 'outbox.sqlite'

/** Opens or makes the outbox in `folder` (0700, the file 0600).
 * OPS-04 the folder cannot be written, OPS-06 disk full, OPS-11 another process has it open,
 * OPS-13 made by a newer program, OPS-16 the file is damaged. */
export function openOutbox(
  folder: string,
  limits: OutboxLimits,
): { readonly ok: true; readonly outbox: Outbox } | Fault {
  let database: DatabaseSync | null = null
  try {
    const path = join(folder, DATABASE_FILE)
    prepareFolder(folder, path)
    // No waiting for a lock: the other holder is another slave, and it does not go away.
    database = new DatabaseSync(path, { timeout: 0 })
    database.exec(PRAGMAS)
    // Takes the lock for as long as we live, and rolls back what a killed process left half done.
    database.exec('BEGIN EXCLUSIVE; COMMIT')
    const version = numberOf(database.prepare('PRAGMA user_version').get() ?? {}, 'user_version')
    if (version > SCHEMA_VERSION) {
      database.close()
      return { ok: false, fault: 'OPS-13', detail: `${path} has version ${version}` }
    }
    if (version < SCHEMA_VERSION) database.exec(upgrade(version))
    return { ok: true, outbox: new Outbox(database, folder, limits) }
  } catch (error) {
    if (database?.isOpen === true) database.close()
    return faultOfSqlite(error, folder)
  }
}

export class Outbox {
  readonly #database: DatabaseSync
  readonly #statements: Statements
  readonly #reserve: Reserve
  readonly #limits: OutboxLimits
  #backlog: Backlog

  constructor(database: DatabaseSync, folder: string, limits: OutboxLimits) {
    this.#database = database
    this.#limits = limits
    this.#statements = new Statements(database)
    this.#reserve = new Reserve(folder)
    this.#backlog = this.load().backlog
    this.#reserve.restore()
  }

  get backlog(): Backlog {
    return this.#backlog
  }

  /** All but the frames. */
  load(): Stored {
    return readStored(this.#database)
  }

  /** One transaction: all of it is durable, or none. New frames are refused with OPS-15 above the
   * size limits and with OPS-06 when the disk is full; a commit without frames (acknowledgements,
   * epochs) has the reserve file's space and goes through. OPS-16, OPS-04: the disk or the file is
   * in trouble. */
  commit(commit: OutboxCommit): CommitVerdict {
    const grows = (commit.frames ?? []).length > 0
    if (grows && !this.#reserve.restore()) {
      return { ok: false, fault: 'OPS-06', detail: 'the reserve for acknowledgements does not fit' }
    }
    const verdict = this.#transaction(() => this.#apply(commit, grows))
    if (verdict.ok || verdict.fault !== 'OPS-06' || grows || !this.#reserve.release())
      return verdict
    const again = this.#transaction(() => this.#apply(commit, grows))
    this.#reserve.restore()
    return again
  }

  /** Frames of one epoch after (run, sequence), in order, at least one if there is one, forked runs
   * left out. Each body is compared with its SHA-256: rot on the disk ends its run, once and for
   * all. */
  fetch(query: FetchQuery): Fetched {
    const frames: StoredFrame[] = []
    let bytes = 0
    for (const { run, end } of this.#runsOf(query)) {
      let sequence = run === query.run ? query.sequence : -1
      const rows = this.#statements.framesBetween.iterate(run, sequence, end)
      try {
        for (const row of rows) {
          const frame = readFrame(row, query.epoch)
          const whole = sha256(frame.body).equals(bytesOf(row, 'body_sha256'))
          if (!whole) return { frames, damaged: this.#markDamaged(run, frame.sequence) }
          bytes += frame.body.length
          if (frames.length > 0 && bytes > query.bytesMax) return { frames, damaged: null }
          frames.push(frame)
          sequence = frame.sequence
          if (frames.length >= query.framesMax) return { frames, damaged: null }
        }
      } catch (error) {
        if (faultOfSqlite(error, DATABASE_FILE).fault !== 'OPS-16') throw error
        return { frames, damaged: this.#markDamaged(run, sequence + 1) }
      }
    }
    return { frames, damaged: null }
  }

  /** Drops whole runs whose newest frame is older than the age limit (OPS-14). The newest run
   * stays: it is in use, and a hole in it would stop everything behind the hole. */
  ageLimit(now: UnixMs): { readonly runs: number; readonly frames: number } {
    const before = this.#backlog.frames
    const horizon = now - this.#limits.ageMaxMs
    const { runs, highestRun } = this.load()
    const old = runs.filter(({ run }) => {
      const newest = this.#statements.newestFrame.get(run)
      return run < highestRun && newest !== undefined && numberOf(newest, 'sealed_at') < horizon
    })
    for (const { run } of old) this.#dropRun(run)
    return { runs: old.length, frames: before - this.#backlog.frames }
  }

  close(): void {
    this.#database.close()
  }

  /** `end`: the sequence where a damaged run stops. */
  #runsOf(query: FetchQuery): readonly { run: number; end: number }[] {
    const rows = this.#statements.runsToSend.all(query.epoch, query.run)
    return rows.map((row) => ({ run: numberOf(row, 'run'), end: numberOf(row, 'end') }))
  }

  #dropRun(run: number): void {
    for (;;) {
      const row = this.#statements.sequenceAt.get(run, AGE_FRAMES_PER_COMMIT)
      const verdict =
        row === undefined
          ? this.commit({ dropRuns: [run] })
          : this.commit({ forget: [{ run, through: numberOf(row, 'sequence') }] })
      if (row === undefined || !verdict.ok) return
    }
  }

  #markDamaged(run: number, sequence: number): { run: number; sequence: number } {
    this.#transaction(() => {
      this.#statements.markDamaged.run(sequence, run)
      return this.#backlog
    })
    return { run, sequence }
  }

  /** Runs `work` in a transaction; what it returns is the backlog once it is durable. */
  #transaction(work: () => Backlog | Fault): CommitVerdict {
    try {
      this.#database.exec('BEGIN IMMEDIATE')
      const outcome = work()
      if ('fault' in outcome) {
        this.#database.exec('ROLLBACK')
        return outcome
      }
      this.#database.exec('COMMIT')
      this.#backlog = outcome
      return { ok: true, backlog: outcome }
    } catch (error) {
      // SQLite rolls back by itself after some errors, not after others.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      return faultOfSqlite(error, DATABASE_FILE)
    }
  }

  #apply(commit: OutboxCommit, grows: boolean): Backlog | Fault {
    const statements = this.#statements
    let { frames, bytes } = this.#backlog
    const forget = (run: number, through: number): void => {
      const row = statements.countThrough.get(run, through) ?? {}
      statements.forget.run(run, through)
      frames -= numberOf(row, 'frames')
      bytes -= numberOf(row, 'bytes')
    }
    if (commit.identity !== undefined) statements.putIdentity(commit.identity)
    for (const epoch of commit.epochs ?? []) statements.putEpoch(epoch)
    for (const run of commit.runs ?? []) statements.putRun(run)
    for (const frame of commit.frames ?? []) {
      statements.putFrame(frame, sha256(frame.body))
      frames += 1
      bytes += frame.body.length
    }
    for (const [meter, through] of commit.cursors ?? []) statements.putCursor.run(meter, through)
    if (commit.command !== undefined) statements.putCommand(commit.command)
    for (const [meter, seconds] of commit.schedules ?? []) {
      statements.putSchedule.run(meter, seconds)
    }
    for (const { run, through } of commit.forget ?? []) forget(run, through)
    for (const run of commit.dropRuns ?? []) {
      forget(run, Number.MAX_SAFE_INTEGER)
      statements.dropRun.run(run)
    }
    for (const epoch of commit.dropEpochs ?? []) statements.dropEpoch.run(epoch)
    assert(frames >= 0 && bytes >= 0, 'no frame is forgotten twice')
    if (grows && (frames > this.#limits.framesMax || bytes > this.#limits.bytesMax)) {
      const detail = `${frames} frames, ${bytes} bytes would wait`
      return { ok: false, fault: 'OPS-15', detail }
    }
    const highest = Math.max(0, ...(commit.runs ?? []).map(({ run }) => run))
    statements.putState.run(commit.lastUsed ?? null, highest, frames, bytes)
    return { frames, bytes }
  }
}

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()
