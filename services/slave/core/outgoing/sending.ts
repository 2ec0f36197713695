// Between the lanes and the link: where a session starts sending, what goes out, and what the
// master's answers do to the runs.

import type { FaultCode } from '../../../../shared/faults.ts'
import { streamStart } from '../../../../shared/tves/stream.ts'
import { shiftMono, spanUs } from '../../../../shared/units.ts'
import { compactBody } from '../../../../shared/wire/compact.ts'
import type { ControlMessage } from '../../../../shared/wire/control.ts'
import { decodeFrame } from '../../../../shared/wire/frame.ts'
import { DEVICE_ID_BYTES } from '../../../../shared/wire/limits.ts'
import {
  acknowledge,
  expect,
  type Freed,
  leaveOut,
  pump,
  type Stock,
  takeFetched,
} from './forwarder.ts'
import { compare } from './inventory.ts'
import { openLanes } from './lanes.ts'
import { keyConfirmed } from '../link/keys.ts'
import { type Memory, report, submit, type Turn } from '../memory.ts'
import { controlBody } from '../link/session.ts'
import type { AgentEvent, StoredRun } from '../state.ts'

/** The first status soon after the session opens, so that the fleet page is not empty. */
const STATUS_FIRST = spanUs(1_000_000)

/** Why the link must go. */
export interface Ending {
  readonly fault: FaultCode
  readonly detail: string
}

export function sendControl(turn: Turn, message: ControlMessage): void {
  const body = controlBody(turn.memory.session, message)
  if (body !== null) turn.actions.push({ do: 'send', body })
}

/** COMMITTED came: from here on frames may be sent. */
export function startForwarding(
  turn: Turn,
  message: Extract<ControlMessage, { is: 'committed' }>,
): Ending | null {
  const { memory } = turn
  const listedAll = memory.listAll
  memory.confirmed = true
  keyConfirmed(turn)
  memory.listAll = false
  const newest = memory.entering?.id ?? memory.keyring?.epoch.id ?? null
  const startOf = ({ epoch, run }: StoredRun): Uint8Array => startOfRun(turn, epoch, run)
  const found = compare(memory.runs, message.runs, newest, memory.highestRun, startOf)
  for (const { run, detail } of found.forks) fork(turn, run, detail)
  for (const run of found.taken) freed(turn, run.run, run.last, run.lastHash)
  for (const { run, through, hash } of found.setBack) freed(turn, run, through, hash)
  for (const run of found.stranded) {
    // Nothing of it is left to be sent, and nobody there to be told.
    if (run.first > run.last) freed(turn, run.run, run.last, run.lastHash)
    else report(turn, 'SEC-04', `run ${run.run} waits in an epoch the master does not know`)
  }
  const lost = newest !== null && found.unknown.has(newest)
  // Every CONFIRM names the epoch we seal in, so a master that does not know it was set back.
  const sealing = memory.keyring?.epoch.id ?? newest
  const forgot = sealing !== null && found.unknown.has(sealing)
  // It is asked about every run before it takes an opener: behind that it takes nothing of earlier
  // runs.
  if (lost || ((forgot || found.setBack.length > 0) && !listedAll)) {
    memory.listAll = true
    memory.wantEpoch ||= lost
    const detail = 'the master was set back: it is asked about every run'
    return { fault: lost || forgot ? 'SEC-04' : 'SEC-06', detail }
  }
  openLanes(memory.forwarder, found.starts, found.unknown)
  memory.askAt = turn.mono
  memory.statusAt = shiftMono(turn.mono, STATUS_FIRST)
  forward(turn)
  return null
}

const startOfRun = ({ memory, setup }: Turn, epoch: number, run: number): Uint8Array =>
  streamStart(setup.suite, memory.identity?.device ?? new Uint8Array(DEVICE_ID_BYTES), epoch, run)

/** The master refused a frame. */
export function expected(
  turn: Turn,
  message: Extract<ControlMessage, { is: 'expect' }>,
): Ending | null {
  const { memory } = turn
  const verdict = expect(memory.forwarder, message)
  if (verdict.is === 'drop') {
    memory.wantEpoch = true
    return { fault: verdict.fault, detail: 'refused by the master; a new epoch is asked for' }
  }
  if (verdict.is === 'parked') report(turn, verdict.fault, 'an old epoch waits for the next link')
  forward(turn)
  return null
}

