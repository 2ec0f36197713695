// The outbox: what a commit promises, what a fetch brings, and the verdicts in between.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { OutboxCommit } from '../../services/slave/core/state.ts'
import { openOutbox } from '../../services/slave/shell/outbox.ts'
import { unixMs, unixUs } from '../../shared/units.ts'
import {
  DAY_MS,
  EPOCH,
  LIMITS,
  epochOf,
  folderFor,
  frameOf,
  open,
  outboxModule,
  query,
  runOf,
  sequences,
  step,
} from './outbox-fixture.ts'

test('what was committed is there after the next opening, byte for byte', (t) => {
  const folder = folderFor(t)
  const commit: OutboxCommit = {
    identity: {
      staticKey: randomBytes(32),
      attempt: 3,
      masterKey: randomBytes(32),
      psk: null,
      device: randomBytes(8),
    },
    epochs: [epochOf(randomBytes(900))],
    runs: [runOf(1, 1)],
    frames: [frameOf(1, 0), frameOf(1, 1)],
    cursors: [['ED-1', unixMs(1_790_000_900_000)]],
    lastUsed: unixUs(1_790_000_000_123_456),
  }
  const first = open(folder)
  assert.equal(first.commit(commit).ok, true)
  first.close()
  const outbox = open(folder)
  t.after(() => outbox.close())
  const { identity, epochs, runs, cursors, lastUsed, highestRun, backlog } = outbox.load()
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
  assert.equal(highestRun, 1)
  assert.deepEqual(backlog, { frames: 2, bytes: 400 })
  const bodies = outbox.fetch(query(0, -1)).frames.map(({ body }) => Buffer.from(body))
  assert.deepEqual(
    bodies,
    commit.frames?.map(({ body }) => body),
  )
})

test('a file of the first version is brought up to ours, with what is in it', (t) => {
  const folder = folderFor(t)
  const first = open(folder)
  first.commit(step(1, 0))
  first.close()
  const file = new DatabaseSync(join(folder, 'outbox.sqlite'))
  file.exec('DROP TABLE command; DROP TABLE schedules; PRAGMA user_version = 1')
  file.close()
  const upgraded = open(folder)
  assert.equal(upgraded.load().command, null)
  assert.deepEqual(sequences(upgraded.fetch(query(0, -1)).frames), [[1, 0]])
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

test('frames come in order of run and sequence, within the limits, without forked runs', (t) => {
  const outbox = open(folderFor(t))
  t.after(() => outbox.close())
  outbox.commit({ runs: [runOf(1, 2), runOf(2, 1), { ...runOf(3, 0), forked: true }, runOf(4, 0)] })
  const places = [
    [4, 0],
    [2, 1],
    [2, 0],
    [1, 0],
    [3, 0],
    [1, 2],
    [1, 1],
  ] as const
  outbox.commit({ frames: places.map(([run, sequence]) => frameOf(run, sequence)) })
  const all = [
    [1, 0],
    [1, 1],
    [1, 2],
    [2, 0],
    [2, 1],
    [4, 0],
  ]
  assert.deepEqual(sequences(outbox.fetch(query(0, -1)).frames), all)
  assert.deepEqual(sequences(outbox.fetch(query(1, 1)).frames), all.slice(2))
  assert.deepEqual(sequences(outbox.fetch(query(1, 1, 2)).frames), all.slice(2, 4))
  assert.deepEqual(sequences(outbox.fetch(query(0, -1, 9, 400)).frames), all.slice(0, 2))
  assert.deepEqual(sequences(outbox.fetch(query(0, -1, 9, 1)).frames), all.slice(0, 1))
  assert.deepEqual(outbox.fetch({ ...query(0, -1), epoch: 8 }).frames, [])
})

test('forgetting lowers the backlog, and the run number stays used', (t) => {
  const folder = folderFor(t)
  const outbox = open(folder)
  for (let n = 0; n < 5; n += 1) outbox.commit(step(1, n))
  const verdict = outbox.commit({ forget: [{ run: 1, through: 2 }] })
  assert.deepEqual(verdict, { ok: true, backlog: { frames: 2, bytes: 400 } })
  assert.deepEqual(sequences(outbox.fetch(query(0, -1)).frames), [
    [1, 3],
    [1, 4],
  ])
  outbox.commit({ dropRuns: [1], dropEpochs: [EPOCH] })
  outbox.close()
  const again = open(folder)
  t.after(() => again.close())
  const { runs, epochs, highestRun, backlog } = again.load()
  assert.deepEqual(
    { runs, epochs, highestRun, backlog },
    {
      runs: [],
      epochs: [],
      highestRun: 1,
      backlog: { frames: 0, bytes: 0 },
    },
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
    assert.equal(outbox.commit({ forget: [{ run: 1, through: 0 }] }).ok, true)
    assert.equal(outbox.commit(step(1, 3)).ok, true)
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

test('OPS-16: a rotten body ends its run, the other runs go on, also after a restart', (t) => {
  const folder = folderFor(t)
  const body = randomBytes(300)
  const first = open(folder)
  first.commit(step(1, 0))
  first.commit(step(1, 1, body))
  first.commit(step(1, 2))
  first.commit(step(2, 0))
  first.close()
  const path = join(folder, 'outbox.sqlite')
  const file = readFileSync(path)
  const at = file.indexOf(body)
  assert.ok(at > 0)
  file[at + 150] = (file[at + 150] ?? 0) ^ 1
  writeFileSync(path, file)
  const outbox = open(folder)
  t.after(() => outbox.close())
  const found = outbox.fetch(query(0, -1))
  assert.deepEqual(sequences(found.frames), [[1, 0]])
  assert.deepEqual(found.damaged, { run: 1, sequence: 1 })
  assert.deepEqual(outbox.fetch(query(0, -1)).damaged, null)
  assert.deepEqual(sequences(outbox.fetch(query(0, -1)).frames), [
    [1, 0],
    [2, 0],
  ])
  outbox.commit({ runs: [runOf(1, 2)] })
  assert.deepEqual(sequences(outbox.fetch(query(0, -1)).frames), [
    [1, 0],
    [2, 0],
  ])
})

test('the age limit drops whole old runs, never the newest (wire.md 10)', (t) => {
  const outbox = open(folderFor(t))
  t.after(() => outbox.close())
  const now = 1_790_000_000_000
  const old = now - 401 * DAY_MS
  outbox.commit({ runs: [runOf(1, 299), runOf(2, 1), runOf(3, 0)] })
  const body = randomBytes(10)
  const many = Array.from({ length: 300 }, (_, n) => frameOf(1, n, body, old))
  outbox.commit({ frames: many })
  outbox.commit({ frames: [frameOf(2, 0, body, old), frameOf(2, 1, body, now)] })
  outbox.commit({ frames: [frameOf(3, 0, body, old)] })
  assert.deepEqual(outbox.ageLimit(unixMs(now)), { runs: 1, frames: 300 })
  assert.deepEqual(outbox.backlog, { frames: 3, bytes: 30 })
  assert.deepEqual(
    outbox.load().runs.map(({ run }) => run),
    [2, 3],
  )
  assert.deepEqual(outbox.ageLimit(unixMs(now)), { runs: 0, frames: 0 })
})
