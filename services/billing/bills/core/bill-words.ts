// How the readings of a bill were found, in words: the same on the page, on paper and in the mail.

import { unreachable } from '../../../../shared/assert.ts'
import { civilDateAt, dateText, instantText, parseUtc, secondText } from '../../civil/calendar.ts'
import type { BillContent, BilledReading, BilledSample, ReadBy } from './bill-content.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60_000

const BY: Readonly<Record<ReadBy, string>> = {
  profile: "from the meter's load profile",
  slave: 'read over its data line',
  opening: 'read when it was installed',
  closing: 'read when it was removed',
  technician: 'read by a technician',
  customer: 'read by the customer',
}

/** `12345.678 kWh at 30 April 2026, 23:59:59`. */
function sampleText({ at, kWh }: BilledSample, zone: string): string {
  const instant = parseUtc(at)
  return `${kWh} kWh at ${instant === null ? at : secondText(instant, zone)}`
}

/** How the value of a register at an edge was found. */
export function wayText(reading: BilledReading, zone: string): string {
  const { way, basis, bill } = reading
  const [first] = basis
  const readings = basis.map((sample) => sampleText(sample, zone)).join(' and ')
  const words = (): string => {
    switch (way) {
      case 'exact':
        return first === undefined ? '' : BY[first.by]
      case 'nearest':
        return first === undefined ? '' : `${BY[first.by]} ${besideText(reading, first, zone)}`
      case 'interpolated':
        return `interpolated evenly between ${readings}`
      case 'estimated':
        return estimateText(reading, readings)
      default:
        return unreachable(way)
    }
  }
  return bill === '' ? words() : `${words()}; as on bill ${bill}`
}

function estimateText({ estimate }: BilledReading, readings: string): string {
  if (estimate === 'around') return `ESTIMATED: evenly between ${readings}`
  if (estimate === 'wrong clock')
    return `ESTIMATED: ${readings} by the meter's clock, which was wrong`
  const from = readings === '' ? 'what was billed before' : readings
  return `ESTIMATED: from ${from} on, by the usual use per day`
}

/** `at 30 April 2026, 23:59:59 (0.4 s before)`. */
function besideText(reading: BilledReading, sample: BilledSample, zone: string): string {
  const [edge, at] = [parseUtc(reading.at), parseUtc(sample.at)]
  if (edge === null || at === null) return `at ${sample.at}`
  const side = at < edge ? 'before' : 'after'
  return `at ${secondText(at, zone)} (${spanText(Math.abs(at - edge))} ${side})`
}

/** `0.4 s`, `12 s`, `3 min`, `5 h 2 min`, always rounded up: it is a bound or a distance. */
export function spanText(ms: number): string {
  if (ms < SECOND_MS) return `${Math.ceil(ms)} ms`
  if (ms < 10 * SECOND_MS) return `${Math.ceil(ms / 100) / 10} s`
  if (ms < 2 * MINUTE_MS) return `${Math.ceil(ms / SECOND_MS)} s`
  const minutes = Math.ceil(ms / MINUTE_MS)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** Whose clock says when it was, and how right that clock was. */
export function clockWords({ clock, at }: BilledReading, zone: string): string {
  const bound = clock.boundMs === '' ? 'by how much is not known' : `within ${boundText(clock)}`
  switch (clock.of) {
    case 'meter':
      return `by the meter's clock, ${offsetText(Number(clock.offsetMs))}, ${bound}${comparedText(clock, at, zone)}`
    case 'slave':
      return `by the reading device's clock, ${bound}`
    case 'never compared':
      return "by the meter's clock, which was not compared"
    case 'person':
      return 'as written down'
    case 'not kept':
      return "by the meter's clock; this bill does not say how right it was"
    case 'none':
      return ''
    default:
      return unreachable(clock.of)
  }
}

/** A comparison is worth saying when it is as far from the reading as this, milliseconds. */
const COMPARED_LATER_MS = 24 * 3_600_000

/** `, as compared on 30 November 2026`: where that was long before or after the reading. */
function comparedText({ comparedAt }: BilledReading['clock'], at: string, zone: string): string {
  const [compared, edge] = [parseUtc(comparedAt), parseUtc(at)]
  if (compared === null || edge === null) return ''
  if (Math.abs(compared - edge) < COMPARED_LATER_MS) return ''
  return `, as compared on ${dateText(civilDateAt(compared, zone))}`
}

const boundText = ({ boundMs }: BilledReading['clock']): string => spanText(Number(boundMs))

/** `0.3 s fast`; a clock is right to the millisecond at best. */
export function offsetText(ms: number): string {
  if (Math.abs(ms) < 1) return 'right'
  return `${spanText(Math.abs(ms))} ${ms < 0 ? 'slow' : 'fast'}`
}

/** What is printed beside a reading that is no plain reading: null when it is one. */
export const markOf = ({ way }: BilledReading): string | null =>
  ({ exact: null, nearest: null, interpolated: 'interpolated', estimated: 'ESTIMATED' })[way]

/** `1 May 2026, 00:00`. */
export function edgeText({ at }: { readonly at: string }, zone: string): string {
  const instant = parseUtc(at)
  return instant === null ? at : instantText(instant, zone)
}

/** What an estimate means for who pays it. */
export const ESTIMATED_WORDS =
  'A meter reading was missing and is estimated. The next bill goes on from the estimate, ' +
  'so whatever was too much or too little in it is set right by itself.'

export const meterNumbers = ({ segments }: BillContent): readonly string[] => [
  ...new Set(segments.map(({ meter }) => meter.number)),
]

/** `meter M1`, or `meters M1, M2`. */
export function metersText(bill: BillContent): string {
  const numbers = meterNumbers(bill)
  return `${numbers.length === 1 ? 'meter' : 'meters'} ${numbers.join(', ')}`
}
