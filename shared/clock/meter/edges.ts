// How a clock that only tells whole seconds is read to tens of microseconds. One answer "it is
// second k" says little: the tick may be anywhere. But which side of a tick an answer falls on says
// where the tick is, so each read is put where the predicted tick lies in the middle of what is
// still possible, and every answer halves that. A finer clock (10 ms, tens of microseconds) is the
// same with fewer halvings, and a meter that speaks on its own schedule is the same without a
// choice of instants.
//
// Sketch: a read becomes a mark: an interval that holds (meter's clock - our monotonic clock),
// honest against any split of the delay. Marks move along with the frequency known so far and widen
// with what is not known of it; the window is the intersection of one burst's marks. A burst begins
// at the prediction, if there is one, and asks on both sides of it: a prediction that only its own
// side was asked about would hide a clock that somebody set.
// An answer that contradicts older marks is put in doubt, and believed when a second one bears it
// out: the meter was set then, or drifts beyond all tolerance, and the search begins anew from
// those two. One alone is a torn read: a meter whose date and time are two registers is a day off
// for an instant at midnight.
//
// Why an interval and not a mean: a mean of coarse answers needs thousands of them, and has no
// bound. All functions are pure; units are microseconds. Read more: docs/clock.md.

import { type MonoUs, monoUs, type Ppm, ppm, type SpanUs, spanUs } from '../../units.ts'
import type { MeterClockRead } from './meter-clock-line.ts'

/** Marks kept: 16 halvings take a second to 15 us, finer than a byte at 460,800 baud. */
export const MARKS_MAX = 16
/** Bytes may be this much faster or slower than the line's rate says: beyond 2 % at each end a
 * UART begins to misread. */
const BAUD_TOLERANCE = 0.02
/** Where the search for the true rate begins, ppm: what a meter's crystal does to its clock in
 * ordinary weather (IEC 62054-21 allows 0.5 s a day, 5.8 ppm, at 23 degrees). */
const LIKELY_PPM = 10
/** Rounding of instants near 1.8e15 us, and of a whole microsecond in each stamp. */
const ROUNDING_US = 2

/** What is known of the meter's rate against our monotonic clock: `frequency`, and that it is not
 * further from the truth than `growth`. */
export interface Rate {
  readonly frequency: Ppm
  readonly growth: Ppm
}

/** One read: at `mono` the meter's clock minus our monotonic clock lay in [least, most]. */
export interface Mark {
  readonly mono: MonoUs
  readonly least: number
  readonly most: number
  readonly resolution: SpanUs
  /** From handing over the request to `mono`. */
  readonly lead: SpanUs
  /** Length of the time in which the meter may have looked at its clock. */
  readonly vague: SpanUs
}

export interface Edges {
  /** Oldest first, also of bursts before. */
  readonly marks: readonly Mark[]
  /** How many of them, the last ones, are of this burst. */
  readonly fresh: number
  /** A read that contradicts the marks and waits for a second one. */
  readonly doubt: Mark | null
}

/** Between which the meter's clock minus ours lies. */
export interface Window {
  readonly least: number
  readonly most: number
}

export const NO_EDGES: Edges = { marks: [], fresh: 0, doubt: null }

/** What a read says; null when its stamps are impossible (CLK-02): an answer before its question,
 * or sooner than the bytes can travel. `growth` bounds the meter's rate against ours, ppm. */
