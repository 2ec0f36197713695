// What the head-end says of its clock: to those who follow it, and to operators in chronyc's words.

import type { Selection } from '../../../shared/clock/estimate/select.ts'
import type { LeapNotice } from '../../../shared/clock/estimate/leap.ts'
import type { SourceView } from '../../../shared/clock/estimate/source.ts'
import { qualityAt, timeAt } from '../../../shared/clock/estimate/softclock.ts'
import type { HeadClockReport, SourceReport } from '../../../shared/clock/evidence.ts'
import {
  elapsedUs,
  type MonoUs,
  ppm,
  shiftUs,
  type SpanUs,
  spanMs,
  spanUs,
  spanUsToMs,
  type UnixUs,
  usToMs,
} from '../../../shared/units.ts'
import { FREQUENCY_TOLERANCE_PPM } from '../../../shared/clock/estimate/exchange.ts'
import { type HeadClock, headNow } from './head-clock.ts'

/** Stratum of a clock that follows nothing but the operating system's, whose own sources we do not
 * see: so low in rank that a client with a real source prefers that one, as chrony's `local`
 * does. */
const SYSTEM_STRATUM = 10
/** Stratum of a clock that never followed anything. */
const NO_STRATUM = 16

/** What we pass on of our clock to those who follow it. */
export interface Standing {
  readonly leap: LeapNotice
  readonly stratum: number
  /** Null: the operating system's clock is followed. */
  readonly referenceId: number | null
  readonly rootDelay: SpanUs
  /** With half of the root delay: all of our bound. */
  readonly rootDispersion: SpanUs
  /** By our clock. */
  readonly correctedAt: UnixUs
}

/** The clock's standing at `mono`; null: it is not synchronised. `sources`: how many are
 * configured. */
export function standingAt(head: HeadClock, sources: number, mono: MonoUs): Standing | null {
  const { bound } = headNow(head.clock, mono)
  const { followed, sampledAt, leap } = head
  if (bound === null || sampledAt === null) return null
  if (sources > 0 && followed === null) return null
  const rootDelay = followed?.rootDelay ?? spanUs(0)
  return {
    leap,
    stratum: followed === null ? SYSTEM_STRATUM : followed.stratum + 1,
    referenceId: followed?.id ?? null,
    rootDelay,
    rootDispersion: spanUs(Math.max(0, bound - rootDelay / 2)),
    // Not the time shown then: the clock does not remember how it ran before its last correction.
    correctedAt: shiftUs(timeAt(head.clock, mono), elapsedUs(mono, sampledAt)),
  }
}

/** What operators see of the clock at `mono`; `system`: the operating system's clock then. */
export function reportOf(
  head: HeadClock,
  sources: readonly SourceView[],
  mono: MonoUs,
  system: UnixUs,
): HeadClockReport {
  const { clock, selection, followed, sampledAt } = head
  const at = timeAt(clock, mono)
  const { state } = qualityAt(clock, mono)
  const { bound } = headNow(clock, mono)
  const standing = standingAt(head, sources.length, mono)
  const own = sources.length === 0
  const { estimate } = clock
  return {
    at: usToMs(at),
    state,
    reference: own ? 'system clock' : (followed?.name ?? 'none'),
    stratum: standing?.stratum ?? NO_STRATUM,
    leap: standing?.leap ?? 'unsynchronised',
    systemOffset: spanUs(at - system),
    lastOffset: head.lastOffset,
    rmsOffset: spanUs(Math.sqrt(head.meanSquare)),
    bound: bound === null ? null : spanUs(bound),
    discipline: {
      frequency: own || estimate === null ? null : estimate.frequency,
      skew: estimate?.growth ?? ppm(FREQUENCY_TOLERANCE_PPM),
      holdover: spanMs(sampledAt === null ? 0 : Math.round(elapsedUs(sampledAt, mono) / 1_000)),
      steps: head.steps,
      lastStep: head.lastStep,
    },
    rootDelay: standing?.rootDelay ?? spanUs(0),
    rootDispersion: standing?.rootDispersion ?? spanUs(0),
    sources: own
      ? [systemSource(bound)]
      : sources.map((source, index) => sourceReport(source, noted(selection, index), at, mono)),
  }
}

const systemSource = (bound: number | null): SourceReport => ({
  name: 'system clock',
  kind: 'system',
  mark: bound === null ? '?' : '*',
  stratum: bound === null ? NO_STRATUM : SYSTEM_STRATUM,
  poll: 0,
  reach: 0o377,
  lastSample: spanMs(0),
  offset: spanUs(0),
  bound: bound === null ? null : spanUs(bound),
  roundTripDelay: spanUs(0),
  note: bound === null ? 'no bound is stated (TICKLOCK_CLOCK_BOUND_MS)' : '',
})

interface Noted {
  readonly mark: SourceReport['mark']
  /** Why it is not used, when the source itself gives no reason. */
  readonly because: string
}

function noted(selection: Selection | null, index: number): Noted {
  const mark = selection?.marks[index] ?? '?'
  const lost = selection?.is === 'no majority' && mark === 'x'
  return { mark, because: lost ? 'CLK-11 no majority' : NOTES[mark] }
}

const NOTES: Readonly<Record<SourceReport['mark'], string>> = {
  '*': '',
  '+': '',
  '-': '',
  x: 'CLK-10 contradicts the majority',
  '~': 'its bound is too large',
  '?': 'not heard yet',
}

function sourceReport(
  source: SourceView,
  { mark, because }: Noted,
  at: UnixUs,
  mono: MonoUs,
): SourceReport {
  const { name, kind, estimate, sampledAt, delay, reach, poll, reference, note } = source
  return {
    name,
    kind,
    mark,
    stratum: reference?.stratum ?? NO_STRATUM,
    poll,
    reach,
    lastSample: sampledAt === null ? null : spanUsToMs(elapsedUs(sampledAt, mono)),
    offset: estimate === null ? null : offsetOf(estimate.utc, estimate.mono, at, mono),
    bound: estimate?.bound ?? null,
    roundTripDelay: delay,
    note: note === '' ? because : note,
  }
}

/** A source's estimate minus our clock. */
const offsetOf = (utc: UnixUs, from: MonoUs, at: UnixUs, mono: MonoUs): SpanUs =>
  spanUs(utc - at + elapsedUs(from, mono))
