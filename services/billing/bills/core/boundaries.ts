// What a register showed at an instant at which perhaps nobody read it: at the instant, the nearest
// reading beside it, between its neighbours, or an estimate that says so. Whole numbers in the
// register's own resolution throughout: what one bill ends with, the next begins with, and no
// watt-hour is billed twice or lost. docs/billing.md, "Readings at the edges of a period".

import { betweenMs, type UnixMs } from '../../../../shared/units.ts'
import { divideRounded, tenTo } from '../../civil/money.ts'
import type { RegisterReading } from '../../readings/core/consumption.ts'
import { rolloverIncrease } from '../../readings/core/rollover.ts'
import type { EstimateBy } from './bill-content.ts'
import type { Average, Boundary, BoundaryClock, Edge, Sample } from './facts.ts'
import { type MeterTime, meterTimeAt } from './meter-time.ts'

/** A reading this close to the edge counts as the reading at the edge, milliseconds: no meter that
 * speaks by itself, and no load profile, is finer than a minute for sure. */
export const NEAREST_MS = 60_000
/** Neighbours this close are interpolated between, milliseconds: a day's use is spread evenly
 * within one day, and beyond that nobody can say so. */
export const INTERPOLATE_MS = 24 * 3_600_000
/** The reading that was made when a meter came or went counts there within this, milliseconds: it
 * is written down before or after the work. */
export const INSTALLATION_MS = 24 * 3_600_000
/** After the edge a better reading may still come for so long: before a value is interpolated, and
 * before it is estimated, milliseconds. A slave forwards within minutes; a site without a network
 * over a weekend needs three days. */
export const INTERPOLATE_AFTER_MS = 24 * 3_600_000
export const ESTIMATE_AFTER_MS = 3 * 24 * 3_600_000
/** Readings that say what is usual lie at least this far apart, milliseconds: half a day is a night
 * or an evening. */
const USUAL_MS = 24 * 3_600_000

export interface BoundaryRule {
  readonly now: UnixMs
  readonly missing: 'wait' | 'estimate'
  readonly digits: number | null
}

/** Why there is no value yet. `clock`: there is one, under a clock beyond its limit. */
export interface Missing {
  readonly ok: false
  readonly why: 'missing' | 'clock' | 'backwards'
  readonly detail: string
}
export type Found = { readonly ok: true; readonly boundary: Boundary } | Missing

/** The value of one register at an edge. `since`: the value the period began with, for the closing
 * edge, and the usual consumption, for an estimate. */
export function boundaryOf(
  register: string,
  edge: Edge,
  rule: BoundaryRule,
  known: { readonly since: Boundary | null; readonly averages: readonly Average[] },
): Found {
  const fixed = edge.fixed.find((boundary) => boundary.register === register)
  if (fixed !== undefined) return { ok: true, boundary: fixed }
  const time = meterTimeAt(edge.clock, edge.at)
  const all = edge.samples.filter((sample) => sample.register === register)
  const right = time.is === 'beyond' ? all.filter(({ by }) => by !== 'profile') : all
  const set: Samples = { edge, rule, time, samples: right }
  const measured = atInstant(set) ?? atInstallation(set) ?? nearest(set) ?? between(set)
  if (measured !== null) return measured
  const estimated =
    rule.missing === 'estimate' && rule.now - edge.at >= ESTIMATE_AFTER_MS
      ? estimate({ ...set, samples: all }, known)
      : null
  if (estimated !== null) return { ok: true, boundary: { ...estimated, register } }
  const wrong = time.is === 'beyond' && rule.missing === 'wait' && right.length < all.length
  return { ok: false, why: wrong ? 'clock' : 'missing', detail: register }
}

interface Samples {
  readonly edge: Edge
  readonly rule: BoundaryRule
  readonly time: MeterTime
  readonly samples: readonly Sample[]
}

