// Commands: executed at most once whatever happens in between (wire.md 5.1).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MeterPlan } from '../../../services/slave/core/state/plan.ts'
import { spanUs } from '../../../shared/units.ts'
import type { CommandTask } from '../../../shared/wire/commands.ts'
import { Pair } from '../pairs/command-pair.ts'
import type { Mishap } from '../pairs/pair-world.ts'

/** Read once a day: within a test only when told so, but for the first reading of M-1. */
const METERS: readonly MeterPlan[] = ['M-1', 'M-2'].map((meter) => ({
  meter,
  everyMs: 86_400_000,
  push: false,
  history: false,
  clock: { keep: 'watch', zone: spanUs(0) },
}))
const SYNC: CommandTask = { task: 'sync-clock', meter: 'M-2' }
const READ: CommandTask = { task: 'read-now', meter: 'M-2' }
const FASTER: CommandTask = { task: 'schedule', meter: 'M-2', seconds: 5 }

/** Enrolled, linked, its clock right. */
function ready(meters = METERS): Pair {
  const pair = new Pair(meters)
  pair.run(3)
  assert.equal(pair.clockState, 'S')
  pair.actions = 0
  return pair
}

const outcomes = ({ given }: Pair): string[] =>
  given.map(({ receipt }) =>
    receipt === null ? 'waits' : `${receipt.outcome} ${receipt.detail}`.trim(),
  )

test('a command is executed once and its receipt is durable at the master, one after the other', () => {
  const pair = ready()
  pair.give(7, SYNC)
  pair.give(8, READ)
  pair.give(11, FASTER)
  pair.run(2)
  assert.deepEqual(outcomes(pair), ['done', 'done', 'done'])
  assert.deepEqual(pair.executed, ['clock M-2'])
  assert.deepEqual(pair.asked, ['read M-1', 'read M-2'])
  assert.deepEqual(pair.disk.load().command, { number: 11, outcome: 'done', detail: '' })
  assert.deepEqual(pair.refused, [])
})

test('a command right behind COMMITTED is taken, though the disk still stores the epoch', () => {
  const pair = new Pair(METERS)
  pair.give(1, SYNC)
  pair.run(2)
  assert.deepEqual([outcomes(pair), pair.reports, pair.refused], [['done'], [], []])
})

/** Runs one command with a mishap at some action; what must hold however it ended. */
function survive(what: CommandTask, mishap: Mishap): { pair: Pair; reached: boolean } {
  const pair = ready()
  const name = `${what.task}, ${mishap.kind} ${mishap.at}`
  const asked = pair.asked.length
  pair.mishap = mishap
  pair.give(1, what)
  pair.run(8)
  const reached = pair.actions >= mishap.at
  pair.mishap = null
  pair.run(8)
  const [command] = pair.given
  const receipt = command?.receipt ?? null
  assert.ok(receipt !== null, `${name}: a receipt came`)
  for (const heard of pair.heard) assert.deepEqual(heard, receipt, `${name}: told the same`)
  assert.deepEqual(pair.disk.load().command?.number, 1)
  // A process reads M-1 once as it starts; M-2 in the middle of the day.
  const reads = pair.asked.slice(asked).filter((entry) => entry === 'read M-2').length
  const times = what.task === 'read-now' ? reads : pair.executed.length
  if (what.task !== 'schedule') {
    assert.ok(times <= 1, `${name}: executed ${times} times`)
    if (receipt.outcome === 'done') assert.equal(times, 1, name)
  } else {
    const stored = pair.disk.load().schedules.get('M-2')
    assert.equal(stored, receipt.outcome === 'done' ? 5 : undefined, name)
    assert.equal(reads > 0, receipt.outcome === 'done', `${name}: ${reads} readings`)
  }
  assert.ok(mishap.kind.startsWith('dies') || receipt.outcome === 'done', `${name}: done at last`)
  assert.notEqual(receipt.outcome, 'refused', name)
  return { pair, reached }
}

for (const what of [SYNC, READ, FASTER]) {
  test(`${what.task}: at most once, whatever goes wrong at any action`, () => {
    const seen = new Set<string>()
    for (const kind of ['dies before', 'dies after', 'lost', 'refused'] as const) {
      let at = 1
      for (; at < 200; at += 1) {
        const { pair, reached } = survive(what, { at, kind })
        for (const outcome of outcomes(pair)) seen.add(`${kind}: ${outcome}`)
        if (!reached || at > 24) break
      }
      assert.ok(at > 3, `${kind}: several actions were tried`)
    }
    assert.ok(seen.has('dies before: unknown') && seen.has('dies before: done'), [...seen].join())
  })
}

