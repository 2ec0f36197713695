// Which sources to believe when several say what UTC is.
//
// Each source states an interval, estimate +- bound, in which UTC lies if the source is honest. If
// more than half of the sources are honest, UTC lies where more than half of the intervals overlap;
// everything between the first and the last such point is the AGREED interval, and that is the
// bound we publish. RFC 5905 (section 11.2.1) looks for the largest group that overlaps and takes
// its narrower intersection; liars who choose their intervals well can move that away from UTC
// although they are fewer than half. They cannot do that to ours: UTC stays inside whatever a
// minority says, even one that creeps away by a microsecond a second. The price is a bound like the
// median source's.
//
// A source that went silent keeps its vote until its own bound has grown too large to be useful: an
// attacker who cuts off the honest sources must not leave the liar to decide alone. And the clock
// we keep remembers what more sources said: a majority that suddenly contradicts it is not followed
// while any other source supports it. (If all contradict it, our own oscillator stood still.)
//
// Among the sources that agree, the narrow ones are averaged by weight, inside the agreed interval.

import { type MonoUs, ppm, spanUs, unixUs } from '../../units.ts'
import type { Estimate } from './estimator.ts'
import type { SourceView } from './source.ts'

/** A source whose bound is larger cannot make a clock synchronised (softclock.ts) and has no
 * vote. */
const VOTE_BOUND_MAX_US = 1_000_000
/** Sources whose bound exceeds the least by more than this factor are not averaged: they add noise
 * (chrony's combinelimit). */
const COMBINE_RATIO = 3
/** We follow another source only when its bound is less than this fraction of the current one's:
 * the stratum and reference we report should not hop. */
const HOP_RATIO = 0.5
/** For this long after the start we believe only what more than half of all configured sources
 * agree on, microseconds: the first to answer may be the liars. By then the bursts of the others
 * are over. */
const PATIENCE_US = 12_000_000
/** Averages are truncated to whole microseconds. */
const ROUNDING_US = 1

export type Mark = '*' | '+' | '-' | 'x' | '~' | '?'

/** What the selection looks at. */
export type Candidate = Pick<SourceView, 'name' | 'estimate' | 'reach'>

export interface Selection {
  /** `waiting`: nothing heard yet, or from too few. `silent`: those that agree do not answer. A
   * source is followed only in `agreed`; otherwise the clock holds over. */
  readonly is: 'agreed' | 'waiting' | 'silent' | 'no majority'
  /** One per candidate, in the same order. */
  readonly marks: readonly Mark[]
  /** The source whose stratum and reference we pass on. */
  readonly followed: string | null
  /** The combined estimate of the agreeing sources. */
  readonly estimate: Estimate | null
  /** How many agreed. */
  readonly backing: number
}

interface Interval {
  readonly low: number
  readonly high: number
}

interface Voter extends Interval {
  readonly index: number
  readonly candidate: Candidate
  readonly estimate: Estimate
  /** The estimate now, relative to the first candidate's, so that fractions of a microsecond
   * survive. */
  readonly middle: number
  readonly bound: number
}

/** What the sources last agreed on, and how many they were. */
export interface Agreement {
  readonly estimate: Estimate
  readonly backing: number
}

export interface Selecting {
  readonly mono: MonoUs
  readonly startedAt: MonoUs
  readonly followed: string | null
  readonly agreement: Agreement | null
}

/** Weighs the candidates at `mono`, which is not before any of their estimates. */
export function select(candidates: readonly Candidate[], selecting: Selecting): Selection {
  const { mono, startedAt } = selecting
  const origin = candidates.find(({ estimate }) => estimate !== null)?.estimate ?? null
  const voters = origin === null ? [] : votersOf(candidates, origin, mono)
  if (origin === null || voters.length === 0) return nobody('waiting', candidates, voters)
  const agreed = agreedInterval(voters)
  const believed = agreed === null ? [] : voters.filter((voter) => overlap(voter, agreed))
  // Of all that are configured, not of the first to answer: two liars of five may be the fastest.
  const early = mono - startedAt < PATIENCE_US && voters.length < candidates.length
  if (early && 2 * believed.length <= candidates.length) {
    return nobody('waiting', candidates, voters)
  }
  if (agreed === null) return nobody('no majority', candidates, voters)
  const kept = keptInterval(selecting, origin)
  const lone = voters.length === 1 && candidates.length > 1
  if (kept !== null && believed.length <= kept.backing && !overlap(kept, agreed)) {
    // A source supports the clock we keep, or all others have been silent until they lost their
    // vote.
    const stands = voters.some((voter) => !believed.includes(voter) && overlap(voter, kept))
    if (stands || lone) return nobody('no majority', candidates, voters)
  }
  const combined = combinable(believed, agreed)
  const followed = follow(combined, selecting.followed)
  if (followed === null) return nobody('silent', candidates, voters)
  const is = new Map<number, Mark>(voters.map(({ index }) => [index, 'x']))
  for (const { index, candidate } of believed) is.set(index, candidate.reach === 0 ? '?' : '-')
  for (const { index } of combined) is.set(index, '+')
  is.set(followed.index, '*')
  return {
    is: 'agreed',
    marks: candidates.map((candidate, index) => is.get(index) ?? markOf(candidate)),
    followed: followed.candidate.name,
    estimate: combine(combined, believed, agreed, mono),
    backing: believed.length,
  }
}