const found = (set: Samples, way: 'exact' | 'nearest', sample: Sample): Found => ({
  ok: true,
  boundary: {
    register: sample.register,
    at: set.edge.at,
    value: sample.value,
    exponent: sample.exponent,
    way,
    estimate: null,
    basis: [sample],
    clock: clockOf([sample], set.time),
    bill: null,
  },
})

const NO_TIME = { offsetMs: null, boundMs: null, comparedAt: null }

/** The worst of the clocks by which the readings were timed. */
function clockOf(basis: readonly Sample[], time: MeterTime): BoundaryClock {
  if (basis.some(({ by }) => by === 'profile')) {
    if (time.is === 'unknown') return { of: 'never compared', ...NO_TIME }
    const { offsetMs, boundMs, at: comparedAt } = time.by
    return { of: 'meter', offsetMs, boundMs, comparedAt }
  }
  const live = basis.filter(({ by }) => by === 'slave')
  if (live.length === 0) return { of: 'person', ...NO_TIME }
  return { of: 'slave', ...NO_TIME, boundMs: Math.max(...live.map((s) => s.boundMs ?? 0)) }
}

function atInstant(set: Samples): Found | null {
  const { edge, samples } = set
  // What a meter said comes first in `samples`, then what people wrote down.
  const sample = samples.find(({ at }) => at === edge.at)
  return sample === undefined ? null : found(set, 'exact', sample)
}

/** The reading made when the meter came or went. */
function atInstallation(set: Samples): Found | null {
  const { edge, samples } = set
  const kind = edge.kind === 'installed' ? 'opening' : 'closing'
  if (edge.kind === 'period') return null
  const made = closest(
    samples.filter(({ by }) => by === kind),
    edge.at,
  )
  if (made === null || distance(made, edge.at) > INSTALLATION_MS) return null
  return found(set, 'nearest', made)
}

/** Both sides are known as soon as there is a reading after the edge; of a meter that went, none
 * comes. */
function nearest(set: Samples): Found | null {
  const { edge, rule, samples } = set
  const late = rule.now - edge.at >= INTERPOLATE_AFTER_MS
  if (edge.kind !== 'removed' && !late && !samples.some(({ at }) => at > edge.at)) return null
  const sample = closest(samples, edge.at)
  if (sample === null || distance(sample, edge.at) > NEAREST_MS) return null
  return found(set, 'nearest', sample)
}

const distance = ({ at }: Sample, edge: UnixMs): number => Math.abs(betweenMs(at, edge))

const closest = (samples: readonly Sample[], edge: UnixMs): Sample | null =>
  samples.reduce<Sample | null>(
    (best, sample) =>
      best === null || distance(sample, edge) < distance(best, edge) ? sample : best,
    null,
  )

interface Neighbours {
  readonly before: Sample | null
  readonly after: Sample | null
}

const neighbours = (samples: readonly Sample[], edge: UnixMs): Neighbours => ({
  before: closest(
    samples.filter(({ at }) => at < edge),
    edge,
  ),
  after: closest(
    samples.filter(({ at }) => at > edge),
    edge,
  ),
})

function between(set: Samples): Found | null {
  const { edge, rule, samples } = set
  const { before, after } = neighbours(samples, edge.at)
  if (before === null || after === null) return null
  if (after.at - before.at > INTERPOLATE_MS) return null
  if (rule.now - edge.at < INTERPOLATE_AFTER_MS) return null
  const value = interpolated(before, after, edge.at, rule.digits)
  if (value === null) {
    const detail = `${before.register}: ${before.value} to ${after.value} around the edge`
    return { ok: false, why: 'backwards', detail }
  }
  const basis = [before, after]
  const { register } = before
  const clock = clockOf(basis, set.time)
  const way = 'interpolated' as const
  const at = edge.at
  return {
    ok: true,
    boundary: { register, at, ...value, way, estimate: null, basis, clock, bill: null },
  }
}

/** The register on a straight line between two readings, at the finer of their resolutions; half a
 * step rounds up. Null when it went backwards. */
