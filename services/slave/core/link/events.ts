// What the agent does when its link comes up, brings a message, or goes: enrol, greet, confirm,
// forward.

import type { FaultCode } from '../../../../shared/faults.ts'
import type { Random } from '../../../../shared/bytes.ts'
import { encodeTree, plantTree } from '../../../../shared/tves/tree.ts'
import { type MonoUs, spanUs, shiftMono, usToMs } from '../../../../shared/units.ts'
import type { ControlMessage } from '../../../../shared/wire/control.ts'
import { STATUS_FAULTS_MAX } from '../../../../shared/wire/limits.ts'
import { takeCommand } from '../commands.ts'
import { listRuns } from '../outgoing/inventory.ts'
import { closeLanes } from '../outgoing/lanes.ts'
import { keyToCall, takeMasterKey } from './keys.ts'
import { clockQuality, report, submit, type Turn } from '../memory.ts'
import { reasonToLeave, renewLater } from './renewal.ts'
import { ordered, plan, wantHistory } from '../capture/schedule.ts'
import { beginEnrolment, beginSession, DOWN, type Outcome, receive, type Step } from './session.ts'
import {
  acknowledged,
  type Ending,
  expected,
  sendControl,
  startForwarding,
} from '../outgoing/sending.ts'
import type { StoredEpoch, StoredIdentity } from '../state.ts'
import { disciplineAt, takeHandshakeSample, takeReply } from '../timekeeping.ts'

/** How often the slave says how it is. */
const STATUS_EVERY = spanUs(10_000_000)

/** Greets the master, or enrols first; the identity is made here, at the first link ever. */
export function greet(turn: Turn): void {
  const { memory, setup } = turn
  const identity = memory.identity
  const masterKey = identity?.psk ? keyToCall(memory, identity) : null
  if (identity?.psk && masterKey !== null) {
    const keys = { staticKey: identity.staticKey, psk: identity.psk, masterKey }
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

/** `came`: when it did. */
export function takeBody(turn: Turn, body: Uint8Array, came: MonoUs): void {
  const { memory, setup } = turn
  if (memory.identity === null) return
  const step = receive(
    { ...setup, processId: memory.processId },
    memory.session,
    memory.identity,
    body,
  )
  follow(turn, step, came)
}

export function linkDown(turn: Turn): void {
  const { memory } = turn
  memory.session = DOWN
  memory.linkNumber += 1
  memory.predecessor = null
  memory.answered = false
  memory.confirmed = false
  memory.moveAt = null
  memory.commands.waiting = null
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

function endIf(turn: Turn, ending: Ending | null): void {
  if (ending !== null) end(turn, ending.fault, ending.detail)
}

function follow(turn: Turn, { session, send, outcome }: Step, came: MonoUs = turn.mono): void {
  turn.memory.session = session
  const made = session.phase === 'hello' ? session.t1 : null
  if (send !== null) turn.actions.push({ do: 'send', body: send, ...(made !== null && { made }) })
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
      welcome(turn, outcome, came)
      return
    case 'control':
      takeControl(turn, outcome.message, came)
      return
  }
}

function enrolled(turn: Turn, outcome: Extract<Outcome, { is: 'enrolled' }>): void {
  const { identity } = turn.memory
  if (identity === null) return
  const { device, psk, masterKey } = outcome
  const next: StoredIdentity = { ...identity, device, psk, masterKey, nextMasterKey: null }
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

function welcome(turn: Turn, outcome: Extract<Outcome, { is: 'welcome' }>, t4: MonoUs): void {
  const { memory, setup } = turn
  const { answer, t1, epoch } = outcome
  if (t1 !== null)
    takeHandshakeSample(turn, { t1, t2: answer.t2, t3: answer.t3, t4, bound: answer.bound })
  renewLater(turn, answer.origin, usToMs(answer.t2))
  memory.schedule ??= plan(
    ordered(setup.meters, setup.stored.schedules),
    setup.stored.cursors,
    turn.mono,
  )
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

/** Leaves a good session for the next, when there is a reason to. */
export function renewWhenDue(turn: Turn): void {
  const reason = reasonToLeave(turn)
  if (reason === null) return
  linkDown(turn)
  turn.actions.push({ do: 'drop', fault: null, detail: reason })
}

function confirm(turn: Turn): void {
  const { memory } = turn
  const sealing = [memory.keyring?.epoch.id, memory.entering?.id].filter((id) => id !== undefined)
  sendControl(turn, {
    is: 'confirm',
    epoch: memory.offered?.id ?? 0,
    runs: listRuns(memory.runs, memory.highestRun, sealing, memory.listAll),
  })
}

function takeControl(turn: Turn, message: ControlMessage, came: MonoUs): void {
  switch (message.is) {
    case 'committed':
      committed(turn, message)
      return
    case 'clock-reply':
      takeReply(turn, message, came)
      return
    case 'acknowledge':
      acknowledged(turn, message)
      return
    case 'expect':
      endIf(turn, expected(turn, message))
      return
    case 'master-key':
      if (turn.memory.answered) takeMasterKey(turn, message.key)
      else end(turn, 'WIR-04', 'MASTER KEY before COMMITTED')
      return
    case 'command':
      if (turn.memory.answered) takeCommand(turn, message)
      else end(turn, 'WIR-04', 'command before COMMITTED')
      return
    case 'confirm':
    case 'clock-request':
    case 'enrolled':
    case 'status':
    case 'anchor':
    case 'tombstone':
    case 'skip':
    case 'receipt':
    case 'meter-clock':
      end(turn, 'WIR-04', `control message ${message.is} from the master`)
  }
}

function committed(turn: Turn, message: Extract<ControlMessage, { is: 'committed' }>): void {
  const { memory } = turn
  const { offered } = memory
  if (memory.answered || message.epoch !== (offered?.id ?? 0)) {
    end(turn, 'WIR-04', 'COMMITTED that answers no CONFIRM')
    return
  }
  memory.answered = true
  if (offered === null) {
    endIf(turn, startForwarding(turn, message))
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
      if (later.memory.linkNumber === link) endIf(later, startForwarding(later, message))
    },
  })
}

const newestTree = ({ memory }: Turn, epoch: StoredEpoch): StoredEpoch => ({
  ...epoch,
  tree: memory.epochs.get(epoch.id)?.tree ?? epoch.tree,
})

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
    discipline: disciplineAt(turn),
  })
}