/** For candidates without a vote. */
const markOf = ({ estimate }: Candidate): Mark => (estimate === null ? '?' : '~')

function nobody(
  is: 'waiting' | 'silent' | 'no majority',
  candidates: readonly Candidate[],
  voters: readonly Voter[],
): Selection {
  const mark = is === 'no majority' ? 'x' : '?'
  const marks = candidates.map((candidate, index) =>
    voters.some((voter) => voter.index === index) ? mark : markOf(candidate),
  )
  return { is, marks, followed: null, estimate: null, backing: 0 }
}

function votersOf(
  candidates: readonly Candidate[],
  origin: Estimate,
  mono: MonoUs,
): readonly Voter[] {
  const voters: Voter[] = []
  for (const [index, candidate] of candidates.entries()) {
    const { estimate } = candidate
    if (estimate === null || estimate.informative) continue
    const { middle, bound } = placed(estimate, origin, mono)
    if (bound > VOTE_BOUND_MAX_US) continue
    const [low, high] = [middle - bound, middle + bound]
    voters.push({ index, candidate, estimate, middle, bound, low, high })
  }
  return voters
}

function placed(
  estimate: Estimate,
  origin: Estimate,
  mono: MonoUs,
): { readonly middle: number; readonly bound: number } {
  const age = mono - estimate.mono
  return {
    middle:
      estimate.utc - origin.utc - (estimate.mono - origin.mono) + age * estimate.frequency * 1e-6,
    bound: estimate.bound + Math.abs(age) * estimate.growth * 1e-6,
  }
}

/** From the first to the last point that more than half of the intervals contain; null when there
 * is none. */
function agreedInterval(voters: readonly Voter[]): Interval | null {
  const edges = voters.flatMap(({ low, high }) => [
    { at: low, opens: true },
    { at: high, opens: false },
  ])
  // Intervals contain their edges: where one ends and another begins both count.
  edges.sort((a, b) => a.at - b.at || Number(b.opens) - Number(a.opens))
  let open = 0
  let low: number | null = null
  let high = 0
  for (const { at, opens } of edges) {
    if (opens) open += 1
    if (2 * open > voters.length) {
      low ??= at
      high = at
    }
    if (!opens) open -= 1
  }
  return low === null ? null : { low, high }
}

const overlap = (a: Interval, b: Interval): boolean => a.low <= b.high && a.high >= b.low

/** The interval of the clock we keep; a clock that is no longer synchronised has no say. */
function keptInterval(
  { agreement, mono }: Selecting,
  origin: Estimate,
): (Interval & { readonly backing: number }) | null {
  if (agreement === null || agreement.estimate.informative) return null
  const { middle, bound } = placed(agreement.estimate, origin, mono)
  if (bound > VOTE_BOUND_MAX_US) return null
  return { low: middle - bound, high: middle + bound, backing: agreement.backing }
}

/** Sources that answer and are not much vaguer than the best of them; one whose best guess lies
 * outside the agreed interval counts only if there is no other. */
function combinable(believed: readonly Voter[], { low, high }: Interval): readonly Voter[] {
  const answering = believed.filter(({ candidate }) => candidate.reach !== 0)
  const inside = answering.filter(({ middle }) => middle >= low && middle <= high)
  const chosen = inside.length > 0 ? inside : answering
  const least = Math.min(...chosen.map(({ bound }) => bound))
  return chosen.filter(({ bound }) => bound <= COMBINE_RATIO * least)
}

function follow(combined: readonly Voter[], before: string | null): Voter | null {
  const same = combined.find(({ candidate }) => candidate.name === before)
  let best: Voter | null = null
  for (const voter of combined) if (best === null || voter.bound < best.bound) best = voter
  if (best === null || same === undefined) return best
  return best.bound < HOP_RATIO * same.bound ? best : same
}

/** Average of the combined, weighted by 1/bound, inside the agreed interval. Its bound is that
 * interval's; its growth that of the believed source whose interval widens most, seen from the
 * averaged frequency. */
function combine(
  combined: readonly Voter[],
  believed: readonly Voter[],
  { low, high }: Interval,
  mono: MonoUs,
): Estimate | null {
  const [first] = combined
  if (first === undefined) return null
  let [weights, middles, frequencies] = [0, 0, 0]
  for (const { bound, middle, estimate } of combined) {
    const weight = 1 / Math.max(bound, 1)
    weights += weight
    middles += weight * middle
    frequencies += weight * estimate.frequency
  }
  const middle = Math.min(high, Math.max(low, middles / weights))
  const frequency = frequencies / weights
  const growths = believed.map(
    ({ estimate }) => Math.abs(estimate.frequency - frequency) + estimate.growth,
  )
  const { estimate } = first
  const aged = (mono - estimate.mono) * (1 + estimate.frequency * 1e-6)
  return {
    mono,
    utc: unixUs(estimate.utc + aged + (middle - first.middle)),
    bound: spanUs(Math.max(high - middle, middle - low) + ROUNDING_US),
    frequency: ppm(frequency),
    growth: ppm(Math.max(...growths)),
    informative: false,
  }
}