test('"begun" is durable before the meter is told, the outcome before the receipt', () => {
  const pair = ready()
  const commands: unknown[] = []
  const commit = pair.disk.commit.bind(pair.disk)
  pair.disk.commit = (entry) => {
    if (entry.command !== undefined) {
      commands.push([entry.command.outcome, pair.executed.length, pair.heard.length])
    }
    return commit(entry)
  }
  pair.give(1, SYNC)
  pair.run(1)
  assert.deepEqual(commands, [
    ['begun', 0, 0],
    ['done', 1, 0],
  ])
  assert.equal(pair.heard.length, 1)
})

test('expired: refused OPS-17; a moment before the bound reaches it: done', () => {
  // The clock is right to 20 ms and the exchange; 30 ms before its end nothing is begun.
  const pair = ready()
  pair.give(1, SYNC, 0)
  pair.give(2, SYNC, 15)
  pair.give(3, SYNC, 1_000)
  pair.run(1)
  assert.deepEqual(outcomes(pair), ['refused OPS-17', 'refused OPS-17', 'done'])
  assert.deepEqual(pair.executed, ['clock M-2'])
})

test('an expired command that waited for the link is refused, not done late', () => {
  const pair = ready()
  pair.die()
  pair.give(1, SYNC, 5_000)
  pair.run(1)
  assert.deepEqual(outcomes(pair), ['done'])
  pair.die()
  pair.give(2, SYNC, 100)
  pair.run(1)
  assert.deepEqual(outcomes(pair), ['done', 'refused OPS-17'])
})

test('the disk takes longer than the command lives: refused OPS-17, not done late', () => {
  const pair = ready()
  pair.mishap = { at: 1, kind: 'refused' }
  pair.give(1, SYNC, 100)
  pair.run(4)
  assert.deepEqual(outcomes(pair), ['refused OPS-17'])
  assert.deepEqual(pair.executed, [])
})

test('a clock in state I or R begins nothing, however long the command lives: OPS-17', () => {
  for (const [bound, state] of [
    [null, 'I'],
    [2_000_000, 'R'],
  ] as const) {
    const pair = new Pair(METERS)
    pair.masterBound = bound
    pair.run(3)
    assert.equal(pair.clockState, state)
    pair.give(1, SYNC, 3_600_000)
    pair.run(1)
    assert.deepEqual(outcomes(pair), ['refused OPS-17'])
    assert.deepEqual(pair.executed, [])
    assert.ok(pair.reports.includes('OPS-17'))
  }
})

test('older numbers are unknown, the last outcome is sent again, neither is executed again', () => {
  for (const [number, outcome] of [
    [4, 'unknown'],
    [5, 'done'],
    [0, 'unknown'],
  ] as const) {
    const pair = ready()
    pair.give(5, SYNC)
    pair.run(1)
    pair.restoreMaster()
    pair.give(number, SYNC)
    pair.run(1)
    assert.deepEqual(
      pair.heard.map((receipt) => receipt.outcome),
      number === 0 ? [] : [outcome],
    )
    assert.deepEqual(pair.executed, ['clock M-2'])
    assert.deepEqual(pair.disk.load().command?.number, 5)
  }
})

test('the last number there is, stored by an attack before: later commands are executed again', () => {
  const last = { number: 2 ** 48 - 1, outcome: 'refused', detail: 'BIL-05' } as const
  const pair = ready()
  pair.die()
  pair.disk.commit({ command: last })
  pair.run(3)
  const now = Math.floor(pair.utc / 1_000)
  pair.give(now, SYNC)
  pair.run(1)
  pair.give(now + 1, READ)
  pair.run(1)
  assert.deepEqual(outcomes(pair), ['done', 'done'])
  assert.deepEqual(pair.executed, ['clock M-2'])
  pair.restoreMaster()
  pair.give(now, SYNC)
  pair.run(1)
  assert.equal(pair.heard.at(-1)?.outcome, 'unknown', 'and none of them twice')
})

