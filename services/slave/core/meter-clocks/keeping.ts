// What is known of each meter's clock, what is being done about it, and what is told of it.

import {
  type MeterClock,
  meterClockAt,
  type MeterClockSeen,
  noMeterClock,
} from '../../../../shared/clock/meter/meter-clock.ts'
import { monthOf } from '../../../../shared/clock/meter/civil-month.ts'
import {
  DRIFT_LIGHT_END,
  DRIFT_STRONG_MAX,
  type DriftRegister,
  registerIn,
} from '../../../../shared/clock/meter/policy.ts'
import { BOUND_UNKNOWN_US } from '../../../../shared/clock/clock-state.ts'
import { believedAt } from '../../../../shared/clock/estimate/softclock.ts'
import type { FaultCode } from '../../../../shared/faults.ts'
import type { MeterClockEvent, MeterClockOutcome } from '../../../../shared/clock/evidence.ts'
import { STATUS_INVALID } from '../../../../shared/meter/sem/clock.ts'
import {
  type MonoUs,
  monoUs,
  type SpanUs,
  spanUs,
  spanUsToMs,
  type UnixUs,
} from '../../../../shared/units.ts'
import { report, type Turn } from '../memory.ts'
import { controlBody } from '../link/session.ts'
import type { MeterClockPlan, MeterPlan } from '../state.ts'

/** First and longest time without a report, microseconds. It doubles: the head-end drops what is
 * told of a meter before its first reading came, and the pages show hours. */
const REPORT_AGAIN_US = 60_000_000
const REPORT_EVERY_US = 3_600_000_000
/** Reports in one step, of which there are about four a second: a master takes 1,000 a minute. */
const REPORTS_MAX = 3
/** A clock that moved by more than this beyond its bound is told at once. */
const MOVED = spanUs(100_000)

/** What the caller of an order wants to hear: null, or why it was not done. */
type Settled = (turn: Turn, fault: FaultCode | null) => void

/** A correction under way. */
export interface Correction {
  /** `storing`: the register waits for the disk; `stored`: until no other clock is asked; `sent`:
   * the meter's answer is waited for; `verify`: what became of it is read. */
  readonly phase: 'storing' | 'stored' | 'sent' | 'verify'
  readonly since: MonoUs
  readonly drift: SpanUs
  readonly event: MeterClockEvent | null
  readonly how: 'light' | 'strong'
  /** Before it was counted. */
  readonly before: DriftRegister
  readonly answer: 'ack' | 'nak' | 'none' | 'unsupported'
}

export interface Keeping {
  readonly meter: string
  readonly plan: MeterClockPlan
  clock: MeterClock
  resolution: SpanUs
  /** As the meter states it; null: it does not. */
  status: number | null
  register: DriftRegister
  /** Requests in a row without an answer. */
  silent: number
  /** Not asked before this. */
  restUntil: MonoUs
  correction: Correction | null
  /** Somebody wants it synchronised by order. */
  order: Settled | null
  /** Not corrected before this: an interval's end is near, or it was just refused. */
  tryAt: MonoUs
  fault: 'MTR-10' | 'MTR-11' | null
  outcome: MeterClockOutcome
  event: MeterClockEvent | null
  /** Something happened that was not looked at; and not told. */
  fresh: boolean
  untold: boolean
  /** Its last read had impossible stamps. */
  unreadable: boolean
  /** What was told last, when, on which link, and how long that may stand. */
  told: Told | null
}

interface Told {
  readonly key: string
  readonly offset: SpanUs
  readonly at: MonoUs
  readonly link: number
  readonly again: number
}

export interface MeterClocks {
  readonly kept: ReadonlyMap<string, Keeping>
  /** One clock is asked at a time. */
  asked: { readonly meter: string; readonly since: MonoUs } | null
  /** No clock is asked before this. */
  askFrom: MonoUs
}

const NO_REGISTER: DriftRegister = { month: '', sum: spanUs(0) }
const ALWAYS = monoUs(Number.NEGATIVE_INFINITY)

