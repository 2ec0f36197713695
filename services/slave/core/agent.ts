// The slave's agent: one step function over everything that can happen to it.
//
// A reading walks forward only: meter answer -> stamped -> sealed in that second -> one transaction
// holds the frame and the tree that can no longer open it -> only then may it be sent -> it is
// forgotten when the master's acknowledgement carries our own stream hash. The agent does no I/O:
// the shell performs the actions in order and feeds results back, and the simulator does the same
// with a virtual disk and network.

import { IDLE } from '../../../shared/clock/estimate/exchange.ts'
import { START_POLL } from '../../../shared/clock/estimate/poll.ts'
import { startClock } from '../../../shared/clock/estimate/softclock.ts'
import { toHex } from '../../../shared/bytes.ts'
import { elapsedUs, type MonoUs, monoUs, shiftMono, spanUs } from '../../../shared/units.ts'
import { PROCESS_ID_BYTES } from '../../../shared/wire/limits.ts'
import { sealCaptures, takeReadings } from './capture/capture.ts'
import { clocksAtStart } from './meter-clocks/keeping.ts'
import { commandsAtStart, limitCommand, readingFailed } from './commands.ts'
import { openKeyring } from './capture/sealer.ts'
import { noLanes } from './outgoing/lanes.ts'
import { greet, linkDown, renewWhenDue, takeBody, tellStatus } from './link/events.ts'
import { CALLING } from './link/keys.ts'
import {
  type AgentSetup,
  clockQuality,
  clockUs,
  count,
  jobDone,
  jobFailed,
  type Memory,
  nextJob,
  storingFails,
  submit,
  sureMs,
  type Turn,
} from './memory.ts'
import { clockChanged, clockRead, clocksSlept, keepClocks } from './meter-clocks/ask.ts'
import { due, failed, ordered, plan } from './capture/schedule.ts'
import { forward, takeRows } from './outgoing/sending.ts'
import { DOWN } from './link/session.ts'
import type { AgentAction, AgentEvent, AgentView, StoredRun } from './state.ts'
import { afterSleep, askWhenDue, estimatorAtStart, keepFrequency, takeSent } from './timekeeping.ts'

export type { AgentSetup } from './memory.ts'

/** Acknowledgements are stored in one transaction at most this often, microseconds. */
const FORGET_EVERY_US = 500_000
/** How often the outbox is tidied while there is nothing to delete. */
const TIDY_EVERY = spanUs(600_000_000)

export interface Agent {
  /** One event, at `mono` on the monotonic clock the agent was started with. The shell sends
   * `tick` about four times a second. */
  step(event: AgentEvent, mono: MonoUs): readonly AgentAction[]
  view(mono: MonoUs): AgentView
}

export function startAgent(setup: AgentSetup): Agent {
  const memory = remember(setup)
  return {
    step: (event, mono) => {
      const turn: Turn = { setup, memory, mono, actions: [] }
      take(turn, event)
      memory.steppedAt = mono
      return turn.actions
    },
    view: (mono) => view({ setup, memory, mono, actions: [] }),
  }
}

function remember(setup: AgentSetup): Memory {
  const { stored, wall, mono, random } = setup
  const keyring = openKeyring(stored)
  const clock = startClock({ mono, guess: wall, lastUsed: stored.lastUsed })
  const memory: Memory = {
    identity: stored.identity,
    // A pending epoch was never confirmed, or the answer was lost: the master offers another.
    epochs: new Map(stored.epochs.map((epoch) => [epoch.id, epoch])),
    runs: new Map(stored.runs.map((run) => [run.run, run])),
    highestRun: stored.highestRun,
    keyring,
    entering: null,
    leaving: false,
    schedule: null,
    session: DOWN,
    linkNumber: 0,
    offered: null,
    wantEpoch: keyring === null || stored.epochs.some((epoch) => epoch.state === 'pending'),
    renewAt: mono,
    moveAt: null,
    calling: CALLING,
    predecessor: null,
    answered: false,
    listAll: true,
    confirmed: false,
    forwarder: noLanes(),
    jobs: [],
    busy: null,
    retryAt: monoUs(0),
    storingFails: false,
    captures: [],
    commands: commandsAtStart(stored.command),
    meterClocks: clocksAtStart(setup.meters, stored.corrections),
    freed: new Set(),
    freedSince: mono,
    forgetting: false,
    tidyAt: mono,
    backlog: stored.backlog,
    clock,
    used: false,
    estimator: estimatorAtStart(setup),
    exchange: IDLE,
    poll: START_POLL,
    askAt: mono,
    offset: spanUs(0),
    roundTripDelay: spanUs(0),
    keepAt: mono,
    sampledAt: mono,
    steps: 0,
    lastStep: spanUs(0),
    statusAt: mono,
    faults: new Map(),
    startedAt: mono,
    processId: random(PROCESS_ID_BYTES),
    slept: null,
    steppedAt: mono,
    anchored: null,
  }
  if (keyring !== null) {
    memory.schedule = plan(ordered(setup.meters, stored.schedules), stored.cursors, mono)
  }
  return memory
}

