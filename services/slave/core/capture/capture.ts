// From a meter's answer to a stored frame: stamped with the agent's clock, sealed at once,
// committed together with the tree that can no longer open it.

import { assert } from '../../../../shared/assert.ts'
import { stampAt } from '../../../../shared/clock/estimate/stamp.ts'
import type { Reading } from '../../../../shared/meter/reading.ts'
import { elapsedUs, shiftMs, spanMs, type UnixMs, unixMs } from '../../../../shared/units.ts'
import { fitsFrame } from '../../../../shared/wire/content.ts'
import { READINGS_ALWAYS_FIT } from '../../../../shared/wire/limits.ts'
import { readingFailed, readingStored, readingTaken } from '../commands.ts'
import { framesWait, submit } from '../queue.ts'
import type { Settlement } from '../state/capture.ts'
import type { AgentEvent } from '../state/events.ts'
import type { FramesJob } from '../state/jobs.ts'
import { own } from '../state/own.ts'
import type { Sealer } from '../state/sealing.ts'
import type { OutboxCommit, StoredEpoch, StoredRun } from '../state/stored.ts'
import { processAt, stopWaiting } from '../timekeeping.ts'
import { clockMs, clockUs, report, sureMs, type Turn } from '../turn.ts'
import { scheduleOf } from './rhythm.ts'
import { answered, isNew, type Schedule, taken, through } from './schedule.ts'
import { seal, storedEpoch, tooFar } from './sealer.ts'
import { canSeal, keyUsed, sealedThrough, sealerNow } from './sealing.ts'

type Answer = Extract<AgentEvent, { on: 'readings' }>

/** Answers that wait in memory while the disk refuses; more are left to the meters' load
 * profiles. */
const CAPTURES_MAX = 256

/** A meter answered: what of it can be stored is captured, and sealed unless frames are already on
 * their way to the disk. MTR-07: a value was left out. OPS-15: too many answers wait. */
export function takeReadings(turn: Turn, answer: Answer): void {
  const schedule = scheduleOf(turn)
  if (!canSeal(turn) || schedule === null) return
  const { meter, request } = answer
  if (turn.state.capture.waiting.length >= CAPTURES_MAX) {
    report(turn, 'OPS-15', `answer of ${meter} not taken`)
    readingFailed(turn, meter, 'OPS-15')
    return
  }
  const settlement: Settlement = {
    meter,
    request,
    through: request === 'history' ? throughOf(turn, schedule, answer) : null,
    command: readingTaken(turn, meter, request),
  }
  const fitting = answer.readings.filter(fitsFrame)
  if (fitting.length < answer.readings.length) report(turn, 'MTR-07', `${meter}: value left out`)
  const readings =
    request === 'history'
      ? fitting.filter(({ meterTime }) => isNew(schedule, meter, meterTime))
      : fitting
  if (readings.length === 0) {
    if (settlement.command !== null) readingFailed(turn, meter, 'MTR-07')
    settle(turn, settlement)
    return
  }
  if (request === 'history') taken(schedule, meter, settlement.through)
  capture(turn, answer, readings, settlement)
  sealCaptures(turn)
}

function throughOf(turn: Turn, schedule: Schedule, { meter, readings, more }: Answer) {
  const times = readings.flatMap(({ meterTime }) => (meterTime === null ? [] : [meterTime]))
  return through(schedule, meter, { last: latest(times), more, sure: sureMs(turn) })
}

const latest = (times: readonly UnixMs[]): UnixMs | null =>
  times.reduce<UnixMs | null>((last, time) => (last === null || time > last ? time : last), null)

/** Puts an answer in line for sealing, in parts that fit a frame; the last one settles it. */
function capture(
  turn: Turn,
  { at: came }: Answer,
  readings: readonly Reading[],
  settlement: Settlement,
): void {
  const { soft, startedAt } = turn.state.clock
  const stamp = stampAt(soft, came, startedAt)
  const processId = processAt(turn, came)
  const { waiting } = own(turn.state.capture)
  for (let at = 0; at < readings.length; at += READINGS_ALWAYS_FIT) {
    const last = at + READINGS_ALWAYS_FIT >= readings.length
    waiting.push({
      group: { stamp, readings: readings.slice(at, at + READINGS_ALWAYS_FIT) },
      processId,
      settles: last ? settlement : null,
    })
  }
}

