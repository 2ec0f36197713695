// Orders from the master, each executed at most once.
//
// Two commits stand around every act: "begun" is durable before anything is done, the outcome
// before it is told. So whoever finds "begun" at a start knows only that it may have been done: it
// is unknown for ever, and never done again. Only the last number is kept: the master sends one
// command at a time, and a number that is not above the last is never executed. wire.md 5.1.

import type { FaultCode } from '../../../shared/faults.ts'
import { elapsedUs, type MonoUs, spanUs } from '../../../shared/units.ts'
import type { Command, CommandTask, Receipt } from '../../../shared/wire/commands.ts'
import { abandonSync, orderSync } from './meter-clocks/ask.ts'
import { clockQuality, clockUs, report, submit, type Turn } from './memory.ts'
import { readAtOnce, reschedule } from './capture/schedule.ts'
import { controlBody } from './link/session.ts'
import type { OutboxCommit, ReadRequest, StoredCommand } from './state.ts'

/** Longest time for an order's meters: 250 of them at 9600 baud, some of them silent. */
const ACT_TIME_MAX = spanUs(300_000_000)

interface Acting {
  readonly is: 'acting'
  readonly number: number
  readonly order: 'read-now' | 'sync-clock'
  readonly since: MonoUs
  /** Meters whose answer is still to come. */
  readonly asked: Set<string>
  /** Meters whose answer waits for the disk. */
  readonly storing: Set<string>
  /** What went wrong first. */
  fault: FaultCode | null
}

export interface Commands {
  /** The last number taken. `begun`: this process works on it. */
  last: StoredCommand | null
  phase: { readonly is: 'idle' } | { readonly is: 'storing' } | Acting
  /** Came while another one ran; the newest only, the master sends the rest again. */
  waiting: Command | null
}

const IDLE = { is: 'idle' } as const
const STORING = { is: 'storing' } as const

/** What an earlier process began and did not end may be done or not. */
export const commandsAtStart = (stored: StoredCommand | null): Commands => ({
  last: stored?.outcome === 'begun' ? { ...stored, outcome: 'unknown' } : stored,
  phase: IDLE,
  waiting: null,
})

