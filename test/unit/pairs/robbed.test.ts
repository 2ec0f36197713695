// A thief of one session's transport keys lies about streams, to either side: once the session is
// over nothing is lost (wire.md 6, 5.5). He also sees the line, so he knows every stream hash.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredRun } from '../../../services/slave/core/state/stored.ts'
import { nodeRandom, nodeSuite } from '../../../shared/node/node-suite.ts'
import { type ControlMessage, encodeControl } from '../../../shared/wire/control.ts'
import { isFrame } from '../../../shared/wire/frame.ts'
import { CONTROL_BYTE } from '../../../shared/wire/message.ts'
import { HOUR, RecoveryWorld } from './recovery-world.ts'
import { SessionThief } from '../../../services/adversary/session-thief.ts'

const hash = (): Uint8Array => nodeRandom(32)

/** Five readings are stored; from now on the thief keeps the slave's frames from the master. */
function robbed() {
  const thief = new SessionThief(nodeSuite)
  const world = new RecoveryWorld(thief.suite)
  world.settle()
  world.read(5)
  world.settle()
  world.complete()
  world.line = (body) => (isFrame(body) ? null : body)
  const say = (message: ControlMessage): void =>
    world.toSlave(thief.toVictim(encodeControl(message)))
  const runs = (): readonly StoredRun[] => world.disk.load().runs
  return { world, thief, say, runs }
}

/** The session ends, and the line is free again: every reading arrives. */
function recovered(world: RecoveryWorld): void {
  world.disconnect()
  world.line = (body) => body
  world.settle()
  world.read(2)
  world.settle()
  world.complete()
  assert.deepEqual(world.exceptions, [])
  assert.deepEqual(
    world.disk.load().runs.filter(({ forked }) => forked),
    [],
  )
}

test('ACKNOWLEDGE with another hash, or of more than was sealed: no frame is given up for it', () => {
  for (const ahead of [0, 7]) {
    const { world, say, runs } = robbed()
    world.read(3)
    const run = runs().at(-1)
    assert.ok(run !== undefined)
    say({
      is: 'acknowledge',
      epoch: run.epoch,
      run: run.run,
      sequence: run.last + ahead,
      hash: hash(),
    })
    assert.match(world.said(), /SEC-FORK/, 'but an alarm is raised')
    recovered(world)
  }
})

test('ACKNOWLEDGE of frames that the master never saw: they come again', () => {
  const { world, say, runs } = robbed()
  world.read(3)
  const run = runs().at(-1)
  assert.ok(run !== undefined)
  const { epoch, run: number, last: sequence, lastHash } = run
  say({ is: 'acknowledge', epoch, run: number, sequence, hash: lastHash })
  world.pass(2_000_000)
  assert.equal(world.disk.waiting().length, 0, 'the slave believes it for now')
  recovered(world)
})

test('the same of a closed epoch, whose runs no CONFIRM names any more: they come again', () => {
  const { world, say, runs } = robbed()
  world.read(3)
  const [old] = runs()
  assert.ok(old !== undefined)
  world.pass(HOUR + HOUR / 4, HOUR / 8)
  world.connect()
  assert.equal(world.disk.load().epochs.length, 2)
  world.read(1)
  say({ is: 'acknowledge', epoch: old.epoch, run: old.run, sequence: old.last, hash: old.lastHash })
  world.pass(2_000_000)
  assert.equal(world.disk.waiting().length, 2, 'the slave believes it for now')
  recovered(world)
})

/** Two sessions, in the second of which the thief answers CONFIRM before the master does. */
function committedBy(lie: (run: StoredRun) => { next: number; hash: Uint8Array } | null): void {
  const { world, say, runs } = robbed()
  world.read(3)
  const run = runs().at(-1)
  assert.ok(run !== undefined)
  const said = lie(run)
  const { epoch, run: number } = run
  const entry = { epoch, run: number, known: said !== null, next: 0, hash: new Uint8Array(32) }
  world.disconnect()
  world.line = (body) => (isFrame(body) || body[0] === CONTROL_BYTE ? null : body)
  world.connect()
  say({ is: 'committed', epoch: 0, runs: [{ ...entry, ...said }] })
  recovered(world)
}

test('COMMITTED with another history, or with more than was sealed: no frame is given up for it', () => {
  committedBy(({ last }) => ({ next: last + 1, hash: hash() }))
  committedBy(({ last }) => ({ next: last + 9, hash: hash() }))
})

test('COMMITTED that claims all, or does not know the epoch: the frames come again', () => {
  committedBy(({ last, lastHash }) => ({ next: last + 1, hash: lastHash }))
  committedBy(() => null)
})

test('EXPECT of every code, many times: nothing is given up for it', () => {
  for (const code of ['SEC-02', 'SEC-03', 'SEC-04', 'SEC-05', 'SEC-06', 'SEC-12'] as const) {
    const { world, say, runs } = robbed()
    world.read(3)
    const run = runs().at(-1)
    assert.ok(run !== undefined)
    const at = { epoch: run.epoch, run: run.run, next: run.last - 2, masterTime: 0 as never }
    for (let times = 0; times < 5; times += 1) say({ is: 'expect', code, ...at })
    recovered(world)
  }
})

test('TOMBSTONE and SKIP in the slave’s name: SEC-16, and its frames are taken afterwards', () => {
  for (const kind of ['tombstone', 'skip'] as const) {
    const { world, thief, runs } = robbed()
    world.read(3)
    const run = runs().at(-1)
    assert.ok(run !== undefined)
    const { epoch, run: number, acknowledged, last } = run
    const place = { epoch, run: number }
    const first = acknowledged + 1
    const message: ControlMessage =
      kind === 'tombstone'
        ? { is: 'tombstone', ...place, first, last: last + 99, reason: 'damaged', hash: hash() }
        : { is: 'skip', ...place, sequence: first, bodyHash: hash() }
    world.asSlave(thief.asVictim(encodeControl(message)))
    assert.match(world.said(), /refused SEC-16/)
    recovered(world)
  }
})
