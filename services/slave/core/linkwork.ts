// What the agent does when its link comes up, brings a message, or goes: enrol, greet, confirm,
// forward.

import type { FaultCode } from '../../../shared/faults.ts'
import type { Random } from '../../../shared/tves/suite.ts'
import { encodeTree, plantTree } from '../../../shared/tves/tree.ts'
import { elapsedUs, shiftMono, spanUs, type UnixMs, usToMs } from '../../../shared/units.ts'
import { compactBody } from '../../../shared/wire/compact.ts'
import type { ControlMessage } from '../../../shared/wire/control.ts'
import { decodeFrame } from '../../../shared/wire/frame.ts'
import { EPOCH_AGE_MAX, STATUS_FAULTS_MAX } from '../../../shared/wire/limits.ts'
import {
  acknowledge,
  closeLanes,
  expect,
  type Freed,
  inFlight,
  leaveOut,
  openLanes,
  pump,
} from './forwarder.ts'
import { compare, listRuns } from './inventory.ts'
import { clockQuality, type Memory, report, submit, type Turn } from './memory.ts'
import { plan, wantHistory } from './schedule.ts'
import {
  beginEnrolment,
  beginSession,
  controlBody,
  DOWN,
  type Outcome,
  receive,
  type Step,
} from './session.ts'
import type { StoredEpoch, StoredIdentity, StoredRun } from './state.ts'
import { takeHandshakeSample, takeReply } from './timekeeping.ts'

/** How often the slave says how it is. */
const STATUS_EVERY = spanUs(10_000_000)
/** The first status soon after the session opens, so that the fleet page is not empty. */
const STATUS_FIRST = spanUs(1_000_000)
/** A due renewal is put off by up to so much at random: a fleet that came up together must not call
 * again together. */
const RENEW_SPREAD_US = 300_000_000
/** So long it waits for frames on their way to be acknowledged. */
const RENEW_PATIENCE_US = 120_000_000

/** Greets the master, or enrols first; the identity is made here, at the first link ever. */
export function greet(turn: Turn): void {
  const { memory, setup } = turn
  const identity = memory.identity
  if (identity?.psk && identity.masterKey) {
    const keys = {
      staticKey: identity.staticKey,
      psk: identity.psk,
      masterKey: identity.masterKey,
    }
    const asks = { wantEpoch: memory.wantEpoch, mono: turn.mono }
    follow(turn, beginSession({ ...setup, processId: memory.processId }, keys, asks))
    return
  }
  const { token } = setup
  if (token === null) {
    end(turn, 'SEC-07', 'not enrolled, and the configuration has no token')
    return
  }
  const link = memory.linkNumber
  let raised: StoredIdentity | null = null
  submit(turn, {
    kind: 'upkeep',
    forLink: true,
    // The attempt counter is durable before the first message (wire.md 3). Raised when its turn
    // comes: the attempt of a link before may still be on its way to the disk.
    commit: () => {
      raised ??= nextAttempt(memory.identity, setup.random)
      return { identity: raised }
    },
    done: (later) => {
      if (raised === null) return
      later.memory.identity = raised
      if (later.memory.linkNumber !== link) return
      follow(later, beginEnrolment({ ...setup, processId: memory.processId }, raised, token))
    },
  })
}

const nextAttempt = (identity: StoredIdentity | null, random: Random): StoredIdentity =>
  identity === null
    ? { staticKey: random(32), attempt: 1, masterKey: null, psk: null, device: null }
    : { ...identity, attempt: identity.attempt + 1 }

export function takeBody(turn: Turn, body: Uint8Array): void {
  const { memory, setup } = turn
  if (memory.identity === null) return
  const step = receive(
    { ...setup, processId: memory.processId },
    memory.session,
    memory.identity,
    body,
  )
  follow(turn, step)
}

export function linkDown(turn: Turn): void {
  const { memory } = turn
  memory.session = DOWN
  memory.linkNumber += 1
  memory.predecessor = null
  memory.confirmed = false
  memory.jobs = memory.jobs.filter((job) => job.forLink !== true || job === memory.busy)
  // Its COMMITTED never came: the master may hold it as committed, so another one is asked for.
  if (memory.offered !== null) memory.wantEpoch = true
  memory.offered = null
  closeLanes(memory.forwarder)
}

function end(turn: Turn, fault: FaultCode, detail: string, hint = false): void {
  linkDown(turn)
  if (hint) turn.actions.push({ do: 'report', fault, detail })
  else report(turn, fault, detail)
  turn.actions.push({ do: 'drop', fault, detail })
}

function follow(turn: Turn, { session, send, outcome }: Step): void {
  turn.memory.session = session
  if (send !== null) turn.actions.push({ do: 'send', body: send })
  switch (outcome.is) {
    case 'wait':
      return
    case 'ended':
      end(turn, outcome.fault, outcome.detail, outcome.hint)
      return
    case 'enrolled':
      enrolled(turn, outcome)
      return
    case 'welcome':
      welcome(turn, outcome)
      return
    case 'control':
      takeControl(turn, outcome.message)
      return
  }
}

