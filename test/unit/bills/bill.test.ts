import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BillFacts, draftBill, issueBill } from '../../../services/billing/bills/core/bill.ts'
import { readBill } from '../../../services/billing/bills/core/bill-reading.ts'
import { linesOf } from '../../../services/billing/tariffs/core/charges.ts'
import { addDays, instantsOf } from '../../../services/billing/civil/calendar.ts'
import {
  decimalText,
  minorText,
  parseDecimal,
  ZERO,
} from '../../../services/billing/civil/money.ts'
import type { Tariff } from '../../../services/billing/tariffs/core/tariff.ts'
import { unixMs } from '../../../shared/units.ts'
import {
  CLOSING,
  FACTS,
  factsWith,
  KOLKATA,
  METER,
  MSEDCL,
  onStroke,
  OPENING,
  tariffOf,
} from '../../fixtures/bill-facts.ts'

function amounts(tariff: Tariff, kWh: string, days: number): Record<string, string> {
  const period = { from: '2026-01-01', to: addDays('2026-01-01', days) }
  const lines = linesOf(tariff, parseDecimal(kWh) ?? ZERO, period)
  const total = lines.reduce((sum, { amount }) => sum + amount, 0n)
  const named = lines.map(({ charge, amount }) => [charge.code, minorText(amount, 2)])
  return { ...Object.fromEntries(named), total: minorText(total, 2) }
}

test('MSEDCL LT-I(B), 221 kWh in 30 days, to the paisa (MERC 322/2019)', () => {
  // energy    100 * 3.46 + 121 * 7.43 = 346.00 + 899.03 = 1245.03
  // wheeling  221 * 1.45 = 320.45
  // FAC       100 * 0.50 + 121 * 0.84 = 50.00 + 101.64 = 151.64
  // duty      16 % of (1245.03 + 320.45 + 151.64 + 110.00 = 1827.12) = 292.3392 -> 292.34
  // total     1827.12 + 292.34 = 2119.46
  assert.deepEqual(amounts(tariffOf(MSEDCL), '221', 30), {
    energy: '1245.03',
    wheeling: '320.45',
    fac: '151.64',
    fixed: '110.00',
    duty: '292.34',
    total: '2119.46',
  })
})

test('MSEDCL slab limits follow the days: 31, 103 kWh (LT bill calculation examples)', () => {
  // 31 / 30 = 1.0333 -> 1.03 months: the first slab ends at 103 and the second at 309.
  const tariff = tariffOf(MSEDCL)
  assert.equal(amounts(tariff, '103', 31)['energy'], '356.38') // 103 * 3.46
  assert.equal(amounts(tariff, '104', 31)['energy'], '363.81') // + 7.43
  assert.equal(amounts(tariff, '309', 31)['energy'], '1886.96') // 356.38 + 206 * 7.43 = 1530.58
  assert.equal(amounts(tariff, '310', 31)['energy'], '1897.28') // + 10.32
  // 28 days: 0.93, first slab 93.
  assert.equal(amounts(tariff, '94', 28)['energy'], '329.21') // 93 * 3.46 = 321.78, + 7.43
})

test('each slab edge, both sides: 100/101, 300/301, 500/501 kWh (MERC 322/2019)', () => {
  const tariff = tariffOf({ ...MSEDCL, slabProration: 'none', monthDigits: undefined })
  const energy = (kWh: string): string | undefined => amounts(tariff, kWh, 31)['energy']
  assert.equal(energy('0'), '0.00')
  assert.equal(energy('100'), '346.00')
  assert.equal(energy('100.001'), '346.01') // 346.00743
  assert.equal(energy('101'), '353.43')
  assert.equal(energy('300'), '1832.00') // 346 + 200 * 7.43 = 1486
  assert.equal(energy('301'), '1842.32')
  assert.equal(energy('500'), '3896.00') // 1832 + 200 * 10.32 = 2064
  assert.equal(energy('501'), '3907.71')
  assert.equal(energy('99999'), '1169029.29') // 3896 + 99499 * 11.71 = 1165133.29
})

