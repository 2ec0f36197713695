// What the agent holds in memory, and the turn: one step's view of it, with the actions it
// collects.

import type { FaultCode } from '../../../shared/faults.ts'
import type { Exchange } from '../../../shared/clock/estimate/exchange.ts'
import type { Estimator } from '../../../shared/clock/estimate/estimator.ts'
import type { Poll } from '../../../shared/clock/estimate/poll.ts'
import {
  overForSure,
  qualityAt,
  type SoftClock,
  timeAt,
} from '../../../shared/clock/estimate/softclock.ts'
import type { Suite } from '../../../shared/tves/suite.ts'
import type { Random } from '../../../shared/bytes.ts'
import type { EnrolmentToken } from '../../../shared/tves/token.ts'
import {
  type MonoUs,
  type SpanMs,
  type SpanUs,
  shiftMono,
  spanUs,
  type UnixMs,
  type UnixUs,
  usToMs,
} from '../../../shared/units.ts'
import type { SessionSuite } from '../../../shared/wire/message.ts'
import type { ReadingGroup } from '../../../shared/meter/reading.ts'
import type { FrameHeader } from '../../../shared/wire/frame.ts'
import type { MeterClocks } from './meter-clocks/keeping.ts'
import type { Commands } from './commands.ts'
import type { Forwarder } from './outgoing/lanes.ts'
import type { Keyring } from './capture/sealer.ts'
import type { Calling } from './link/keys.ts'
import type { Schedule } from './capture/schedule.ts'
import type { Session } from './link/session.ts'
import type {
  AgentAction,
  Backlog,
  Held,
  MeterPlan,
  OutboxCommit,
  Stored,
  StoredEpoch,
  StoredIdentity,
  StoredRun,
} from './state.ts'

export interface AgentSetup {
  readonly suite: Suite
  readonly random: Random
  readonly stored: Stored
  /** Null once enrolled. */
  readonly token: EnrolmentToken | null
  readonly meters: readonly MeterPlan[]
  /** The operating system's clock at start: a guess until the first exchange. */
  readonly wall: UnixUs
  readonly mono: MonoUs
  /** Suite of the session handshake; without it 1. */
  readonly sessionSuite?: SessionSuite
  /** Whether frames are padded; not, when it is left out. */
  readonly pad?: boolean
}

/** One transaction waiting for its turn. `frames` hold readings; `upkeep` must get through when the
 * outbox is full, since it is what makes room again. */
export interface Job {
  readonly kind: 'frames' | 'upkeep'
  /** Serves this link only: not worth doing when the link is gone. */
  readonly forLink?: true
  /** Built when handed to the shell, so that it carries the newest acknowledgements. */
  commit(): OutboxCommit
  done(turn: Turn): void
}

/** One meter answer, stamped, waiting to be sealed. */
export interface Capture {
  readonly group: ReadingGroup
  /** The process id its process ms belong to. */
  readonly processId: Uint8Array
  /** Told when its frames are durable. */
  settled(turn: Turn): void
  readonly cursor: readonly [meter: string, through: UnixMs] | null
}

export interface Memory {
  identity: StoredIdentity | null
  epochs: Map<number, StoredEpoch>
  runs: Map<number, StoredRun>
  highestRun: number
  keyring: Keyring | null
  /** Committed, to be entered before the next frame is sealed. */
  entering: StoredEpoch | null
  /** The current run is to be left before the next frame is sealed. */
  leaving: boolean
  schedule: Schedule | null
  session: Session
  /** Grows whenever a link comes or goes: tells a transaction that its link is gone. */
  linkNumber: number
  /** Offered by the master in this session, not yet committed. */
  offered: StoredEpoch | null
  wantEpoch: boolean
  /** When this session is to be left for one with a new epoch. */
  renewAt: MonoUs
  /** When it is to be left for one under the master's new key; null: not at all. */
  moveAt: MonoUs | null
  calling: Calling
  /** Header of the last frame sent on this link; null: the next one goes with its full header. */
  predecessor: FrameHeader | null
  /** COMMITTED came, perhaps still on its way to the disk. */
  answered: boolean
  /** The next CONFIRM lists every run of which a frame is held: in case the master was set back
   * while this process did not look (wire.md 6.3). */
  listAll: boolean
  /** COMMITTED came: frames may be sent. */
  confirmed: boolean
  forwarder: Forwarder
  jobs: Job[]
  busy: Job | null
  retryAt: MonoUs
  /** The last attempt to store frames failed. */
  storingFails: boolean
  captures: Capture[]
  commands: Commands
  readonly meterClocks: MeterClocks
  /** Runs whose acknowledgement is not stored yet. */
  freed: Set<number>
  freedSince: MonoUs
  /** What was freed before waits for the disk. */
  forgetting: boolean
  /** When the outbox is to be tidied next. */
  tidyAt: MonoUs
  backlog: Backlog
  clock: SoftClock
  /** A key of this process's clock was used: the clock may not go below it. */
  used: boolean
  estimator: Estimator
  exchange: Exchange
  poll: Poll
  askAt: MonoUs
  offset: SpanUs
  roundTripDelay: SpanUs
  /** When what was learned of the oscillator is to be stored next. */
  keepAt: MonoUs
  /** The last sample that counted; the start, while there was none. */
  sampledAt: MonoUs
  /** Corrections that were more than a slew, and the last of them. */
  steps: number
  lastStep: SpanUs
  statusAt: MonoUs
  readonly faults: Map<FaultCode, number>
  readonly startedAt: MonoUs
  /** Of the time since the start, or since the machine last slept: process ms of one id have no
   * gap. */
  processId: Uint8Array
  /** The last sleep lay between these instants; and the process id before it. */
  slept: { readonly from: MonoUs; readonly to: MonoUs; readonly processId: Uint8Array } | null
  /** The last step: the machine had not slept until then. */
  steppedAt: MonoUs
  /** The last anchor given under this process id: when, on which link, and the smallest bound. */
  anchored: { readonly at: MonoUs; readonly link: number; readonly bound: SpanMs } | null
}

