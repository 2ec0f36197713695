// From SQLite rows to the agent's types. What we read we once wrote; a row that does not fit is
// damage on the disk and says so.

import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { secretConcat } from '../../../../shared/bytes.ts'
import { ppm, second, spanUs, unixMs, unixUs } from '../../../../shared/units.ts'
import type {
  Extent,
  Stored,
  StoredCommand,
  StoredEpoch,
  StoredFrame,
  StoredFrequency,
  StoredIdentity,
  StoredRun,
} from '../../core/state/stored.ts'

export type Row = Readonly<Record<string, SQLOutputValue>>

/** A row that cannot be what we stored (OPS-16). */
export class DamagedRow extends Error {
  override readonly name = 'DamagedRow'
}

export function numberOf(row: Row, column: string): number {
  const value = row[column]
  if (typeof value !== 'number') throw new DamagedRow(`column ${column} is not a number`)
  return value
}

export function bytesOf(row: Row, column: string): Uint8Array {
  const value = row[column]
  if (!(value instanceof Uint8Array)) throw new DamagedRow(`column ${column} is not bytes`)
  return value
}

const bytesOrNull = (row: Row, column: string): Uint8Array | null =>
  row[column] === null ? null : bytesOf(row, column)

function textOf(row: Row, column: string): string {
  const value = row[column]
  if (typeof value !== 'string') throw new DamagedRow(`column ${column} is not text`)
  return value
}

export function readFrame(row: Row, epoch: number): StoredFrame {
  return {
    epoch,
    run: numberOf(row, 'run'),
    sequence: numberOf(row, 'sequence'),
    second: second(numberOf(row, 'second')),
    before: bytesOf(row, 'before'),
    hash: bytesOf(row, 'hash'),
    body: bytesOf(row, 'body'),
    sealedAt: unixMs(numberOf(row, 'sealed_at')),
  }
}

function readIdentity(row: Row): StoredIdentity {
  return {
    staticKey: bytesOf(row, 'static_key'),
    attempt: numberOf(row, 'attempt'),
    masterKey: bytesOrNull(row, 'master_key'),
    nextMasterKey: bytesOrNull(row, 'next_master_key'),
    psk: bytesOrNull(row, 'psk'),
    device: bytesOrNull(row, 'device'),
  }
}

function readEpoch(row: Row): StoredEpoch {
  const state = textOf(row, 'state')
  if (state !== 'pending' && state !== 'committed' && state !== 'closed') {
    throw new DamagedRow(`no epoch state ${state}`)
  }
  const slot = bytesOf(row, 'tree')
  const tree = secretConcat(slot.subarray(0, numberOf(row, 'tree_bytes')))
  slot.fill(0)
  return {
    id: numberOf(row, 'id'),
    origin: unixMs(numberOf(row, 'origin')),
    transcript: bytesOf(row, 'transcript'),
    tree,
    state,
  }
}

export function readExtent(row: Row): Extent {
  const dropped = row['dropped'] ?? null
  if (dropped !== null && dropped !== 'too old' && dropped !== 'too large') {
    throw new DamagedRow('no reason for frames that are gone')
  }
  const [first, firstHash] = [numberOf(row, 'first'), bytesOf(row, 'first_hash')]
  return { run: numberOf(row, 'run'), first, firstHash, dropped }
}

function readRun(row: Row): StoredRun {
  return {
    ...readExtent(row),
    epoch: numberOf(row, 'epoch'),
    last: numberOf(row, 'last'),
    lastHash: bytesOf(row, 'last_hash'),
    acknowledged: numberOf(row, 'acknowledged'),
    acknowledgedHash: bytesOf(row, 'acknowledged_hash'),
    forked: numberOf(row, 'forked') === 1,
  }
}

function readCommand(row: Row): StoredCommand {
  const outcome = textOf(row, 'outcome')
  if (outcome !== 'begun' && outcome !== 'done' && outcome !== 'refused' && outcome !== 'unknown') {
    throw new DamagedRow(`no command outcome ${outcome}`)
  }
  return { number: numberOf(row, 'number'), outcome, detail: textOf(row, 'detail') }
}

const readFrequency = (row: Row): StoredFrequency => ({
  frequency: ppm(numberOf(row, 'ppm')),
  deviation: ppm(numberOf(row, 'deviation')),
  at: unixMs(numberOf(row, 'at')),
})

/** Everything but the frames. */
export function readStored(database: DatabaseSync): Stored {
  const identity = database.prepare('SELECT * FROM identity').get()
  const state = database.prepare('SELECT * FROM state').get()
  if (state === undefined) throw new DamagedRow('the state row is gone')
  const command = database.prepare('SELECT * FROM command').get()
  const frequency = database.prepare('SELECT * FROM frequency').get()
  const schedules = database.prepare('SELECT * FROM schedules').all()
  const corrections = database.prepare('SELECT * FROM corrections').all()
  const cursors = database.prepare('SELECT * FROM cursors').all()
  return {
    identity: identity === undefined ? null : readIdentity(identity),
    epochs: database.prepare('SELECT * FROM epochs').all().map(readEpoch),
    runs: database.prepare('SELECT * FROM runs ORDER BY run').all().map(readRun),
    cursors: new Map(
      cursors.map((row) => [textOf(row, 'meter'), unixMs(numberOf(row, 'through'))]),
    ),
    command: command === undefined ? null : readCommand(command),
    schedules: new Map(schedules.map((row) => [textOf(row, 'meter'), numberOf(row, 'seconds')])),
    corrections: new Map(
      corrections.map((row) => {
        const register = { month: textOf(row, 'month'), sum: spanUs(numberOf(row, 'sum')) }
        return [textOf(row, 'meter'), register]
      }),
    ),
    lastUsed: state['last_used'] === null ? null : unixUs(numberOf(state, 'last_used')),
    frequency: frequency === undefined ? null : readFrequency(frequency),
    highestRun: numberOf(state, 'highest_run'),
    backlog: { frames: numberOf(state, 'frames'), bytes: numberOf(state, 'bytes') },
  }
}