export function markOf(read: MeterClockRead, growth: Ppm): Mark | null {
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

/** Where all these marks agree at `mono`; null when they do not. */
export function windowAt(marks: readonly Mark[], mono: MonoUs, rate: Rate): Window | null {
  let least = Number.NEGATIVE_INFINITY
  let most = Number.POSITIVE_INFINITY
  for (const mark of marks) {
    const moved = (mono - mark.mono) * rate.frequency * 1e-6
    const grown = Math.abs(mono - mark.mono) * rate.growth * 1e-6
    least = Math.max(least, mark.least + moved - grown)
    most = Math.min(most, mark.most + moved + grown)
  }
  return least <= most ? { least, most } : null
}

/** The window under the smallest growth that lets the marks agree: where the tick probably is. The
 * window under the full growth is where it certainly is. */
export function likelyWindow(marks: readonly Mark[], mono: MonoUs, rate: Rate): Window | null {
  for (let growth = LIKELY_PPM; growth < rate.growth; growth *= 2) {
    const window = windowAt(marks, mono, { frequency: rate.frequency, growth: ppm(growth) })
    if (window !== null) return window
  }
  return windowAt(marks, mono, rate)
}

/** Takes one mark, in the order of time. `restarted`: two reads in a row contradict all before
 * and bear each other out. */
export function withMark(
  { marks, fresh, doubt }: Edges,
  mark: Mark,
  rate: Rate,
): { readonly edges: Edges; readonly restarted: boolean } {
  const agreed = [...marks, mark].slice(-MARKS_MAX)
  if (windowAt(agreed, mark.mono, rate) !== null) {
    const edges = { marks: agreed, fresh: Math.min(fresh + 1, MARKS_MAX), doubt: null }
    return { edges, restarted: false }
  }
  const anew = doubt === null ? [] : [doubt, mark]
  if (anew.length > 0 && windowAt(anew, mark.mono, rate) !== null) {
    return { edges: { marks: anew, fresh: anew.length, doubt: null }, restarted: true }
  }
  return { edges: { marks, fresh, doubt: mark }, restarted: false }
}

/** The marks of this burst. */
export const freshMarks = ({ marks, fresh }: Edges): readonly Mark[] =>
  marks.slice(marks.length - fresh)

/** The read that knew best when the meter looked at its clock; null without any. */
export const clearest = ({ marks }: Edges): Mark | null =>
  marks.reduce<Mark | null>((a, b) => (a === null || b.vague <= a.vague ? b : a), null)

/** When to hand over the next request so that it tells most, not before `mono`. `predicted`: what
 * bursts before say of the meter's clock minus ours at an instant; null when they say nothing.
 * `ahead`: how far the meter's ticks are ahead of the marks, where the caller moved them. */
export function nextRead(
  edges: Edges,
  mono: MonoUs,
  rate: Rate,
  predicted: number | null,
  ahead: number,
): MonoUs {
  const best = clearest(edges)
  const fresh = freshMarks(edges)
  const window = likelyWindow(fresh, mono, rate)
  if (best === null || window === null) return mono
  const vaguest = Math.max(0, ...fresh.map(({ vague }) => vague))
  const aim = aimOf(window, predicted, vaguest)
  if (!Number.isFinite(aim)) return mono
  // The clock we ask will show this; wait until that is a whole tick.
  const shows = mono + best.lead + aim + ahead
  const wait = Math.ceil(shows / best.resolution) * best.resolution - shows
  // Numbers of this size are rounded by a microsecond.
  return monoUs(mono + Math.max(0, wait))
}

/** Where in the window to expect the tick. Without a prediction: in its middle. With one: there at
 * first, then just beyond it on the side that was not asked about, further by fours while it proves
 * wrong, never past the middle. */
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
  /** When the telegram's first byte, or as much as `answer` counts, had come. */
  readonly heard: MonoUs
  readonly utc: MeterClockRead['utc']
  readonly resolution: SpanUs
  readonly answer: SpanUs
  /** How old the time in a telegram may be when its first byte leaves. */
  readonly stale: SpanUs
  readonly status: number | null
}

/** A telegram of a meter that speaks on its own, such as DSMR's each second: a read whose question
 * was asked no one knows when. Its schedule chooses the instants, so the window stays about as wide
 * as the telegrams' ages differ. */
export const overheard = (telegram: Overheard): MeterClockRead => ({
  t1: monoUs(telegram.heard - telegram.answer - telegram.stale),
  t4: telegram.heard,
  utc: telegram.utc,
  resolution: telegram.resolution,
  onLine: { request: spanUs(0), answer: telegram.answer },
  status: telegram.status,
})