export function clocksAtStart(
  meters: readonly MeterPlan[],
  corrections: ReadonlyMap<string, DriftRegister>,
): MeterClocks {
  const kept = new Map<string, Keeping>()
  for (const { meter, clock: plan } of meters) {
    if (plan === undefined) continue
    kept.set(meter, {
      meter,
      plan,
      clock: noMeterClock,
      resolution: spanUs(0),
      status: null,
      register: corrections.get(meter) ?? NO_REGISTER,
      silent: 0,
      restUntil: ALWAYS,
      correction: null,
      order: null,
      tryAt: ALWAYS,
      fault: null,
      outcome: 'none',
      event: null,
      fresh: false,
      untold: false,
      unreadable: false,
      told: null,
    })
  }
  return { kept, asked: null, askFrom: ALWAYS }
}

/** The meter's clock now; null while it or UTC is not known. */
export const seenNow = ({ clock }: Keeping, { memory, mono }: Turn): MeterClockSeen | null =>
  meterClockAt(clock, memory.clock, mono)

/** UTC as believed; null while the clock only guesses. */
export const utcNow = ({ memory, mono }: Turn): UnixUs | null =>
  believedAt(memory.clock, mono)?.utc ?? null

/** The register of the month it is. */
export function registerNow(keeping: Keeping, turn: Turn): DriftRegister {
  const utc = utcNow(turn)
  if (utc === null) return keeping.register
  return registerIn(keeping.register, monthOf(utc, keeping.plan.zone))
}

/** For certain off by 60 s, by 4 h; told once each time it becomes so. */
export function judge(turn: Turn, keeping: Keeping, { offset, bound }: MeterClockSeen): void {
  const least = Math.abs(offset) - bound
  const middle = least >= DRIFT_LIGHT_END ? 'MTR-10' : null
  const fault = least > DRIFT_STRONG_MAX ? 'MTR-11' : middle
  if (fault !== null && fault !== keeping.fault) {
    const seconds = (offset / 1_000_000).toFixed(1)
    report(turn, fault, `${keeping.meter}: ${offset > 0 ? '+' : ''}${seconds} s`)
  }
  keeping.fault = fault
}

/** Tells what changed, and every clock once an hour and on each new link: what was told on the one
 * before may not have arrived. On a link that is down it waits. */
export function tellClocks(turn: Turn): void {
  const { memory } = turn
  if (!memory.confirmed) return
  let reports = 0
  for (const keeping of memory.meterClocks.kept.values()) {
    const long = keeping.told !== null && isStale(keeping.told, turn)
    if ((keeping.untold || long) && tell(turn, keeping)) reports += 1
    if (reports >= REPORTS_MAX) return
  }
}

const isStale = ({ at, link, again }: Told, { memory, mono }: Turn): boolean =>
  link !== memory.linkNumber || mono - at >= again

function tell(turn: Turn, keeping: Keeping): boolean {
  const { memory, mono, actions } = turn
  const { meter, resolution, outcome, event, status, told } = keeping
  keeping.untold = false
  const seen = seenNow(keeping, turn)
  // Nothing is known, and nothing was done: there is nothing to tell.
  if (seen === null && outcome !== 'unsupported' && outcome !== 'silent') return false
  const offset = seen?.offset ?? spanUs(0)
  const bound = seen?.bound ?? spanUs(BOUND_UNKNOWN_US)
  const invalid = keeping.fault === 'MTR-11' || ((status ?? 0) & STATUS_INVALID) !== 0
  const { month, sum } = registerNow(keeping, turn)
  const key = `${seen === null} ${outcome} ${event} ${invalid} ${month} ${sum}`
  const moved = Math.abs(offset - (told?.offset ?? 0)) > bound + MOVED
  const again = told === null || isStale(told, turn)
  if (!again && !moved && key === told.key) return false
  const body = controlBody(memory.session, {
    is: 'meter-clock',
    meter,
    offset,
    bound,
    resolution,
    frequency: seen?.rateKnown === true ? seen.frequency : null,
    monthlyDrift: spanUsToMs(sum),
    invalid,
    outcome,
    event,
  })
  if (body === null) {
    keeping.untold = true
    return false
  }
  actions.push({ do: 'send', body })
  keeping.told = { key, offset, at: mono, link: memory.linkNumber, again: againAfter(told, mono) }
  return true
}

function againAfter(told: Told | null, mono: MonoUs): number {
  if (told === null) return REPORT_AGAIN_US
  return mono - told.at < told.again ? told.again : Math.min(2 * told.again, REPORT_EVERY_US)
}