test('Kerala, 117 kWh: energy 424.10, total 540.35 (ksebinfoportal.blogspot.com 2020/07)', () => {
  // The published example gives the two sums. The rates below are the 2019 schedule as generally
  // quoted, not read in the order itself; that both sums come out to the paisa is the evidence for
  // them. 50 * 3.15 + 50 * 3.70 + 17 * 4.80 = 157.50 + 185.00 + 81.60 = 424.10 duty 10 % = 42.41,
  // fixed 55.00, fuel surcharge 117 * 0.10 = 11.70, meter rent 6.00 with 9 + 9 % GST = 0.54 + 0.54
  // and 1 % cess = 0.06. Total 540.35
  const tariff = tariffOf({
    ...MSEDCL,
    slabProration: 'none',
    monthDigits: undefined,
    charges: [
      {
        kind: 'slabs',
        code: 'energy',
        label: 'Energy',
        slabs: [
          { upTo: '50', rate: '3.15' },
          { upTo: '100', rate: '3.70' },
          { upTo: '150', rate: '4.80' },
          { upTo: '200', rate: '6.40' },
          { rate: '7.60' },
        ],
      },
      { kind: 'tax', code: 'duty', label: 'Duty', percent: '10', on: ['energy'] },
      { kind: 'fixed', code: 'fixed', label: 'Fixed charge', amount: '55' },
      { kind: 'slabs', code: 'fuel', label: 'Fuel surcharge', slabs: [{ rate: '0.10' }] },
      { kind: 'fixed', code: 'rent', label: 'Meter rent', amount: '6' },
      { kind: 'tax', code: 'cgst', label: 'Central GST', percent: '9', on: ['rent'] },
      { kind: 'tax', code: 'sgst', label: 'State GST', percent: '9', on: ['rent'] },
      { kind: 'tax', code: 'cess', label: 'Cess', percent: '1', on: ['rent'] },
    ],
  })
  const bill = amounts(tariff, '117', 30)
  assert.equal(bill['energy'], '424.10')
  assert.equal(bill['total'], '540.35')
})

test('rounding is the tariff’s: 26.125 prints 26.13, half-even 26.12 (cityofseymour.org)', () => {
  const charges = [{ kind: 'fixed', code: 'water', label: 'Water', amount: '26.125' }]
  const of = (rounding: string): string | undefined =>
    amounts(tariffOf({ ...MSEDCL, charges, rounding }), '0', 30)['water']
  assert.equal(of('half-away'), '26.13')
  assert.equal(of('half-even'), '26.12')
})

test('energy is rounded once per line: 3.932 kWh at 26.4159 p is 1.04 (OctopusEnergy #1852)', () => {
  const slabs = [{ rate: '0.264159' }]
  const charges = [{ kind: 'slabs', code: 'day', label: 'Day', slabs }]
  assert.equal(amounts(tariffOf({ ...MSEDCL, charges }), '3.932', 30)['day'], '1.04')
})

test('a bill is dated, added up and hashed; it reads back, and a changed one does not', () => {
  const verdict = draftBill(FACTS)
  assert.ok(verdict.ok)
  const utility = { name: 'U', address: 'A', contact: 'C', payment: ['At the counter.'] }
  const at = unixMs(Date.UTC(2026, 5, 1, 20, 0)) // 01:30 on 2 June in Kolkata
  const { content, hash } = issueBill(verdict.draft, { number: 'B-1', at, utility })
  assert.equal(content.issuedOn, '2026-06-02')
  assert.equal(content.dueOn, '2026-06-17')
  const [register] = content.segments[0]?.registers ?? []
  assert.equal(register?.opening.at, '2026-04-30T18:30:00Z')
  assert.equal(register?.opening.kWh, '25001.00')
  assert.equal(content.energy.kWh, '221')
  assert.equal(content.tariff.months, '1.03')
  // 31 days: 103 * 3.46 + 118 * 7.43 = 1233.12; FAC 103 * 0.5 + 118 * 0.84 = 150.62; duty 290.27
  assert.equal(content.total, '2104.46')
  assert.match(hash, /^[0-9a-f]{64}$/)
  const stored: unknown = JSON.parse(JSON.stringify(content))
  assert.deepEqual(readBill(stored, hash), { ok: true, content })
  const changed: unknown = JSON.parse(JSON.stringify({ ...content, total: '1.00' }))
  assert.equal(readBill(changed, hash).ok, false)
})

