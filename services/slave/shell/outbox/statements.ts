// The outbox's SQL, prepared once.

import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type {
  StoredCommand,
  StoredEpoch,
  StoredFrame,
  StoredFrequency,
  StoredIdentity,
  StoredRun,
} from '../../core/state/stored.ts'

/** A tree (at most 1,129 bytes, shared/tves/tree) is stored in a slot of a multiple of this, zeros
 * behind it. So its row keeps its length and SQLite overwrites it where it lies, instead of moving
 * it within or between pages. */
const TREE_SLOT_BYTES = 1_536

/** Longest text or number of a row beside its tree, bytes; a scratch row is longer than any. */
const ROW_BYTES_MAX = 256

/** A value in a row takes as much room as it needs: a row keeps its length while this stays the
 * same. */
const shapeOf = ({ state, tree }: Pick<StoredEpoch, 'state' | 'tree'>): string =>
  `${state} ${tree.length < 128}`

export class Statements {
  readonly #identity: StatementSync
  readonly #epoch: StatementSync
  readonly #scratch: StatementSync
  /** By epoch, as last written. */
  readonly #shapes = new Map<number, string>()
  readonly #run: StatementSync
  readonly #frame: StatementSync
  readonly #command: StatementSync
  readonly #opener: StatementSync
  readonly #frequency: StatementSync
  readonly putCursor: StatementSync
  readonly putSchedule: StatementSync
  readonly putCorrection: StatementSync
  readonly putState: StatementSync
  readonly state: StatementSync
  /** Frames and bytes of a run in (after, through]. */
  readonly count: StatementSync
  readonly forget: StatementSync
  readonly putExtent: StatementSync
  readonly dropRun: StatementSync
  readonly dropEpoch: StatementSync
  readonly runs: StatementSync
  readonly run: StatementSync
  readonly openerOf: StatementSync
  readonly framesAfter: StatementSync
  readonly frameAt: StatementSync
  /** The oldest frames of a run, without their bodies. */
  readonly oldest: StatementSync

