// The schedule as the rest of the agent uses it: what is due is asked, an answer or its absence
// noted, a rhythm changed by command.

import type { UnixMs } from '../../../../shared/units.ts'
import type { ReadRequest } from '../state/plan.ts'
import { own } from '../state/own.ts'
import { storingFails, sureMs, type Turn } from '../turn.ts'
import {
  due,
  failed,
  ordered,
  plan,
  readAtOnce,
  reschedule,
  type Schedule,
  wantHistory,
} from './schedule.ts'
import { canSeal } from './sealing.ts'

/** The schedule, to be changed; null until there is an epoch to seal in. */
export const scheduleOf = ({ state }: Turn): Schedule | null => own(state.capture).schedule

/** There is an epoch to seal in, or soon will be: begins to read meters. */
export function startReading(turn: Turn): Schedule {
  const capture = own(turn.state.capture)
  const { meters, stored } = turn.setup
  capture.schedule ??= plan(ordered(meters, stored.schedules), stored.cursors, turn.mono)
  return capture.schedule
}

/** Meters are read from the first committed epoch on, and not while nothing can be stored. */
export function readDue(turn: Turn): void {
  const schedule = scheduleOf(turn)
  if (schedule === null || storingFails(turn) || !canSeal(turn)) return
  turn.actions.push(...due(schedule, turn.mono, sureMs(turn)))
}

/** A command asks the meter now. */
export function readNow(turn: Turn, meter: string): void {
  const schedule = scheduleOf(turn)
  if (schedule !== null) readAtOnce(schedule, meter, turn.mono)
  turn.actions.push({ do: 'read', meter })
}

/** A command set another rhythm. */
export function setRhythm(turn: Turn, meter: string, seconds: number): void {
  const schedule = scheduleOf(turn)
  if (schedule !== null) reschedule(schedule, meter, seconds * 1_000, turn.mono)
}

/** The master says from when history is wanted. */
export function startHistory(turn: Turn, from: UnixMs): void {
  wantHistory(startReading(turn), from)
}

/** The line gave a request up. */
export function readFailed(turn: Turn, meter: string, request: ReadRequest): void {
  const schedule = scheduleOf(turn)
  if (schedule !== null) failed(schedule, meter, request, turn.mono)
}