/** A COMMAND on an open session: executed, refused, or its stored outcome told again. */
export function takeCommand(turn: Turn, command: Command): void {
  const { commands } = turn.memory
  const { number } = command
  const last = commands.last?.number ?? 0
  if (number < last || number === 0) {
    tell(turn, { number, outcome: 'unknown', detail: '' })
    return
  }
  if (number === last) {
    tellLast(turn)
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
function isTooLate(turn: Turn, expires: Command['expires']): boolean {
  const { state, bound } = clockQuality(turn)
  return state !== 'S' || clockUs(turn) + bound >= expires * 1_000
}

function begin(turn: Turn, { number, expires, what }: Command): void {
  const { commands } = turn.memory
  const begun: StoredCommand = { number, outcome: 'begun', detail: '' }
  commands.last = begun
  commands.phase = STORING
  submit(turn, {
    kind: 'upkeep',
    commit: () => ({ command: begun }),
    done: (later) => {
      // The disk may have taken its time.
      if (isTooLate(later, expires)) refuse(later, number, 'OPS-17')
      else if (what !== null) act(later, number, what)
    },
  })
}

function act(turn: Turn, number: number, what: CommandTask): void {
  const { memory, mono, setup } = turn
  const { schedule } = memory
  const base = {
    is: 'acting',
    number,
    since: mono,
    storing: new Set<string>(),
    fault: null,
  } as const
  switch (what.task) {
    case 'schedule': {
      const { meter, seconds } = what
      const done = { number, outcome: 'done', detail: '' } as const
      settle(turn, done, { schedules: [[meter, seconds]] }, (later) => {
        const plan = later.memory.schedule
        if (plan !== null) reschedule(plan, meter, seconds * 1_000, later.mono)
      })
      return
    }
    case 'read-now': {
      const meters = what.meter === null ? setup.meters.map(({ meter }) => meter) : [what.meter]
      memory.commands.phase = { ...base, order: 'read-now', asked: new Set(meters) }
      for (const meter of meters) {
        if (schedule !== null) readAtOnce(schedule, meter, mono)
        turn.actions.push({ do: 'read', meter })
      }
      return
    }
    case 'sync-clock': {
      const { meter } = what
      memory.commands.phase = { ...base, order: 'sync-clock', asked: new Set([meter]) }
      orderSync(turn, meter, (later, fault) => clockSet(later, meter, fault))
      return
    }
  }
}

/** An answer of a meter came. The number of the command it answers, null when none waits for it:
 * to be given to `readingStored` when it is durable. */
export function readingTaken(turn: Turn, meter: string, request: ReadRequest): number | null {
  const { phase } = turn.memory.commands
  if (phase.is !== 'acting' || phase.order !== 'read-now' || !phase.asked.has(meter)) return null
  const push = turn.setup.meters.find((entry) => entry.meter === meter)?.push === true
  if (request !== (push ? 'push' : 'now')) return null
  phase.asked.delete(meter)
  phase.storing.add(meter)
  return phase.number
}

export function readingStored(turn: Turn, meter: string, number: number | null): void {
  const { phase } = turn.memory.commands
  if (phase.is !== 'acting' || phase.number !== number) return
  phase.storing.delete(meter)
  endWhenAll(turn, phase)
}

/** A meter that was asked gave nothing that could be stored. */
export function readingFailed(turn: Turn, meter: string, fault: FaultCode): void {
  const { phase } = turn.memory.commands
  if (phase.is !== 'acting' || phase.order !== 'read-now') return
  const waited = phase.asked.delete(meter) || phase.storing.delete(meter)
  if (!waited) return
  phase.fault ??= fault
  endWhenAll(turn, phase)
}

/** What became of the order to synchronise. */
function clockSet(turn: Turn, meter: string, fault: FaultCode | null): void {
  const { phase } = turn.memory.commands
  if (phase.is !== 'acting' || phase.order !== 'sync-clock' || !phase.asked.delete(meter)) return
  phase.fault = fault
  endWhenAll(turn, phase)
}

function endWhenAll(turn: Turn, { number, asked, storing, fault }: Acting): void {
  if (asked.size + storing.size > 0) return
  const outcome = fault === null ? 'done' : 'refused'
  settle(turn, { number, outcome, detail: fault ?? '' })
}

/** Ends an order whose meters said nothing. Answers that still wait for the disk may get there or
 * not: nobody knows. */
export function limitCommand(turn: Turn): void {
  const { phase } = turn.memory.commands
  if (phase.is !== 'acting' || elapsedUs(phase.since, turn.mono) <= ACT_TIME_MAX) return
  const { number, order, asked } = phase
  const sent = order === 'sync-clock' && [...asked].some((meter) => abandonSync(turn, meter))
  if (phase.asked.size > 0 && !sent) refuse(turn, number, 'MTR-01')
  else settle(turn, { number, outcome: 'unknown', detail: '' })
}

function refuse(turn: Turn, number: number, fault: FaultCode): void {
  report(turn, fault, `command ${number}`)
  settle(turn, { number, outcome: 'refused', detail: fault })
}

/** Stores the outcome, tells it, and goes on with what waited. */
function settle(
  turn: Turn,
  receipt: Receipt,
  more: Pick<OutboxCommit, 'schedules'> = {},
  then: (turn: Turn) => void = () => undefined,
): void {
  const { commands } = turn.memory
  commands.last = { number: receipt.number, outcome: 'begun', detail: '' }
  commands.phase = STORING
  submit(turn, {
    kind: 'upkeep',
    commit: () => ({ ...more, command: receipt }),
    done: (later) => {
      commands.last = receipt
      commands.phase = IDLE
      then(later)
      tellLast(later)
      const { waiting } = commands
      commands.waiting = null
      if (waiting !== null) takeCommand(later, waiting)
    },
  })
}

/** Says nothing while the outcome is not durable: it is told then. */
function tellLast(turn: Turn): void {
  const { last } = turn.memory.commands
  if (last === null || last.outcome === 'begun') return
  const { number, outcome, detail } = last
  tell(turn, { number, outcome, detail })
}

/** On a link that is down nothing is told: the master asks again in the next session. */
function tell({ memory, actions }: Turn, receipt: Receipt): void {
  if (!memory.answered) return
  const body = controlBody(memory.session, { is: 'receipt', ...receipt })
  if (body !== null) actions.push({ do: 'send', body })
}