export function acknowledged(
  turn: Turn,
  message: Extract<ControlMessage, { is: 'acknowledge' }>,
): void {
  const { memory } = turn
  const freed = acknowledge(memory.forwarder, memory.runs, message)
  // Old news answers a frame that the master calls spent: perhaps it reads our headers wrongly.
  if (freed.is === 'nothing') memory.predecessor = null
  takeFreed(turn, freed)
  forward(turn)
}

/** What the outbox answered. */
export function takeRows(turn: Turn, event: Extract<AgentEvent, { on: 'fetched' }>): void {
  const { memory } = turn
  const stock = stockOf(turn)
  if (stock !== null) takeFreed(turn, takeFetched(memory.forwarder, stock, event))
  forward(turn)
}

function stockOf({ memory, setup }: Turn): Stock | null {
  const device = memory.identity?.device ?? null
  const open = memory.keyring?.run?.row.run ?? null
  return device === null ? null : { suite: setup.suite, device, runs: memory.runs, open }
}

/** Sends what the window allows. */
export function forward(turn: Turn): void {
  const { memory, setup } = turn
  if (!memory.confirmed) return
  for (const out of pump(memory.forwarder, { suite: setup.suite, runs: memory.runs })) {
    if (out.do !== 'tell') {
      turn.actions.push(out.do === 'send' ? { do: 'send', body: shortened(memory, out.body) } : out)
      continue
    }
    const { message } = out
    if (message.is === 'skip') {
      report(turn, 'SEC-03', `run ${message.run}, frame ${message.sequence}: whole here, skipped`)
      // Without its opener the master reads nothing of a run (wire.md 8.2).
      const current = memory.keyring?.run?.row.run === message.run
      if (current && message.sequence === 0) memory.leaving = true
    } else if (message.reason === 'damaged') {
      report(turn, 'OPS-16', `run ${message.run}, frames ${message.first} to ${message.last}`)
    }
    sendControl(turn, message)
  }
}

/** The frame as it goes on this link: only here the compact header is used (wire.md 8.1). */
function shortened(memory: Memory, body: Uint8Array): Uint8Array {
  const parts = decodeFrame(body)
  const line = compactBody(memory.predecessor, body, parts)
  memory.predecessor = parts?.header ?? null
  return line
}

function takeFreed(turn: Turn, what: Freed): void {
  const { memory } = turn
  switch (what.is) {
    case 'nothing':
      return
    case 'fork':
      fork(turn, what.run, what.detail)
      return
    case 'ruined':
      memory.leaving = true
      return
    case 'freed':
      freed(turn, what.run, what.through, what.hash)
      return
  }
}

/** Frames durable further on, never before their hash was equal; or no more, after the master was
 * set back. Stored with the next transaction. */
function freed(turn: Turn, number: number, through: number, hash: Uint8Array): void {
  const { memory } = turn
  const run = memory.runs.get(number)
  if (run === undefined) return
  const next: StoredRun = { ...run, acknowledged: through, acknowledgedHash: hash }
  memory.runs.set(number, next)
  if (memory.freed.size === 0) memory.freedSince = turn.mono
  memory.freed.add(number)
}

/** Two histories of one run: ours is kept and never sent again; sealing goes on in a new run. */
function fork(turn: Turn, run: number, detail: string): void {
  const { memory } = turn
  const known = memory.runs.get(run)
  if (known === undefined || known.forked) return
  report(turn, 'SEC-FORK', `run ${run}: ${detail}`)
  const forked: StoredRun = { ...known, forked: true }
  memory.runs.set(run, forked)
  if (run === memory.keyring?.run?.row.run) memory.leaving = true
  submit(turn, {
    kind: 'upkeep',
    commit: () => ({ runs: [memory.runs.get(run) ?? forked] }),
    done: () => undefined,
  })
  leaveOut(memory.forwarder, forked)
}