export interface Turn {
  readonly setup: AgentSetup
  readonly memory: Memory
  readonly mono: MonoUs
  readonly actions: AgentAction[]
}

export const clockUs = ({ memory, mono }: Turn): UnixUs => timeAt(memory.clock, mono)
export const clockMs = (turn: Turn): UnixMs => usToMs(clockUs(turn))
/** Over for certain; null while the clock only guesses. Goes on while the clock stands. */
export function sureMs({ memory, mono }: Turn): UnixMs | null {
  const sure = overForSure(memory.clock, mono)
  return sure === null ? null : usToMs(sure)
}

export const clockQuality = ({ memory, mono }: Turn): ReturnType<typeof qualityAt> =>
  qualityAt(memory.clock, mono)

/** Counts a fault and tells the shell, which logs it. */
export function report(turn: Turn, fault: FaultCode, detail: string): void {
  count(turn.memory, fault)
  turn.actions.push({ do: 'report', fault, detail })
}

export function count(memory: Memory, fault: FaultCode): void {
  memory.faults.set(fault, (memory.faults.get(fault) ?? 0) + 1)
}

/** Puts a transaction in line. */
export function submit(turn: Turn, job: Job): void {
  turn.memory.jobs.push(job)
  nextJob(turn)
}

/** A full or broken disk is tried again after this long, microseconds. */
const RETRY = spanUs(1_000_000)

/** Hands the next transaction to the shell. While frames wait for a retry, upkeep goes first. */
export function nextJob(turn: Turn): void {
  const { memory, mono } = turn
  if (memory.busy !== null) return
  const waiting = mono < memory.retryAt
  const job = waiting ? memory.jobs.find((entry) => entry.kind === 'upkeep') : memory.jobs[0]
  if (job === undefined) return
  memory.busy = job
  turn.actions.push({ do: 'commit', commit: job.commit() })
}

export function jobDone(turn: Turn, backlog: Backlog, held: readonly Held[]): void {
  const { memory } = turn
  const { busy } = memory
  if (busy === null) return
  memory.backlog = backlog
  for (const now of held) {
    const run = memory.runs.get(now.run)
    if (run !== undefined) memory.runs.set(now.run, { ...run, ...now })
  }
  memory.busy = null
  memory.jobs = memory.jobs.filter((job) => job !== busy)
  if (busy.kind === 'frames') {
    memory.retryAt = turn.mono
    memory.storingFails = false
  }
  busy.done(turn)
  nextJob(turn)
}

export function jobFailed(turn: Turn, fault: FaultCode): void {
  const { memory } = turn
  const failed = memory.busy
  memory.busy = null
  memory.retryAt = shiftMono(turn.mono, RETRY)
  report(turn, fault, failed?.kind === 'upkeep' ? 'upkeep waits' : 'readings wait in memory')
  if (failed?.kind !== 'frames') return
  memory.storingFails = true
  nextJob(turn)
}

/** True while frames cannot be stored: meters are left alone, their load profile keeps the
 * intervals. */
export const storingFails = ({ memory }: Turn): boolean => memory.storingFails
