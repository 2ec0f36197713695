// The outbox: what a commit promises, what a fetch brings, and the verdicts in between.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { OutboxCommit } from '../../services/slave/core/state/stored.ts'
import { openOutbox } from '../../services/slave/shell/outbox/outbox.ts'
import { KNOWS_NOTHING, remembering } from '../../shared/clock/estimate/estimator.ts'
import { ppm, spanMs, unixMs, unixUs } from '../../shared/units.ts'
import {
  DAY_MS,
  EPOCH,
  LIMITS,
  epochOf,
  frameOf,
  open,
  outboxModule,
  query,
  runOf,
  step,
} from './outbox-fixture.ts'
import { folderFor } from '../fixtures/folder.ts'

test('what was committed is there after the next opening, byte for byte', (t) => {
  const folder = folderFor(t)
  const commit: OutboxCommit = {
    identity: {
      staticKey: randomBytes(32),
      attempt: 3,
      masterKey: randomBytes(32),
      psk: null,
      device: randomBytes(8),
      nextMasterKey: null,
    },
    epochs: [epochOf(randomBytes(900))],
    runs: [runOf(1, 1)],
    frames: [frameOf(1, 0), frameOf(1, 1)],
    cursors: [['ED-1', unixMs(1_790_000_900_000)]],
    lastUsed: unixUs(1_790_000_000_123_456),
    frequency: { frequency: ppm(-12.345), deviation: ppm(0.01), at: unixMs(1_790_000_000_123) },
  }
  const first = open(folder)
  assert.equal(first.commit(commit).ok, true)
  first.close()
  const outbox = open(folder)
  t.after(() => outbox.close())
  const { identity, epochs, runs, cursors, lastUsed, frequency, highestRun, backlog } =
    outbox.load()
  assert.deepEqual(
    { ...identity, staticKey: Buffer.from(identity?.staticKey ?? []) },
    {
      ...commit.identity,
      masterKey: new Uint8Array(commit.identity?.masterKey ?? []),
      device: new Uint8Array(commit.identity?.device ?? []),
    },
  )
  assert.deepEqual(epochs[0]?.tree, new Uint8Array(commit.epochs?.[0]?.tree ?? []))
  assert.deepEqual(runs, commit.runs)
  assert.deepEqual([...cursors], commit.cursors)
  assert.equal(lastUsed, commit.lastUsed)
  assert.deepEqual(frequency, commit.frequency)
  assert.equal(highestRun, 1)
  assert.deepEqual(backlog, { frames: 2, bytes: 400 })
  const bodies = outbox.fetch(query(1, -1)).frames.map(({ body }) => Buffer.from(body))
  assert.deepEqual(
    bodies,
    commit.frames?.map(({ body }) => body),
  )
})

test('a file of an older version is migrated to ours, with its content', (t) => {
  const folder = folderFor(t)
  const first = open(folder)
  first.commit(step(1, 0))
  first.close()
  const file = new DatabaseSync(join(folder, 'outbox.sqlite'))
  file.exec(
    'DROP TABLE command; DROP TABLE schedules; DROP TABLE frequency; DROP TABLE corrections',
  )
  file.exec('PRAGMA user_version = 2')
  file.exec('ALTER TABLE identity DROP COLUMN next_master_key')
  file.close()
  const upgraded = open(folder)
  assert.equal(upgraded.load().command, null)
  assert.deepEqual(
    upgraded.fetch(query(1, -1)).frames.map(({ sequence }) => sequence),
    [0],
  )
  const command = { number: 1_800_000_000_000, outcome: 'begun', detail: '' } as const
  assert.equal(upgraded.commit({ command, schedules: [['ED-1', 60]] }).ok, true)
  const refused = { number: 1_800_000_000_001, outcome: 'refused', detail: 'MTR-01' } as const
  const more = [
    ['ED-1', 900],
    ['ED-2', 5],
  ] as const
  assert.equal(upgraded.commit({ command: refused, schedules: more }).ok, true)
  upgraded.close()
  const again = open(folder)
  t.after(() => again.close())
  assert.deepEqual(again.load().command, refused)
  assert.deepEqual([...again.load().schedules], more)
})