  constructor(database: DatabaseSync) {
    const sql = (text: string): StatementSync => database.prepare(text)
    this.#identity =
      sql(`INSERT INTO identity (id, static_key, attempt, master_key, psk, device, next_master_key)
      VALUES (1, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE
      SET static_key = excluded.static_key, attempt = excluded.attempt,
      master_key = excluded.master_key, psk = excluded.psk, device = excluded.device,
      next_master_key = excluded.next_master_key`)
    this.#epoch = sql(`INSERT INTO epochs VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE
      SET state = excluded.state, tree_bytes = excluded.tree_bytes, tree = excluded.tree`)
    const zeros = TREE_SLOT_BYTES + ROW_BYTES_MAX
    this.#scratch = sql(`INSERT INTO epochs
      VALUES (0, 0, zeroblob(32), 'closed', 0, zeroblob(${zeros}))`)
    this.#run = sql(`INSERT INTO runs (run, epoch, last, last_hash, acknowledged, acknowledged_hash,
      forked, first, first_hash, dropped) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (run) DO UPDATE SET last = excluded.last, last_hash = excluded.last_hash,
      acknowledged = excluded.acknowledged, acknowledged_hash = excluded.acknowledged_hash,
      forked = excluded.forked`)
    this.#frame = sql(`INSERT INTO frames (run, sequence, second, sealed_at, before, hash, body)
      VALUES (?, ?, ?, ?, ?, ?, ?)`)
    this.#opener = sql('UPDATE runs SET opener = ?, opener_hash = ? WHERE run = ?')
    this.putCursor = sql(`INSERT INTO cursors VALUES (?, ?) ON CONFLICT (meter) DO UPDATE
      SET through = excluded.through`)
    this.putSchedule = sql(`INSERT INTO schedules VALUES (?, ?) ON CONFLICT (meter) DO UPDATE
      SET seconds = excluded.seconds`)
    this.putCorrection = sql(`INSERT INTO corrections VALUES (?, ?, ?) ON CONFLICT (meter)
      DO UPDATE SET month = excluded.month, sum = excluded.sum`)
    this.#command = sql(`INSERT INTO command (id, number, outcome, detail) VALUES (1, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET number = excluded.number, outcome = excluded.outcome,
      detail = excluded.detail`)
    this.#frequency = sql(`INSERT INTO frequency (id, ppm, deviation, at) VALUES (1, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE
      SET ppm = excluded.ppm, deviation = excluded.deviation, at = excluded.at`)
    this.putState = sql(`UPDATE state SET last_used = coalesce(?, last_used),
      highest_run = max(highest_run, ?), frames = ?, bytes = ?, kept_frames = ?, kept_bytes = ?`)
    this.state = sql('SELECT last_used, frames, bytes, kept_frames, kept_bytes FROM state')
    this.count = sql(`SELECT count(*) AS frames, coalesce(sum(length(body)), 0) AS bytes
      FROM frames WHERE run = ? AND sequence > ? AND sequence <= ?`)
    this.forget = sql('DELETE FROM frames WHERE run = ? AND sequence <= ?')
    this.putExtent = sql(`UPDATE runs SET first = ?, first_hash = ?, dropped = coalesce(?, dropped)
      WHERE run = ?`)
    this.dropRun = sql('DELETE FROM runs WHERE run = ?')
    this.dropEpoch = sql('DELETE FROM epochs WHERE id = ?')
    this.runs = sql('SELECT run, last, acknowledged, first FROM runs ORDER BY run')
    this.run = sql(
      'SELECT run, last, acknowledged, first, first_hash, dropped FROM runs WHERE run = ?',
    )
    this.openerOf = sql('SELECT opener AS body, opener_hash AS hash FROM runs WHERE run = ?')
    this.framesAfter = sql(`SELECT * FROM frames WHERE run = ? AND sequence > ? AND sequence <= ?
      ORDER BY sequence LIMIT ?`)
    this.frameAt = sql('SELECT * FROM frames WHERE run = ? AND sequence = ?')
    this.oldest = sql(`SELECT sequence, sealed_at, hash FROM frames
      WHERE run = ? AND sequence <= ? ORDER BY sequence LIMIT ?`)
  }

  putIdentity(identity: StoredIdentity): void {
    const { staticKey, attempt, masterKey, psk, device, nextMasterKey = null } = identity
    this.#identity.run(staticKey, attempt, masterKey, psk, device, nextMasterKey)
  }

  putCommand({ number, outcome, detail }: StoredCommand): void {
    this.#command.run(number, outcome, detail)
  }

  putFrequency({ frequency, deviation, at }: StoredFrequency): void {
    this.#frequency.run(frequency, deviation, at)
  }

  putEpoch({ id, origin, transcript, state, tree }: StoredEpoch): void {
    const slots = Math.max(1, Math.ceil(tree.length / TREE_SLOT_BYTES))
    const slot = new Uint8Array(slots * TREE_SLOT_BYTES)
    slot.set(tree)
    this.#epoch.run(id, origin, transcript, state, tree.length, slot)
    slot.fill(0)
    if (this.#shapes.get(id) === shapeOf({ state, tree })) return
    // A row whose length changes is put together in a page of memory that SQLite keeps, and whose
    // end nothing shorter overwrites: 249 of 300 frames were opened with what was found there. So a
    // longer row of zeros comes and goes. (0 is no epoch's id.)
    this.#shapes.set(id, shapeOf({ state, tree }))
    this.#scratch.run()
    this.dropEpoch.run(0)
  }

  putRun(run: StoredRun): void {
    const { epoch, last, lastHash, acknowledged, acknowledgedHash, forked } = run
    const { first, firstHash, dropped } = run
    const sealed = [run.run, epoch, last, lastHash, acknowledged, acknowledgedHash] as const
    this.#run.run(...sealed, forked ? 1 : 0, first, firstHash, dropped)
  }

  putFrame(frame: StoredFrame): void {
    const { run, sequence, second, sealedAt, before, hash, body } = frame
    this.#frame.run(run, sequence, second, sealedAt, before, hash, body)
    if (sequence === 0) this.#opener.run(body, hash, run)
  }
}
