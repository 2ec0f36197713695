// The turn: one step's view of the agent, with the actions it collects. Here is what every room
// needs: the time by the agent's clock, what phase the link is in, a message to the master, a
// fault.

import {
  believedAt,
  overForSure,
  qualityAt,
  timeAt,
} from '../../../shared/clock/estimate/softclock.ts'
import type { FaultCode } from '../../../shared/faults.ts'
import { type MonoUs, type UnixMs, type UnixUs, usToMs } from '../../../shared/units.ts'
import type { ControlMessage } from '../../../shared/wire/control.ts'
import { controlBody } from './control.ts'
import type { AgentState } from './state/agent-state.ts'
import type { AgentAction } from './state/events.ts'
import type { Job } from './state/jobs.ts'
import { own } from './state/own.ts'
import type { AgentSetup } from './state/setup.ts'
import type { OutboxCommit } from './state/stored.ts'

export interface Turn {
  readonly setup: AgentSetup
  readonly state: AgentState
  readonly mono: MonoUs
  readonly actions: AgentAction[]
  readonly jobs: JobTable
}

/** What each kind of job writes, and what follows (jobs.ts). Rooms submit jobs without knowing each
 * other's, so the table comes with the turn. */
export interface JobTable {
  /** Built when handed to the shell, so that it carries the newest acknowledgements. `before`: what
   * was handed at an earlier try that failed; null: this is the first. */
  commit(turn: Turn, job: Job, before: OutboxCommit | null): OutboxCommit
  /** `stored`: the commit that is durable now. */
  done(turn: Turn, job: Job, stored: OutboxCommit): void
}

export const clockUs = ({ state, mono }: Turn): UnixUs => timeAt(state.clock.soft, mono)
export const clockMs = (turn: Turn): UnixMs => usToMs(clockUs(turn))
/** Over for certain; null while the clock only guesses. Goes on while the clock stands. */
export function sureMs({ state, mono }: Turn): UnixMs | null {
  const sure = overForSure(state.clock.soft, mono)
  return sure === null ? null : usToMs(sure)
}

export const clockQuality = ({ state, mono }: Turn): ReturnType<typeof qualityAt> =>
  qualityAt(state.clock.soft, mono)

/** UTC as believed; null while the clock only guesses. */
export const utcNow = ({ state, mono }: Turn): UnixUs | null =>
  believedAt(state.clock.soft, mono)?.utc ?? null

/** True while frames may be sent. */
export const isOpen = ({ state }: Turn): boolean => state.link.phase.is === 'open'

/** True once COMMITTED came, perhaps still on its way to the disk. */
export function isAnswered({ state }: Turn): boolean {
  const { is } = state.link.phase
  return is === 'committing' || is === 'open'
}

/** True while frames cannot be stored: meters are left alone, their load profile keeps the
 * intervals. */
export const storingFails = ({ state }: Turn): boolean => state.jobs.storingFails

/** Sends a control message; false where no session is open to carry it. `made`: when it was made,
 * of one whose leaving is timed. */
export function sendControl(turn: Turn, message: ControlMessage, made?: MonoUs): boolean {
  const body = controlBody(turn.state.link.phase, message)
  if (body === null) return false
  turn.actions.push({ do: 'send', body, ...(made !== undefined && { made }) })
  return true
}

/** Counts a fault and hands it to the shell, which logs it. */
export function report(turn: Turn, fault: FaultCode, detail: string): void {
  count(turn, fault)
  turn.actions.push({ do: 'report', fault, detail })
}

export function count(turn: Turn, fault: FaultCode): void {
  const { counts } = own(turn.state.faults)
  counts.set(fault, (counts.get(fault) ?? 0) + 1)
}
