// The numbers of a history as people read them: what was counted, and the average power.

import { UNIT } from '../../../../shared/meter/reading.ts'
import { quantityNumber, quantityText, unitText } from '../../kit/format.ts'
import type { HistoryRegister, HistorySpan, HistoryStep } from '../core/history.ts'

const HOUR_MS = 3_600_000
/** What a unit is called when it is divided by hours. */
const PER_HOUR: ReadonlyMap<number, string> = new Map([
  [UNIT.Wh, 'kW'],
  [UNIT.VAh, 'kVA'],
  [UNIT.varh, 'kvar'],
])

/** The value in the unit that people see, for positions in a picture. */
export const scaledNumber = (value: number | bigint, { exponent, unit }: HistoryRegister): number =>
  Number(quantityNumber(value, exponent, unit))

/** Within a day or a week a bar is the average power, so that its area is what was counted; days
 * and months are bars of what was counted. */
const isRate = (span: HistorySpan): boolean => span === 'day' || span === 'week'

export const rateUnit = ({ unit }: HistoryRegister): string =>
  PER_HOUR.get(unit) ?? `${unitText(unit)}/h`

export const barUnit = (span: HistorySpan, register: HistoryRegister): string =>
  isRate(span) ? rateUnit(register) : unitText(register.unit)

/** Average power of a step; null: not known. */
export function rateOf(
  { increase, from, to }: HistoryStep,
  register: HistoryRegister,
): number | null {
  if (increase === null || to <= from) return null
  return scaledNumber(increase, register) / ((to - from) / HOUR_MS)
}

/** How high the bar of a step is. */
export function amountOf(
  span: HistorySpan,
  step: HistoryStep,
  register: HistoryRegister,
): number | null {
  if (step.increase === null) return null
  return isRate(span) ? rateOf(step, register) : scaledNumber(step.increase, register)
}

/** `12.345 kWh`; with the average power where bars show that. */
export function amountText(
  span: HistorySpan,
  step: HistoryStep,
  register: HistoryRegister,
): string {
  if (step.increase === null) return 'not known'
  const counted = quantityText(step.increase, register.exponent, register.unit)
  return isRate(span) ? `${counted}, on average ${rateText(step, register)}` : counted
}

/** `1.23 kW`; a dash when it is not known. */
export function rateText(step: HistoryStep, register: HistoryRegister): string {
  const rate = rateOf(step, register)
  return rate === null ? '–' : `${rateNumber(rate)} ${rateUnit(register)}`
}

/** Three digits after the point: a watt, or a litre an hour. */
export const rateNumber = (rate: number): string => rate.toFixed(3)
