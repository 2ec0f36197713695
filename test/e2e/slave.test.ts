// A whole slave from its TOML file: simulated meters on a TCP line, the real agent, the real
// outbox, the real link, and the master's core behind its listeners.

import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { serveSemBus } from '../../services/simulator/sem-bus.ts'
import { simulatedMeter } from '../../services/simulator/simulated-meter.ts'
import type { OutboxCommit } from '../../services/slave/core/state/stored.ts'
import { runSlave } from '../../services/slave/main.ts'
import { Outbox } from '../../services/slave/shell/outbox/outbox.ts'
import { type Log, openLog } from '../../shared/node/log.ts'
import { FaultError } from '../../shared/node/fault-error.ts'
import { decodeTree } from '../../shared/tves/tree.ts'
import { unixMs } from '../../shared/units.ts'
import { LIMITS, open } from './outbox-fixture.ts'
import { FixtureMaster } from './master-fixture.ts'

interface Scene {
  readonly folder: string
  readonly file: string
  readonly master: FixtureMaster
  readonly log: Log
  readonly lines: string[]
}

async function scene(t: TestContext, door: 'tcp' | 'ws'): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-slave-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const master = new FixtureMaster()
  const doors = await master.open()
  t.after(() => master.close())
  const meters = [simulatedMeter('ED-1', 1), simulatedMeter('ED-2', 2)]
  const bus = await serveSemBus({ meters, now: () => unixMs(Date.now()) })
  t.after(() => bus.close())
  const file = join(folder, 'slave.toml')
  writeFileSync(
    file,
    `master = "${doors[door]}"
token = "${master.token}"
[[line]]
url = "${bus.url}"
protocol = "sem"
meters = ["ED-1", "ED-2"]
every = 1
history = false
`,
    { mode: 0o600 },
  )
  const lines: string[] = []
  const log = openLog({ pretty: false, nowMs: () => 0, write: (line) => lines.push(line) })
  return { folder, file, master, log, lines }
}

/** Each stream at the master has every sequence number once, from 0 on. */
function assertWhole(master: FixtureMaster): void {
  const streams = new Map<string, number>()
  for (const { position } of master.frames) {
    const stream = `${position.epoch}/${position.run}`
    assert.equal(position.sequence, (streams.get(stream) ?? -1) + 1, stream)
    streams.set(stream, position.sequence)
  }
}

const metersSeen = (master: FixtureMaster): readonly string[] => {
  const readings = master.frames.flatMap(({ content }) =>
    content.kind === 'readings' ? content.groups.flatMap((group) => group.readings) : [],
  )
  return [...new Set(readings.map(({ meter }) => meter))].sort()
}

// At once: each has a slave and a master of its own, and mostly waits.
void describe('a slave and its master', { concurrency: true }, () => {
  for (const door of ['tcp', 'ws'] as const) {
    test(`${door}: enrols, reads, seals, sends and forgets what is durable (wire.md)`, async (t) => {
      const { folder, file, master, log, lines } = await scene(t, door)
      const slave = await runSlave(file, log)
      t.after(() => slave.stop())
      await master.untilFrames(4)
      assert.deepEqual(metersSeen(master), ['ED-1', 'ED-2'])
      assert.deepEqual(master.refused, [])
      await wait(1_000)
      await slave.stop()
      assertWhole(master)
      const outbox = open(join(folder, 'data'))
      const { backlog, identity, runs } = outbox.load()
      outbox.close()
      assert.ok(backlog.frames < 4, `${backlog.frames} still wait`)
      assert.equal(identity?.device?.length, 8)
      assert.equal(runs.length, 1)
      assert.deepEqual(
        lines.filter((line) => line.includes('"fault"')),
        [],
      )
      assert.doesNotMatch(lines.join(''), new RegExp(master.token.slice(0, 20)))
    })
  }

  test('master away, slave restarts meanwhile: nothing is lost or comes twice', async (t) => {
    const { file, master, log } = await scene(t, 'tcp')
    const first = await runSlave(file, log)
    await master.untilFrames(3)
    await master.close()
    await wait(1_600)
    await first.stop()
    const before = master.frames.length
    const second = await runSlave(file, log)
    t.after(() => second.stop())
    await wait(500)
    await master.open()
    await master.untilFrames(before + 4)
    assertWhole(master)
    const runs = new Set(master.frames.map(({ position }) => position.run))
    assert.ok(runs.size >= 2, 'the second process has a run of its own')
  })
})

test('no key of an earlier second is on the disk after a commit (wire.md 7)', async (t) => {
  const { folder, file, master, log } = await scene(t, 'tcp')
  const { value: commit } = Object.getOwnPropertyDescriptors(Outbox.prototype).commit
  assert.ok(commit !== undefined)
  const earlier = new Set<string>()
  let scans = 0
  t.mock.method(Outbox.prototype, 'commit', function (this: Outbox, work: OutboxCommit) {
    const verdict = commit.call(this, work)
    const keys = this.load().epochs.flatMap(({ tree }) => decodeTree(tree)?.nodes ?? [])
    const now = new Set(keys.map(({ key }) => Buffer.from(key).toString('latin1')))
    const disk = readdirSync(join(folder, 'data'))
      .map((name) => readFileSync(join(folder, 'data', name), 'latin1'))
      .join('')
    for (const key of earlier.difference(now)) assert.ok(!disk.includes(key), 'an old key is gone')
    for (const key of now) {
      assert.ok(disk.includes(key), 'the scan finds what is there')
      earlier.add(key)
    }
    scans += 1
    return verdict
  })
  const slave = await runSlave(file, log)
  t.after(() => slave.stop())
  await master.untilFrames(8)
  await slave.stop()
  assert.ok(scans >= 8 && earlier.size > 32, `${scans} scans, ${earlier.size} keys`)
})

test('a fault of the file or the folder stops the start with its code', async (t) => {
  const { folder, file, log } = await scene(t, 'tcp')
  const isFault = (code: string) => (error: unknown) =>
    error instanceof FaultError && error.code === code
  await assert.rejects(runSlave(join(folder, 'none.toml'), log), isFault('OPS-05'))
  const outbox = open(join(folder, 'data'), LIMITS)
  t.after(() => outbox.close())
  await assert.rejects(runSlave(file, log), isFault('OPS-11'))
})
