// The meters of a period: each for its own time at the place, by the registers that make the bill,
// added up. Together they cover the period without a gap, or there is no bill.

import type { FaultCode } from '../../../../shared/faults.ts'
import { ACTIVE_IMPORT_TOTAL, obisOf, parseObis } from '../../../../shared/meter/obis.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import { instantText } from '../../civil/calendar.ts'
import { type Decimal, plus, ZERO } from '../../civil/money.ts'
import { consumptionOf } from '../../readings/core/consumption.ts'
import { boundaryOf, ESTIMATE_AFTER_MS, type Missing } from './boundaries.ts'
import { offsetText } from './bill-words.ts'
import type { Boundary, BilledMeter, Edge, Stretch } from './facts.ts'
import { meterTimeAt } from './meter-time.ts'

/** Energy imported under tariff 1 to 4: what a meter without a total shows. */
const TARIFF_REGISTERS: readonly string[] = [1, 2, 3, 4].map((tariff) =>
  obisOf([1, 0, 1, 8, tariff, 255]),
)
/** Every register that may make a bill where an operator named none. */
export const USUAL_REGISTERS: readonly string[] = [ACTIVE_IMPORT_TOTAL, ...TARIFF_REGISTERS]

export interface BilledRegisterDraft {
  readonly register: string
  readonly opening: Boundary
  readonly closing: Boundary
  /** kWh, the transformer ratio included. */
  readonly energy: Decimal
  readonly rolledOver: boolean
}

export interface Segment {
  readonly meter: BilledMeter
  readonly from: UnixMs
  readonly to: UnixMs
  readonly registers: readonly BilledRegisterDraft[]
  readonly energy: Decimal
}

export interface Refusal {
  readonly ok: false
  readonly fault: FaultCode
  readonly detail: string
  /** `waiting`: may come by itself. `blocked`: until somebody mends it. */
  readonly kind: 'waiting' | 'blocked'
}

export type Segments = { readonly ok: true; readonly segments: readonly Segment[] } | Refusal

export const refusal = (
  fault: FaultCode,
  detail: string,
  kind: Refusal['kind'] = 'blocked',
): Refusal => ({ ok: false, fault, detail, kind })

export interface SegmentRule {
  readonly from: UnixMs
  readonly to: UnixMs
  readonly zone: string
  readonly now: UnixMs
  readonly missing: 'wait' | 'estimate'
}

/** BIL-23 when for a part of the period there was no meter, BIL-24 when one does not measure
 * electricity, BIL-14 while nobody has adopted it; BIL-04 without a reading at an edge, BIL-21 when
 * there is one under a clock beyond its limit, BIL-29 while that clock is about to be compared;
 * BIL-25 when a meter shows less than was estimated, BIL-01 when it went backwards. */
export function segmentsOf(stretches: readonly Stretch[], rule: SegmentRule): Segments {
  const gap = gapOf(stretches, rule)
  if (gap !== null) {
    const [from, to] = [instantText(gap.from, rule.zone), instantText(gap.to, rule.zone)]
    return refusal('BIL-23', `no meter from ${from} to ${to}`)
  }
  const other = stretches.find(({ meter }) => meter.medium !== 'electricity')
  if (other !== undefined) return refusal('BIL-24', `${other.meter.number}: ${other.meter.medium}`)
  const unadopted = stretches.find(({ meter }) => !meter.adopted)
  if (unadopted !== undefined) return refusal('BIL-14', unadopted.meter.number)
  const segments: Segment[] = []
  for (const stretch of stretches) {
    const verdict = segmentOf(stretch, rule)
    if (!verdict.ok) return verdict
    segments.push(verdict.segment)
  }
  return { ok: true, segments }
}

/** The first part of the period for which no meter was there. */
function gapOf(
  stretches: readonly Stretch[],
  { from, to }: Pick<SegmentRule, 'from' | 'to'>,
): { readonly from: UnixMs; readonly to: UnixMs } | null {
  let covered = from
  for (const stretch of [...stretches].sort((a, b) => a.from - b.from)) {
    if (stretch.from > covered) return { from: covered, to: stretch.from }
    if (stretch.to > covered) covered = stretch.to
  }
  return covered < to ? { from: covered, to } : null
}

type Ends = readonly { readonly opening: Boundary; readonly closing: Boundary }[]
type SegmentVerdict = { readonly ok: true; readonly segment: Segment } | Refusal