test('folder 0700, files 0600 (house.md rule 7)', (t) => {
  const folder = folderFor(t)
  const outbox = open(folder)
  t.after(() => outbox.close())
  outbox.commit(step(1, 0))
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  for (const name of readdirSync(folder)) {
    assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  }
})

test('frames of a run come in order, within the limits; gaps are passed over', (t) => {
  const outbox = open(folderFor(t))
  t.after(() => outbox.close())
  outbox.commit({ runs: [runOf(1, 5), runOf(2, 1)] })
  const places = [
    [2, 1],
    [2, 0],
    [1, 0],
    [1, 5],
    [1, 2],
    [1, 1],
  ] as const
  outbox.commit({ frames: places.map(([run, sequence]) => frameOf(run, sequence)) })
  const found = (...at: Parameters<typeof query>) => {
    const { frames, through } = outbox.fetch({ ...query(...at), last: 5 })
    return [frames.map(({ sequence }) => sequence), through]
  }
  assert.deepEqual(found(1, -1), [[0, 1, 2, 5], 5])
  assert.deepEqual(found(1, 1), [[2, 5], 5])
  assert.deepEqual(found(1, -1, 2), [[0, 1], 1])
  assert.deepEqual(found(1, -1, 9, 400), [[0, 1], 1])
  assert.deepEqual(found(1, 0, 9, 400), [[1, 2], 4])
  assert.deepEqual(found(1, -1, 9, 1), [[0], 0])
  assert.deepEqual(found(1, 5), [[], 5])
  assert.deepEqual(found(2, -1), [[0, 1], 5])
})

test('acknowledged frames no longer wait, are kept for a week, then deleted (6.3)', (t) => {
  const folder = folderFor(t)
  const outbox = open(folder)
  const begin = 1_790_000_000_000
  for (let n = 0; n < 5; n += 1) {
    const frames = [frameOf(1, n, undefined, begin + n * DAY_MS)]
    assert.ok(outbox.commit({ runs: [runOf(1, n)], frames }).ok)
  }
  const done = outbox.commit({ runs: [runOf(1, 4, 2)] })
  assert.ok(done.ok)
  assert.deepEqual(done.backlog, { frames: 2, bytes: 400 })
  const after = (days: number) => {
    outbox.commit({ lastUsed: unixUs((begin + days * DAY_MS) * 1_000) })
    const verdict = outbox.commit({ tidy: true })
    assert.ok(verdict.ok)
    return verdict
  }
  assert.deepEqual(after(6.9).trimmed, [])
  assert.deepEqual(
    after(8.1).trimmed.map(({ run, first, dropped }) => [run, first, dropped]),
    [[1, 2, null]],
  )
  // Never a frame that still waits; and the opener has a second copy.
  assert.deepEqual(after(50).trimmed[0]?.first, 3)
  assert.deepEqual(after(50).trimmed, [])
  const { extent, frames, opener } = outbox.fetch(query(1, -1))
  assert.deepEqual([extent.first, frames.length, opener?.body.length], [3, 2, 200])
  // The master was set back: the frames still there wait again.
  const back = outbox.commit({ runs: [runOf(1, 4, 4)] })
  assert.ok(back.ok && back.backlog.frames === 0)
  const again = outbox.commit({ runs: [runOf(1, 4, 0)] })
  assert.ok(again.ok && again.backlog.frames === 2)
  outbox.commit({ dropRuns: [1], dropEpochs: [EPOCH] })
  outbox.close()
  const later = open(folder)
  t.after(() => later.close())
  const { runs, epochs, highestRun, backlog } = later.load()
  assert.deepEqual([runs, epochs, highestRun], [[], [], 1])
  assert.deepEqual(backlog, { frames: 0, bytes: 0 })
})

