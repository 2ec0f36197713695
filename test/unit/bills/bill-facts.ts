// Facts that several tests bill: a published schedule and one household.

import assert from 'node:assert/strict'
import type { BillFacts } from '../../../services/billing/bills/core/bill.ts'
import { parseTariff, type Tariff } from '../../../services/billing/tariffs/core/tariff.ts'

/** MSEDCL LT-I(B) from 1 April 2020: MERC order 322/2019 and the FAC circular of April 2020, as
 * quoted in a public worksheet (scribd 467723606). */
export const MSEDCL = {
  format: 'ticklock-tariff/1',
  code: 'LT-I-B',
  name: 'LT-I(B) residential',
  currency: 'INR',
  minorDigits: 2,
  rounding: 'half-away',
  slabProration: 'days/30',
  monthDigits: 2,
  dueDays: 15,
  source: 'MERC 322/2019, as quoted in a public worksheet',
  charges: [
    {
      kind: 'slabs',
      code: 'energy',
      label: 'Energy',
      slabs: [
        { upTo: '100', rate: '3.46' },
        { upTo: '300', rate: '7.43' },
        { upTo: '500', rate: '10.32' },
        { rate: '11.71' },
      ],
    },
    { kind: 'slabs', code: 'wheeling', label: 'Wheeling', slabs: [{ rate: '1.45' }] },
    {
      kind: 'slabs',
      code: 'fac',
      label: 'Fuel adjustment',
      slabs: [
        { upTo: '100', rate: '0.50' },
        { upTo: '300', rate: '0.84' },
        { upTo: '500', rate: '1.07' },
        { rate: '1.19' },
      ],
    },
    { kind: 'fixed', code: 'fixed', label: 'Fixed charge', amount: '110' },
    {
      kind: 'tax',
      code: 'duty',
      label: 'Electricity duty',
      percent: '16',
      on: ['fixed', 'energy', 'wheeling', 'fac'],
    },
  ],
}

export function tariffOf(document: unknown): Tariff {
  const verdict = parseTariff(document)
  assert.ok(verdict.ok, verdict.ok ? '' : `${verdict.at.path}: ${verdict.at.why}`)
  return verdict.tariff
}

/** Kolkata, May 2026: opening 25,001 kWh, closing 25,222 kWh in a register of 0.01 kWh (10 Wh). */
export const FACTS: BillFacts = {
  period: { from: '2026-05-01', to: '2026-06-01' },
  customer: { number: 'C-1', name: 'Asha Patil', address: '4 Lake Road' },
  servicePoint: { code: 'SP-1', address: '4 Lake Road', zone: 'Asia/Kolkata' },
  meter: { number: 'M1', register: '1-0:1.8.0*255', digits: 8, multiplier: 1 },
  opening: { value: 2_500_100, exponent: 1 },
  closing: { value: 2_522_200, exponent: 1 },
  tariff: { tariff: tariffOf(MSEDCL), validFrom: '2020-04-01', hash: 'h' },
}
