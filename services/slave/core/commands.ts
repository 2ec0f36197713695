// The master's commands, each executed at most once. What each of them does is in execute.ts.
//
// Two commits stand around every act: "begun" is durable before anything is done, the outcome
// before it is sent. So a process that finds "begun" at its start knows only that it may have been
// done: it is unknown for ever, and never done again. Only the last number is kept: the master
// sends one command at a time, and a number that is not above the last is never executed. wire.md
// 5.1.

import type { FaultCode } from '../../../shared/faults.ts'
import type { Command, Receipt } from '../../../shared/wire/commands.ts'
import { OUTBOX_AGE_DAYS_MAX } from '../../../shared/wire/limits.ts'
import { submit } from './queue.ts'
import { type Acting, IDLE } from './state/commands.ts'
import type { ReadRequest } from './state/plan.ts'
import type { BeginCommandJob, EndCommandJob } from './state/jobs.ts'
import { own } from './state/own.ts'
import type { OutboxCommit, StoredCommand } from './state/stored.ts'
import {
  clockMs,
  clockQuality,
  clockUs,
  isAnswered,
  report,
  sendControl,
  type Turn,
} from './turn.ts'

const STORING = { is: 'storing' } as const
/** How far ahead of our clock a number may have been taken: as far as a clock may be off at all. */
const NUMBER_AHEAD_MAX_MS = OUTBOX_AGE_DAYS_MAX * 86_400_000

/** A COMMAND on an open session: executed, refused, or its stored outcome sent again. */
export function takeCommand(turn: Turn, command: Command): void {
  const commands = own(turn.state.commands)
  const { number } = command
  const last = lastTaken(turn, number)
  if (number < last || number === 0) {
    sendReceipt(turn, { number, outcome: 'unknown', detail: '' })
    return
  }
  if (number === last) {
    sendOutcome(turn)
    return
  }
  if (commands.phase.is !== 'idle') {
    commands.waiting = command
    return
  }
  const fault = objection(turn, command)
  if (fault === null) begin(turn, command)
  else refuse(turn, number, fault)
}

/** The last number that counts for `number`. Masters number by UTC in milliseconds: one taken from
 * far ahead, before certificates kept strangers out, would make the slave deaf for good. It does
 * not count for a lower number, which has its own expiry. */
function lastTaken(turn: Turn, number: number): number {
  const last = turn.state.commands.last?.number ?? 0
  const furthest = clockMs(turn) + NUMBER_AHEAD_MAX_MS
  const absurd = clockQuality(turn).state === 'S' && last > furthest && number <= furthest
  return absurd ? 0 : last
}

/** The link is gone: the master sends what waited again. */
export function forgetWaiting(turn: Turn): void {
  own(turn.state.commands).waiting = null
}

/** Why a command is not begun; null: it may be. */
function objection(turn: Turn, { expires, what }: Command): FaultCode | null {
  if (isTooLate(turn, expires)) return 'OPS-17'
  if (what === null) return 'OPS-12'
  const { meter } = what
  if (meter === null) return null
  const plan = turn.setup.meters.find((entry) => entry.meter === meter)
  if (plan === undefined) return 'BIL-05'
  return what.task !== 'read-now' && plan.push ? 'MTR-09' : null
}

/** Only a synchronised clock can tell that a command has not expired. */
export function isTooLate(turn: Turn, expires: Command['expires']): boolean {
  const { state, bound } = clockQuality(turn)
  return state !== 'S' || clockUs(turn) + bound >= expires * 1_000
}

function begin(turn: Turn, command: Command): void {
  const commands = own(turn.state.commands)
  commands.last = begun(command.number)
  commands.phase = STORING
  submit(turn, { is: 'begin-command', command })
}

const begun = (number: number): StoredCommand => ({ number, outcome: 'begun', detail: '' })

export const beginCommit = ({ command }: BeginCommandJob): OutboxCommit => ({
  command: begun(command.number),
})