test('only the newest 256 runs are kept for a master that was set back', (t) => {
  const outbox = open(folderFor(t))
  t.after(() => outbox.close())
  const runs = Array.from({ length: 300 }, (_, n) => runOf(n + 1, 0, 0))
  const frames = runs.map(({ run }) => frameOf(run, 0))
  outbox.commit({ runs: runs.map(({ run }) => runOf(run, 0)), frames })
  outbox.commit({ runs, lastUsed: unixUs(1_790_000_000_000_000) })
  const verdict = outbox.commit({ tidy: true })
  assert.ok(verdict.ok)
  assert.deepEqual(
    verdict.trimmed.map(({ run }) => run),
    Array.from({ length: 44 }, (_, n) => n + 1),
  )
})

test('OPS-15 at the limits: readings refused, acknowledgements go through', (t) => {
  for (const limits of [
    { ...LIMITS, framesMax: 3 },
    { ...LIMITS, bytesMax: 799 },
  ]) {
    const outbox = open(folderFor(t), limits)
    for (let n = 0; n < 3; n += 1) assert.equal(outbox.commit(step(1, n)).ok, true)
    const before = outbox.load()
    const refused = outbox.commit(step(1, 3))
    assert.equal(!refused.ok && refused.fault, 'OPS-15')
    assert.deepEqual(outbox.load(), before)
    // Acknowledged frames make room; waiting ones never do.
    assert.equal(outbox.commit({ runs: [runOf(1, 2, 0)] }).ok, true)
    const { run, ...frame } = { run: runOf(1, 3, 0), frames: [frameOf(1, 3)] }
    const fits = outbox.commit({ ...frame, runs: [run] })
    assert.ok(fits.ok)
    assert.equal(fits.trimmed[0]?.first, 1)
    assert.equal(fits.backlog.frames, 3)
    const full = outbox.commit({ runs: [runOf(1, 4, 0)], frames: [frameOf(1, 4)] })
    assert.equal(!full.ok && full.fault, 'OPS-15')
    outbox.close()
  }
})

test('OPS-11 when somebody else has the outbox open', (t) => {
  const folder = folderFor(t)
  const outbox = open(folder)
  t.after(() => outbox.close())
  const script = `import { openOutbox } from ${JSON.stringify(outboxModule)}
    console.log(openOutbox(${JSON.stringify(folder)}, {}).fault)`
  const other = execFileSync(process.execPath, ['--input-type=module', '-e', script])
  assert.equal(other.toString().trim(), 'OPS-11')
  assert.equal(outbox.commit(step(1, 0)).ok, true)
})

test('OPS-13 made by a newer program, OPS-16 no database, OPS-04 no folder', (t) => {
  const folder = folderFor(t)
  open(folder).close()
  const database = new DatabaseSync(join(folder, 'outbox.sqlite'))
  database.exec('PRAGMA user_version = 9')
  database.close()
  const newer = openOutbox(folder, LIMITS)
  assert.equal(!newer.ok && newer.fault, 'OPS-13')
  writeFileSync(join(folder, 'outbox.sqlite'), randomBytes(8_192))
  const noise = openOutbox(folder, LIMITS)
  assert.equal(!noise.ok && noise.fault, 'OPS-16')
  const nowhere = openOutbox(join(folder, 'outbox.sqlite', 'deeper'), LIMITS)
  assert.equal(!nowhere.ok && nowhere.fault, 'OPS-04')
})

test('absurd numbers in the file: a frequency is only a guess, a number that does not fit is damage', (t) => {
  for (const [columns, fault] of [
    ['1e9, 0.01, 5', null],
    ['9e999, -9e999, 5', null],
    ['1, 0.01, 9000000000000000000', 'OPS-16'],
  ] as const) {
    const folder = folderFor(t)
    open(folder).close()
    const file = new DatabaseSync(join(folder, 'outbox.sqlite'))
    file.exec(`INSERT INTO frequency VALUES (1, ${columns})`)
    file.close()
    const opened = openOutbox(folder, LIMITS)
    assert.equal(opened.ok ? null : opened.fault, fault, columns)
    if (!opened.ok) continue
    const { frequency = null } = opened.outbox.load()
    assert.ok(frequency !== null)
    assert.equal(remembering(frequency, spanMs(0)), KNOWS_NOTHING)
    opened.outbox.close()
  }
})

