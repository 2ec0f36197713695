// The head-end's own clock, which slaves, the gate and the NTP server go by: a software clock that
// follows what the sources agree on (shared/clock/estimate/select.ts) or, where none is named, the
// operating system's clock as good as the operator states it. When nobody can be believed it is
// held over: the time goes on at the learned frequency and the bound grows.
//
// All of it is a value; the shell (services/master/shell/time) asks the sources and passes time in.

import { type Estimate, estimateAt } from '../../../shared/clock/estimate/estimator.ts'
import { FREQUENCY_TOLERANCE_PPM } from '../../../shared/clock/estimate/exchange.ts'
import { BOUND_UNKNOWN_US } from '../../../shared/clock/clock-state.ts'
import { leapMidnight } from '../../../shared/clock/estimate/leap.ts'
import type { Association } from '../../../shared/clock/ntp/association.ts'
import type { Leap } from '../../../shared/clock/ntp/packet.ts'
import { type Held, type Selection, select } from '../../../shared/clock/estimate/select.ts'
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
/** Jumps up to this are not told as steps, microseconds: the first sample's is always one. */
const STEP_TOLD_US = 1_000
/** How much the last correction counts in the mean of all: that of about ten. */
const RMS_WEIGHT = 0.1

/** One source as the shell keeps it. */
export interface Source {
  readonly name: string
  readonly kind: 'ntp' | 'nts'
  /** Of the server asked, as NTP names it; 0 while no address is known. */
  readonly refid: number
  /** Null while there is no address to ask. */
  readonly association: Association | null
  /** Why there is none. */
  readonly note: string
}

/** Whom the clock followed last; what is told of stratum and root goes by it. */
export interface Followed {
  readonly name: string
  readonly refid: number
  readonly stratum: number
  /** To the primary source and back. */
  readonly rootDelay: SpanUs
}

export interface HeadClock {
  readonly startedAt: MonoUs
  readonly clock: SoftClock
  readonly selection: Selection | null
  readonly held: Held | null
  readonly followed: Followed | null
  readonly leap: Leap
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
  /** Sources told to be falsetickers, so that each is told once. */
  readonly liars: readonly string[]
}

export interface Fault {
  readonly code: FaultCode
  readonly detail: string
}

export interface Kept {
  readonly head: HeadClock
  readonly faults: readonly Fault[]
  /** UTC leapt: what the sources said before is void. */
  readonly leapt: boolean
}

