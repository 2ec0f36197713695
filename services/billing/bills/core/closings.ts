// What an issued bill counted from and to: the bills before and after it go on from there.

import { unixMs, type UnixMs } from '../../../../shared/units.ts'
import { parseUtc } from '../../civil/calendar.ts'
import { tenTo } from '../../civil/money.ts'
import type {
  BillContent,
  BilledReading,
  BilledSample,
  BilledSegment,
  EstimateBy,
} from './bill-content.ts'
import type { Average, Boundary, Sample } from './facts.ts'

/** Months that make an average. */
export const AVERAGE_MONTHS_MAX = 3

/** What a bill counted from (its period's first instant) or to, by meter. */
export function endsOf(
  content: BillContent,
  which: 'opening' | 'closing',
): Map<string, Boundary[]> {
  const ends = new Map<string, Boundary[]>()
  const edgeOf = ({ from, to }: BilledSegment): UnixMs => instantOf(which === 'opening' ? from : to)
  const edges = content.segments.map(edgeOf)
  const edge = which === 'opening' ? Math.min(...edges) : Math.max(...edges)
  for (const segment of content.segments) {
    if (edgeOf(segment) !== edge) continue
    const { number } = segment.meter
    const boundaries = segment.registers.map((register) =>
      boundaryOf(register.register, register[which], content.number),
    )
    ends.set(number, [...(ends.get(number) ?? []), ...boundaries])
  }
  return ends
}

const instantOf = (text: string): UnixMs => parseUtc(text) ?? unixMs(0)
const numberOrNull = (text: string): number | null => (text === '' ? null : Number(text))

const boundaryOf = (register: string, reading: BilledReading, bill: string): Boundary => ({
  register,
  at: instantOf(reading.at),
  value: Number(reading.value),
  exponent: Number(reading.exponent),
  way: reading.way,
  estimate: estimateOf(reading.estimate),
  basis: reading.basis.map((sample) => sampleOf(register, sample)),
  clock: {
    of: reading.clock.of,
    offsetMs: numberOrNull(reading.clock.offsetMs),
    boundMs: numberOrNull(reading.clock.boundMs),
    comparedAt: parseUtc(reading.clock.comparedAt),
  },
  bill,
})

const estimateOf = (text: EstimateBy | ''): EstimateBy | null => (text === '' ? null : text)

const sampleOf = (register: string, { at, value, exponent, by }: BilledSample): Sample => ({
  register,
  at: instantOf(at),
  value: Number(value),
  exponent: Number(exponent),
  by,
  boundMs: null,
})

/** What is usual for a meter, by its bills, the newest first: months with an estimate say nothing,
 * nor does one in which the register rolled over is left out. */
export function averagesOf(meter: string, contents: readonly BillContent[]): readonly Average[] {
  const sums = new Map<string, Average>()
  for (const content of contents) {
    for (const segment of content.segments) {
      if (segment.meter.number !== meter) continue
      for (const { register, opening, closing, rolledOver } of segment.registers) {
        const sum = sums.get(register)
        const measured = opening.way !== 'estimated' && closing.way !== 'estimated'
        const full = (sum?.months ?? 0) >= AVERAGE_MONTHS_MAX
        if (!measured || full || rolledOver === 'yes') continue
        sums.set(register, added(sum, register, { opening, closing }))
      }
    }
  }
  return [...sums.values()]
}

function added(
  sum: Average | undefined,
  register: string,
  { opening, closing }: { readonly opening: BilledReading; readonly closing: BilledReading },
): Average {
  const finest = Math.min(
    Number(opening.exponent),
    Number(closing.exponent),
    sum?.exponent ?? Number(opening.exponent),
  )
  const at = (value: bigint, exponent: number): bigint => value * tenTo(exponent - finest)
  const of = ({ value, exponent }: BilledReading): bigint => at(BigInt(value), Number(exponent))
  const before = sum === undefined ? 0n : at(sum.increase, sum.exponent)
  return {
    register,
    increase: before + of(closing) - of(opening),
    exponent: finest,
    ms: (sum?.ms ?? 0) + instantOf(closing.at) - instantOf(opening.at),
    months: (sum?.months ?? 0) + 1,
  }
}
