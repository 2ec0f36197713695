// The last leg: what the ledger holds is billed by billing's own core, and every bill equals one
// computed here, with nothing but whole numbers, from what the meters truly counted.

import { draftBill } from '../../services/billing/bills/core/bill.ts'
import { addDays, civilDateAt, instantsOf } from '../../services/billing/civil/calendar.ts'
import { parseTariff } from '../../services/billing/tariffs/core/tariff.ts'
import { type UnixMs, unixMs } from '../../shared/units.ts'
import { hold } from './hold.ts'
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

/** What the ledger knows of a register. */
export interface Registers {
  /** Null: the ledger has no reading of that instant. */
  readonly registered: (meter: string, at: UnixMs) => number | null
  /** Whether that reading will never come, for a reason that has a name. */
  readonly excepted: (meter: string, at: UnixMs) => boolean
}

/** Bills the days from the day of `from` that are over at `to`, meter by meter: how many bills were
 * right, and how many were withheld because a reading will never come. None, where no day is
 * over. */
export function billAll(
  meters: readonly ModelMeter[],
  span: { readonly from: UnixMs; readonly to: UnixMs },
  { registered, excepted }: Registers,
): { readonly right: number; readonly withheld: number } {
  hold(TARIFF.ok, 'bill', 'the tariff parses')
  const { tariff, hash } = TARIFF
  const first = civilDateAt(span.from, ZONE)
  const period = { from: first, to: civilDateAt(span.to, ZONE) }
  if (period.to < addDays(first, 1)) return { right: 0, withheld: 0 }
  let [right, withheld] = [0, 0]
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
    const lacks = [from, to].some((at) => reading(at) === null && excepted(meter.number, at))
    if (lacks) {
      const fault = verdict.ok ? 'a bill' : verdict.fault
      hold(fault === 'BIL-04', 'bill', `${meter.number}: ${fault} without a reading it needs`)
      withheld += 1
      continue
    }
    const expected = truePaise(meter.counted(to) - meter.counted(from))
    const found = verdict.ok ? `${verdict.draft.total}` : verdict.fault
    hold(found === `${expected}`, 'bill', `${meter.number}: ${found} paise, not ${expected}`)
    right += 1
  }
  return { right, withheld }
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