const refusals: readonly (readonly [string, BillFacts, string])[] = [
  ['no tariff agreed is BIL-22', { ...FACTS, tariff: { is: 'none agreed' } }, 'BIL-22 blocked'],
  [
    'a tariff without a version on the first day is BIL-07',
    { ...FACTS, tariff: { is: 'not published', code: 'LT' } },
    'BIL-07 blocked',
  ],
  [
    'a version that begins inside the period is BIL-07',
    { ...FACTS, tariff: { is: 'changes', code: 'LT', on: '2026-05-10' } },
    'BIL-07 blocked',
  ],
  ['a bill beside it that was changed is OPS-16', { ...FACTS, spoilt: 'B-1' }, 'OPS-16 blocked'],
  [
    'a meter that nobody adopted is BIL-14',
    factsWith({ meter: { ...METER, adopted: false } }),
    'BIL-14 blocked',
  ],
  [
    'water has no price yet: BIL-24',
    factsWith({ meter: { ...METER, medium: 'water' } }),
    'BIL-24 blocked',
  ],
  [
    'more money than there is is BIL-03',
    factsWith({ closing: { value: 2 ** 52 - 1, exponent: 9 } }),
    'BIL-03 blocked',
  ],
  ['no opening reading is BIL-04', factsWith({ opening: null }), 'BIL-04 waiting'],
  ['no closing reading is BIL-04', factsWith({ closing: null }), 'BIL-04 waiting'],
  [
    'a meter that never showed imported energy is BIL-04',
    factsWith({ meter: { ...METER, shows: [] }, opening: null, closing: null }),
    'BIL-04 waiting',
  ],
  [
    'a register that went backwards is BIL-01',
    factsWith({ closing: { value: 2_500_099, exponent: 1 } }),
    'BIL-01 blocked',
  ],
]
for (const [claim, facts, refused] of refusals) {
  test(`${claim} (faults.md)`, () => {
    const verdict = draftBill(facts)
    assert.equal(verdict.ok ? '' : `${verdict.fault} ${verdict.kind}`, refused)
  })
}

test('a register rolls over, with the transformer ratio, by half its range at most', () => {
  const near = (opening: number, closing: number): string => {
    const meter = { ...METER, digits: 5, multiplier: 40 }
    const readings = {
      opening: { value: opening, exponent: 3 },
      closing: { value: closing, exponent: 3 },
    }
    const verdict = draftBill(factsWith({ meter, ...readings }))
    return verdict.ok ? decimalText(verdict.draft.energy) : verdict.fault
  }
  assert.equal(near(99_990, 7), String(17 * 40))
  assert.equal(near(60_000, 10_000), String(50_000 * 40)) // exactly half the range
  assert.equal(near(60_000, 10_001), 'BIL-01')
})

test('a fixed charge by days is stored with its days, printed so, and reads back', () => {
  const document = { ...MSEDCL, fixedProration: 'days/month' }
  const period = { from: '2026-05-11', to: '2026-06-01' }
  const version = { tariff: tariffOf(document), validFrom: '2020-04-01', hash: 'h' }
  const stretch = onStroke(instantsOf(period, KOLKATA), { opening: OPENING, closing: CLOSING })
  const tariff = { is: 'in force', version } as const
  const verdict = draftBill({ ...FACTS, period, tariff, stretches: [stretch] })
  assert.ok(verdict.ok)
  const utility = { name: 'U', address: 'A', contact: 'C', payment: [] }
  const at = unixMs(Date.UTC(2026, 5, 1, 20, 0))
  const { content, hash } = issueBill(verdict.draft, { number: 'B-1', at, utility })
  const fixed = content.lines.find(({ code }) => code === 'fixed')
  // 21 of 31 days: 74.516129...
  const part = { quantity: '21', rate: '110', amount: '74.516129032258', of: '31' }
  assert.deepEqual(fixed?.parts, [part])
  assert.equal(fixed.amount, '74.52')
  const stored: unknown = JSON.parse(JSON.stringify(content))
  assert.deepEqual(readBill(stored, hash), { ok: true, content })
})