function take(turn: Turn, event: AgentEvent): void {
  const { memory, mono } = turn
  switch (event.on) {
    case 'tick':
      tick(turn)
      return
    case 'slept':
      afterSleep(turn)
      clocksSlept(memory.meterClocks)
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
      if (memory.schedule !== null) {
        failed(memory.schedule, event.meter, event.request, turn.mono)
      }
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
      count(memory, event.fault)
      return
    case 'committed':
      jobDone(turn, event.backlog, event.held)
      // Perhaps only a portion of it.
      if (event.held.length > 0) memory.tidyAt = turn.mono
      readDue(turn)
      forward(turn)
      return
    case 'commit-failed':
      jobFailed(turn, event.fault)
      return
    case 'fetched':
      takeRows(turn, event)
      return
  }
}

function tick(turn: Turn): void {
  nextJob(turn)
  forget(turn)
  sealCaptures(turn)
  limitCommand(turn)
  readDue(turn)
  askWhenDue(turn)
  keepFrequency(turn)
  keepClocks(turn)
  tellStatus(turn)
  forward(turn)
  renewWhenDue(turn)
}

/** Meters are read from the first committed epoch on, and not while nothing can be stored. */
function readDue(turn: Turn): void {
  const { memory } = turn
  if (memory.schedule === null || storingFails(turn)) return
  if (memory.keyring === null && memory.entering === null) return
  turn.actions.push(...due(memory.schedule, turn.mono, sureMs(turn)))
}

/** Stores what is durable further on, deletes what was so long ago, and the rows of runs and epochs
 * that are done with. */
function forget(turn: Turn): void {
  const { memory, mono } = turn
  if (memory.forgetting) return
  const tidies = mono >= memory.tidyAt
  const stores = memory.freed.size > 0 && elapsedUs(memory.freedSince, mono) >= FORGET_EVERY_US
  if (!tidies && !stores) return
  const freed = [...memory.freed]
  memory.freed = new Set()
  const dropRuns = [...memory.runs.values()].filter((run) => isOver(memory, run))
  for (const { run } of dropRuns) memory.runs.delete(run)
  const kept = new Set([...memory.runs.values()].map((run) => run.epoch))
  const dropEpochs = [...memory.epochs.values()]
    .filter((epoch) => epoch.state === 'closed' && !kept.has(epoch.id))
    .map((epoch) => epoch.id)
  for (const epoch of dropEpochs) memory.epochs.delete(epoch)
  memory.forgetting = true
  if (tidies) memory.tidyAt = shiftMono(mono, TIDY_EVERY)
  submit(turn, {
    kind: 'upkeep',
    commit: () => ({
      runs: freed.flatMap((run) => memory.runs.get(run) ?? []),
      dropRuns: dropRuns.map(({ run }) => run),
      dropEpochs,
      ...(tidies ? { tidy: true } : {}),
    }),
    done: (later) => {
      later.memory.forgetting = false
    },
  })
}

/** Nothing of it is held, and nothing of it has to be told. */
const isOver = ({ highestRun }: Memory, run: StoredRun): boolean =>
  run.first > run.last && (run.forked || run.acknowledged === run.last) && run.run < highestRun

function view(turn: Turn): AgentView {
  const { memory } = turn
  const { state, bound } = clockQuality(turn)
  const device = memory.identity?.device ?? null
  return {
    device: device === null ? null : toHex(device),
    linked: memory.confirmed,
    clock: clockUs(turn),
    clockState: state,
    clockBoundMs: Math.ceil(bound / 1_000),
    backlog: memory.backlog,
    answersWaiting: memory.captures.length,
    transactionsWaiting: memory.jobs.length,
    faults: memory.faults,
  }
}
