// Decides when each meter is read. Every meter has its rhythm; a meter with a load profile also has
// a cursor, the end of its last interval that is sealed. While a cursor lags behind, history is
// read range by range, so an outage of the slave, its line or its disk loses no interval that the
// meter still keeps.
//
// Waits are measured on the monotonic clock: the agent's own clock may stand still for days after
// it was found to be ahead.

import { assert } from '../../../../shared/assert.ts'
import {
  elapsedUs,
  type MonoUs,
  shiftMono,
  shiftMs,
  type SpanMs,
  spanMs,
  spanMsToUs,
  spanUs,
  type UnixMs,
} from '../../../../shared/units.ts'
import type { MeterTurn as ReadonlyMeterTurn } from '../state/capture.ts'
import type { AgentAction } from '../state/events.ts'
import type { Owned } from '../state/own.ts'
import type { MeterPlan, ReadRequest } from '../state/plan.ts'

/** Most intervals asked for at once: about 10 kB on the meter line. A week of 15 minutes each. */
const RANGE_INTERVALS_MAX = 672
/** A request that stays unanswered for this long is forgotten: the line lost it. */
const REQUEST_TIME_MAX = spanUs(60_000_000)
/** Pause in a meter's history requests after a failed or empty one. */
const HISTORY_RETRY = spanUs(15_000_000)
/** A range that ended this long ago is complete: rows that the meter does not have by now will
 * never come, ms. */
const SETTLED_MS = 3_600_000

/** As its owner sees it. */
type MeterTurn = Owned<ReadonlyMeterTurn>
export type Schedule = Map<string, MeterTurn>

/** Spreads the first reads over each meter's period, so that a bus is not flooded at start. */
export function plan(
  meters: readonly MeterPlan[],
  cursors: ReadonlyMap<string, UnixMs>,
  now: MonoUs,
): Schedule {
  const schedule: Schedule = new Map()
  meters.forEach((entry, index) => {
    const spread = (entry.everyMs * index) / Math.max(1, meters.length)
    schedule.set(entry.meter, {
      plan: entry,
      interval: intervalOf(entry),
      nextReadAt: shiftMono(now, spanMsToUs(spanMs(spread))),
      readingSince: null,
      historySince: null,
      askedTo: null,
      historyRetryAt: now,
      cursor: cursors.get(entry.meter) ?? null,
      taken: null,
    })
  })
  return schedule
}

function intervalOf({ history, profileIntervalMs }: MeterPlan): SpanMs | null {
  if (!history) return null
  assert(profileIntervalMs !== undefined, 'a load profile that is read has an interval')
  return profileIntervalMs
}

/** The plans with the rhythms that the master ordered; the other meters keep theirs. */
export const ordered = (
  meters: readonly MeterPlan[],
  schedules: ReadonlyMap<string, number>,
): readonly MeterPlan[] =>
  meters.map((entry) => {
    const seconds = schedules.get(entry.meter)
    return seconds === undefined ? entry : { ...entry, everyMs: seconds * 1_000 }
  })

/** Sets another rhythm: the next reading comes no later than one new period from now. */
export function reschedule(schedule: Schedule, meter: string, everyMs: number, mono: MonoUs): void {
  const turn = schedule.get(meter)
  if (turn === undefined) return
  turn.plan = { ...turn.plan, everyMs }
  const next = shiftMono(mono, spanMsToUs(spanMs(everyMs)))
  if (next < turn.nextReadAt) turn.nextReadAt = next
}

/** The caller asks the meter now; its rhythm continues from here. */
export function readAtOnce(schedule: Schedule, meter: string, mono: MonoUs): void {
  const turn = schedule.get(meter)
  if (turn === undefined || turn.plan.push) return
  turn.readingSince = mono
  turn.nextReadAt = shiftMono(mono, spanMsToUs(spanMs(turn.plan.everyMs)))
}

/** The master says from when history is wanted; a cursor that exists already stays. */
export function wantHistory(schedule: Schedule, from: UnixMs): void {
  for (const turn of schedule.values()) {
    // Ranges leave out their start: one interval earlier, so that the value AT `from` is read too.
    if (turn.interval !== null) turn.cursor ??= shiftMs(from, spanMs(-1 * turn.interval))
  }
}

