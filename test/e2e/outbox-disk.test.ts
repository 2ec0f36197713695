// The outbox on real disks: what is left on them after a commit, a full one, and a process killed
// in the middle.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { OutboxCommit } from '../../services/slave/core/state/stored.ts'
import {
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
import { mountSmallDisk, unmount } from './small-disk.ts'

/** Marks every 32 bytes of a tree, so that even a fragment of an older one is recognised. */
const MARK = randomBytes(8)
function markedTree(generation: number, nodes: number): Uint8Array {
  const tree = randomBytes(nodes * 32 + 5)
  for (let n = 0; n < nodes; n += 1) {
    tree.set(MARK, n * 32)
    tree.writeUInt32BE(generation, n * 32 + 8)
  }
  return tree
}

function generationsOnDisk(folder: string): ReadonlySet<number> {
  const found = new Set<number>()
  for (const name of readdirSync(folder)) {
    const file = readFileSync(join(folder, name))
    for (let at = file.indexOf(MARK); at >= 0; at = file.indexOf(MARK, at + 1)) {
      found.add(at + 12 <= file.length ? file.readUInt32BE(at + 8) : -1)
    }
  }
  return found
}

test('after each of 600 commits no byte of any earlier tree is in any file (wire.md 7)', (t) => {
  const folder = folderFor(t)
  const outbox = open(folder, { ...LIMITS, framesMax: 60 })
  t.after(() => outbox.close())
  // Three epochs: 1 is replaced by 2 and dropped later, 3 stays pending. Trees of 3 to 32 nodes.
  const live = new Map<number, number>()
  for (let n = 1; n <= 600; n += 1) {
    const epoch = n < 200 ? 1 : 2
    const nodes = 3 + ((n * 7) % 30)
    const commit: OutboxCommit = {
      epochs: [epochOf(markedTree(n, nodes), epoch)],
      runs: [runOf(epoch, n, -1, epoch)],
      frames: [frameOf(epoch, n, randomBytes(40 + ((n * 131) % 6_000)), n, epoch)],
    }
    live.set(epoch, n)
    if (n % 50 === 0) {
      const pending = { ...epochOf(markedTree(1_000 + n, 8), 2 + n), state: 'pending' } as const
      assert.equal(outbox.commit({ epochs: [pending] }).ok, true)
      live.set(2 + n, 1_000 + n)
    }
    const dropped = n === 300 ? 1 : n % 50 === 20 && n > 50 ? 2 + n - 20 - 50 : 0
    live.delete(dropped)
    // Acknowledged frames make room for the next ones: rows are deleted all the time.
    const done = runOf(epoch, n, Math.max(-1, n - 20 - (n % 13)), epoch)
    assert.equal(outbox.commit({ ...commit, runs: [done], dropEpochs: [dropped] }).ok, true)
    assert.deepEqual(generationsOnDisk(folder), new Set(live.values()), `after commit ${n}`)
  }
})

test('OPS-06 on a full disk: acknowledging still works and sealing goes on by itself', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-tmpfs-'))
  if (!mountSmallDisk(t, folder)) {
    rmSync(folder, { recursive: true })
    return
  }
  const outbox = open(join(folder, 'slave'))
  t.after(() => {
    outbox.close()
    unmount(folder)
    rmSync(folder, { recursive: true })
  })
  let sequence = 0
  let verdict = outbox.commit(step(1, sequence, randomBytes(20_000)))
  for (; verdict.ok && sequence < 1_000; ) {
    sequence += 1
    verdict = outbox.commit(step(1, sequence, randomBytes(20_000)))
  }
  assert.equal(!verdict.ok && verdict.fault, 'OPS-06')
  assert.ok(sequence > 100, `${sequence} frames`)
  const full = outbox.load()
  assert.equal(full.backlog.frames, sequence)
  assert.equal(full.runs[0]?.last, sequence - 1)
  // Another file takes the rest of the disk: no free byte is left.
  const hog = join(folder, 'hog')
  try {
    for (let n = 0; n < 8_192; n += 1) writeFileSync(hog, randomBytes(1_024), { flag: 'a' })
  } catch {
    // Full, as wanted.
  }
  const still = outbox.commit(step(1, sequence, randomBytes(20_000)))
  assert.equal(!still.ok && still.fault, 'OPS-06')
  const freed = outbox.commit({ runs: [runOf(1, sequence - 1, 49)] })
  assert.ok(freed.ok, JSON.stringify(freed))
  assert.equal(outbox.backlog.frames, sequence - 50)
  rmSync(hog)
  const again = outbox.commit(step(1, sequence, randomBytes(20_000)))
  assert.ok(again.ok, JSON.stringify(again))
  const { frames } = outbox.fetch(query(1, 49, 1_000, 100_000_000))
  assert.deepEqual(
    frames.map((f) => f.sequence),
    Array.from({ length: sequence - 49 }, (_, n) => n + 50),
  )
})