test('a page that cannot be read costs the frames on it, not the run (OPS-16)', (t) => {
  const folder = folderFor(t)
  const first = open(folder)
  const bodies = Array.from({ length: 40 }, () => randomBytes(900))
  for (const [n, body] of bodies.entries()) first.commit(step(1, n, body))
  first.close()
  const path = join(folder, 'outbox.sqlite')
  const file = readFileSync(path)
  const at = file.indexOf(bodies[20] ?? '')
  assert.ok(at > 0)
  // The page's own head: SQLite calls it malformed.
  file.fill(0xff, at - (at % 4_096), at - (at % 4_096) + 100)
  writeFileSync(path, file)
  const outbox = open(folder)
  t.after(() => outbox.close())
  const found = new Set<number>()
  for (let sequence = -1; sequence < 39; ) {
    const { frames, through } = outbox.fetch({ ...query(1, sequence, 16), last: 39 })
    assert.ok(through > sequence && through <= 39)
    for (const frame of frames) found.add(frame.sequence)
    sequence = through
  }
  assert.ok(!found.has(20) && found.size >= 34 && found.size < 40, [...found].join())
})

test('the age limit drops old frames, also at the head of a run in use (OPS-14)', (t) => {
  const outbox = open(folderFor(t))
  t.after(() => outbox.close())
  const now = 1_790_000_000_000
  const old = now - 401 * DAY_MS
  const body = randomBytes(10)
  outbox.commit({ runs: [runOf(1, 299), runOf(2, 1)], lastUsed: unixUs(now * 1_000) })
  outbox.commit({ frames: Array.from({ length: 300 }, (_, n) => frameOf(1, n, body, old)) })
  outbox.commit({ frames: [frameOf(2, 0, body, old), frameOf(2, 1, body, now)] })
  const dropped = [256, 45, 0].map((count) => {
    const verdict = outbox.commit({ tidy: true })
    assert.ok(verdict.ok)
    assert.equal(verdict.tooOld, count)
    return verdict.trimmed.map(({ run, first, dropped }) => [run, first, dropped])
  })
  assert.deepEqual(dropped, [
    [[1, 256, 'too old']],
    [
      [1, 300, 'too old'],
      [2, 1, 'too old'],
    ],
    [],
  ])
  assert.deepEqual(outbox.backlog, { frames: 1, bytes: 10 })
})

test('an outbox from before the second master key is brought up to date (wire.md 5.2)', (t) => {
  const folder = folderFor(t)
  const before = open(folder)
  const identity = {
    staticKey: randomBytes(32),
    attempt: 1,
    masterKey: randomBytes(32),
    psk: randomBytes(32),
    device: randomBytes(8),
  }
  assert.ok(before.commit({ ...step(1, 0), identity }).ok)
  before.close()
  const file = new DatabaseSync(join(folder, 'outbox.sqlite'))
  file.exec('DROP TABLE frequency; DROP TABLE corrections')
  file.exec('ALTER TABLE identity DROP COLUMN next_master_key')
  file.exec('PRAGMA user_version = 3')
  file.close()
  const after = open(folder)
  assert.deepEqual(after.load().identity?.nextMasterKey, null)
  assert.deepEqual(Buffer.from(after.load().identity?.psk ?? []), identity.psk)
  const nextMasterKey = new Uint8Array(randomBytes(32))
  assert.ok(after.commit({ identity: { ...identity, nextMasterKey } }).ok)
  assert.deepEqual(new Uint8Array(after.load().identity?.nextMasterKey ?? []), nextMasterKey)
  assert.equal(after.backlog.frames, 1)
  after.close()
})
