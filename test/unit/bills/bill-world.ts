// Made-up bills for the pages: each customer's for May 2026, at one example tariff.

import assert from 'node:assert/strict'
import { draftBill, issueBill } from '../../../services/billing/bills/core/bill.ts'
import type { BillRow, BillView } from '../../../services/billing/bills/core/views.ts'
import { parseTariff } from '../../../services/billing/tariffs/core/tariff.ts'
import { unixMs } from '../../../shared/units.ts'

const ZONE = 'Asia/Kolkata'
const ISSUED_AT = unixMs(Date.UTC(2026, 5, 8, 6, 30, 0))

const slabs = (code: string, label: string, ...steps: { upTo?: string; rate: string }[]) => ({
  kind: 'slabs',
  code,
  label,
  slabs: steps,
})
export const TARIFF = {
  format: 'ticklock-tariff/1',
  code: 'LT-I-B',
  name: 'LT-I(B) residential',
  currency: 'INR',
  minorDigits: 2,
  rounding: 'half-away',
  slabProration: 'days/30',
  monthDigits: 2,
  dueDays: 15,
  source: 'example',
  charges: [
    slabs('energy', 'Energy', { upTo: '100', rate: '3.46' }, { rate: '7.43' }),
    slabs('wheeling', 'Wheeling', { rate: '1.45' }),
    { kind: 'fixed', code: 'fixed', label: 'Fixed charge', amount: '110' },
    { kind: 'tax', code: 'duty', label: 'Duty', percent: '16', on: ['fixed', 'energy'] },
  ],
}

/** The bill of one customer for May 2026. */
export function billOf(id: number, name: string): BillView {
  const verdict = parseTariff(TARIFF)
  assert.ok(verdict.ok)
  const { tariff, hash } = verdict
  const number = `KL-2026-${String(id).padStart(5, '0')}`
  const period = { from: '2026-05-01', to: '2026-06-01' }
  const draft = draftBill({
    period,
    customer: { number: `C-${id}`, name, address: '12 Lake Road, Pune' },
    servicePoint: { code: `SP-${id}`, address: '12 Lake Road, Pune', zone: ZONE },
    meter: { number: '2026000417', register: '1-0:1.8.0*255', digits: 9, multiplier: 1 },
    opening: { value: 12_345_678, exponent: 0 },
    closing: { value: 12_566_678, exponent: 0 },
    tariff: { tariff, validFrom: '2026-04-01', hash },
  })
  assert.ok(draft.ok)
  const utility = {
    name: 'Lakeside Power',
    address: '1 Grid Street, Pune',
    contact: 'care@lakeside.example',
    payment: ['Pay at any counter and name the bill number.'],
  }
  const issued = issueBill(draft.draft, { number, at: ISSUED_AT, utility })
  const { content } = issued
  const bill: BillRow = {
    id,
    number,
    customer: name,
    period,
    currency: 'INR',
    total: content.total,
    dueOn: content.dueOn,
    issuedAt: ISSUED_AT,
    notices: ['sent', 'queued'],
  }
  const trust = { clockState: 'S', clockBoundMs: 12, quality: 0 }
  return { bill, content, hash: issued.hash, opening: trust, closing: { ...trust, quality: 4 } }
}
