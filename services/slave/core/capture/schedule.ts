// When which meter is read. Each meter has its rhythm; each meter with a load profile has a cursor,
// the end of the last interval that is sealed. While a cursor lies behind, history is read range by
// range, so an outage of the slave, of its line or of its disk loses no interval the meter still
// keeps.
//
// Waiting is counted on the monotonic clock: the agent's own may stand for days when it was found
// ahead.

import {
  elapsedUs,
  type MonoUs,
  shiftMono,
  shiftMs,
  spanMs,
  spanMsToUs,
  spanUs,
  type UnixMs,
} from '../../../../shared/units.ts'
import type { MeterTurn as ReadonlyMeterTurn } from '../state/capture.ts'
import type { AgentAction } from '../state/events.ts'
import type { Owned } from '../state/own.ts'
import type { MeterPlan, ReadRequest } from '../state/plan.ts'

/** The load profile's interval: both protocols we speak use a quarter of an hour, ms. */
export const PROFILE_INTERVAL_MS = 900_000
/** Longest range asked for at once: a week, 672 rows, about 10 kB on the meter line, ms. */
const RANGE_MS_MAX = 7 * 86_400_000
/** A request without an answer for this long is forgotten: the line lost it. */
const REQUEST_TIME_MAX = spanUs(60_000_000)
/** After a failed or empty history request the meter is left alone for this long. */
const HISTORY_RETRY = spanUs(15_000_000)
/** A range that ended this long ago is complete: what the meter has not by now it never will,
 * ms. */
const SETTLED_MS = 3_600_000

/** As its owner sees it. */
type MeterTurn = Owned<ReadonlyMeterTurn>
export type Schedule = Map<string, MeterTurn>

/** Spreads first reads over each meter's period, so that a bus is not asked for all at once. */
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

/** The rhythms as ordered by the master; the rest as configured. */
export const ordered = (
  meters: readonly MeterPlan[],
  schedules: ReadonlyMap<string, number>,
): readonly MeterPlan[] =>
  meters.map((entry) => {
    const seconds = schedules.get(entry.meter)
    return seconds === undefined ? entry : { ...entry, everyMs: seconds * 1_000 }
  })

/** Another rhythm from now on: the next reading comes no later than one new period from here. */
export function reschedule(schedule: Schedule, meter: string, everyMs: number, mono: MonoUs): void {
  const turn = schedule.get(meter)
  if (turn === undefined) return
  turn.plan = { ...turn.plan, everyMs }
  const next = shiftMono(mono, spanMsToUs(spanMs(everyMs)))
  if (next < turn.nextReadAt) turn.nextReadAt = next
}

/** The caller asks the meter now; its rhythm goes on from here. */
export function readAtOnce(schedule: Schedule, meter: string, mono: MonoUs): void {
  const turn = schedule.get(meter)
  if (turn === undefined || turn.plan.push) return
  turn.readingSince = mono
  turn.nextReadAt = shiftMono(mono, spanMsToUs(spanMs(turn.plan.everyMs)))
}

/** The master says from when history is wanted; a cursor already there stays. */
export function wantHistory(schedule: Schedule, from: UnixMs): void {
  // Ranges leave out their start: one interval earlier, so that the value AT `from` is read too.
  const before = shiftMs(from, spanMs(-PROFILE_INTERVAL_MS))
  for (const turn of schedule.values()) if (turn.plan.history) turn.cursor ??= before
}

/** Requests due now. `sure` is an instant that is over for certain; null: no history, since a
 * clock that is ahead would take intervals still to come for ones that the meter does not have. */
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
  const { cursor, taken } = turn
  // What was taken waits for the disk, perhaps for hours: asking again would seal it twice.
  if (taken !== null && taken > (cursor ?? 0)) return null
  if (!turn.plan.history || cursor === null || cursor + PROFILE_INTERVAL_MS > sure) return null
  const to = shiftMs(cursor, spanMs(Math.min(RANGE_MS_MAX, sure - cursor)))
  return { from: cursor, to }
}

/** How far the profile is known after a history answer whose last row ended at `last` (null: no
 * rows). A settled range counts as read to its end: the meter keeps nothing more there. */
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

/** True for a profile row that was not taken before: a request given up may still be answered,
 * beside the one that followed it. */
export function isNew(schedule: Schedule, meter: string, intervalEnd: UnixMs | null): boolean {
  const turn = schedule.get(meter)
  return intervalEnd === null || intervalEnd > Math.max(turn?.taken ?? 0, turn?.cursor ?? 0)
}

/** A history answer goes to the disk; until it is there, no further range is asked for. */
export function taken(schedule: Schedule, meter: string, last: UnixMs | null): void {
  const turn = schedule.get(meter)
  if (turn !== undefined && last !== null) turn.taken = last
}

/** An answer was sealed and stored: history moves the cursor, and the next range may follow at
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

/** A request was given up; history is tried again later. */
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
