// The clocks of the meters: read now and then, reported to the master, corrected where the line's
// configuration or a command says so. One clock is asked at a time, so that
// readings keep their line time; a meter that knows no such request, or does not answer, is left
// alone for longer and longer.

import {
  noMeterClock,
  nextReadAt,
  takeRead,
  unmoored,
} from '../../../../shared/clock/meter/meter-clock.ts'
import type { MeterClockRead } from '../../../../shared/clock/meter/meter-clock-line.ts'
import { elapsedUs, shiftMono, spanUs } from '../../../../shared/units.ts'
import { canSeal } from '../capture/sealing.ts'
import { clockSet } from '../commands.ts'
import type { AgentEvent } from '../state/events.ts'
import type { Keeping } from '../state/meter-clocks.ts'
import { own, type Owned } from '../state/own.ts'
import { report, storingFails, type Turn } from '../turn.ts'
import { changed, consider, ended, unverified } from './correct.ts'
import { judge, seenNow } from './keeping.ts'
import { reportClocks } from './report.ts'

/** An answer is not waited for longer than this: the line gives a request up within
 * seconds, but may have many in front of it. */
const ANSWER_TIME_MAX = spanUs(60_000_000)
/** A meter that does not show its clock is asked again the next day: it may have been replaced. */
const UNSUPPORTED_REST = spanUs(86_400_000_000)
/** One that did not answer: after a quarter of an hour, doubling to a day. */
const SILENT_REST_MIN = 900_000_000
const SILENT_REST_MAX = 86_400_000_000
/** After a clock did not answer, none is asked for this long: a request without an answer
 * costs its line 1.5 s. */
const AFTER_SILENCE = spanUs(10_000_000)
/** A request due within one step of the agent is handed over now; the shell waits for the
 * instant. */
const SOON = spanUs(250_000)
/** Smaller steps are not reported; the offset shows them. */
const SET_FROM = 1_000_000
/** For a command, or for a correction that was sent, a meter is asked in vain this often, this far
 * apart. */
const URGENT_SILENT_MAX = 3
const URGENT_REST = spanUs(2_000_000)

/** At each tick: what is due is asked, what is known acted upon, what changed reported. */
export function keepClocks(turn: Turn): void {
  const { kept, asked } = turn.state.meterClocks
  if (kept.size === 0) return
  if (asked !== null && elapsedUs(asked.since, turn.mono) > ANSWER_TIME_MAX) lost(turn, asked.meter)
  for (const keeping of kept.values()) look(turn, keeping)
  askNext(turn)
  reportClocks(turn)
}

function look(turn: Turn, keeping: Owned<Keeping>): void {
  const { fresh, outcome, tryAt, meter } = keeping
  const again = outcome === 'deferred' && turn.mono >= tryAt
  if (!(fresh || again || isUrgent(keeping))) return
  if (turn.state.meterClocks.asked?.meter === meter) return
  const seen = seenNow(keeping, turn)
  if (seen === null) return
  keeping.fresh = false
  keeping.unreported = true
  judge(turn, keeping, seen)
  consider(turn, keeping, seen)
}

const isUrgent = ({ ordered, correction }: Keeping): boolean => ordered || correction !== null

function askNext(turn: Turn): void {
  const { mono } = turn
  const clocks = own(turn.state.meterClocks)
  if (clocks.asked !== null) return
  // A meter whose readings cannot be stored is left alone.
  if (!canSeal(turn) || storingFails(turn)) return
  const due = (keeping: Keeping): boolean =>
    mono >= keeping.restUntil &&
    (keeping.clock.reads > 0 || mono >= keeping.clock.restUntil) &&
    keeping.correction?.phase !== 'storing' &&
    elapsedUs(mono, nextReadAt(keeping.clock, mono)) <= SOON
  const waiting = [...clocks.kept.values()].filter(due)
  const urgent = waiting.find(isUrgent)
  const next = urgent ?? (mono >= clocks.askFrom ? oldest(waiting) : undefined)
  if (next === undefined) return
  clocks.asked = { meter: next.meter, since: mono }
  const at = nextReadAt(next.clock, mono)
  turn.actions.push({ do: 'read-clock', meter: next.meter, at })
}

/** A burst under way goes on; otherwise the clock that has waited longest. */
const oldest = (waiting: readonly Keeping[]): Keeping | undefined =>
  waiting.find(({ clock }) => clock.reads > 0) ??
  waiting.toSorted((a, b) => a.clock.restUntil - b.clock.restUntil || a.silent - b.silent)[0]

