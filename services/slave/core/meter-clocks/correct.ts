// Corrects a meter's clock, lightly by itself or strongly by command, inside UNI/TS 11291
// (shared/clock/policy). The meter decides for itself as well; what became of a correction is read
// off its clock, never taken from its word.
//
// The month's register is durable before the meter is asked to change: if we die in between, it
// counts a correction that was not made, which only tightens the month's limit.

import { monthOf } from '../../../../shared/clock/meter/civil-month.ts'
import {
  afterChange,
  type MeterClockSeen,
  planChange,
  type PlannedChange,
} from '../../../../shared/clock/meter/meter-clock.ts'
import type { MeterClockChange } from '../../../../shared/clock/meter/meter-clock-line.ts'
import {
  type ClockClient,
  type ClockDecision,
  closedBefore,
  decideClock,
  type DriftRegister,
  residualOf,
  SYNCH_ALGORITHM_DEFAULT,
} from '../../../../shared/clock/meter/policy.ts'
import type { FaultCode } from '../../../../shared/faults.ts'
import {
  betweenUs,
  elapsedUs,
  shiftMono,
  shiftUs,
  type SpanUs,
  spanUs,
  type UnixUs,
} from '../../../../shared/units.ts'
import { clockSet } from '../commands.ts'
import { submit } from '../queue.ts'
import type { RegisterJob } from '../state/jobs.ts'
import type { Correction, Keeping } from '../state/meter-clocks.ts'
import { own, type Owned } from '../state/own.ts'
import type { OutboxCommit } from '../state/stored.ts'
import { clockQuality, type Turn, utcNow } from '../turn.ts'
import { registerNow } from './keeping.ts'

/** Smaller errors are left alone: half of the 2 s a meter's clock may be off. */
const LIGHT_FROM = spanUs(1_000_000)
/** Corrections need good knowledge: the error is at least this many times its bound. */
const BOUNDS_MIN = 4
/** Largest bound with which a command is executed, microseconds: our own clock is S, and the way to
 * the meter is known better than this. */
const COMMAND_BOUND_MAX = 1_500_000
const DAY = spanUs(86_400_000_000)
/** Nothing is corrected this close to an interval's end: the way to the meter takes seconds. */
const MARGIN = spanUs(10_000_000)
/** A command waits this long for a closed interval to pass; it is given up soon after
 * (execute.ts). */
const COMMAND_WAITS_MAX = spanUs(240_000_000)
/** After a refusal a light correction is tried again this much later: a new month may have
 * begun. */
const RETRY = spanUs(3_600_000_000)
/** A correction that took the disk longer than this to note is decided anew. */
const STALE = spanUs(5_000_000)
/** Times and shifts are whole hundredths of a second (docs/meters.md 1.6). The line itself adds
 * what its bytes take, and how late they leave. */
const HUNDREDTH = 10_000
const WISH = { resolution: spanUs(HUNDREDTH), onLine: spanUs(0) }

/** Corrects what may be corrected. */
export function consider(turn: Turn, keeping: Owned<Keeping>, seen: MeterClockSeen): void {
  const { correction } = keeping
  if (correction?.phase === 'verify') verify(turn, keeping, { correction, seen })
  else if (correction?.phase === 'stored') sendWhenFree(turn, keeping, correction)
  else if (correction !== null || turn.mono < keeping.tryAt) return
  else if (keeping.ordered) strongly(turn, keeping, seen)
  else if (keeping.plan.keep === 'light') lightly(turn, keeping, seen)
}

function lightly(turn: Turn, keeping: Owned<Keeping>, { offset, bound }: MeterClockSeen): void {
  const utc = utcNow(turn)
  const sure = clockQuality(turn).state === 'S' && bound * BOUNDS_MIN <= Math.abs(offset)
  if (Math.abs(offset) < LIGHT_FROM) rightAgain(keeping)
  if (utc === null || !sure || Math.abs(offset) < LIGHT_FROM) return
  // The meter may find another drift than we do: this one at most.
  const most = spanUs(offset + Math.sign(offset) * bound)
  const { action, event } = decide('gateway', { turn, keeping, utc, drift: most, closed: null })
  if (action !== 'synchronise') {
    ended(turn, keeping, { outcome: 'rejected', event, fault: 'MTR-10' })
    return
  }
  const wait = untilOpen(keeping, utc, shiftUs(utc, most))
  if (wait === 0 && !oneWaits(turn)) begin(turn, keeping, { how: 'light', drift: offset, event })
  else defer(turn, keeping, wait)
}

