// What the agent does when its link comes up, brings a message, or goes: enrol, greet, confirm,
// forward.

import { equalConstantTime } from '../../../../shared/bytes.ts'
import type { FaultCode } from '../../../../shared/faults.ts'
import { encodeTree, forgetTree, plantTree } from '../../../../shared/tves/tree.ts'
import { type MonoUs, shiftMono, spanUs, usToMs } from '../../../../shared/units.ts'
import type { ControlMessage } from '../../../../shared/wire/control.ts'
import { STATUS_FAULTS_MAX } from '../../../../shared/wire/limits.ts'
import { startHistory, startReading } from '../capture/rhythm.ts'
import { closedEpochs, epochCommitted, epochOffered } from '../capture/sealing.ts'
import { forgetWaiting, takeCommand } from '../commands.ts'
import { takeDrained } from '../outgoing/drained.ts'
import {
  type Ending,
  runsToConfirm,
  startForwarding,
  stopForwarding,
  takeAcknowledge,
  takeExpect,
} from '../outgoing/sending.ts'
import { channelOf } from '../control.ts'
import { dropLinkJobs, submit } from '../queue.ts'
import type { EnrolledJob, EnterEpochJob, OfferJob, RaiseAttemptJob } from '../state/jobs.ts'
import { CALLING, DOWN, type LinkPhase, type LinkState } from '../state/link.ts'
import { own } from '../state/own.ts'
import type { AgentSetup } from '../state/setup.ts'
import type { OutboxCommit, StoredEpoch } from '../state/stored.ts'
import { askAtOnce, disciplineAt, takeHandshakeSample, takeReply } from '../timekeeping.ts'
import { clockQuality, isAnswered, report, sendControl, type Turn } from '../turn.ts'
import { identityStored, nextAttempt } from './identity.ts'
import { keyConfirmed, keyToCall, takeMasterKey } from './keys.ts'
import { reasonToLeave, renewLater } from './renewal.ts'
import { beginEnrolment, beginSession, type Outcome, receive, type Step } from './session.ts'

/** The first status soon after the session opens, so that the fleet page is not empty. */
const STATUS_FIRST = spanUs(1_000_000)
/** How often the slave says how it is. */
const STATUS_EVERY = spanUs(10_000_000)

/** Before the first call: an epoch is asked for where there is none to seal in, or where one was
 * offered and never confirmed. */
export const linkAtStart = ({ stored, mono }: AgentSetup): LinkState => ({
  phase: DOWN,
  number: 0,
  identity: stored.identity,
  calling: CALLING,
  wantEpoch:
    (stored.identity?.device ?? null) === null ||
    stored.epochs.every((epoch) => epoch.state !== 'committed') ||
    stored.epochs.some((epoch) => epoch.state === 'pending'),
  renewAt: mono,
})

/** The link is up: greets the master, or enrols first. SEC-07: it can do neither. */
export function greet(turn: Turn): void {
  const { state, setup } = turn
  const { identity, number: link, wantEpoch } = state.link
  const masterKey = identity?.psk ? keyToCall(turn, identity) : null
  if (identity?.psk && masterKey !== null) {
    const keys = { staticKey: identity.staticKey, psk: identity.psk, masterKey }
    const { processId } = state.clock
    follow(turn, beginSession({ ...setup, processId }, keys, { wantEpoch, mono: turn.mono }))
    return
  }
  const { token } = setup
  if (token === null) {
    end(turn, 'SEC-07', 'not enrolled, and the configuration has no token')
    return
  }
  enter(turn, { is: 'raising attempt' })
  submit(turn, { is: 'raise-attempt', link, token })
}

/** The attempt counter is durable before the first message (wire.md 3). Raised once, when its turn
 * comes: the attempt of a link before may still be on its way to the disk. */
export const raiseAttemptCommit = (
  { state, setup }: Turn,
  before: OutboxCommit | null,
): OutboxCommit => before ?? { identity: nextAttempt(state.link.identity, setup.random) }

export function attemptRaised(turn: Turn, job: RaiseAttemptJob, stored: OutboxCommit): void {
  identityStored(turn, stored)
  const { identity, number } = turn.state.link
  if (identity === null || number !== job.link) return
  const { processId } = turn.state.clock
  follow(turn, beginEnrolment({ ...turn.setup, processId }, identity, job.token))
}

/** One message body from the master. `came`: when it did. */
export function takeBody(turn: Turn, body: Uint8Array, came: MonoUs): void {
  const { link, clock } = turn.state
  if (link.identity === null) return
  const setup = { ...turn.setup, processId: clock.processId }
  follow(turn, receive(setup, link.phase, link.identity, body), came)
}

