// The outbox's SQL, prepared once.

import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type {
  StoredCommand,
  StoredEpoch,
  StoredFrame,
  StoredIdentity,
  StoredRun,
} from '../core/state.ts'

/** A tree (at most 1,129 bytes, shared/tves/tree) is stored in a slot of a multiple of this, zeros
 * behind it. So its row keeps its length and SQLite overwrites it where it lies, instead of moving
 * it within or between pages. */
const TREE_SLOT_BYTES = 1_536
/** Above every sequence, a u32. */
const SEQUENCE_END = 2 ** 32

export class Statements {
  readonly #identity: StatementSync
  readonly #epoch: StatementSync
  readonly #run: StatementSync
  readonly #frame: StatementSync
  readonly #command: StatementSync
  readonly putCursor: StatementSync
  readonly putSchedule: StatementSync
  readonly putState: StatementSync
  readonly countThrough: StatementSync
  readonly forget: StatementSync
  readonly dropRun: StatementSync
  readonly dropEpoch: StatementSync
  readonly runsToSend: StatementSync
  readonly framesBetween: StatementSync
  readonly newestFrame: StatementSync
  readonly sequenceAt: StatementSync
  readonly markDamaged: StatementSync

  constructor(database: DatabaseSync) {
    const sql = (text: string): StatementSync => database.prepare(text)
    this.#identity = sql(`INSERT INTO identity VALUES (1, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE
      SET static_key = excluded.static_key, attempt = excluded.attempt,
      master_key = excluded.master_key, psk = excluded.psk, device = excluded.device`)
    this.#epoch = sql(`INSERT INTO epochs VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE
      SET state = excluded.state, tree_bytes = excluded.tree_bytes, tree = excluded.tree`)
    this.#run = sql(`INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, NULL) ON CONFLICT (run) DO UPDATE
      SET last = excluded.last, last_hash = excluded.last_hash,
      acknowledged = excluded.acknowledged, acknowledged_hash = excluded.acknowledged_hash,
      forked = excluded.forked`)
    this.#frame =
      sql(`INSERT INTO frames (run, sequence, second, sealed_at, hash, body_sha256, body)
      VALUES (?, ?, ?, ?, ?, ?, ?)`)
    this.putCursor = sql(`INSERT INTO cursors VALUES (?, ?) ON CONFLICT (meter) DO UPDATE
      SET through = excluded.through`)
    this.putSchedule = sql(`INSERT INTO schedules VALUES (?, ?) ON CONFLICT (meter) DO UPDATE
      SET seconds = excluded.seconds`)
    this.#command = sql(`INSERT INTO command (id, number, outcome, detail) VALUES (1, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET number = excluded.number, outcome = excluded.outcome,
      detail = excluded.detail`)
    this.putState = sql(`UPDATE state SET last_used = max(coalesce(?, last_used), 
      coalesce(last_used, -1)), highest_run = max(highest_run, ?), frames = ?, bytes = ?`)
    this.countThrough = sql(`SELECT count(*) AS frames, coalesce(sum(length(body)), 0) AS bytes
      FROM frames WHERE run = ? AND sequence <= ?`)
    this.forget = sql('DELETE FROM frames WHERE run = ? AND sequence <= ?')
    this.dropRun = sql('DELETE FROM runs WHERE run = ?')
    this.dropEpoch = sql('DELETE FROM epochs WHERE id = ?')
    this.runsToSend = sql(`SELECT run, coalesce(damaged_at, ${SEQUENCE_END}) AS end FROM runs
      WHERE epoch = ? AND run >= ? AND forked = 0 ORDER BY run`)
    this.framesBetween = sql(`SELECT * FROM frames WHERE run = ? AND sequence > ? AND sequence < ?
      ORDER BY sequence`)
    this.newestFrame = sql(`SELECT sealed_at FROM frames WHERE run = ?
      ORDER BY sequence DESC LIMIT 1`)
    this.sequenceAt = sql(`SELECT max(sequence) AS sequence FROM (SELECT sequence FROM frames
      WHERE run = ? ORDER BY sequence LIMIT ?) HAVING max(sequence) IS NOT NULL`)
    this.markDamaged = sql('UPDATE runs SET damaged_at = ? WHERE run = ?')
  }

  putIdentity(identity: StoredIdentity): void {
    const { staticKey, attempt, masterKey, psk, device } = identity
    this.#identity.run(staticKey, attempt, masterKey, psk, device)
  }

  putCommand({ number, outcome, detail }: StoredCommand): void {
    this.#command.run(number, outcome, detail)
  }

  putEpoch({ id, origin, transcript, state, tree }: StoredEpoch): void {
    const slots = Math.max(1, Math.ceil(tree.length / TREE_SLOT_BYTES))
    const slot = new Uint8Array(slots * TREE_SLOT_BYTES)
    slot.set(tree)
    this.#epoch.run(id, origin, transcript, state, tree.length, slot)
  }

  putRun(run: StoredRun): void {
    const { epoch, last, lastHash, acknowledged, acknowledgedHash, forked } = run
    const flag = forked ? 1 : 0
    this.#run.run(run.run, epoch, last, lastHash, acknowledged, acknowledgedHash, flag)
  }

  putFrame(frame: StoredFrame, bodySha256: Uint8Array): void {
    const { run, sequence, second, sealedAt, hash, body } = frame
    this.#frame.run(run, sequence, second, sealedAt, hash, bodySha256, body)
  }
}