/** A clock that knows nothing but a guess: the system's wall clock. */
export const startHeadClock = (mono: MonoUs, guess: UnixUs): HeadClock => ({
  startedAt: mono,
  clock: startClock({ mono, guess, lastUsed: null }),
  selection: null,
  held: null,
  followed: null,
  leap: 0,
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
 * CLK-10 a falseticker, CLK-11 no majority: each told once. */
export function keepTime(
  before: HeadClock,
  sources: readonly Source[],
  mono: MonoUs,
  learned: boolean,
): Kept {
  const leapt = overLeap(before, mono)
  if (leapt !== null) return { head: leapt, faults: [], leapt: true }
  const candidates = sources.map(({ name, association }) => ({
    name,
    estimate: association === null ? null : estimateAt(association.estimator, mono),
    reachable: association !== null && association.reach !== 0,
  }))
  const { startedAt, held, followed } = before
  const selection = select(candidates, {
    mono,
    startedAt,
    followed: followed?.name ?? null,
    held,
  })
  const { head: told, faults } = tell(before, sources, selection)
  const { estimate, backing } = selection
  if (estimate === null) return { head: told, faults, leapt: false }
  const agreeing: HeadClock = {
    ...told,
    held: { estimate, backing },
    followed: followedIn(sources, selection) ?? followed,
    ...warnings(told, sources, selection, estimate.utc),
  }
  const follows = following(agreeing, estimate, mono, learned)
  return { head: follows.head, faults: [...faults, ...follows.faults], leapt: false }
}

/** Follows the operating system's clock, which is wrong by at most `stated`, as its operator says;
 * null: nobody says anything. */
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

/** The monotonic clock stood for a while: what tied it to UTC is void. */
export const sleptHead = (head: HeadClock, mono: MonoUs): HeadClock => ({
  ...head,
  clock: slept(head.clock, mono),
  held: null,
  startedAt: mono,
})

function following(
  head: HeadClock,
  estimate: Estimate,
  mono: MonoUs,
  learned: boolean,
): { readonly head: HeadClock; readonly faults: readonly Fault[] } {
  const { clock, fault, offset } = steer(head.clock, estimate, mono)
  const stepped = fault !== null && Math.abs(offset) > STEP_TOLD_US
  const counts = learned && !stepped
  const square = counts ? offset ** 2 : head.meanSquare
  const faults = stepped ? [{ code: fault, detail: `by ${Math.round(offset)} us` }] : []
  return {
    head: {
      ...head,
      clock,
      // The first time also when it was patience that ended, not a sample that came.
      sampledAt: learned ? mono : (head.sampledAt ?? mono),
      lastOffset: learned ? offset : head.lastOffset,
      meanSquare: head.meanSquare + RMS_WEIGHT * (square - head.meanSquare),
      steps: head.steps + (stepped ? 1 : 0),
      lastStep: stepped ? offset : head.lastStep,
    },
    faults,
  }
}

/** What operators are told of a selection, once each. */
function tell(
  before: HeadClock,
  sources: readonly Source[],
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

function followedIn(sources: readonly Source[], { followed }: Selection): Followed | null {
  const source = sources.find(({ name }) => name === followed)
  const { server, sample } = source?.association ?? { server: null, sample: null }
  if (source === undefined || server === null || sample === null) return null
  const rootDelay = spanUs(server.rootDelay + sample.roundTripDelay)
  return { name: source.name, refid: source.refid, stratum: server.stratum, rootDelay }
}

/** A leap second is believed when more than half of those who are combined warn of it. */
function warnings(
  { leaptAt }: HeadClock,
  sources: readonly Source[],
  { marks }: Selection,
  utc: UnixUs,
): { readonly leap: Leap; readonly leapAt: UnixUs | null } {
  const combined = sources.filter((_, index) => marks[index] === '*' || marks[index] === '+')
  const warn = (leap: Leap): boolean =>
    2 * combined.filter(({ association }) => association?.server?.leap === leap).length >
    combined.length
  const leap: Leap = warn(1) ? 1 : warn(2) ? 2 : 0
  const midnight = leapMidnight(utc)
  // Servers go on warning for a moment, and the day's last second comes twice.
  if (leap === 0 || midnight === null || midnight === leaptAt) return { leap: 0, leapAt: null }
  return { leap, leapAt: midnight }
}

/** The clock after a leap second that passed between the last look and `mono`; null: none did. In
 * an inserted one the time stands, since it must not go back. */
function overLeap(before: HeadClock, mono: MonoUs): HeadClock | null {
  const { clock, leap, leapAt, held } = before
  const believed = believedAt(clock, mono)
  if (leapAt === null || believed === null || believed.utc < leapAt) return null
  const by = spanUs(leap === 2 ? SECOND_US : -SECOND_US)
  const moved = (estimate: Estimate): Estimate => ({ ...estimate, utc: shiftUs(estimate.utc, by) })
  const estimate = clock.estimate === null ? null : moved(clock.estimate)
  const bentAt = monoUs(Math.floor(mono))
  return {
    ...before,
    clock: { bentAt, shown: timeAt(clock, mono), estimate, way: leap === 2 ? 'slew' : 'hold' },
    held: held === null ? null : { ...held, estimate: moved(held.estimate) },
    leap: 0,
    leapAt: null,
    leaptAt: leapAt,
  }
}

/** What the master's core is given: the time, and how wrong it may be; null: nobody knows. */
export function headNow(
  clock: SoftClock,
  mono: MonoUs,
): { readonly at: UnixUs; readonly bound: number | null } {
  const { state, bound } = qualityAt(clock, mono)
  const known = state === 'S' || state === 'R'
  return { at: timeAt(clock, mono), bound: known ? bound : null }
}

/** The clock as others than its thread hold it. */
export interface ToldClock {
  readonly clock: SoftClock
  /** Since this look the machine did not sleep, as far as the thread knew. */
  readonly awake: Look
}

/** The same for who was told of the clock: after a sleep nothing is known, also while the thread
 * has not seen it yet. */
export function toldNow(
  { clock, awake }: ToldClock,
  now: Look,
): { readonly at: UnixUs; readonly bound: number | null } {
  return headNow(hasSlept(awake, now) ? slept(clock, now.mono) : clock, now.mono)
}
