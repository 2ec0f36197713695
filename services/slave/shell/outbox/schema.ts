// The outbox's tables. Numbers are SQLite integers, byte strings are blobs.

/** `identity` and `state` have exactly one row. `state` carries the totals, so that nobody ever
 * counts the frames: with a year of backlog that would read the whole file. `frames`, `bytes`: what
 * waits; `kept_`: what is acknowledged and kept in case the master is set back. A run's `first` and
 * `first_hash` say what is still held of it; `opener` is a second copy of its first body, so that
 * one bad page does not cost a run. A frame carries the stream hash before and after it. */
const READINGS = `
CREATE TABLE identity (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  static_key BLOB NOT NULL, attempt INTEGER NOT NULL, master_key BLOB, psk BLOB, device BLOB
) STRICT;
CREATE TABLE state (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  last_used INTEGER, highest_run INTEGER NOT NULL, frames INTEGER NOT NULL, bytes INTEGER NOT NULL,
  kept_frames INTEGER NOT NULL, kept_bytes INTEGER NOT NULL
) STRICT;
CREATE TABLE epochs (
  id INTEGER PRIMARY KEY, origin INTEGER NOT NULL, transcript BLOB NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'committed', 'closed')),
  tree_bytes INTEGER NOT NULL, tree BLOB NOT NULL
) STRICT;
CREATE TABLE runs (
  run INTEGER PRIMARY KEY, epoch INTEGER NOT NULL,
  last INTEGER NOT NULL, last_hash BLOB NOT NULL,
  acknowledged INTEGER NOT NULL, acknowledged_hash BLOB NOT NULL,
  forked INTEGER NOT NULL,
  first INTEGER NOT NULL, first_hash BLOB NOT NULL,
  dropped TEXT CHECK (dropped IN ('too old', 'too large')),
  opener BLOB, opener_hash BLOB
) STRICT;
CREATE TABLE frames (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs (run), sequence INTEGER NOT NULL,
  second INTEGER NOT NULL, sealed_at INTEGER NOT NULL,
  before BLOB NOT NULL, hash BLOB NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX frames_in_order ON frames (run, sequence);
CREATE TABLE cursors (meter TEXT PRIMARY KEY, through INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO state VALUES (1, NULL, 0, 0, 0, 0, 0);
`

/** The last command taken, and the rhythms it ordered. */
const COMMANDS = `
CREATE TABLE command (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  number INTEGER NOT NULL, detail TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('begun', 'done', 'refused', 'unknown'))
) STRICT;
CREATE TABLE schedules (meter TEXT PRIMARY KEY, seconds INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`

/** The master's next static key (wire.md 5.2). */
const NEXT_MASTER_KEY = `
ALTER TABLE identity ADD COLUMN next_master_key BLOB;
`

/** What was learned of the oscillator: the field calls it a drift file. */
const FREQUENCY = `
CREATE TABLE frequency (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  ppm REAL NOT NULL, deviation REAL NOT NULL, at INTEGER NOT NULL
) STRICT;
`

/** Per meter: the month's corrections of its clock, microseconds. */
const CORRECTIONS = `
CREATE TABLE corrections (
  meter TEXT PRIMARY KEY, month TEXT NOT NULL, sum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`

/** The layout of the first version is not read any more. */
const FIRST_VERSION = 2

/** Each takes the file one version further. A step that was released never changes. */
const STEPS: readonly string[] = [READINGS, COMMANDS, NEXT_MASTER_KEY, FREQUENCY, CORRECTIONS]

/** Stored as `user_version`; a new file has 0. */
export const SCHEMA_VERSION = FIRST_VERSION + STEPS.length - 1

export const canUpgrade = (version: number): boolean =>
  version === 0 || (version >= FIRST_VERSION && version <= SCHEMA_VERSION)

/** Brings a file from `version` to ours, all or nothing. */
export function upgrade(version: number): string {
  const done = version === 0 ? 0 : version - FIRST_VERSION + 1
  return `BEGIN IMMEDIATE; ${STEPS.slice(done).join('')} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`
}

/** TRUNCATE and FULL: at the end of a commit the rollback journal, which holds the pages as they
 * were (older key trees), is cut to nothing and synchronised. A write-ahead log would keep them for
 * hours. secure_delete: what is deleted or outgrown is overwritten with zeros. EXCLUSIVE: one
 * process only. */
export const PRAGMAS = `
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = TRUNCATE;
PRAGMA synchronous = FULL;
PRAGMA secure_delete = ON;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -4096;
PRAGMA foreign_keys = ON;
PRAGMA trusted_schema = OFF;
`