test('a receipt that got lost, or did not reach the database, is sent again', () => {
  const pair = ready()
  pair.databaseFails = true
  pair.give(1, SYNC)
  pair.run(2)
  assert.deepEqual(outcomes(pair), ['done'])
  assert.equal(pair.heard.length, 2)
  assert.deepEqual(pair.executed, ['clock M-2'])
})

test('a receipt for a number that was not sent is ignored and counted (WIR-04)', () => {
  const pair = ready()
  pair.silent = true
  pair.give(5, SYNC)
  pair.run(1)
  // The master forgets the command while the meter is at it.
  pair.restoreMaster()
  pair.meterSays({ on: 'clock-read', meter: 'M-2', found: 'unsupported' })
  assert.deepEqual(pair.refused, ['WIR-04'])
  assert.deepEqual(pair.heard, [])
  pair.silent = false
  pair.give(6, SYNC)
  pair.run(1)
  assert.deepEqual(outcomes(pair), ['done'])
})

test('replayed bodies of a COMMAND do not open (SEC-11), in this session or the next', () => {
  const pair = ready()
  const before = pair.bodies.length
  pair.give(1, SYNC)
  pair.run(1)
  const command = pair.bodies[before]
  assert.ok(command !== undefined)
  for (const _session of [1, 2]) {
    pair.reports.length = 0
    pair.replay(command)
    assert.deepEqual(pair.reports, ['SEC-11'])
    pair.run(2)
  }
  assert.deepEqual(pair.executed, ['clock M-2'])
  assert.deepEqual(pair.disk.load().command?.number, 1)
})

test('what the slave cannot do is refused with its reason', () => {
  const push = { meter: 'P-1', everyMs: 10_000, push: true, history: false }
  const pair = ready([...METERS, push])
  pair.give(1, { task: 'read-now', meter: 'nobody' })
  pair.give(2, { task: 'schedule', meter: 'P-1', seconds: 60 })
  pair.give(3, { task: 'sync-clock', meter: 'P-1' })
  pair.run(1)
  assert.deepEqual(outcomes(pair), ['refused BIL-05', 'refused MTR-09', 'refused MTR-09'])
})

test('a meter that gives up or says nothing is MTR-01, and the next command gets its turn', () => {
  const pair = ready()
  pair.silent = true
  pair.give(1, READ)
  pair.run(1)
  pair.meterSays({ on: 'read-failed', meter: 'M-2', request: 'now' })
  assert.deepEqual(outcomes(pair), ['refused MTR-01'])
  pair.give(2, SYNC, 3_600_000)
  // Its clock is asked for three times, a minute each.
  pair.run(180)
  assert.deepEqual(outcomes(pair), ['refused MTR-01', 'waits'])
  pair.run(10)
  assert.deepEqual(outcomes(pair), ['refused MTR-01', 'refused MTR-01'])
})

test('read now of all: done when the last one is durable, refused when one does not answer', () => {
  const pair = ready()
  pair.silent = true
  const all: CommandTask = { task: 'read-now', meter: null }
  pair.give(1, all)
  pair.meterSays(pair.answer('M-1'))
  // It came by itself: not what was asked for.
  pair.meterSays(pair.answer('M-2', 'push'))
  assert.deepEqual(outcomes(pair), ['waits'])
  pair.meterSays(pair.answer('M-2'))
  pair.give(2, all)
  pair.meterSays({ on: 'read-failed', meter: 'M-1', request: 'now' })
  assert.deepEqual(outcomes(pair), ['done', 'waits'])
  pair.meterSays(pair.answer('M-2'))
  assert.deepEqual(outcomes(pair), ['done', 'refused MTR-01'])
})

test('a command is not called done while the disk refuses its readings', () => {
  const pair = ready()
  pair.disk.full = true
  pair.give(1, READ)
  pair.run(2)
  assert.deepEqual(outcomes(pair), ['waits'])
  pair.disk.full = false
  pair.run(2)
  assert.deepEqual(outcomes(pair), ['done'])
})

test('a commanded rhythm survives a restart and overrides the one in the file', () => {
  const pair = ready()
  pair.give(1, FASTER)
  pair.run(1)
  const reads = () => pair.asked.filter((entry) => entry === 'read M-2').length
  const before = reads()
  pair.run(20)
  assert.equal(reads() - before, 4)
  pair.die()
  const died = reads()
  pair.run(30)
  assert.ok(reads() - died >= 5, `${reads() - died} readings in 30 s`)
})