/** The first message of the handshake, made at `made`, left at `at`. */
export function helloLeft(turn: Turn, made: MonoUs, at: MonoUs): void {
  const { phase } = turn.state.link
  if (phase.is === 'handshaking' && phase.t1 === made) enter(turn, { ...phase, t1: at })
}

/** The machine slept: the answer to the handshake says nothing about the time any more; and on an
 * open link only the next handshake can say how long it was. */
export function linkSlept(turn: Turn): void {
  const { phase } = turn.state.link
  if (phase.is === 'handshaking') enter(turn, { ...phase, t1: null })
  if (phase.is !== 'open') return
  linkDown(turn)
  turn.actions.push({ do: 'drop', fault: null, detail: 'the machine slept' })
}

export function linkDown(turn: Turn): void {
  const link = own(turn.state.link)
  const { phase } = link
  link.phase = DOWN
  link.number += 1
  if ('channel' in phase) phase.channel.forget()
  forgetWaiting(turn)
  dropLinkJobs(turn)
  // Its COMMITTED never came, or is not durable yet: the master may hold it as committed, so
  // another one is asked for.
  const offered = phase.is === 'confirming' && phase.offered !== null
  if (offered || phase.is === 'committing') link.wantEpoch = true
  stopForwarding(turn)
}

function enter(turn: Turn, phase: LinkPhase): void {
  own(turn.state.link).phase = phase
}

function end(turn: Turn, fault: FaultCode, detail: string, hint = false): void {
  linkDown(turn)
  if (hint) turn.actions.push({ do: 'report', fault, detail })
  else report(turn, fault, detail)
  turn.actions.push({ do: 'drop', fault, detail })
}

/** Ends the link where there is a reason to. */
export function endIf(turn: Turn, ending: Ending | null): void {
  if (ending === null) return
  if (ending.wantEpoch) own(turn.state.link).wantEpoch = true
  end(turn, ending.fault, ending.detail)
}

function follow(turn: Turn, step: Step<LinkPhase>, came: MonoUs = turn.mono): void {
  const { session: phase, send, outcome } = step
  // The phase that ends tells linkDown whether an offered epoch ends with it.
  if (outcome.is !== 'ended') enter(turn, phase)
  const made = phase.is === 'handshaking' ? phase.t1 : null
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
  const { identity: before, number: link } = turn.state.link
  if (before === null) return
  const { device, psk, masterKey } = outcome
  enter(turn, { is: 'storing identity' })
  const identity = { ...before, device, psk, masterKey, nextMasterKey: null }
  submit(turn, { is: 'enrolled', link, identity })
}

export const enrolledCommit = ({ identity }: EnrolledJob): OutboxCommit => ({ identity })

/** The keys of the enrolment are durable: the session follows on the same link. */
export function enrolledStored(turn: Turn, { link }: EnrolledJob, stored: OutboxCommit): void {
  identityStored(turn, stored)
  if (turn.state.link.number === link) greet(turn)
}

function welcome(turn: Turn, outcome: Extract<Outcome, { is: 'welcome' }>, t4: MonoUs): void {
  const { setup } = turn
  const { link, sealing } = turn.state
  const { answer, t1, epoch } = outcome
  const { t2, t3, bound, origin, historyFrom, device } = answer
  const known = link.identity?.device ?? device
  if (!equalConstantTime(known, device)) {
    // ENROLLED came under an enrolment's keys alone: the word of the static keys stands above it.
    submit(turn, { is: 'device-id', device })
    end(turn, 'SEC-16', 'ENROLLED named another device than the handshake does')
    return
  }
  takeHandshakeSample(turn, { t1, t2, t3, t4, bound })
  renewLater(turn, origin, usToMs(t2))
  startReading(turn)
  if (historyFrom !== null) startHistory(turn, historyFrom)
  // An id that is taken, or 0, makes the offer void; both sides see it (wire.md 6).
  if (origin === null || epoch === null || sealing.epochs.has(epoch.id)) {
    epoch?.secret.fill(0)
    confirm(turn, null)
    return
  }
  const planted = plantTree(setup.suite, epoch.secret)
  const offered: StoredEpoch = {
    id: epoch.id,
    origin,
    transcript: epoch.transcript,
    tree: encodeTree(planted),
    state: 'pending',
  }
  forgetTree(planted)
  epoch.secret.fill(0)
  // Never confirmed, so nothing was sealed in them: the newest offer is the only one worth keeping.
  const stale = [...sealing.epochs.values()].filter((old) => old.state === 'pending')
  submit(turn, { is: 'offer', link: link.number, offered, stale: stale.map(({ id }) => id) })
}

export const offerCommit = ({ offered, stale }: OfferJob): OutboxCommit => ({
  epochs: [offered],
  dropEpochs: stale,
})

