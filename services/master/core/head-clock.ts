// The head-end's own clock, by which slaves, the gate and the NTP server go: a software clock that
// follows what the sources agree on (shared/clock/estimate/select.ts) or, where none is named, the
// operating system's clock, as good as its operator states. When no source can be believed, the
// clock holds over: it continues at the learned frequency, and its bound grows.
//
// All of it is a value; the shell (services/master/shell/time) polls the sources and passes the
// time in.

import type { Estimate } from '../../../shared/clock/estimate/estimator.ts'
import { FREQUENCY_TOLERANCE_PPM } from '../../../shared/clock/estimate/exchange.ts'
import { BOUND_UNKNOWN_US } from '../../../shared/clock/clock-state.ts'
import { type LeapNotice, leapMidnight } from '../../../shared/clock/estimate/leap.ts'
import { type Agreement, type Selection, select } from '../../../shared/clock/estimate/select.ts'
import { hasSlept, type Look } from '../../../shared/clock/estimate/sleep.ts'
import {
  believedAt,
  qualityAt,
  type SoftClock,
  slept,
  startClock,
  steer,
  timeAt,
} from '../../../shared/clock/estimate/softclock.ts'
import type { Reference, SourceView } from '../../../shared/clock/estimate/source.ts'
import type { WallReading } from '../../../shared/clock/estimate/wall.ts'
import type { FaultCode } from '../../../shared/faults.ts'
import {
  type MonoUs,
  monoUs,
  ppm,
  type SpanUs,
  shiftUs,
  spanUs,
  type UnixUs,
} from '../../../shared/units.ts'

const SECOND_US = 1_000_000
/** Smaller jumps are not reported as steps, microseconds: the first sample always causes one. */
const STEP_REPORTED_US = 1_000
/** Weight of the last correction in the mean: it averages about ten. */
const RMS_WEIGHT = 0.1

/** The source the clock followed last: what we pass on of stratum and root comes from it. */
export interface Followed extends Reference {
  readonly name: string
}

export interface HeadClock {
  readonly startedAt: MonoUs
  readonly clock: SoftClock
  readonly selection: Selection | null
  readonly agreement: Agreement | null
  readonly followed: Followed | null
  readonly leap: LeapNotice
  /** The midnight of an announced leap second, and of the last one that passed. */
  readonly leapAt: UnixUs | null
  readonly leaptAt: UnixUs | null
  /** When a sample last corrected the clock. */
  readonly sampledAt: MonoUs | null
  readonly lastOffset: SpanUs
  /** Mean square of the last offsets, in us^2. */
  readonly meanSquare: number
  readonly steps: number
  readonly lastStep: SpanUs
  /** Sources reported as falsetickers, so that each is reported once. */
  readonly liars: readonly string[]
}

export interface Fault {
  readonly code: FaultCode
  readonly detail: string
}

export interface Kept {
  readonly head: HeadClock
  readonly faults: readonly Fault[]
  /** A leap second passed: what the sources said before is void. */
  readonly leapt: boolean
}

/** A clock that has only a guess: the system's wall clock. */
export const startHeadClock = (mono: MonoUs, guess: UnixUs): HeadClock => ({
  startedAt: mono,
  clock: startClock({ mono, guess, lastUsed: null }),
  selection: null,
  agreement: null,
  followed: null,
  leap: 'normal',
  leapAt: null,
  leaptAt: null,
  sampledAt: null,
  lastOffset: spanUs(0),
  meanSquare: 0,
  steps: 0,
  lastStep: spanUs(0),
  liars: [],
})

/** Follows the sources at `mono`; `learned`: one of them brought a sample just now. CLK-06 a step,
 * CLK-10 a falseticker, CLK-11 no majority: each reported once. */
export function keepTime(
  before: HeadClock,
  sources: readonly SourceView[],
  mono: MonoUs,
  learned: boolean,
): Kept {
  const leapt = overLeap(before, mono)
  if (leapt !== null) return { head: leapt, faults: [], leapt: true }
  const { startedAt, agreement, followed } = before
  const selecting = { mono, startedAt, followed: followed?.name ?? null, agreement }
  const selection = select(sources, selecting)
  const { head: warned, faults } = warn(before, sources, selection)
  const { estimate, backing } = selection
  if (estimate === null) return { head: warned, faults, leapt: false }
  const agreeing: HeadClock = {
    ...warned,
    agreement: { estimate, backing },
    followed: followedIn(sources, selection) ?? followed,
    ...noticed(warned, sources, selection, estimate.utc),
  }
  const follows = following(agreeing, estimate, mono, learned)
  return { head: follows.head, faults: [...faults, ...follows.faults], leapt: false }
}

/** Follows the operating system's clock, whose error is at most `stated`, as its operator declares;
 * null: not declared. */
export function keepSystemTime(
  head: HeadClock,
  wall: WallReading,
  stated: SpanUs | null,
  mono: MonoUs,
): Kept {
  const estimate: Estimate = {
    mono,
    utc: wall.at,
    bound: spanUs((stated ?? BOUND_UNKNOWN_US) + wall.bound),
    frequency: ppm(0),
    growth: ppm(FREQUENCY_TOLERANCE_PPM),
    informative: stated === null,
  }
  return { ...following(head, estimate, mono, true), leapt: false }
}

