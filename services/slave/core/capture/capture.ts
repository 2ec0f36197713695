// From a meter's answer to a stored frame: stamped with the agent's clock, sealed at once,
// committed together with the tree that can no longer open it.

import { endHold } from '../../../../shared/clock/estimate/softclock.ts'
import { stampAt } from '../../../../shared/clock/estimate/stamp.ts'
import type { Reading } from '../../../../shared/meter/reading.ts'
import {
  elapsedUs,
  type MonoUs,
  monoUs,
  shiftMs,
  spanMs,
  type UnixMs,
  unixMs,
} from '../../../../shared/units.ts'
import { fitsFrame } from '../../../../shared/wire/content.ts'
import { PROCESS_ID_BYTES, READINGS_ALWAYS_FIT } from '../../../../shared/wire/limits.ts'
import { readingFailed, readingStored, readingTaken } from '../commands.ts'
import { enterEpoch, type Keyring, leaveRun, seal, storedEpoch, tooFar } from './sealer.ts'
import { wake } from '../outgoing/lanes.ts'
import { type Capture, clockMs, clockUs, report, submit, sureMs, type Turn } from '../memory.ts'
import { answered, isNew, taken, through } from './schedule.ts'
import type { AgentEvent, StoredEpoch, StoredRun } from '../state.ts'

/** Answers that wait in memory while the disk refuses; more are left to the meters' load
 * profiles. */
const CAPTURES_MAX = 256

/** No answer is as old. */
const BEFORE_ALL = monoUs(Number.NEGATIVE_INFINITY)

export function takeReadings(turn: Turn, event: Extract<AgentEvent, { on: 'readings' }>): void {
  const { memory } = turn
  const { meter, request } = event
  if (memory.keyring === null && memory.entering === null) return
  const { schedule } = memory
  if (schedule === null) return
  if (memory.captures.length >= CAPTURES_MAX) {
    report(turn, 'OPS-15', `answer of ${meter} not taken`)
    readingFailed(turn, meter, 'OPS-15')
    return
  }
  const reached =
    request === 'history'
      ? through(schedule, meter, {
          last: lastTime(event.readings),
          more: event.more,
          sure: sureMs(turn),
        })
      : null
  const command = readingTaken(turn, meter, request)
  const settled = (later: Turn): void => {
    const { schedule } = later.memory
    const at = { through: reached, mono: later.mono }
    if (schedule !== null) answered(schedule, meter, request, at)
    readingStored(later, meter, command)
  }
  const fitting = event.readings.filter(fitsFrame)
  if (fitting.length < event.readings.length) report(turn, 'MTR-07', `${meter}: value left out`)
  const readings =
    request === 'history'
      ? fitting.filter(({ meterTime }) => isNew(schedule, meter, meterTime))
      : fitting
  if (readings.length === 0) {
    if (command !== null) readingFailed(turn, meter, 'MTR-07')
    settled(turn)
    return
  }
  if (request === 'history') taken(schedule, meter, reached)
  const stamp = stampAt(memory.clock, event.at, memory.startedAt)
  const processId = processOf(turn, event.at)
  const cursor = reached === null ? null : ([meter, reached] as const)
  for (let at = 0; at < readings.length; at += READINGS_ALWAYS_FIT) {
    const last = at + READINGS_ALWAYS_FIT >= readings.length
    memory.captures.push({
      group: { stamp, readings: readings.slice(at, at + READINGS_ALWAYS_FIT) },
      processId,
      settled: last ? settled : () => undefined,
      cursor: last ? cursor : null,
    })
  }
  sealCaptures(turn)
}

/** The process id that the process ms of an answer of `at` belong to. One that came while the sleep
 * was not noticed yet may be of before or after: an id of its own dates it by neither. So does
 * one of before that comes when the later id is in use: an id never comes back. */
function processOf({ memory, setup }: Turn, at: MonoUs): Uint8Array {
  const { slept, processId } = memory
  if (slept === null) return processId
  if (at <= slept.from) return slept.processId
  memory.slept = { ...slept, from: BEFORE_ALL }
  return at >= slept.to ? processId : setup.random(PROCESS_ID_BYTES)
}