/** Seals what waits, unless frames are already on their way to the disk (same bytes, tried
 * again). CLK-05: the clock is too far ahead of the last key. */
export function sealCaptures(turn: Turn): void {
  const { state, setup } = turn
  const capture = own(state.capture)
  if (capture.waiting.length === 0 || framesWait(turn)) return
  const before = sealerNow(turn)
  if (before === null) return
  // Nothing was sealed in this epoch yet, so no second of it is used: a clock that was ahead need
  // not wait for the truth here, where the master would refuse every frame for its time (SEC-02).
  if (before.tree.next === 0) stopWaiting(turn)
  const at = clockMs(turn)
  if (tooFar(before, at)) {
    report(turn, 'CLK-05', 'clock more than 400 days ahead of the last key: nothing is sealed')
    return
  }
  // One process id a time: a run's opener says to which its frames belong.
  const processId = capture.waiting[0]?.processId ?? state.clock.processId
  const captures = capture.waiting.filter((entry) => entry.processId === processId)
  capture.waiting = capture.waiting.filter((entry) => entry.processId !== processId)
  const { sealer, frames } = seal(before, {
    suite: setup.suite,
    at,
    groups: captures.map(({ group }) => group),
    salt: setup.random(16),
    processId,
    processStart: processStart(turn, at),
    pad: setup.pad ?? false,
  })
  keyUsed(turn)
  submit(turn, { is: 'frames', sealer, frames, captures, lastUsed: clockUs(turn) })
}

/** When the process started, by the clock that now says `at`; never before 1970. */
function processStart({ state, mono }: Turn, at: UnixMs): UnixMs {
  const processMs = Math.floor(elapsedUs(state.clock.startedAt, mono) / 1_000)
  return unixMs(Math.max(0, shiftMs(at, spanMs(-processMs))))
}

/** The frames with the tree that can no longer open them, and how far each load profile is known
 * with them. */
export function framesCommit(
  turn: Turn,
  job: FramesJob,
  before: OutboxCommit | null,
): OutboxCommit {
  const { sealer, frames, captures, lastUsed } = job
  for (const { tree } of before?.epochs ?? []) tree.fill(0)
  const cursors = captures.flatMap(({ settles }) =>
    settles === null || settles.through === null ? [] : [[settles.meter, settles.through] as const],
  )
  return {
    epochs: [epochOf(turn, sealer)],
    runs: [rowOf(turn, sealer)],
    frames,
    cursors,
    lastUsed,
  }
}

/** The tree as sealed with, and whether the epoch was left while these frames waited for the
 * disk. */
function epochOf({ state }: Turn, sealer: Sealer): StoredEpoch {
  const sealed = storedEpoch(sealer)
  return { ...sealed, state: state.sealing.epochs.get(sealed.id)?.state ?? sealed.state }
}

/** The row as sealed, with what was acknowledged and deleted meanwhile. */
function rowOf({ state }: Turn, { run }: Sealer): StoredRun {
  assert(run !== null, 'frames were sealed in a run')
  const known = state.outgoing.runs.get(run.row.run)
  if (known === undefined) return run.row
  return { ...known, last: run.row.last, lastHash: run.row.lastHash }
}

/** The frames are durable, in `stored`. Returns the row of their run. */
export function framesStored(turn: Turn, { sealer }: FramesJob, stored: OutboxCommit): StoredRun {
  const row = rowOf(turn, sealer)
  const [epoch] = stored.epochs ?? []
  assert(epoch !== undefined, 'frames are stored with the tree that sealed them')
  sealedThrough(turn, sealer, epoch)
  return row
}

/** What was captured is durable: each answer settles what waited for it. */
export function settleCaptures(turn: Turn, { captures }: FramesJob): void {
  for (const { settles } of captures) if (settles !== null) settle(turn, settles)
}

/** An answer is durable, or held nothing to store: the meter's next request may follow, and the
 * command that waited for it learns so. */
function settle(turn: Turn, { meter, request, through, command }: Settlement): void {
  const schedule = scheduleOf(turn)
  if (schedule !== null) answered(schedule, meter, request, { through, mono: turn.mono })
  readingStored(turn, meter, command)
}
