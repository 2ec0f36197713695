// The last leg: what the ledger holds is billed by billing's own core, and every bill equals one
// computed here, with nothing but whole numbers, from what the meters truly counted.

import { draftBill } from '../../services/billing/bills/core/bill.ts'
import { addDays, civilDateAt, instantsOf } from '../../services/billing/civil/calendar.ts'
import { parseTariff } from '../../services/billing/tariffs/core/tariff.ts'
import { type UnixMs, unixMs } from '../../shared/units.ts'
import { hold } from './checkers.ts'
import type { ModelMeter } from './meters.ts'

const ZONE = 'UTC'
const SLAB_KWH = 2
const LOW_PAISE = 350
const HIGH_PAISE = 725
const DUTY_PERCENT = 16

const TARIFF = parseTariff({
  format: 'ticklock-tariff/1',
  code: 'SIM',
  name: 'Simulation',
  currency: 'INR',
  minorDigits: 2,
  rounding: 'half-away',
  slabProration: 'none',
  dueDays: 15,
  source: 'made up',
  charges: [
    {
      kind: 'slabs',
      code: 'energy',
      label: 'Energy',
      slabs: [{ upTo: `${SLAB_KWH}`, rate: '3.50' }, { rate: '7.25' }],
    },
    { kind: 'tax', code: 'duty', label: 'Duty', percent: `${DUTY_PERCENT}`, on: ['energy'] },
  ],
})

/** Bills the days from the day of `from` that are over at `to`, meter by meter. */
export function billAll(
  meters: readonly ModelMeter[],
  span: { readonly from: UnixMs; readonly to: UnixMs },
  registered: (meter: string, at: UnixMs) => number | null,
): void {
  hold(TARIFF.ok, 'bill', 'the tariff parses')
  const { tariff, hash } = TARIFF
  const first = civilDateAt(span.from, ZONE)
  const period = { from: first, to: civilDateAt(span.to, ZONE) }
  if (period.to < addDays(first, 1)) return
  const { from, to } = instantsOf(period, ZONE)
  for (const meter of meters) {
    const reading = (at: UnixMs): { value: number; exponent: number } | null => {
      const value = registered(meter.number, at)
      return value === null ? null : { value, exponent: 0 }
    }
    const verdict = draftBill({
      period,
      customer: { number: 'C', name: 'C', address: 'A' },
      servicePoint: { code: 'S', address: 'A', zone: ZONE },
      meter: { number: meter.number, register: '1-0:1.8.0*255', digits: null, multiplier: 1 },
      opening: reading(from),
      closing: reading(to),
      tariff: { tariff, validFrom: '2020-01-01', hash },
    })
    const expected = truePaise(meter.counted(to) - meter.counted(from))
    const found = verdict.ok ? `${verdict.draft.total}` : verdict.fault
    hold(found === `${expected}`, 'bill', `${meter.number}: ${found} paise, not ${expected}`)
  }
}

/** The same tariff in whole numbers: watt-hours times paise, a thousandth of a paisa each. */
function truePaise(wattHours: number): number {
  const low = Math.min(wattHours, SLAB_KWH * 1_000)
  const thousandths = low * LOW_PAISE + (wattHours - low) * HIGH_PAISE
  const energy = Math.floor((thousandths + 500) / 1_000)
  return energy + Math.floor((energy * DUTY_PERCENT + 50) / 100)
}

export const spanOf = (startUs: number, endUs: number): { from: UnixMs; to: UnixMs } => ({
  from: unixMs(startUs / 1_000),
  to: unixMs(endUs / 1_000),
})
