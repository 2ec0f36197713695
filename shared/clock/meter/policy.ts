// Who may set a meter's clock, by how much, and what the meter then says: UNI/TS 11291 as a table
// of data. The simulated meters obey it as devices; the slave consults it before it touches a
// clock.
//
// Three procedures: `light` (data concentrator or gateway writes UNIX time), `setting` (a device
// that is not configured takes any time) and `strong` (a configured device and a management or
// installer client). What happens depends on the drift: below 60 s, 60 s to 4 h, beyond 4 h. The
// first matching rule of RULES decides; everything else here only prepares its inputs.
//
// Choices, where the text and its charts disagree or are silent (docs/clock.md):
//  1. 60 s exactly belongs to the middle band ("extremes included"), so does 4 h exactly.
//  2. A strong synchronisation of 60 s to 4 h writes event 12 AND updates the registers.
//  3. Beyond 4 h: refused, event 10, B0 set (the chart; the text only invalidates readings).
//  4. A light synchronisation sets B0 beyond 4 h only; any that is executed clears it.
//  5. The monthly limit is tested with the candidate included, on the signed sum.
//  6. What is deferred is acknowledged: the meter took it. Event and registers come when done.
//  7. "Never reopen a closed interval" (part 6, 7.5.3) has no lower limit: it holds below 60 s too.
//     There a gateway is refused as at the monthly limit, and tries again.
//  8. Every strong synchronisation writes event 12; below 60 s the text leaves that open.
//  9. A refused gateway always tells the head-end ("if not synchronized in this way").
// Writing a time zone or daylight saving ("clock flavour") moves no clock and is not decided here.

import type { MeterClockEvent } from '../evidence.ts'
import { betweenUs, type SpanUs, shiftUs, spanUs, type UnixUs } from '../../units.ts'
import type { MeterClockAnswer } from './meter-clock-line.ts'

/** From this drift on, a light synchronisation is refused, and the clock may not be left as it is.
 * Source: part 6, 7.5.2. */
export const DRIFT_LIGHT_END = spanUs(60_000_000)
/** Largest drift that is corrected at all; beyond it readings are invalid. Part 6, 7.5.2. */
export const DRIFT_STRONG_MAX = spanUs(4 * 3_600_000_000)
/** Largest |signed sum| of a month's corrections for a light one. Part 1, 4.3.1. */
export const DRIFT_MONTH_MAX = spanUs(60_000_000)
/** The head-end's rule: a meter's clock is at most this far from its own. Part 1, 4.3.1. */
export const RESIDUAL_MAX = spanUs(2_000_000)
/** Farthest that a pushed time stamp is from the meter's clock (LBT time-out). Part 11-4. */
export const PUSH_TRUST = spanUs(800_000)

export type ClockClient = 'gateway' | 'management' | 'installer'
export type SynchAlgorithm = 0 | 1 | 2 | 3

/** What stands in a meter's register of corrections: the signed sum of a civil month. */
export interface DriftRegister {
  /** The month of the meter's own calendar, as the caller writes it; only compared. */
  readonly month: string
  readonly sum: SpanUs
}

export interface ClockOrder {
  readonly client: ClockClient
  /** The time to set. */
  readonly utc: UnixUs
  /** The meter's clock minus `utc`, signed. */
  readonly drift: SpanUs
}

/** The device at the moment of the order. */
export interface ClockDevice {
  readonly configured: boolean
  /** Inside a broadcast window a light synchronisation is not answered. */
  readonly window: 'inside' | 'outside'
  /** Whether a strong synchronisation below 60 s is supported. */
  readonly finely: boolean
  readonly algorithm: SynchAlgorithm
  /** End of the newest closed daily or billing interval, on the meter's clock; null: none. */
  readonly closedUntil: UnixUs | null
  readonly register: DriftRegister
  /** The month it is now. */
  readonly month: string
}

type Procedure = 'light' | 'setting' | 'strong'
type Band = 'small' | 'middle' | 'beyond'

export interface ClockDecision {
  /** `nothing`: a weak reject, acknowledged. `set`: accepted at once, without dilution. */
  readonly action: 'synchronise' | 'set' | 'reject' | 'nothing' | 'defer'
  readonly event: MeterClockEvent | null
  /** B0 of the clock status. */
  readonly invalid: 'set' | 'cleared' | 'as is'
  readonly answer: MeterClockAnswer
  readonly tellHeadEnd: boolean
  /** When a deferred order can be executed, by the client's clock; null: not deferred. */
  readonly until: UnixUs | null
  /** After the order. */
  readonly register: DriftRegister
}

interface Row extends Omit<ClockDecision, 'until' | 'register'> {
  /** Whether the drift is added to the register. */
  readonly counts: boolean
}

const SYNCHRONISE: Row = {
  action: 'synchronise',
  event: null,
  invalid: 'cleared',
  answer: 'ack',
  tellHeadEnd: false,
  counts: true,
}
const STRONG: Row = { ...SYNCHRONISE, event: 12 }
const SET: Row = { ...SYNCHRONISE, action: 'set', event: 11, counts: false }
const REFUSE: Row = {
  action: 'reject',
  event: null,
  invalid: 'as is',
  answer: 'nak',
  tellHeadEnd: true,
  counts: false,
}
const INVALIDATE: Row = { ...REFUSE, event: 10, invalid: 'set' }
const REFUSE_ON_SITE: Row = { ...REFUSE, event: 10 }
const LEAVE: Row = { ...REFUSE, action: 'nothing', answer: 'ack', tellHeadEnd: false }
const DEFER: Row = { ...LEAVE, action: 'defer' }