function lastTime(readings: readonly Reading[]): UnixMs | null {
  let last: UnixMs | null = null
  for (const { meterTime } of readings) {
    if (meterTime !== null && (last === null || meterTime > last)) last = meterTime
  }
  return last
}

/** Seals what waits, unless frames are already on their way to the disk (same bytes, tried
 * again). */
export function sealCaptures(turn: Turn): void {
  const { memory, setup } = turn
  if (memory.captures.length === 0 || memory.jobs.some((job) => job.kind === 'frames')) return
  const before = currentKeyring(turn)
  if (before === null) return
  // Nothing was sealed in this epoch yet, so no second of it is used: a clock that was ahead need
  // not wait for the truth here, where the master would refuse every frame for its time (SEC-02).
  if (before.tree.next === 0) memory.clock = endHold(memory.clock, turn.mono)
  const at = clockMs(turn)
  if (tooFar(before, at)) {
    report(turn, 'CLK-05', 'clock more than 400 days ahead of the last key: nothing is sealed')
    return
  }
  // One process id a time: a run's opener says to which its frames belong.
  const processId = memory.captures[0]?.processId ?? memory.processId
  const captures = memory.captures.filter((capture) => capture.processId === processId)
  memory.captures = memory.captures.filter((capture) => capture.processId !== processId)
  const { keyring, frames } = seal(before, {
    suite: setup.suite,
    at,
    groups: captures.map((capture) => capture.group),
    salt: setup.random(16),
    processId,
    processStart: processStart(turn, at),
    pad: setup.pad ?? false,
  })
  const lastUsed = clockUs(turn)
  memory.used = true
  const cursors = captures.flatMap(({ cursor }) => (cursor === null ? [] : [cursor]))
  submit(turn, {
    kind: 'frames',
    commit: () => ({
      epochs: [epochOf(turn, keyring)],
      runs: [mergedRow(turn, keyring)],
      frames,
      cursors,
      lastUsed,
    }),
    done: (later) => framesStored(later, keyring, captures),
  })
}

/** When the process started, by the clock that now says `at`; never before 1970. */
function processStart({ memory, mono }: Turn, at: UnixMs): UnixMs {
  const processMs = Math.floor(elapsedUs(memory.startedAt, mono) / 1_000)
  return unixMs(Math.max(0, shiftMs(at, spanMs(-processMs))))
}

/** The tree as sealed with, and whether the epoch was left while these frames waited for the
 * disk. */
function epochOf({ memory }: Turn, keyring: Keyring): StoredEpoch {
  const sealed = storedEpoch(keyring)
  return { ...sealed, state: memory.epochs.get(sealed.id)?.state ?? sealed.state }
}

/** The row as sealed, with what was acknowledged and deleted meanwhile. */
function mergedRow({ memory }: Turn, { run }: Keyring): StoredRun {
  if (run === null) throw new Error('broken promise: frames were sealed in a run')
  const known = memory.runs.get(run.row.run)
  if (known === undefined) return run.row
  return { ...known, last: run.row.last, lastHash: run.row.lastHash }
}

function framesStored(turn: Turn, keyring: Keyring, captures: readonly Capture[]): void {
  const { memory } = turn
  const row = mergedRow(turn, keyring)
  memory.runs.set(row.run, row)
  memory.highestRun = keyring.highestRun
  memory.epochs.set(keyring.epoch.id, epochOf(turn, keyring))
  memory.keyring = keyring
  wake(memory.forwarder, row)
  for (const capture of captures) capture.settled(turn)
  sealCaptures(turn)
}

/** The keyring to seal with now: a new epoch is entered, and a forked run left, between two
 * frames. */
function currentKeyring({ memory }: Turn): Keyring | null {
  const { entering, leaving, identity } = memory
  if (entering !== null && identity?.device) {
    const previous = memory.runs.get(memory.highestRun) ?? null
    const heads = memory.keyring?.heads
    memory.keyring = enterEpoch(identity.device, entering, memory.highestRun, previous, heads)
    memory.entering = null
    memory.leaving = false
  }
  if (leaving && memory.keyring !== null) {
    memory.keyring = leaveRun(memory.keyring)
    memory.leaving = false
  }
  return memory.keyring
}