/** Meters were asked: the command ends when all of them answered. */
export function waitForMeters(
  turn: Turn,
  number: number,
  what: Acting['what'],
  meters: readonly string[],
): void {
  const { mono: since } = turn
  const asked = new Set(meters)
  const phase = { is: 'acting', number, what, since, asked, storing: new Set<string>() } as const
  own(turn.state.commands).phase = { ...phase, fault: null }
}

/** A meter's answer came. The number of the command it answers, null when none waits for it: the
 * caller passes it to `readingStored` when the answer is durable. */
export function readingTaken(turn: Turn, meter: string, request: ReadRequest): number | null {
  const { phase } = turn.state.commands
  if (phase.is !== 'acting' || phase.what !== 'read-now' || !phase.asked.has(meter)) return null
  const push = turn.setup.meters.find((entry) => entry.meter === meter)?.push === true
  if (request !== (push ? 'push' : 'now')) return null
  const { asked, storing } = own(phase)
  asked.delete(meter)
  storing.add(meter)
  return phase.number
}

export function readingStored(turn: Turn, meter: string, number: number | null): void {
  const { phase } = turn.state.commands
  if (phase.is !== 'acting' || phase.number !== number) return
  own(phase).storing.delete(meter)
  endWhenAll(turn, phase)
}

/** A meter that was asked gave nothing that could be stored. */
export function readingFailed(turn: Turn, meter: string, fault: FaultCode): void {
  const { phase } = turn.state.commands
  if (phase.is !== 'acting' || phase.what !== 'read-now') return
  const acting = own(phase)
  const waited = acting.asked.delete(meter) || acting.storing.delete(meter)
  if (!waited) return
  acting.fault ??= fault
  endWhenAll(turn, phase)
}

/** What became of a command to synchronise a meter's clock. `fault` null: it was done; MTR-01 the
 * meter does not answer, MTR-09 it has no such thing, MTR-10 not now or not taken, MTR-11 more than
 * 4 h off. */
export function clockSet(turn: Turn, meter: string, fault: FaultCode | null): void {
  const { phase } = turn.state.commands
  if (phase.is !== 'acting' || phase.what !== 'sync-clock') return
  const acting = own(phase)
  if (!acting.asked.delete(meter)) return
  acting.fault = fault
  endWhenAll(turn, phase)
}

function endWhenAll(turn: Turn, { number, asked, storing, fault }: Acting): void {
  if (asked.size + storing.size > 0) return
  const outcome = fault === null ? 'done' : 'refused'
  settle(turn, { number, outcome, detail: fault ?? '' })
}

export function refuse(turn: Turn, number: number, fault: FaultCode): void {
  report(turn, fault, `command ${number}`)
  settle(turn, { number, outcome: 'refused', detail: fault })
}

/** Stores the outcome; `rhythm`: and with it the one that was ordered. */
export function settle(turn: Turn, receipt: Receipt, rhythm: EndCommandJob['rhythm'] = null): void {
  const commands = own(turn.state.commands)
  commands.last = begun(receipt.number)
  commands.phase = STORING
  submit(turn, { is: 'end-command', receipt, rhythm })
}

export const endCommit = ({ receipt, rhythm }: EndCommandJob): OutboxCommit => ({
  ...(rhythm !== null && { schedules: [[rhythm.meter, rhythm.seconds]] }),
  command: receipt,
})

/** The outcome is durable: it is sent, and what waited is begun. */
export function commandEnded(turn: Turn, { receipt }: EndCommandJob): void {
  const commands = own(turn.state.commands)
  commands.last = receipt
  commands.phase = IDLE
  sendOutcome(turn)
  const { waiting } = commands
  commands.waiting = null
  if (waiting !== null) takeCommand(turn, waiting)
}

/** Says nothing while the outcome is not durable: it is sent then. */
function sendOutcome(turn: Turn): void {
  const { last } = turn.state.commands
  if (last === null || last.outcome === 'begun') return
  const { number, outcome, detail } = last
  sendReceipt(turn, { number, outcome, detail })
}

/** On a link that is down nothing is sent: the master asks again in the next session. */
function sendReceipt(turn: Turn, receipt: Receipt): void {
  if (isAnswered(turn)) sendControl(turn, { is: 'receipt', ...receipt })
}