export function clockRead(turn: Turn, event: Extract<AgentEvent, { on: 'clock-read' }>): void {
  const known = answeredBy(turn, event.meter)
  if (known === null) return
  const keeping = own(known)
  const { found } = event
  if (found === 'unsupported') {
    cannotTell(turn, keeping)
    return
  }
  if (found === 'silent') {
    saidNothing(turn, keeping)
    return
  }
  // The meter may have looked before the sleep, during which our clock stood: it is asked again.
  const { slept } = turn.state.clock
  if (slept !== null && found.t1 <= slept.to) return
  keeping.silent = 0
  keeping.fresh = true
  keeping.resolution = found.resolution
  keeping.status = found.status
  const { outcome, clock } = keeping
  // It does show its clock; whether it can be set is another matter.
  const tells = outcome === 'silent' || (outcome === 'unsupported' && clock === noMeterClock)
  if (tells) keeping.outcome = 'none'
  learnFrom(turn, keeping, found)
}

function learnFrom(turn: Turn, keeping: Owned<Keeping>, read: MeterClockRead): void {
  const { meter, unreadable } = keeping
  const { clock, fault, stepped } = takeRead(keeping.clock, read)
  keeping.clock = clock
  keeping.unreadable = fault !== null
  if (fault !== null && !unreadable) report(turn, fault, `clock of ${meter}`)
  if (stepped === null || Math.abs(stepped) < SET_FROM) return
  report(turn, 'MTR-12', `${meter}: by ${(stepped / 1_000_000).toFixed(1)} s`)
  if (keeping.correction !== null) return
  keeping.outcome = 'set'
  keeping.event = null
}

export function clockChanged(
  turn: Turn,
  { meter, became }: Extract<AgentEvent, { on: 'clock-changed' }>,
): void {
  const keeping = answeredBy(turn, meter)
  if (keeping !== null) changed(turn, keeping, became)
}

/** The meter whose answer was expected; null when this one came too late. */
function answeredBy(turn: Turn, meter: string): Keeping | null {
  const clocks = own(turn.state.meterClocks)
  if (clocks.asked?.meter !== meter) return null
  clocks.asked = null
  return clocks.kept.get(meter) ?? null
}

/** The line never answered: treated as silence of the meter. */
function lost(turn: Turn, meter: string): void {
  const keeping = answeredBy(turn, meter)
  if (keeping?.correction?.phase === 'sent') changed(turn, keeping, 'none')
  else if (keeping !== null) saidNothing(turn, keeping)
}

function cannotTell(turn: Turn, keeping: Owned<Keeping>): void {
  keeping.correction = null
  keeping.clock = noMeterClock
  keeping.unreported = true
  keeping.restUntil = shiftMono(turn.mono, UNSUPPORTED_REST)
  ended(turn, keeping, { outcome: 'unsupported', event: null, fault: 'MTR-09' })
}

function saidNothing(turn: Turn, keeping: Owned<Keeping>): void {
  const { mono } = turn
  keeping.silent += 1
  own(turn.state.meterClocks).askFrom = shiftMono(mono, AFTER_SILENCE)
  if (isUrgent(keeping) && keeping.silent < URGENT_SILENT_MAX) {
    keeping.restUntil = shiftMono(mono, URGENT_REST)
    return
  }
  const rest = Math.min(SILENT_REST_MIN * 2 ** Math.min(keeping.silent - 1, 20), SILENT_REST_MAX)
  keeping.restUntil = shiftMono(mono, spanUs(rest))
  keeping.unreported = true
  if (isUrgent(keeping)) unverified(turn, keeping)
  else keeping.outcome = 'silent'
}

/** A command to synchronise a meter's clock: `clockSet` is called once with what became of it. */
export function syncClock(turn: Turn, meter: string): void {
  const known = turn.state.meterClocks.kept.get(meter)
  if (known === undefined) {
    clockSet(turn, meter, 'MTR-09')
    return
  }
  const keeping = own(known)
  keeping.ordered = true
  keeping.silent = 0
  keeping.restUntil = turn.mono
  keeping.tryAt = turn.mono
  // What was known may be an hour old.
  if (keeping.correction === null) keeping.clock = unmoored(keeping.clock)
}

/** The command's time is over. True: its correction was on the way, and may have been made. */
export function abandonSync({ state }: Turn, meter: string): boolean {
  const keeping = state.meterClocks.kept.get(meter)
  if (keeping === undefined) return false
  own(keeping).ordered = false
  const { correction } = keeping
  return correction !== null && correction.phase !== 'storing'
}

/** Our monotonic clock stood: what tied the meters' clocks to it is void. */
export function clocksSlept({ state }: Turn): void {
  for (const known of state.meterClocks.kept.values()) {
    const keeping = own(known)
    keeping.clock = unmoored(keeping.clock)
  }
}