export function offerStored(turn: Turn, job: OfferJob): void {
  epochOffered(turn, job)
  if (turn.state.link.number === job.link) confirm(turn, job.offered)
}

/** Leaves a good session for the next, when there is a reason to. */
export function renewWhenDue(turn: Turn): void {
  const reason = reasonToLeave(turn)
  if (reason === null) return
  linkDown(turn)
  turn.actions.push({ do: 'drop', fault: null, detail: reason })
}

function confirm(turn: Turn, offered: StoredEpoch | null): void {
  const channel = channelOf(turn.state.link.phase)
  if (channel === null) return
  enter(turn, { is: 'confirming', channel, offered })
  sendControl(turn, { is: 'confirm', epoch: offered?.id ?? 0, runs: runsToConfirm(turn) })
}

function takeControl(turn: Turn, message: ControlMessage, came: MonoUs): void {
  switch (message.is) {
    case 'committed':
      committed(turn, message)
      return
    case 'clock-reply': {
      const fault = takeReply(turn, message, came)
      if (fault !== null) end(turn, fault, "CLOCK REPLY far from the handshake's time")
      return
    }
    case 'acknowledge':
      endIf(turn, takeAcknowledge(turn, message))
      return
    case 'expect':
      endIf(turn, takeExpect(turn, message))
      return
    case 'drained':
      if (isAnswered(turn)) takeDrained(turn, message)
      else end(turn, 'WIR-04', 'DRAINED before COMMITTED')
      return
    case 'master-key':
      masterKey(turn, message.key)
      return
    case 'command':
      if (isAnswered(turn)) takeCommand(turn, message)
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

function masterKey(turn: Turn, key: Uint8Array): void {
  if (!isAnswered(turn)) {
    end(turn, 'WIR-04', 'MASTER KEY before COMMITTED')
    return
  }
  const fault = takeMasterKey(turn, key)
  if (fault !== null) end(turn, fault, 'MASTER KEY of a point of small order')
}

function committed(turn: Turn, message: Extract<ControlMessage, { is: 'committed' }>): void {
  const { link, sealing } = turn.state
  const { phase, number } = link
  if (phase.is !== 'confirming' || message.epoch !== (phase.offered?.id ?? 0)) {
    end(turn, 'WIR-04', 'COMMITTED that answers no CONFIRM')
    return
  }
  const { channel, offered } = phase
  enter(turn, { is: 'committing', channel, moveAt: null })
  if (offered === null) {
    open(turn, message)
    return
  }
  const entered: StoredEpoch = { ...offered, state: 'committed' }
  const closing = [...sealing.epochs.values()]
    .filter((epoch) => epoch.state === 'committed')
    .map(({ id }) => id)
  submit(turn, { is: 'enter-epoch', link: number, entered, closing, committed: message })
}

export const enterEpochCommit = (turn: Turn, job: EnterEpochJob): OutboxCommit => ({
  epochs: [...closedEpochs(turn, job), job.entered],
})

export function epochStored(turn: Turn, job: EnterEpochJob): void {
  epochCommitted(turn, job)
  const link = own(turn.state.link)
  link.wantEpoch = false
  if (link.number === job.link) open(turn, job.committed)
}

/** What COMMITTED said is durable: frames may be sent. */
function open(turn: Turn, message: Extract<ControlMessage, { is: 'committed' }>): void {
  const { phase } = turn.state.link
  if (phase.is !== 'committing') return
  const { channel, moveAt } = phase
  const statusAt = shiftMono(turn.mono, STATUS_FIRST)
  enter(turn, { is: 'open', channel, moveAt, statusAt })
  keyConfirmed(turn)
  const ending = startForwarding(turn, message)
  if (ending === null) askAtOnce(turn)
  endIf(turn, ending)
}

/** Says how the slave is, now and then. */
export function sendStatus(turn: Turn): void {
  const { state, mono, setup } = turn
  const { phase } = state.link
  if (phase.is !== 'open' || mono < phase.statusAt) return
  enter(turn, { ...phase, statusAt: shiftMono(mono, STATUS_EVERY) })
  const { state: clockState, bound } = clockQuality(turn)
  const faults = [...state.faults.counts].slice(0, STATUS_FAULTS_MAX)
  sendControl(turn, {
    is: 'status',
    clockState,
    offset: state.clock.offset,
    bound: clockState === 'U' ? null : bound,
    roundTrip: state.clock.roundTripDelay,
    backlog: state.jobs.backlog.frames,
    meters: setup.meters.length,
    faults: faults.map(([code, count]) => ({ code, count })),
    discipline: disciplineAt(turn),
  })
}
