// The slave's agent: one step function over everything that can happen to it.
//
// A reading walks forward only: meter answer -> stamped -> sealed in that second -> one transaction
// holds the frame and the tree that can no longer open it -> only then may it be sent -> it is
// forgotten when the master's acknowledgement carries our own stream hash. The agent does no I/O:
// the shell performs the actions in order and feeds results back, and the simulator does the same
// with a virtual disk and network.
//
// What it knows is one value in parts, each changed by one room alone (state/own.ts).

import { toHex } from '../../../shared/bytes.ts'
import type { MonoUs } from '../../../shared/units.ts'
import { sealCaptures, takeReadings } from './capture/capture.ts'
import { readDue, readFailed, startReading } from './capture/rhythm.ts'
import { leafOver, sealingAtStart } from './capture/sealing.ts'
import { readingFailed } from './commands.ts'
import { limitCommand } from './execute.ts'
import { JOBS } from './jobs.ts'
import {
  endIf,
  greet,
  helloLeft,
  linkSlept,
  linkAtStart,
  linkDown,
  renewWhenDue,
  sendStatus,
  takeBody,
} from './link/events.ts'
import { clockChanged, clockRead, clocksSlept, keepClocks } from './meter-clocks/ask.ts'
import { sayDrained } from './outgoing/drained.ts'
import { forget, outgoingAtStart, runsTrimmed, tidySoon } from './outgoing/runs.ts'
import { forward, takeRows } from './outgoing/sending.ts'
import { giveWindowBack } from './outgoing/stuck.ts'
import { jobDone, jobFailed, nextJob, noJobs } from './queue.ts'
import type { AgentState } from './state/agent-state.ts'
import { commandsAtStart } from './state/commands.ts'
import type { AgentAction, AgentEvent, AgentView } from './state/events.ts'
import { noFaults } from './state/faults.ts'
import { clocksAtStart } from './state/meter-clocks.ts'
import type { AgentSetup } from './state/setup.ts'
import {
  afterSleep,
  afterStep,
  askWhenDue,
  clockAtStart,
  keepFrequency,
  requestLeft,
} from './timekeeping.ts'
import { clockQuality, clockUs, count, isOpen, type Turn } from './turn.ts'

export interface Agent {
  /** One event, at `mono` on the monotonic clock the agent was started with. The shell sends
   * `tick` about four times a second. */
  step(event: AgentEvent, mono: MonoUs): readonly AgentAction[]
  view(mono: MonoUs): AgentView
}

/** `state`: for who wants to look at it meanwhile. */
export function startAgent(setup: AgentSetup, state = stateAtStart(setup)): Agent {
  return {
    step: (event, mono) => step(setup, state, event, mono),
    view: (mono) => view(turnAt(setup, state, mono)),
  }
}

/** One event at `mono`; what it changes of the state, and what the shell does next, in order. */
export function step(
  setup: AgentSetup,
  state: AgentState,
  event: AgentEvent,
  mono: MonoUs,
): readonly AgentAction[] {
  const turn = turnAt(setup, state, mono)
  take(turn, event)
  afterStep(turn)
  return turn.actions
}

const turnAt = (setup: AgentSetup, state: AgentState, mono: MonoUs): Turn => ({
  setup,
  state,
  mono,
  actions: [],
  jobs: JOBS,
})

export function stateAtStart(setup: AgentSetup): AgentState {
  const { stored, mono } = setup
  const state: AgentState = {
    sealing: sealingAtStart(stored),
    capture: { schedule: null, waiting: [] },
    outgoing: outgoingAtStart(stored, mono),
    link: linkAtStart(setup),
    clock: clockAtStart(setup),
    meterClocks: clocksAtStart(setup.meters, stored.corrections),
    commands: commandsAtStart(stored.command),
    jobs: noJobs(stored.backlog),
    faults: noFaults(),
  }
  if (state.sealing.sealer !== null) startReading(turnAt(setup, state, mono))
  return state
}

function take(turn: Turn, event: AgentEvent): void {
  const { mono } = turn
  switch (event.on) {
    case 'tick':
      tick(turn)
      return
    case 'slept':
      afterSleep(turn)
      linkSlept(turn)
      clocksSlept(turn)
      return
    case 'link-up':
      linkDown(turn)
      greet(turn)
      return
    case 'link-down':
      linkDown(turn)
      return
    case 'body':
      takeBody(turn, event.body, event.at !== undefined && event.at < mono ? event.at : mono)
      return
    case 'sent':
      takeSent(turn, event)
      return
    case 'readings':
      takeReadings(turn, event)
      return
    case 'read-failed':
      readFailed(turn, event.meter, event.request)
      if (event.request === 'now') readingFailed(turn, event.meter, 'MTR-01')
      return
    case 'clock-read':
      clockRead(turn, event)
      keepClocks(turn)
      return
    case 'clock-changed':
      clockChanged(turn, event)
      keepClocks(turn)
      return
    case 'meter-fault':
      count(turn, event.fault)
      return
    case 'committed':
      takeCommitted(turn, event)
      return
    case 'commit-failed':
      jobFailed(turn, event.fault)
      return
    case 'fetched':
      endIf(turn, takeRows(turn, event))
      return
  }
}

function tick(turn: Turn): void {
  nextJob(turn)
  forget(turn)
  leafOver(turn)
  sealCaptures(turn)
  limitCommand(turn)
  readDue(turn)
  askWhenDue(turn)
  keepFrequency(turn)
  keepClocks(turn)
  sendStatus(turn)
  forward(turn)
  sayDrained(turn)
  endIf(turn, giveWindowBack(turn))
  renewWhenDue(turn)
}

/** A question about the time left, of the exchange or in the handshake. */
function takeSent(turn: Turn, { made, at }: Extract<AgentEvent, { on: 'sent' }>): void {
  if (at < made || at > turn.mono) return
  requestLeft(turn, made, at)
  helloLeft(turn, made, at)
}

function takeCommitted(turn: Turn, event: Extract<AgentEvent, { on: 'committed' }>): void {
  const { backlog, trimmed } = event
  if (turn.state.jobs.busy !== null) runsTrimmed(turn, trimmed)
  jobDone(turn, backlog)
  // Perhaps only a portion of it.
  if (trimmed.length > 0) tidySoon(turn)
  readDue(turn)
  forward(turn)
}

function view(turn: Turn): AgentView {
  const { link, capture, jobs, faults } = turn.state
  const { state, bound } = clockQuality(turn)
  const device = link.identity?.device ?? null
  return {
    device: device === null ? null : toHex(device),
    linked: isOpen(turn),
    clock: clockUs(turn),
    clockState: state,
    clockBoundMs: Math.ceil(bound / 1_000),
    backlog: jobs.backlog,
    answersWaiting: capture.waiting.length,
    transactionsWaiting: jobs.waiting.length,
    faults: faults.counts,
  }
}