function segmentOf(stretch: Stretch, rule: SegmentRule): SegmentVerdict {
  const { meter } = stretch
  const sets = registerSets(stretch)
  const tried = sets.map((set) => endsOf(set, stretch, rule))
  const measured = tried.find((ends) => ends.ok && !ends.ends.some(isEstimated))
  const best = measured ?? tried.find((ends) => ends.ok) ?? tried[0]
  if (best === undefined) return nothingYet(stretch, rule)
  if (!best.ok) return missing(stretch, best, rule)
  const hasty = stretch.clockAwaited === true ? best.ends.find(isUncompared) : undefined
  if (hasty !== undefined) return refusal('BIL-29', meter.number, 'waiting')
  const registers: BilledRegisterDraft[] = []
  for (const { opening, closing } of best.ends) {
    const consumption = consumptionOf(meter, { opening, closing })
    if (!consumption.ok) return backwards(meter, { opening, closing })
    const { energy, rolledOver } = consumption
    registers.push({ register: opening.register, opening, closing, energy, rolledOver })
  }
  const energy = registers.reduce((sum, register) => plus(sum, register.energy), ZERO)
  const { from, to } = stretch
  return { ok: true, segment: { meter, from, to, registers, energy } }
}

/** A load profile bounds it whose clock nobody has compared. */
const isUncompared = ({ opening, closing }: Ends[number]): boolean =>
  opening.clock.of === 'never compared' || closing.clock.of === 'never compared'

const isEstimated = ({ opening, closing }: Ends[number]): boolean =>
  opening.way === 'estimated' || closing.way === 'estimated'

/** Which registers may make the bill, the better set first: those an operator named; or the total,
 * and then the sum over all tariffs that the meter shows. A bill that ends or begins at an edge of
 * this one decides it, because the next goes on from its registers. */
function registerSets({ meter, opening, closing }: Stretch): readonly (readonly string[])[] {
  if (meter.billedBy !== null) return [meter.billedBy.map((code) => parseObis(code) ?? code)]
  const fixed = [...opening.fixed, ...closing.fixed].map(({ register }) => register)
  const shown = (code: string): boolean => meter.shows.includes(code) || fixed.includes(code)
  const total = [ACTIVE_IMPORT_TOTAL].filter(shown)
  const tariffs = TARIFF_REGISTERS.filter(shown)
  const sets = fixed.some((code) => tariffs.includes(code)) ? [tariffs, total] : [total, tariffs]
  return sets.filter((set) => set.length > 0)
}

type EndsVerdict = { readonly ok: true; readonly ends: Ends } | (Missing & { readonly edge: Edge })

function endsOf(set: readonly string[], stretch: Stretch, rule: SegmentRule): EndsVerdict {
  const ends: { readonly opening: Boundary; readonly closing: Boundary }[] = []
  const { digits } = stretch.meter
  const boundaryRule = { now: rule.now, missing: rule.missing, digits }
  const { averages } = stretch
  for (const register of set) {
    const opening = boundaryOf(register, stretch.opening, boundaryRule, { since: null, averages })
    if (!opening.ok) return { ...opening, edge: stretch.opening }
    const known = { since: opening.boundary, averages }
    const closing = boundaryOf(register, stretch.closing, boundaryRule, known)
    if (!closing.ok) return { ...closing, edge: stretch.closing }
    ends.push({ opening: opening.boundary, closing: closing.boundary })
  }
  return { ok: true, ends }
}

/** Words for an edge: what the meter is waited for, and since when. */
function placeOf(meter: BilledMeter, edge: Edge, zone: string): string {
  const kind = {
    period: 'at',
    installed: 'when it was installed,',
    removed: 'when it was removed,',
  }
  return `${meter.number} ${kind[edge.kind]} ${instantText(edge.at, zone)}`
}

function missing(
  { meter }: Stretch,
  { why, detail, edge }: Missing & { readonly edge: Edge },
  { zone, now, missing: agreed }: SegmentRule,
): Refusal {
  const place = placeOf(meter, edge, zone)
  if (why === 'backwards') return refusal('BIL-01', `${meter.number}: ${detail}`)
  if (why === 'clock') {
    const time = meterTimeAt(edge.clock, edge.at)
    const off = time.is === 'unknown' ? '' : `, ${offsetText(time.by.offsetMs)}`
    return refusal('BIL-21', `${place}${off}`)
  }
  // Where a meter came or went nothing more comes by itself: somebody has to say what it showed.
  const kind = edge.kind === 'period' ? 'waiting' : 'blocked'
  const register = detail === ACTIVE_IMPORT_TOTAL ? '' : `, register ${detail}`
  const nothing = agreed === 'estimate' && now - edge.at >= ESTIMATE_AFTER_MS
  const why2 = nothing ? ': nothing to estimate from' : ''
  return refusal('BIL-04', `${place}${register}${why2}`, kind)
}

const nothingYet = ({ meter, opening }: Stretch, { zone }: SegmentRule): Refusal =>
  refusal('BIL-04', `${placeOf(meter, opening, zone)}: it never showed imported energy`, 'waiting')

function backwards(meter: BilledMeter, ends: Ends[number]): Refusal {
  const { opening, closing } = ends
  const fault = isEstimated(ends) ? 'BIL-25' : 'BIL-01'
  const bill = opening.bill === null ? '' : ` (bill ${opening.bill})`
  return refusal(fault, `${meter.number}: ${opening.value}${bill} to ${closing.value}`)
}
