// What the head-end tells of its clock: to NTP clients, and to operators in chronyc's words.

import { estimateAt } from '../../../shared/clock/estimate/estimator.ts'
import type { Selection } from '../../../shared/clock/estimate/select.ts'
import { type ServedClock, UNSYNCHRONISED } from '../../../shared/clock/ntp/server.ts'
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
import { type HeadClock, headNow, type Source } from './head-clock.ts'

/** Stratum of a clock that follows nothing but the operating system's, whose own sources we do not
 * see: so low that whoever has a real source prefers it, as chrony's `local` does. */
export const SYSTEM_STRATUM = 10
/** Its refid: what NTP programs show for an undisciplined local clock. */
const SYSTEM_REFID = 0x7f7f0101
/** Stratum told when nobody was ever followed. */
const NO_STRATUM = 16

/** What NTP clients are told at `mono`. `sources`: how many are named. */
export function servedBy(head: HeadClock, sources: number, mono: MonoUs): ServedClock {
  const { bound } = headNow(head.clock, mono)
  const { followed, sampledAt } = head
  if (bound === null || sampledAt === null) return UNSYNCHRONISED
  if (sources > 0 && followed === null) return UNSYNCHRONISED
  const rootDelay = followed?.rootDelay ?? spanUs(0)
  return {
    leap: head.leap,
    stratum: followed === null ? SYSTEM_STRATUM : followed.stratum + 1,
    refid: followed?.refid ?? SYSTEM_REFID,
    rootDelay,
    rootDispersion: spanUs(Math.max(0, bound - rootDelay / 2)),
    // Not the time shown then: the clock does not remember how it ran before it was bent.
    reference: shiftUs(timeAt(head.clock, mono), elapsedUs(mono, sampledAt)),
  }
}

/** `system`: what the operating system shows at `mono`. */
export function reportOf(
  head: HeadClock,
  sources: readonly Source[],
  mono: MonoUs,
  system: UnixUs,
): HeadClockReport {
  const { clock, selection, followed, sampledAt } = head
  const at = timeAt(clock, mono)
  const { state } = qualityAt(clock, mono)
  const { bound } = headNow(clock, mono)
  const served = servedBy(head, sources.length, mono)
  const own = sources.length === 0
  const { estimate } = clock
  return {
    at: usToMs(at),
    state,
    reference: own ? 'system clock' : (followed?.name ?? 'none'),
    stratum: served.stratum,
    leap: (['normal', 'insert', 'delete', 'unsynchronised'] as const)[served.leap],
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
    rootDelay: served.rootDelay,
    rootDispersion: served.rootDispersion,
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
  note: bound === null ? 'nobody states its bound (TICKLOCK_CLOCK_BOUND_MS)' : '',
})

interface Noted {
  readonly mark: SourceReport['mark']
  /** Why it is not used, where the source itself knows no reason. */
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
  { name, kind, association, note }: Source,
  { mark, because }: Noted,
  at: UnixUs,
  mono: MonoUs,
): SourceReport {
  const sample = association?.sample ?? null
  const estimate = association === null ? null : estimateAt(association.estimator, mono)
  const why = association === null ? note : association.note
  return {
    name,
    kind,
    mark,
    stratum: association?.server?.stratum ?? NO_STRATUM,
    poll: association?.poll ?? 0,
    reach: association?.reach ?? 0,
    lastSample: sample === null ? null : spanUsToMs(elapsedUs(sample.mono, mono)),
    offset: estimate === null ? null : offsetOf(estimate.utc, estimate.mono, at, mono),
    bound: estimate?.bound ?? null,
    roundTripDelay: sample?.roundTripDelay ?? null,
    note: why === '' ? because : why,
  }
}

/** A source's estimate minus the clock kept. */
const offsetOf = (utc: UnixUs, from: MonoUs, at: UnixUs, mono: MonoUs): SpanUs =>
  spanUs(utc - at + elapsedUs(from, mono))
