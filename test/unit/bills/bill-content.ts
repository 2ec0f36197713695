// One issued bill for tests that need any: Kolkata, May 2026, 221 kWh at the MSEDCL schedule.

import assert from 'node:assert/strict'
import { draftBill, issueBill } from '../../../services/billing/bills/core/bill.ts'
import type { BillContent, Utility } from '../../../services/billing/bills/core/bill-content.ts'
import { unixMs } from '../../../shared/units.ts'
import { FACTS } from './bill-facts.ts'

export function contentFor(change: {
  readonly utility?: Utility
  readonly customer?: BillContent['customer']
}): BillContent {
  const payment = ['At the counter.']
  const utility = {
    name: 'Lakeside Power',
    address: '12 Station Road',
    contact: 'Call 1912',
    payment,
  }
  const { customer } = FACTS
  const verdict = draftBill({ ...FACTS, customer: change.customer ?? customer })
  assert.ok(verdict.ok)
  const at = unixMs(Date.UTC(2026, 5, 2, 6))
  const issue = { number: 'B2026-000001', at, utility: change.utility ?? utility }
  return issueBill(verdict.draft, issue).content
}
