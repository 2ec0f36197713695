// The outbox: where a reading waits until it is durable further on. One SQLite file holds the
// sealed frames AND the key tree that sealed them, because one transaction must move both: a frame
// without the punctured tree would leave its key on the disk, a punctured tree without the frame
// would lose a reading.
//
// SQLite in its oldest mode (rollback journal, full synchronisation) and not a file of our own: a
// power cut at any moment leaves the state before or after a commit, and that has been tested by
// others for twenty years. What we add is the care that no older tree survives in a journal, in a
// free page or in the slack of a page: see PRAGMAS and TREE_SLOT_BYTES. See docs/adr/0006-slave.md.

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { FaultCode } from '../../../../shared/faults.ts'
import type {
  Backlog,
  FetchQuery,
  Found,
  Extent,
  OutboxCommit,
  Stored,
} from '../../core/state/stored.ts'
import { type Fault, faultOfSqlite, prepareFolder, Reserve } from './files.ts'
import { findFrames } from './find.ts'
import type { OutboxLimits } from './limits.ts'
import { numberOf, readStored } from './rows.ts'
import { canUpgrade, PRAGMAS, SCHEMA_VERSION, upgrade } from './schema.ts'
import { Statements } from './statements.ts'
import { Stocktaking } from './stock.ts'

export type CommitVerdict =
  | {
      readonly ok: true
      readonly backlog: Backlog
      /** Runs of which frames were deleted. */
      readonly trimmed: readonly Extent[]
      /** Frames dropped for their age (OPS-14) that the master never acknowledged. */
      readonly tooOld: number
    }
  | { readonly ok: false; readonly fault: FaultCode; readonly detail: string }

/** Frames deleted in one transaction: keeps the journal small. */
const PORTION_FRAMES = 256
/** Deleted at once on a full disk: their pages go to the journal, in the reserve's space. */
const GIVE_WAY_FRAMES = 32

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
    if (!canUpgrade(version)) {
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
  #stock: Stocktaking
  /** Gave way, and the commit it was for failed all the same. */
  #unreported: readonly Extent[] = []

  constructor(database: DatabaseSync, folder: string, limits: OutboxLimits) {
    this.#database = database
    this.#statements = new Statements(database)
    this.#reserve = new Reserve(folder)
    // A damaged file is found out now, not at the first commit.
    for (const { tree } of this.load().epochs) tree.fill(0)
    this.#stock = Stocktaking.load(this.#statements, limits)
    this.#reserve.restore()
  }

  get backlog(): Backlog {
    return this.#stock.backlog
  }

  /** All but the frames. The trees are the caller's to overwrite. */
  load(): Stored {
    return readStored(this.#database)
  }

  /** One transaction: all of it is durable, or none. New frames are refused with OPS-15 above the
   * size limits and with OPS-06 when the disk is full, but acknowledged ones make room for them
   * first; a commit without frames (acknowledgements, epochs) has the reserve file's space and goes
   * through. OPS-16, OPS-04: the disk or the file is in trouble. */
  commit(commit: OutboxCommit): CommitVerdict {
    const grows = (commit.frames ?? []).length > 0
    if (grows && !this.#reserve.restore()) {
      return { ok: false, fault: 'OPS-06', detail: 'the reserve for acknowledgements does not fit' }
    }
    const verdict = this.#withUnreported(this.#transaction(commit))
    if (verdict.ok || verdict.fault !== 'OPS-06') return verdict
    if (grows && !this.#stock.keeps) return verdict
    if (!this.#reserve.release()) return verdict
    if (!grows) {
      const again = this.#transaction(commit)
      this.#reserve.restore()
      return again
    }
    // What is acknowledged gives way: its pages are used again. The reserve has room for the
    // journals of both transactions and stands again behind them, or no further frames are taken.
    const made = this.#transaction({}, GIVE_WAY_FRAMES)
    if (made.ok) this.#unreported = [...this.#unreported, ...made.trimmed]
    const again = made.ok ? this.#withUnreported(this.#transaction(commit)) : verdict
    this.#reserve.restore()
    return again
  }

  /** Frames of one run, in order, at least one if there is one. What cannot be read is left out;
   * whether the rest is whole is for the agent to say. */
  fetch(query: FetchQuery): Found {
    return findFrames(this.#statements, query)
  }

  close(): void {
    this.#database.close()
  }

  #withUnreported(verdict: CommitVerdict): CommitVerdict {
    if (!verdict.ok || this.#unreported.length === 0) return verdict
    const trimmed = [...this.#unreported, ...verdict.trimmed]
    this.#unreported = []
    return { ...verdict, trimmed }
  }

  /** `giveWay`: how many acknowledged frames are deleted as well. */
  #transaction(commit: OutboxCommit, giveWay = 0): CommitVerdict {
    const stock = this.#stock.copy()
    try {
      this.#database.exec('BEGIN IMMEDIATE')
      if (giveWay > 0) stock.giveWay(giveWay)
      this.#apply(commit, stock)
      const excess = (commit.frames ?? []).length > 0 ? stock.excess() : null
      if (excess !== null) {
        this.#database.exec('ROLLBACK')
        return { ok: false, fault: 'OPS-15', detail: excess }
      }
      this.#database.exec('COMMIT')
      this.#stock = stock
      const { backlog, trimmed, tooOld } = stock
      return { ok: true, backlog, trimmed, tooOld }
    } catch (error) {
      // SQLite rolls back by itself after some errors, not after others.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      return faultOfSqlite(error, DATABASE_FILE)
    }
  }

  #apply(commit: OutboxCommit, stock: Stocktaking): void {
    const statements = this.#statements
    if (commit.identity !== undefined) statements.putIdentity(commit.identity)
    for (const epoch of commit.epochs ?? []) statements.putEpoch(epoch)
    for (const run of commit.runs ?? []) {
      stock.acknowledge(run)
      statements.putRun(run)
    }
    for (const frame of commit.frames ?? []) {
      statements.putFrame(frame)
      stock.add(frame.body.length)
    }
    for (const [meter, through] of commit.cursors ?? []) statements.putCursor.run(meter, through)
    if (commit.command !== undefined) statements.putCommand(commit.command)
    if (commit.frequency !== undefined) statements.putFrequency(commit.frequency)
    for (const [meter, seconds] of commit.schedules ?? []) {
      statements.putSchedule.run(meter, seconds)
    }
    for (const [meter, { month, sum }] of commit.corrections ?? []) {
      statements.putCorrection.run(meter, month, Math.round(sum))
    }
    for (const run of commit.dropRuns ?? []) {
      stock.drop(run)
      statements.dropRun.run(run)
    }
    for (const epoch of commit.dropEpochs ?? []) statements.dropEpoch.run(epoch)
    if (commit.tidy === true) stock.tidy(PORTION_FRAMES)
    if (commit.frames !== undefined) stock.makeRoom()
    const highest = Math.max(0, ...(commit.runs ?? []).map(({ run }) => run))
    stock.put(commit.lastUsed ?? null, highest)
  }
}
