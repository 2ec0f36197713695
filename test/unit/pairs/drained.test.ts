// Nothing is destroyed by silence, nor at once by a word: DRAINED (wire.md 6.5). A thief holds a
// copy of the slave's disk; the true slave is away with a backlog.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Stored } from '../../../services/slave/core/state/stored.ts'
import type { ControlMessage, SealedUpTo } from '../../../shared/wire/control.ts'
import { NEW_EPOCHS_AT_ONCE, OPEN_EPOCHS_MAX } from '../../../shared/wire/limits.ts'
import { HOUR, RecoveryWorld } from './recovery-world.ts'
import { callAs, type ThiefSession } from './thief-session.ts'

const DEVICE = '00112233aabbccdd'
const NO_HASH = new Uint8Array(32)

function running(): RecoveryWorld {
  const world = new RecoveryWorld()
  world.settle()
  world.read(5)
  world.settle()
  world.complete()
  return world
}

/** The slave has a backlog of three readings; a copy of its disk was made before them. */
function robbed(): { readonly world: RecoveryWorld; readonly copy: Stored } {
  const world = running()
  const copy = world.disk.load()
  world.disconnect()
  world.read(3)
  return { world, copy }
}

/** How far the copy is in the only run there is. */
function lastOf({ runs }: Stored): SealedUpTo {
  const [run] = runs
  assert.ok(run !== undefined && runs.length === 1)
  return { epoch: run.epoch, run: run.run, sequence: run.last, hash: run.lastHash }
}

const answers = ({ heard }: ThiefSession): readonly ControlMessage['is'][] =>
  heard.map(({ is }) => is).filter((is) => is !== 'committed')

function comesThrough(world: RecoveryWorld): void {
  world.settle()
  world.read(1)
  world.settle()
  world.complete()
}

test('calls that name nothing destroy nothing: the backlog of the true slave opens', () => {
  const { world, copy } = robbed()
  for (let calls = 0; calls < 4; calls += 1) {
    const thief = callAs(world, copy)
    assert.ok(thief.heard.some(({ is }) => is === 'committed'))
    thief.say({ is: 'clock-request', id: new Uint8Array(16) })
  }
  comesThrough(world)
  assert.deepEqual(world.doubts, [])
})

test('a thief who knows the last hash has an epoch set aside; the true slave has it back', () => {
  const { world, copy } = robbed()
  const thief = callAs(world, copy)
  const said = lastOf(copy)
  thief.say({ is: 'drained', ...said })
  assert.deepEqual(answers(thief), ['drained'])
  assert.equal(world.ledger.drained.size, 1)
  assert.equal(world.master.tree(DEVICE, said.epoch), null, 'out of memory')
  comesThrough(world)
  assert.deepEqual(
    world.doubts.map(({ code, epoch, run, detail }) => [code, epoch, run, detail]),
    [['SEC-18', said.epoch, 1, `epoch ${said.epoch}: drained, and run 1 has frames to send`]],
  )
  assert.ok(world.refused.includes('SEC-18'))
})

test('the same over a restart of the master, which loads nothing of what is drained', () => {
  const { world, copy } = robbed()
  callAs(world, copy).say({ is: 'drained', ...lastOf(copy) })
  world.restartMaster()
  assert.equal(world.master.tree(DEVICE, lastOf(copy).epoch), null)
  comesThrough(world)
  assert.equal(world.doubts.length, 1)
})

test('DRAINED is not taken, and is an exception, unless it names the last durable frame', () => {
  const { world, copy } = robbed()
  const right = lastOf(copy)
  const lies: readonly (readonly [string, Partial<SealedUpTo>])[] = [
    ['another hash', { hash: new Uint8Array(32).fill(9) }],
    ['fewer frames', { sequence: right.sequence - 1 }],
    ['more frames', { sequence: right.sequence + 1 }],
    ['an earlier run', { run: right.run - 1, sequence: 0, hash: NO_HASH }],
    ['a later run', { run: right.run + 1 }],
  ]
  for (const [name, lie] of lies) {
    const thief = callAs(world, copy)
    const before = world.doubts.length
    thief.say({ is: 'drained', ...right, ...lie })
    assert.deepEqual(answers(thief), [], name)
    assert.equal(world.doubts.length, before + 1, name)
    assert.match(world.doubts.at(-1)?.detail ?? '', /DRAINED not taken/, name)
    assert.equal(world.refused.at(-1), 'SEC-18', name)
  }
  assert.equal(world.ledger.drained.size, 0)
  comesThrough(world)
})