/** The requests due now. `sure` is an instant that has certainly passed; null: no history is asked
 * for, since a clock that is ahead would take intervals to come for ones the meter lacks. */
export function due(schedule: Schedule, mono: MonoUs, sure: UnixMs | null): AgentAction[] {
  const actions: AgentAction[] = []
  for (const [meter, turn] of schedule) {
    if (isOver(turn.readingSince, mono)) turn.readingSince = null
    if (isOver(turn.historySince, mono)) turn.historySince = null
    if (!turn.plan.push && turn.readingSince === null && turn.nextReadAt <= mono) {
      turn.readingSince = mono
      turn.nextReadAt = shiftMono(mono, spanMsToUs(spanMs(turn.plan.everyMs)))
      actions.push({ do: 'read', meter })
    }
    if (turn.historySince !== null || turn.historyRetryAt > mono) continue
    const range = sure === null ? null : missing(turn, sure)
    if (range !== null) {
      turn.historySince = mono
      turn.askedTo = range.to
      actions.push({ do: 'read-history', meter, ...range })
    }
  }
  return actions
}

const isOver = (since: MonoUs | null, mono: MonoUs): boolean =>
  since !== null && elapsedUs(since, mono) > REQUEST_TIME_MAX

function missing(turn: MeterTurn, sure: UnixMs): { from: UnixMs; to: UnixMs } | null {
  const { cursor, interval, taken } = turn
  // Rows taken may wait for the disk for hours: asking again would seal them twice.
  if (taken !== null && taken > (cursor ?? 0)) return null
  if (interval === null || cursor === null || cursor + interval > sure) return null
  const to = shiftMs(cursor, spanMs(Math.min(RANGE_INTERVALS_MAX * interval, sure - cursor)))
  return { from: cursor, to }
}

/** How far the profile is known after a history answer whose last row ended at `last` (null: no
 * rows). A settled range counts as read to its end: the meter has nothing more in it. */
export function through(
  schedule: Schedule,
  meter: string,
  answer: { readonly last: UnixMs | null; readonly more: boolean; readonly sure: UnixMs | null },
): UnixMs | null {
  const askedTo = schedule.get(meter)?.askedTo ?? null
  const { last, more, sure } = answer
  if (askedTo !== null && !more && sure !== null && sure - askedTo > SETTLED_MS) return askedTo
  return last
}

/** True for a profile row that was not taken before: a request that was given up may still be
 * answered, in addition to the one that followed it. */
export function isNew(schedule: Schedule, meter: string, intervalEnd: UnixMs | null): boolean {
  const turn = schedule.get(meter)
  return intervalEnd === null || intervalEnd > Math.max(turn?.taken ?? 0, turn?.cursor ?? 0)
}

/** A history answer is on its way to the disk; until it is there, no further range is asked for. */
export function taken(schedule: Schedule, meter: string, last: UnixMs | null): void {
  const turn = schedule.get(meter)
  if (turn !== undefined && last !== null) turn.taken = last
}

/** An answer was sealed and stored. History moves the cursor, and the next range may follow at
 * once. */
export function answered(
  schedule: Schedule,
  meter: string,
  request: ReadRequest,
  reached: { readonly through: UnixMs | null; readonly mono: MonoUs },
): void {
  const turn = schedule.get(meter)
  if (turn === undefined) return
  if (request === 'now') turn.readingSince = null
  if (request !== 'history') return
  turn.historySince = null
  const moved = reached.through !== null && reached.through > (turn.cursor ?? 0)
  if (moved) turn.cursor = reached.through
  else turn.historyRetryAt = shiftMono(reached.mono, HISTORY_RETRY)
}

/** A request was given up; history is asked for again later. */
export function failed(
  schedule: Schedule,
  meter: string,
  request: ReadRequest,
  mono: MonoUs,
): void {
  const turn = schedule.get(meter)
  if (turn === undefined) return
  if (request === 'now') turn.readingSince = null
  if (request !== 'history') return
  turn.historySince = null
  turn.historyRetryAt = shiftMono(mono, HISTORY_RETRY)
}