/** Many meters are put off to the end of the same interval: one at a time is noted and sent. */
const oneWaits = ({ state }: Turn): boolean =>
  [...state.meterClocks.kept.values()].some(
    ({ correction }) => correction?.phase === 'storing' || correction?.phase === 'stored',
  )

function defer(turn: Turn, keeping: Owned<Keeping>, wait: SpanUs): void {
  keeping.outcome = 'deferred'
  keeping.event = null
  keeping.tryAt = shiftMono(turn.mono, wait)
}

/** The clock is right again: an earlier refusal or delay no longer matters. */
function rightAgain(keeping: Owned<Keeping>): void {
  if (keeping.outcome !== 'rejected' && keeping.outcome !== 'deferred') return
  keeping.outcome = 'none'
  keeping.event = null
}

function strongly(turn: Turn, keeping: Owned<Keeping>, { offset, bound }: MeterClockSeen): void {
  const utc = utcNow(turn)
  if (utc === null || bound > COMMAND_BOUND_MAX) return
  const closed = closedBefore(shiftUs(utc, offset), DAY, keeping.plan.zone)
  const decision = decide('management', { turn, keeping, utc, drift: offset, closed })
  const { action, event, until } = decision
  if (action === 'synchronise') {
    begin(turn, keeping, { how: 'strong', drift: offset, event })
    return
  }
  const wait = until === null ? null : spanUs(betweenUs(utc, until) + bound)
  if (action === 'defer' && wait !== null && wait <= COMMAND_WAITS_MAX) {
    defer(turn, keeping, wait)
    return
  }
  ended(turn, keeping, { outcome: 'rejected', event, fault: event === 10 ? 'MTR-11' : 'MTR-10' })
}

/** What the policy says to a correction of `drift` now. */
function decide(
  client: ClockClient,
  about: {
    readonly turn: Turn
    readonly keeping: Keeping
    readonly utc: UnixUs
    readonly drift: SpanUs
    readonly closed: UnixUs | null
  },
): ClockDecision {
  const { turn, keeping, utc, drift, closed } = about
  const { zone } = keeping.plan
  return decideClock(
    { client, utc, drift },
    {
      configured: true,
      window: 'outside',
      finely: true,
      algorithm: SYNCH_ALGORITHM_DEFAULT,
      closedUntil: closed,
      register: registerNow(keeping, turn),
      month: monthOf(utc, zone),
    },
  )
}

/** How long until no end of an interval of its load profile lies near true time, near the meter's,
 * or between them; 0: none does. A light correction neither cuts nor closes an interval. */
function untilOpen({ profileInterval }: Keeping, utc: UnixUs, meter: UnixUs): SpanUs {
  if (profileInterval === null) return spanUs(0)
  const first = Math.min(utc, meter) - MARGIN
  const last = Math.max(utc, meter) + MARGIN
  const end = (Math.floor(first / profileInterval) + 1) * profileInterval
  return spanUs(end > last ? 0 : end - first)
}

function begin(
  turn: Turn,
  keeping: Owned<Keeping>,
  what: Pick<Correction, 'how' | 'drift' | 'event'>,
): void {
  const { mono: since } = turn
  const before = registerNow(keeping, turn)
  const correction: Correction = { ...what, phase: 'storing', since, before, answer: 'none' }
  keeping.correction = correction
  const sum = spanUs(before.sum + what.drift)
  store(turn, keeping, { month: before.month, sum }, correction)
}

/** The month's register is durable: what was counted in it may be sent. */
export function registerStored(turn: Turn, { meter, correction }: RegisterJob): void {
  const known = turn.state.meterClocks.kept.get(meter)
  if (known === undefined || correction === null || known.correction !== correction) return
  const keeping = own(known)
  keeping.correction = { ...correction, phase: 'stored' }
  sendWhenFree(turn, keeping, keeping.correction)
}

/** One clock is asked at a time. */
function sendWhenFree(turn: Turn, keeping: Owned<Keeping>, correction: Correction): void {
  const unwanted = correction.how === 'strong' && !keeping.ordered
  const stale = elapsedUs(correction.since, turn.mono) > STALE
  if (unwanted || stale) putBack(turn, keeping, correction.before)
  else if (turn.state.meterClocks.asked === null) send(turn, keeping, correction)
}