function enrolled(turn: Turn, outcome: Extract<Outcome, { is: 'enrolled' }>): void {
  const { identity } = turn.memory
  if (identity === null) return
  const { device, psk, masterKey } = outcome
  const next: StoredIdentity = { ...identity, device, psk, masterKey }
  const link = turn.memory.linkNumber
  submit(turn, {
    kind: 'upkeep',
    commit: () => ({ identity: next }),
    done: (later) => {
      later.memory.identity = next
      if (later.memory.linkNumber === link) greet(later)
    },
  })
}

function welcome(turn: Turn, outcome: Extract<Outcome, { is: 'welcome' }>): void {
  const { memory, setup } = turn
  const { answer, t1, epoch } = outcome
  if (t1 !== null)
    takeHandshakeSample(turn, { t1, t2: answer.t2, t3: answer.t3, bound: answer.bound })
  renewLater(turn, answer.origin, usToMs(answer.t2))
  memory.schedule ??= plan(setup.meters, setup.stored.cursors, turn.mono)
  if (answer.historyFrom !== null) wantHistory(memory.schedule, answer.historyFrom)
  // An id that is taken, or 0, makes the offer void; both sides see it (wire.md 6).
  if (answer.origin === null || epoch === null || memory.epochs.has(epoch.id)) {
    confirm(turn)
    return
  }
  const offered: StoredEpoch = {
    id: epoch.id,
    origin: answer.origin,
    transcript: epoch.transcript,
    tree: encodeTree(plantTree(setup.suite, epoch.secret)),
    state: 'pending',
  }
  // Never confirmed, so nothing was sealed in them: the newest offer is the only one worth keeping.
  const link = memory.linkNumber
  const stale = [...memory.epochs.values()].filter((old) => old.state === 'pending')
  submit(turn, {
    kind: 'upkeep',
    forLink: true,
    commit: () => ({ epochs: [offered], dropEpochs: stale.map((old) => old.id) }),
    done: (later) => {
      for (const { id } of stale) later.memory.epochs.delete(id)
      later.memory.epochs.set(offered.id, offered)
      if (later.memory.linkNumber !== link) return
      later.memory.offered = offered
      confirm(later)
    },
  })
}

/** When the session that begins now is to be left: an hour after the begin of the newest epoch, by
 * the master's clock and then by ours that only counts on. */
function renewLater(turn: Turn, offered: UnixMs | null, masterNow: UnixMs): void {
  const { memory, mono, setup } = turn
  const newest = memory.entering ?? memory.keyring?.epoch
  const age = masterNow - (offered ?? newest?.origin ?? masterNow)
  // Too old and no other was offered, or begun in the future: the master will not have it now.
  const left = age >= 0 && age < EPOCH_AGE_MAX ? EPOCH_AGE_MAX - age : EPOCH_AGE_MAX
  const spread = ((setup.random(1)[0] ?? 0) / 256) * RENEW_SPREAD_US
  memory.renewAt = shiftMono(mono, spanUs(left * 1_000 + Math.floor(spread)))
}

/** Leaves a good session for the next, which brings a new epoch (wire.md 4). */
export function renewWhenDue(turn: Turn): void {
  const { memory, mono } = turn
  if (!memory.confirmed || mono < memory.renewAt) return
  const late = elapsedUs(memory.renewAt, mono) > RENEW_PATIENCE_US
  if (!late && inFlight(memory.forwarder)) return
  linkDown(turn)
  turn.actions.push({ do: 'drop', fault: null, detail: 'for a new epoch' })
}

function confirm(turn: Turn): void {
  const { memory } = turn
  const sealing = [memory.keyring?.epoch.id, memory.entering?.id].filter((id) => id !== undefined)
  sendControl(turn, {
    is: 'confirm',
    epoch: memory.offered?.id ?? 0,
    runs: listRuns(memory.runs, memory.highestRun, sealing),
  })
}

export function sendControl(turn: Turn, message: ControlMessage): void {
  const body = controlBody(turn.memory.session, message)
  if (body !== null) turn.actions.push({ do: 'send', body })
}

function takeControl(turn: Turn, message: ControlMessage): void {
  const { memory } = turn
  switch (message.is) {
    case 'committed':
      committed(turn, message)
      return
    case 'clock-reply':
      takeReply(turn, message)
      return
    case 'acknowledge': {
      const freed = acknowledge(memory.forwarder, memory.runs, message)
      // Old news answers a frame that the master calls spent: perhaps it reads our headers wrongly.
      if (freed.is === 'nothing') memory.predecessor = null
      takeFreed(turn, freed)
      forward(turn)
      return
    }
    case 'expect':
      expected(turn, message)
      return
    case 'confirm':
    case 'clock-request':
    case 'enrolled':
    case 'status':
    case 'anchor':
    case 'tombstone':
    case 'skip':
    case 'receipt':
    case 'command':
    case 'master-key':
      end(turn, 'WIR-04', `control message ${message.is} from the master`)
  }
}

