// How to read a clock that shows only whole seconds to tens of microseconds. One answer "it is
// second k" says little: the tick may be anywhere. But on which side of a tick an answer falls
// tells where the tick is, so each read is timed to put the predicted tick in the middle of what is
// still possible, and every answer halves that. A finer clock (10 ms, tens of microseconds) needs
// fewer halvings; a meter that speaks on its own schedule does not let us choose the instants.
//
// Sketch: a read becomes a bracket, an interval that contains (meter's clock - our monotonic clock)
// however the delay is split between the two directions. Brackets move with the frequency known so
// far and widen with its uncertainty; the window is the intersection of one burst's brackets. A
// burst begins at the prediction, if there is one, and asks on both sides of it: asking on one side
// only would hide that somebody set the clock. An answer that contradicts older brackets is held in
// doubt, and believed when a second one confirms it: then the meter was set, or drifts beyond all
// tolerance, and the search restarts from those two. A single one is a torn read: a meter whose
// date and time are two registers is a day off for an instant at midnight.
//
// Why an interval and not a mean: a mean of coarse answers needs thousands of them and has no
// bound. All functions are pure; units are microseconds. Read more: docs/clock.md.

import { type MonoUs, monoUs, type Ppm, ppm, type SpanUs, spanUs } from '../../units.ts'
import type { MeterClockRead } from './meter-clock-line.ts'

/** Brackets kept: 16 halvings take a second to 15 us, finer than a byte at 460,800 baud. */
export const BRACKETS_MAX = 16
/** A line may be this much faster or slower than its nominal rate: beyond 2 % at each end a UART
 * begins to misread. */
const BAUD_TOLERANCE = 0.02
/** Where the search for the true rate begins, ppm: what ordinary weather does to a meter's crystal
 * (IEC 62054-21 allows 0.5 s a day, 5.8 ppm, at 23 degrees). */
const LIKELY_PPM = 10
/** Rounding of instants near 1.8e15 us, and of a whole microsecond in each stamp. */
const ROUNDING_US = 2

/** The meter's rate against our monotonic clock: `frequency`, with an error of at most `growth`. */
export interface Rate {
  readonly frequency: Ppm
  readonly growth: Ppm
}

/** One read: at `mono` the meter's clock minus our monotonic clock lay in [least, most]. */
export interface Bracket {
  readonly mono: MonoUs
  readonly least: number
  readonly most: number
  readonly resolution: SpanUs
  /** Time from handing over the request to `mono`. */
  readonly lead: SpanUs
  /** Length of the interval in which the meter may have read its clock. */
  readonly vague: SpanUs
}

export interface Edges {
  /** Oldest first, including those of earlier bursts. */
  readonly brackets: readonly Bracket[]
  /** How many of the last ones belong to this burst. */
  readonly fresh: number
  /** A read that contradicts the brackets and waits for a second one. */
  readonly doubt: Bracket | null
}

/** The meter's clock minus ours lies between these. */
export interface Window {
  readonly least: number
  readonly most: number
}

export const NO_EDGES: Edges = { brackets: [], fresh: 0, doubt: null }

/** The bracket of a read; null when its stamps are impossible (CLK-02): an answer before its
 * question, or sooner than the bytes can travel. `growth` bounds the meter's rate against ours,
 * ppm. */
export function bracketOf(read: MeterClockRead, growth: Ppm): Bracket | null {
  const { t1, t4, utc, resolution, onLine } = read
  const sound = Number.isSafeInteger(utc) && resolution > 0 && Number.isFinite(t4 - t1)
  const slack = BAUD_TOLERANCE * Math.max(onLine.request, onLine.answer) + ROUNDING_US
  const first = t1 + onLine.request
  const last = t4 - onLine.answer
  const vague = last - first + 2 * slack
  if (!sound || t4 < t1 || !(onLine.request >= 0) || !(onLine.answer >= 0) || !(vague >= 0))
    return null
  const mono = first + (last - first) / 2
  const reach = (vague / 2) * (1 + growth * 1e-6)
  return {
    mono: monoUs(mono),
    least: utc - mono - reach,
    most: utc + resolution - mono + reach,
    resolution,
    lead: spanUs(mono - t1),
    vague: spanUs(vague),
  }
}

/** Where all these brackets agree at `mono`; null when they do not. */
export function windowAt(brackets: readonly Bracket[], mono: MonoUs, rate: Rate): Window | null {
  let least = Number.NEGATIVE_INFINITY
  let most = Number.POSITIVE_INFINITY
  for (const bracket of brackets) {
    const moved = (mono - bracket.mono) * rate.frequency * 1e-6
    const grown = Math.abs(mono - bracket.mono) * rate.growth * 1e-6
    least = Math.max(least, bracket.least + moved - grown)
    most = Math.min(most, bracket.most + moved + grown)
  }
  return least <= most ? { least, most } : null
}