/** Commits in a loop until it is killed; prints each commit's number once it has returned. */
const childScript = (folder: string): string => `
  import { randomBytes } from 'node:crypto'
  import { writeSync } from 'node:fs'
  import { openOutbox } from ${JSON.stringify(outboxModule)}
  const { outbox } = openOutbox(${JSON.stringify(folder)}, ${JSON.stringify(LIMITS)})
  const { highestRun } = outbox.load()
  const run = highestRun + 1
  for (let n = 0; ; n += 1) {
    const number = Buffer.alloc(4)
    number.writeUInt32BE(n)
    const verdict = outbox.commit({
      epochs: [{ id: 7, origin: 0, transcript: Buffer.alloc(32), state: 'committed',
        tree: Buffer.concat([number, randomBytes(900)]) }],
      runs: [{ epoch: 7, run, last: n, lastHash: number, acknowledged: -1,
        acknowledgedHash: number, forked: false, first: 0, firstHash: number, dropped: null }],
      frames: [{ epoch: 7, run, sequence: n, second: n, sealedAt: n, before: number, hash: number,
        body: randomBytes(100 + n % 5000) }],
    })
    if (!verdict.ok) throw new Error(verdict.detail)
    writeSync(1, n + '\\n')
  }`

/** Kills the child shortly after `acknowledged` commits; returns the last number it printed. */
function commitUntilKilled(folder: string, acknowledged: number): Promise<number> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', childScript(folder)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString()
    if (printed.split('\n').length > acknowledged) child.kill('SIGKILL')
  })
  return new Promise((done) => {
    child.on('close', () => done(Number(printed.split('\n').at(-2))))
  })
}

test('kill -9 in the middle: everything acknowledged is there, nothing is torn', async (t) => {
  const folder = folderFor(t)
  for (let run = 1; run <= 5; run += 1) {
    const last = await commitUntilKilled(folder, 20 + run * 7)
    const outbox = open(folder)
    const { runs, epochs, backlog } = outbox.load()
    const { frames } = outbox.fetch(query(run, -1, 10_000, 1_000_000_000))
    const stored = frames.length - 1
    assert.ok(stored >= last, `printed ${last}, stored ${stored}`)
    assert.deepEqual(
      frames.map((f) => f.sequence),
      frames.map((_, n) => n),
    )
    assert.equal(runs.at(-1)?.last, stored)
    assert.equal(Buffer.from(epochs[0]?.tree ?? []).readUInt32BE(0), stored)
    const all = runs.flatMap((entry) => {
      return outbox.fetch(query(entry.run, -1, 100_000, 1_000_000_000)).frames
    })
    assert.equal(backlog.frames, all.length)
    assert.equal(
      backlog.bytes,
      all.reduce((sum, f) => sum + f.body.length, 0),
    )
    outbox.close()
  }
})