test('DRAINED of the newest epoch, or of one whose CONFIRM named more, is not taken', () => {
  const { world, copy } = robbed()
  const open = callAs(world, copy, { wantEpoch: false })
  open.say({ is: 'drained', ...lastOf(copy) })
  assert.match(world.doubts.at(-1)?.detail ?? '', /it is not closed/)
  const named = { ...lastOf(copy), sequence: 20 }
  const thief = callAs(world, copy, { runs: [named] })
  thief.say({ is: 'drained', ...lastOf(copy) })
  assert.match(world.doubts.at(-1)?.detail ?? '', /CONFIRM named run 1 up to frame 20/)
  assert.equal(world.ledger.drained.size, 0)
})

test('an honest slave drains each epoch that it left, once, also one it never sealed in', () => {
  const world = running()
  for (let hours = 0; hours < 3; hours += 1) {
    world.pass(HOUR + 1)
    world.connect()
    if (hours !== 1) world.read(1)
    world.settle()
  }
  world.read(1)
  world.settle()
  assert.equal(world.ledger.epochs.size, 4)
  assert.equal(world.ledger.drained.size, 3)
  world.complete()
  // A new process lists what it still holds, in case the master was set back: that is no alarm.
  world.restartSlave()
  world.settle()
  world.restartMaster()
  world.read(1)
  world.settle()
  world.complete()
  assert.equal(world.ledger.drained.size, 3)
  assert.deepEqual(world.doubts, [])
  assert.doesNotMatch(world.said(), /SEC-/)
})

test('whoever asks for epochs without end gets some, SEC-19, and pushes nothing out', () => {
  const { world, copy } = robbed()
  for (let calls = 0; calls < 3 * NEW_EPOCHS_AT_ONCE; calls += 1) {
    callAs(world, copy)
    // More calls than this are refused anyway (WIR-05).
    world.pass(10_000_000)
  }
  const { epochs } = world.ledger
  assert.ok(epochs.size >= NEW_EPOCHS_AT_ONCE && epochs.size <= NEW_EPOCHS_AT_ONCE + 3)
  assert.ok(world.refused.includes('SEC-19'))
  comesThrough(world)
})

test('at the limit no epoch is offered, and none is destroyed for it', () => {
  const { world, copy } = robbed()
  const [key, epoch] = [...world.ledger.epochs].at(-1) ?? []
  assert.ok(key !== undefined && epoch !== undefined)
  for (let id = 1; id <= OPEN_EPOCHS_MAX; id += 1) {
    world.ledger.epochs.set(`${DEVICE} ${id}`, { ...epoch, id, closed: true })
  }
  world.restartMaster()
  const thief = callAs(world, copy)
  assert.ok(thief.heard.some(({ is }) => is === 'committed'))
  assert.equal(world.ledger.epochs.size, OPEN_EPOCHS_MAX + 1)
  assert.deepEqual(world.refused, ['SEC-19'])
  comesThrough(world)
})

test('frames given up in the slave’s name: it keeps its own, and both sides are told', () => {
  const { world, copy } = robbed()
  const { epoch, run, sequence } = lastOf(copy)
  const thief = callAs(world, copy)
  const range = { first: sequence + 1, last: sequence + 2 }
  const hash = new Uint8Array(32).fill(5)
  thief.say({ is: 'tombstone', epoch, run, ...range, reason: 'damaged', hash })
  world.settle()
  assert.match(world.said(), /SEC-FORK run 1/)
  assert.equal(world.disk.waiting().length, 3, 'nothing is forgotten')
  world.disconnect()
  world.settle()
  assert.equal(world.exceptions.length, 1, 'the range that was given up')
  assert.ok(world.doubts.length === 0 || world.doubts.every(({ code }) => code === 'SEC-FORK'))
})

test('a revoked device loses no epoch: admitted again, its backlog opens', () => {
  const { world, copy } = robbed()
  callAs(world, copy)
  const record = world.ledger.devices.get(DEVICE)
  assert.ok(record !== undefined)
  world.ledger.devices.set(DEVICE, { ...record, revoked: true })
  world.restartMaster()
  world.connect()
  assert.ok(world.refused.includes('SEC-14'))
  world.ledger.devices.set(DEVICE, record)
  world.restartMaster()
  comesThrough(world)
})