/** Keeps the month's register. `correction`: the one that is counted, and sent when the register is
 * durable; null: none is. */
function store(
  turn: Turn,
  keeping: Owned<Keeping>,
  register: DriftRegister,
  correction: Correction | null,
): void {
  keeping.register = register
  submit(turn, { is: 'register', meter: keeping.meter, correction })
}

/** The register as it is when its turn comes. */
export function registerCommit({ state }: Turn, { meter }: RegisterJob): OutboxCommit {
  const keeping = state.meterClocks.kept.get(meter)
  return keeping === undefined ? {} : { corrections: [[meter, keeping.register]] }
}

/** The correction was not made, so it does not count. */
function putBack(turn: Turn, keeping: Owned<Keeping>, before: DriftRegister): void {
  keeping.correction = null
  store(turn, keeping, before, null)
}

function send(turn: Turn, keeping: Owned<Keeping>, correction: Correction): void {
  const { state, mono } = turn
  const plan = (how: MeterClockChange['how']): PlannedChange | null =>
    planChange(keeping.clock, state.clock.soft, mono, { how, ...WISH })
  // Beyond the farthest shift the time itself is written.
  const planned = correction.how === 'light' ? plan('light') : (plan('shift') ?? plan('write'))
  if (planned === null) {
    putBack(turn, keeping, correction.before)
    return
  }
  keeping.correction = { ...correction, phase: 'sent' }
  const { meter } = keeping
  turn.actions.push({ do: 'change-clock', meter, ...planned })
  own(state.meterClocks).asked = { meter, since: mono }
}

/** The meter said what it did, or nothing. */
export function changed(turn: Turn, keeping: Owned<Keeping>, answer: Correction['answer']): void {
  const { correction } = keeping
  if (correction?.phase !== 'sent') return
  if (answer === 'unsupported') {
    putBack(turn, keeping, correction.before)
    ended(turn, keeping, { outcome: 'unsupported', event: null, fault: 'MTR-09' })
    return
  }
  keeping.correction = { ...correction, phase: 'verify', answer }
  // The clock is read again even after a refusal: the meter's word is no proof.
  keeping.clock = afterChange(keeping.clock, 'none')
}

/** The meter cannot be read after a correction: that may have been made, so it counts. */
export function unverified(turn: Turn, keeping: Owned<Keeping>): void {
  keeping.correction = null
  ended(turn, keeping, { outcome: 'silent', event: null, fault: 'MTR-01' })
}

function verify(
  turn: Turn,
  keeping: Owned<Keeping>,
  { correction, seen }: { readonly correction: Correction; readonly seen: MeterClockSeen },
): void {
  const { answer, before, event, drift } = correction
  const residual = residualOf(seen, false)
  if (residual === 'unsure' && keeping.clock.reads > 0) return
  // A drift below 2 s that is still there was not corrected either.
  const nearer = Math.abs(seen.offset) <= Math.abs(drift) / 2 + seen.bound + 2 * HUNDREDTH
  if (residual !== 'broken' && nearer) {
    keeping.correction = null
    ended(turn, keeping, { outcome: 'synchronised', event, fault: null })
    return
  }
  putBack(turn, keeping, before)
  const outcome = answer === 'ack' ? 'deferred' : answer === 'nak' ? 'rejected' : 'silent'
  ended(turn, keeping, { outcome, event: null, fault: answer === 'none' ? 'MTR-01' : 'MTR-10' })
}

/** An attempt is over, one way or the other: a command that waits for it is settled. */
export function ended(
  turn: Turn,
  keeping: Owned<Keeping>,
  became: Pick<Keeping, 'outcome' | 'event'> & { readonly fault: FaultCode | null },
): void {
  const { meter, ordered } = keeping
  keeping.outcome = became.outcome
  keeping.event = became.event
  keeping.ordered = false
  keeping.unreported = true
  const rest = became.outcome === 'unsupported' ? DAY : RETRY
  keeping.tryAt = became.fault === null ? turn.mono : shiftMono(turn.mono, rest)
  if (ordered) clockSet(turn, meter, became.fault)
}