export function interpolated(
  before: Pick<Sample, 'value' | 'exponent' | 'at'>,
  after: Pick<Sample, 'value' | 'exponent' | 'at'>,
  at: UnixMs,
  digits: number | null,
): RegisterReading | null {
  const exponent = Math.min(before.exponent, after.exponent)
  const from = atExponent(before, exponent)
  const to = atExponent(after, exponent)
  const increase = to >= from ? to - from : turned(before, after, digits)
  if (increase === null) return null
  const part = divideRounded(
    increase * BigInt(at - before.at),
    BigInt(after.at - before.at),
    'half-away',
  )
  return register(from + part, exponent, to >= from ? null : digits)
}

const atExponent = ({ value, exponent }: RegisterReading, to: number): bigint =>
  BigInt(value) * tenTo(exponent - to)

const turned = (
  before: RegisterReading,
  after: RegisterReading,
  digits: number | null,
): bigint | null =>
  before.exponent === after.exponent
    ? rolloverIncrease(digits, { from: before.value, to: after.value })
    : null

/** What the register shows; null when no register shows so much. */
function register(value: bigint, exponent: number, digits: number | null): RegisterReading | null {
  const shown = digits === null ? value : value % tenTo(digits)
  return shown > BigInt(Number.MAX_SAFE_INTEGER) ? null : { value: Number(shown), exponent }
}

interface Usual {
  readonly since: Boundary | null
  readonly averages: readonly Average[]
}

function estimate(set: Samples, known: Usual): Omit<Boundary, 'register'> | null {
  const { edge, rule, samples } = set
  const made = (
    by: EstimateBy,
    value: RegisterReading | null,
    basis: readonly Sample[],
  ): Omit<Boundary, 'register'> | null => {
    if (value === null) return null
    const clock =
      by === 'wrong clock' ? clockOf(basis, set.time) : { of: 'none' as const, ...NO_TIME }
    const way = 'estimated' as const
    return { at: edge.at, ...value, way, estimate: by, basis, clock, bill: null }
  }
  const wrong = samples.find(({ at, by }) => at === edge.at && by === 'profile')
  if (wrong !== undefined) {
    const { value, exponent } = wrong
    return made('wrong clock', { value, exponent }, [wrong])
  }
  const { before, after } = neighbours(samples, edge.at)
  if (before !== null && after !== null) {
    return made('around', interpolated(before, after, edge.at, rule.digits), [before, after])
  }
  // What was billed already is where the register goes on from, estimated or not.
  const { since } = known
  if (since !== null && (before === null || since.at >= before.at)) {
    return made('average', onwards(since, edge.at, known, rule.digits), [])
  }
  return before && made('average', onwards(before, edge.at, known, rule.digits), [before])
}

/** The register so long after a reading, at the usual pace. */
function onwards(
  from: Sample | Boundary,
  at: UnixMs,
  { since, averages }: Usual,
  digits: number | null,
): RegisterReading | null {
  const usual = averages.find((average) => average.register === from.register)
  const pace = usual ?? paceOf(since, from)
  if (pace === null) return null
  const { exponent } = from
  // The average may have been measured in another resolution.
  const up = tenTo(Math.max(0, pace.exponent - exponent))
  const down = tenTo(Math.max(0, exponent - pace.exponent))
  const span = BigInt(at - from.at)
  const part = divideRounded(pace.increase * up * span, BigInt(pace.ms) * down, 'half-away')
  return register(BigInt(from.value) + part, exponent, digits)
}

/** How fast the register went since the period began: when no earlier month was measured. */
function paceOf(
  since: Boundary | null,
  before: Sample | Boundary,
): Pick<Average, 'increase' | 'exponent' | 'ms'> | null {
  if (since === null || before.at - since.at < USUAL_MS) return null
  const exponent = Math.min(since.exponent, before.exponent)
  const increase = atExponent(before, exponent) - atExponent(since, exponent)
  return increase < 0n ? null : { increase, exponent, ms: before.at - since.at }
}