/** The monotonic clock stood still for a while: its tie to UTC is void. */
export const sleptHead = (head: HeadClock, mono: MonoUs): HeadClock => ({
  ...head,
  clock: slept(head.clock, mono),
  agreement: null,
  startedAt: mono,
})

function following(
  head: HeadClock,
  estimate: Estimate,
  mono: MonoUs,
  learned: boolean,
): { readonly head: HeadClock; readonly faults: readonly Fault[] } {
  const { clock, fault, offset } = steer(head.clock, estimate, mono)
  const stepped = fault !== null && Math.abs(offset) > STEP_REPORTED_US
  const counts = learned && !stepped
  const square = counts ? offset ** 2 : head.meanSquare
  const faults = stepped ? [{ code: fault, detail: `by ${Math.round(offset)} us` }] : []
  return {
    head: {
      ...head,
      clock,
      // The first time may also come when patience ends, without a sample.
      sampledAt: learned ? mono : (head.sampledAt ?? mono),
      lastOffset: learned ? offset : head.lastOffset,
      meanSquare: head.meanSquare + RMS_WEIGHT * (square - head.meanSquare),
      steps: head.steps + (stepped ? 1 : 0),
      lastStep: stepped ? offset : head.lastStep,
    },
    faults,
  }
}

/** The faults of a selection, each reported once. */
function warn(
  before: HeadClock,
  sources: readonly SourceView[],
  selection: Selection,
): { readonly head: HeadClock; readonly faults: readonly Fault[] } {
  const faults: Fault[] = []
  const lost = selection.is === 'no majority'
  if (lost && before.selection?.is !== 'no majority') {
    const marks = sources.map(({ name }, index) => `${selection.marks[index] ?? '?'}${name}`)
    faults.push({ code: 'CLK-11', detail: marks.join(' ') })
  }
  const out = sources.filter((_, index) => selection.marks[index] === 'x').map(({ name }) => name)
  // Without a majority nobody knows who lies.
  const liars = lost ? before.liars : out
  for (const name of liars) {
    if (!before.liars.includes(name)) faults.push({ code: 'CLK-10', detail: name })
  }
  return { head: { ...before, selection, liars }, faults }
}

function followedIn(sources: readonly SourceView[], { followed }: Selection): Followed | null {
  const source = sources.find(({ name }) => name === followed)
  return source?.reference ? { name: source.name, ...source.reference } : null
}

/** A leap second is believed when more than half of the combined sources announce it. */
function noticed(
  { leaptAt }: HeadClock,
  sources: readonly SourceView[],
  { marks }: Selection,
  utc: UnixUs,
): { readonly leap: LeapNotice; readonly leapAt: UnixUs | null } {
  const combined = sources.filter((_, index) => marks[index] === '*' || marks[index] === '+')
  const majority = (notice: LeapNotice): boolean =>
    2 * combined.filter((source) => source.leap === notice).length > combined.length
  const leap = (['insert', 'delete'] as const).find(majority)
  const midnight = leapMidnight(utc)
  // Servers keep announcing it for a moment, and the day's last second comes twice.
  if (leap === undefined || midnight === null || midnight === leaptAt) {
    return { leap: 'normal', leapAt: null }
  }
  return { leap, leapAt: midnight }
}

/** The clock after a leap second that passed between the last look and `mono`; null: none did.
 * During an inserted second the time stands still, since it must not go back. */
function overLeap(before: HeadClock, mono: MonoUs): HeadClock | null {
  const { clock, leap, leapAt, agreement } = before
  const believed = believedAt(clock, mono)
  if (leapAt === null || believed === null || believed.utc < leapAt) return null
  const by = spanUs(leap === 'delete' ? SECOND_US : -SECOND_US)
  const moved = (estimate: Estimate): Estimate => ({ ...estimate, utc: shiftUs(estimate.utc, by) })
  const estimate = clock.estimate === null ? null : moved(clock.estimate)
  const bentAt = monoUs(Math.floor(mono))
  return {
    ...before,
    clock: {
      bentAt,
      shown: timeAt(clock, mono),
      estimate,
      way: leap === 'delete' ? 'slew' : 'hold',
    },
    agreement: agreement === null ? null : { ...agreement, estimate: moved(agreement.estimate) },
    leap: 'normal',
    leapAt: null,
    leaptAt: leapAt,
  }
}

/** What the master's core is given: the time and its bound; null: not known. */
export function headNow(
  clock: SoftClock,
  mono: MonoUs,
): { readonly at: UnixUs; readonly bound: number | null } {
  const { state, bound } = qualityAt(clock, mono)
  const known = state === 'S' || state === 'R'
  return { at: timeAt(clock, mono), bound: known ? bound : null }
}

/** The clock as threads other than its own see it. */
export interface SharedClock {
  readonly clock: SoftClock
  /** The machine has not slept since this look, as far as the clock's thread knew. */
  readonly awake: Look
}

/** The same for another thread: after a sleep nothing is known, even before the clock's thread has
 * noticed. */
export function sharedNow(
  { clock, awake }: SharedClock,
  now: Look,
): { readonly at: UnixUs; readonly bound: number | null } {
  return headNow(hasSlept(awake, now) ? slept(clock, now.mono) : clock, now.mono)
}
