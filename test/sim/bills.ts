// The last leg: what the ledger holds is billed by billing's own core, and every bill equals one
// computed here, with nothing but whole numbers, from what the meters truly counted.

import { draftBill } from '../../services/billing/bills/core/bill.ts'
import type { Edge } from '../../services/billing/bills/core/facts.ts'
import { NEVER_COMPARED } from '../../services/billing/bills/core/meter-time.ts'
import {
  addDays,
  type CivilPeriod,
  civilDateAt,
  instantsOf,
} from '../../services/billing/civil/calendar.ts'
import { parseTariff } from '../../services/billing/tariffs/core/tariff.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../shared/meter/obis.ts'
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

/** How many bills were right, and how many withheld because a reading will never come. */
export interface Billed {
  readonly right: number
  readonly withheld: number
}

/** Bills each day from the day of `from` that is over at `to`, and all of them together, meter by
 * meter. Nothing, where no day is over. */
export function billAll(
  meters: readonly ModelMeter[],
  span: { readonly from: UnixMs; readonly to: UnixMs },
  registers: Registers,
): Billed {
  const first = civilDateAt(span.from, ZONE)
  const last = civilDateAt(span.to, ZONE)
  const periods: CivilPeriod[] = []
  for (let day = first; addDays(day, 1) <= last; day = addDays(day, 1)) {
    periods.push({ from: day, to: addDays(day, 1) })
  }
  if (periods.length > 1) periods.push({ from: first, to: last })
  let [right, withheld] = [0, 0]
  for (const period of periods) {
    for (const meter of meters) {
      if (billIsRight(meter, period, registers)) right += 1
      else withheld += 1
    }
  }
  return { right, withheld }
}

/** False: withheld, since a reading it needs will never come. */
function billIsRight(
  meter: ModelMeter,
  period: CivilPeriod,
  { registered, excepted }: Registers,
): boolean {
  hold(TARIFF.ok, 'bill', 'the tariff parses')
  const { tariff, hash } = TARIFF
  const { from, to } = instantsOf(period, ZONE)
  const reading = (at: UnixMs): { value: number; exponent: number } | null => {
    const value = registered(meter.number, at)
    return value === null ? null : { value, exponent: 0 }
  }
  const edge = (at: UnixMs): Edge => {
    const found = reading(at)
    const sample = { register: ACTIVE_IMPORT_TOTAL, at, by: 'profile', boundMs: 0 } as const
    return {
      at,
      kind: 'period',
      samples: found === null ? [] : [{ ...sample, ...found }],
      clock: NEVER_COMPARED,
      fixed: [],
    }
  }
  const verdict = draftBill({
    period,
    now: to,
    customer: { number: 'C', name: 'C', address: 'A' },
    servicePoint: { code: 'S', address: 'A', zone: ZONE },
    missing: 'wait',
    tariff: { is: 'in force', version: { tariff, validFrom: '2020-01-01', hash } },
    spoilt: null,
    stretches: [
      {
        meter: {
          number: meter.number,
          medium: 'electricity',
          digits: null,
          multiplier: 1,
          adopted: true,
          billedBy: null,
          shows: [ACTIVE_IMPORT_TOTAL],
        },
        from,
        to,
        opening: edge(from),
        closing: edge(to),
        averages: [],
      },
    ],
  })
  if ([from, to].some((at) => reading(at) === null && excepted(meter.number, at))) {
    const fault = verdict.ok ? 'a bill' : verdict.fault
    hold(fault === 'BIL-04', 'bill', `${meter.number}: ${fault} without a reading it needs`)
    return false
  }
  const expected = truePaise(meter.counted(to) - meter.counted(from))
  const found = verdict.ok ? `${verdict.draft.total}` : verdict.fault
  hold(found === `${expected}`, 'bill', `${meter.number}: ${found} paise, not ${expected}`)
  return true
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