function committed(turn: Turn, message: Extract<ControlMessage, { is: 'committed' }>): void {
  const { memory } = turn
  const { offered } = memory
  if (memory.confirmed || message.epoch !== (offered?.id ?? 0)) {
    end(turn, 'WIR-04', 'COMMITTED that answers no CONFIRM')
    return
  }
  if (offered === null) {
    startForwarding(turn, message)
    return
  }
  const link = memory.linkNumber
  const entered: StoredEpoch = { ...offered, state: 'committed' }
  const closing = [...memory.epochs.values()]
    .filter((epoch) => epoch.state === 'committed')
    .map((epoch): StoredEpoch => ({ ...epoch, state: 'closed' }))
  submit(turn, {
    kind: 'upkeep',
    // A frames transaction may have moved a tree meanwhile: never write an older one over it.
    commit: () => ({
      epochs: [...closing.map((epoch) => newestTree(turn, epoch)), entered],
    }),
    done: (later) => {
      const { epochs } = later.memory
      for (const epoch of closing) epochs.set(epoch.id, newestTree(later, epoch))
      epochs.set(entered.id, entered)
      later.memory.entering = entered
      later.memory.keyring ??= null
      later.memory.wantEpoch = false
      later.memory.offered = null
      if (later.memory.linkNumber === link) startForwarding(later, message)
    },
  })
}

const newestTree = ({ memory }: Turn, epoch: StoredEpoch): StoredEpoch => ({
  ...epoch,
  tree: memory.epochs.get(epoch.id)?.tree ?? epoch.tree,
})

function startForwarding(turn: Turn, message: Extract<ControlMessage, { is: 'committed' }>): void {
  const { memory } = turn
  memory.confirmed = true
  const newest = memory.entering?.id ?? memory.keyring?.epoch.id ?? null
  const found = compare(memory.runs, message.runs, newest, memory.highestRun)
  for (const { run, fault, detail } of found.forks) fork(turn, run, fault, detail)
  for (const run of found.taken) {
    const hash = run.lastHash
    takeFreed(turn, { is: 'freed', run: run.run, through: run.last, hash })
  }
  openLanes(memory.forwarder, found.starts)
  memory.askAt = turn.mono
  memory.statusAt = shiftMono(turn.mono, STATUS_FIRST)
  forward(turn)
}

function expected(turn: Turn, message: Extract<ControlMessage, { is: 'expect' }>): void {
  const { memory } = turn
  const verdict = expect(memory.forwarder, message)
  if (verdict.is === 'drop') {
    memory.wantEpoch = true
    end(turn, verdict.fault, 'refused by the master; a new epoch is asked for')
    return
  }
  if (verdict.is === 'parked') report(turn, verdict.fault, 'an old epoch waits for the next link')
  forward(turn)
}

/** Sends what the window allows. */
export function forward({ memory, actions }: Turn): void {
  if (!memory.confirmed) return
  for (const action of pump(memory.forwarder)) {
    actions.push(
      action.do === 'send' ? { do: 'send', body: shortened(memory, action.body) } : action,
    )
  }
}

/** The frame as it goes on this link: only here the compact header is used (wire.md 8.1). */
function shortened(memory: Memory, body: Uint8Array): Uint8Array {
  const line = compactBody(memory.predecessor, body)
  memory.predecessor = decodeFrame(body)?.header ?? null
  return line
}

/** Frames durable further on: forgotten with the next transaction, never before their hash was
 * equal. */
export function takeFreed(turn: Turn, freed: Freed): void {
  const { memory } = turn
  if (freed.is === 'nothing') return
  if (freed.is === 'fork') {
    fork(turn, freed.run, 'SEC-FORK', freed.detail)
    return
  }
  const run = memory.runs.get(freed.run)
  if (run === undefined) return
  const next: StoredRun = { ...run, acknowledged: freed.through, acknowledgedHash: freed.hash }
  memory.runs.set(freed.run, next)
  if (memory.freed.size === 0) memory.freedSince = turn.mono
  memory.freed.set(freed.run, freed.through)
}

/** Two histories of one run: ours is kept and never sent again; sealing goes on in a new run. */
function fork(turn: Turn, run: number, fault: FaultCode, detail: string): void {
  const { memory } = turn
  const known = memory.runs.get(run)
  if (known === undefined || known.forked) return
  report(turn, fault, `run ${run}: ${detail}`)
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

export function tellStatus(turn: Turn): void {
  const { memory, mono, setup } = turn
  if (!memory.confirmed || mono < memory.statusAt) return
  memory.statusAt = shiftMono(mono, STATUS_EVERY)
  const { state, bound } = clockQuality(turn)
  const faults = [...memory.faults].slice(0, STATUS_FAULTS_MAX)
  sendControl(turn, {
    is: 'status',
    clockState: state,
    offset: memory.offset,
    bound: state === 'U' ? null : bound,
    roundTrip: memory.roundTripDelay,
    backlog: memory.backlog.frames,
    meters: setup.meters.length,
    faults: faults.map(([code, count]) => ({ code, count })),
  })
}