/** What a synchronisation algorithm does about a drift of 60 s to 4 h. */
interface Algorithm {
  readonly execute: Row
  /** Where it would reopen a closed interval. */
  readonly reopens: Readonly<Record<'management' | 'installer', Row>>
}
/** The invariants of the charts: never reopen; management defers, an installer is refused. */
const INVARIANTS: Algorithm = {
  execute: STRONG,
  reopens: { management: DEFER, installer: REFUSE_ON_SITE },
}
/** Our copy of the flow charts lost the arrows that tell the four apart. The text holds for all of
 * them, so each is that and no more; the differences, once read in the standard, belong here. */
const ALGORITHMS: Readonly<Record<SynchAlgorithm, Algorithm>> = {
  0: INVARIANTS,
  1: INVARIANTS,
  2: INVARIANTS,
  3: INVARIANTS,
}
/** The algorithm of a device that does not state one. */
export const SYNCH_ALGORITHM_DEFAULT: SynchAlgorithm = 0

/** What a rule looks at; an omitted field matches everything. */
interface Facts {
  readonly procedure: Procedure
  readonly band: Band
  readonly finely: boolean
  readonly reopens: boolean
  /** The month's sum, candidate included, is within its limit. */
  readonly month: 'kept' | 'exceeded'
}
type Rule = Partial<Facts> & { readonly row: Row | 'algorithm' }

/** The table: the first match decides. */
const RULES: readonly Rule[] = [
  { procedure: 'setting', row: SET },
  { band: 'beyond', row: INVALIDATE },
  { procedure: 'light', band: 'middle', row: REFUSE },
  { procedure: 'light', month: 'exceeded', row: REFUSE },
  { procedure: 'light', reopens: true, row: REFUSE },
  { procedure: 'light', row: SYNCHRONISE },
  { procedure: 'strong', band: 'small', finely: false, row: LEAVE },
  { procedure: 'strong', row: 'algorithm' },
]

const fits = (rule: Rule, facts: Facts): boolean =>
  (rule.procedure ?? facts.procedure) === facts.procedure &&
  (rule.band ?? facts.band) === facts.band &&
  (rule.finely ?? facts.finely) === facts.finely &&
  (rule.reopens ?? facts.reopens) === facts.reopens &&
  (rule.month ?? facts.month) === facts.month

function bandOf(drift: SpanUs): Band {
  const size = Math.abs(drift)
  if (size < DRIFT_LIGHT_END) return 'small'
  return size <= DRIFT_STRONG_MAX ? 'middle' : 'beyond'
}

function procedureOf(client: ClockClient, configured: boolean): Procedure {
  if (client === 'gateway') return 'light'
  return configured ? 'strong' : 'setting'
}

/** The register as it stands in `month`: a new month begins at 0. */
export const registerIn = (register: DriftRegister, month: string): DriftRegister =>
  register.month === month ? register : { month, sum: spanUs(0) }

/** What a meter does with an order to set its clock. Source: UNI/TS 11291-6, 7.5.2 and 7.5.3;
 * 11291-10, 10.8.2; 11291-1, 4.3.1; their flow charts. */
export function decideClock(order: ClockOrder, device: ClockDevice): ClockDecision {
  const { client, utc, drift } = order
  const { closedUntil } = device
  const before = registerIn(device.register, device.month)
  const after = { month: device.month, sum: spanUs(before.sum + drift) }
  const procedure = procedureOf(client, device.configured)
  const facts: Facts = {
    procedure,
    band: bandOf(drift),
    finely: device.finely,
    reopens: closedUntil !== null && betweenUs(closedUntil, utc) < 0,
    month: Math.abs(after.sum) <= DRIFT_MONTH_MAX ? 'kept' : 'exceeded',
  }
  const row = rowOf(facts, client, device.algorithm)
  const { action, event, invalid, answer, tellHeadEnd, counts } = row
  return {
    action,
    event,
    invalid,
    answer: procedure === 'light' && device.window === 'inside' ? 'none' : answer,
    tellHeadEnd,
    until: action === 'defer' ? closedUntil : null,
    register: counts ? after : before,
  }
}

function rowOf(facts: Facts, client: ClockClient, algorithm: SynchAlgorithm): Row {
  const row = RULES.find((rule) => fits(rule, facts))?.row ?? REFUSE
  if (row !== 'algorithm') return row
  const { execute, reopens } = ALGORITHMS[algorithm]
  if (!facts.reopens) return execute
  return reopens[client === 'installer' ? 'installer' : 'management']
}

/** Whether a meter's clock keeps the head-end's 2 s: certainly, certainly not, or too close to
 * tell. `offset` with its |error| `bound`; `pushed`: it came from a pushed telegram. */
export function residualOf(
  { offset, bound }: { readonly offset: SpanUs; readonly bound: SpanUs },
  pushed: boolean,
): 'kept' | 'broken' | 'unsure' {
  const error = bound + (pushed ? PUSH_TRUST : 0)
  if (Math.abs(offset) + error <= RESIDUAL_MAX) return 'kept'
  return Math.abs(offset) - error > RESIDUAL_MAX ? 'broken' : 'unsure'
}

/** End of the newest interval of `length` that the meter's clock has closed; days and billing
 * periods begin `offset` after those of UTC. */
export const closedBefore = (meter: UnixUs, length: SpanUs, offset: SpanUs): UnixUs =>
  shiftUs(meter, spanUs(-(((meter + offset) % length) + length) % length))