/** The window under the smallest growth that lets the brackets agree: where the tick probably is.
 * The window under the full growth is where it certainly is. */
export function likelyWindow(
  brackets: readonly Bracket[],
  mono: MonoUs,
  rate: Rate,
): Window | null {
  for (let growth = LIKELY_PPM; growth < rate.growth; growth *= 2) {
    const window = windowAt(brackets, mono, { frequency: rate.frequency, growth: ppm(growth) })
    if (window !== null) return window
  }
  return windowAt(brackets, mono, rate)
}

/** Takes one bracket, in the order of time. `restarted`: two reads in a row contradict all before
 * and confirm each other. */
export function withBracket(
  { brackets, fresh, doubt }: Edges,
  bracket: Bracket,
  rate: Rate,
): { readonly edges: Edges; readonly restarted: boolean } {
  const agreed = [...brackets, bracket].slice(-BRACKETS_MAX)
  if (windowAt(agreed, bracket.mono, rate) !== null) {
    const edges = { brackets: agreed, fresh: Math.min(fresh + 1, BRACKETS_MAX), doubt: null }
    return { edges, restarted: false }
  }
  const anew = doubt === null ? [] : [doubt, bracket]
  if (anew.length > 0 && windowAt(anew, bracket.mono, rate) !== null) {
    return { edges: { brackets: anew, fresh: anew.length, doubt: null }, restarted: true }
  }
  return { edges: { brackets, fresh, doubt: bracket }, restarted: false }
}

/** The brackets of this burst. */
export const freshBrackets = ({ brackets, fresh }: Edges): readonly Bracket[] =>
  brackets.slice(brackets.length - fresh)

/** The read that knows best when the meter read its clock; null: there is none. */
export const clearest = ({ brackets }: Edges): Bracket | null =>
  brackets.reduce<Bracket | null>((a, b) => (a === null || b.vague <= a.vague ? b : a), null)

/** When to hand over the next request so that it tells most, not before `mono`. `predicted`: the
 * meter's clock minus ours at an instant, by earlier bursts; null when they say nothing. `ahead`:
 * how far the meter's ticks are ahead of the brackets, where the caller moved them. */
export function nextRead(
  edges: Edges,
  mono: MonoUs,
  rate: Rate,
  predicted: number | null,
  ahead: number,
): MonoUs {
  const best = clearest(edges)
  const fresh = freshBrackets(edges)
  const window = likelyWindow(fresh, mono, rate)
  if (best === null || window === null) return mono
  const vaguest = Math.max(0, ...fresh.map(({ vague }) => vague))
  const aim = aimOf(window, predicted, vaguest)
  if (!Number.isFinite(aim)) return mono
  // What the clock we ask would show; wait until that is a whole tick.
  const shows = mono + best.lead + aim + ahead
  const wait = Math.ceil(shows / best.resolution) * best.resolution - shows
  // Numbers of this size are rounded by a microsecond.
  return monoUs(mono + Math.max(0, wait))
}

/** Where in the window to expect the tick. Without a prediction: in its middle. With one: first
 * there, then just beyond it on the side not yet asked about, four times further each time it
 * proves wrong, never past the middle. */
function aimOf({ least, most }: Window, predicted: number | null, vaguest: number): number {
  const middle = least + (most - least) / 2
  if (predicted === null) return middle
  if (!Number.isFinite(middle)) return predicted
  const reach = 2 * vaguest + 4 * Math.max(0, least - predicted, predicted - most)
  const above = Math.max(predicted, least) + reach
  const below = Math.min(predicted, most) - reach
  if (above < middle) return above
  return below > middle ? below : middle
}

interface Overheard {
  /** When the telegram's first byte, or as much as `answer` counts, had arrived. */
  readonly heard: MonoUs
  readonly utc: MeterClockRead['utc']
  readonly resolution: SpanUs
  readonly answer: SpanUs
  /** How old the time in a telegram may be when its first byte leaves. */
  readonly stale: SpanUs
  readonly status: number | null
}

/** A telegram of a meter that speaks on its own, such as DSMR's every second: a read whose question
 * was asked at an unknown time. Its schedule chooses the instants, so the window stays about as
 * wide as the spread of the telegrams' ages. */
export const overheard = (telegram: Overheard): MeterClockRead => ({
  t1: monoUs(telegram.heard - telegram.answer - telegram.stale),
  t4: telegram.heard,
  utc: telegram.utc,
  resolution: telegram.resolution,
  onLine: { request: spanUs(0), answer: telegram.answer },
  status: telegram.status,
})
