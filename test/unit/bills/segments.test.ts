// Several meters, several registers: who is billed by what, and that it tiles the period.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { draftBill, issueBill } from '../../../services/billing/bills/core/bill.ts'
import { readBill } from '../../../services/billing/bills/core/bill-reading.ts'
import type {
  BilledMeter,
  BillFacts,
  Edge,
  Sample,
  Stretch,
} from '../../../services/billing/bills/core/facts.ts'
import { instantsOf } from '../../../services/billing/civil/calendar.ts'
import { decimalText } from '../../../services/billing/civil/money.ts'
import { type UnixMs, unixMs } from '../../../shared/units.ts'
import {
  edgeAt,
  FACTS,
  METER,
  onStroke,
  profile,
  T1,
  T2,
  TOTAL,
} from '../../fixtures/bill-facts.ts'

const OCTOBER = { from: '2026-10-01', to: '2026-11-01' }
const BERLIN = 'Europe/Berlin'
const { from: FROM, to: TO } = instantsOf(OCTOBER, BERLIN)
const SWAP = unixMs(Date.UTC(2026, 9, 15, 8)) // 10:00 in Berlin
const DAY = 24 * 3_600_000

const facts = (stretches: readonly Stretch[], change: Partial<BillFacts> = {}): BillFacts => ({
  ...FACTS,
  period: OCTOBER,
  now: unixMs(TO + 5 * DAY),
  servicePoint: { ...FACTS.servicePoint, zone: BERLIN },
  stretches,
  ...change,
})
const said = (given: BillFacts): string => {
  const verdict = draftBill(given)
  return verdict.ok
    ? `${decimalText(verdict.draft.energy)} kWh`
    : `${verdict.fault} ${verdict.kind}: ${verdict.detail}`
}

const wh = (value: number) => ({ value, exponent: 0 })
const by = (who: Sample['by'], at: UnixMs, value: number, register = TOTAL): Sample => ({
  register,
  at,
  value,
  exponent: 0,
  by: who,
  boundMs: 12,
})

/** Case 51: exchanged on 15 October at 10:00. */
const OLD: Stretch = {
  meter: { ...METER, number: 'OLD' },
  from: FROM,
  to: SWAP,
  opening: edgeAt(FROM, [profile(FROM, wh(12_000_000))]),
  closing: edgeAt(SWAP, [by('closing', SWAP, 12_120_000)], { kind: 'removed' }),
  averages: [],
}
const NEW: Stretch = {
  meter: { ...METER, number: 'NEW' },
  from: SWAP,
  to: TO,
  opening: edgeAt(SWAP, [by('opening', SWAP, 0)], { kind: 'installed' }),
  closing: edgeAt(TO, [profile(TO, wh(101_000))]),
  averages: [],
}

test('case 51: exchanged on 15 October, 120 and 101 kWh: 221 kWh, both meters on the bill', () => {
  const verdict = draftBill(facts([OLD, NEW]))
  assert.ok(verdict.ok)
  const utility = { name: 'U', address: 'A', contact: 'C', payment: [] }
  const { content, hash } = issueBill(verdict.draft, { number: 'B', at: TO, utility })
  assert.equal(content.energy.kWh, '221')
  assert.deepEqual(
    content.segments.map(({ meter, kWh, from, to }) => [meter.number, kWh, from, to]),
    [
      ['OLD', '120', '2026-09-30T22:00:00Z', '2026-10-15T08:00:00Z'],
      ['NEW', '101', '2026-10-15T08:00:00Z', '2026-10-31T23:00:00Z'],
    ],
  )
  assert.deepEqual(readBill(JSON.parse(JSON.stringify(content)), hash), { ok: true, content })
})

/** Case 50: a telegram a second, none on the stroke, T1 and T2 alone. */
function telegrams(edge: UnixMs, t1: number, t2: number): readonly Sample[] {
  return [-400, 600].flatMap((ms) => [
    by('slave', unixMs(edge + ms), t1 + (ms > 0 ? 1 : 0), T1),
    by('slave', unixMs(edge + ms), t2, T2),
  ])
}
const TWO: BilledMeter = { ...METER, digits: null, shows: [T1, T2] }
const stretch = (meter: BilledMeter, opening: Edge, closing: Edge): Stretch => ({
  meter,
  from: FROM,
  to: TO,
  opening,
  closing,
  averages: [],
})

test('case 50: T1 + T2 100,000 to 321,000 Wh, telegrams beside midnight: 221 kWh', () => {
  const opening = edgeAt(FROM, telegrams(FROM, 60_000, 40_000))
  const closing = edgeAt(TO, telegrams(TO, 201_000, 120_000))
  assert.equal(said(facts([stretch(TWO, opening, closing)])), '221 kWh')
})

test('a register that is missing is never left out of the sum', () => {
  const opening = edgeAt(FROM, telegrams(FROM, 60_000, 40_000))
  const closing = edgeAt(
    TO,
    telegrams(TO, 201_000, 120_000).filter(({ register }) => register === T1),
  )
  assert.equal(
    said(facts([stretch(TWO, opening, closing)])),
    'BIL-04 waiting: M1 at 1 November 2026, 00:00, register 1-0:1.8.2*255',
  )
})

test('the total makes the bill where the meter has it at both ends, otherwise the tariffs', () => {
  const meter = { ...TWO, shows: [TOTAL, T1, T2] }
  const tariffs = (edge: UnixMs, one: number, two: number) => [
    profile(edge, wh(one), T1),
    profile(edge, wh(two), T2),
  ]
  const opening = tariffs(FROM, 1_000, 2_000)
  const closing = tariffs(TO, 4_000, 3_000)
  const [from, to] = [profile(FROM, wh(3_000)), profile(TO, wh(7_001))]
  const both = stretch(meter, edgeAt(FROM, [from, ...opening]), edgeAt(TO, [to, ...closing]))
  assert.equal(said(facts([both])), '4.001 kWh')
  const late = stretch(meter, edgeAt(FROM, opening), edgeAt(TO, [to, ...closing]))
  assert.equal(said(facts([late])), '4 kWh')
  const named = { ...meter, billedBy: ['1-0:1.8.2'] }
  assert.equal(said(facts([stretch(named, edgeAt(FROM, opening), edgeAt(TO, closing))])), '1 kWh')
})

test('registers of different resolutions and a transformer ratio add up exactly', () => {
  const meter = { ...TWO, multiplier: 40 }
  const at = (edge: UnixMs, one: number, two: number) =>
    edgeAt(edge, [
      { ...profile(edge, wh(one), T1), exponent: 2 },
      { ...profile(edge, wh(two), T2), exponent: -1 },
    ])
  // 3 * 0.1 kWh + 7 * 0.0001 kWh = 0.3007 kWh, times 40.
  assert.equal(said(facts([stretch(meter, at(FROM, 5, 1), at(TO, 8, 8))])), '12.028 kWh')
})

test('two meters at one place add up; a time without any is BIL-23 with its dates', () => {
  const one = onStroke({ from: FROM, to: TO }, { opening: wh(0), closing: wh(1_000) })
  const two = { ...one, meter: { ...METER, number: 'M2' } }
  assert.equal(said(facts([one, two])), '2 kWh')
  const later = { ...NEW, from: unixMs(SWAP + DAY) }
  assert.equal(
    said(facts([OLD, later])),
    'BIL-23 blocked: no meter from 15 October 2026, 10:00 to 16 October 2026, 10:00',
  )
  assert.match(said(facts([])), /^BIL-23 blocked: no meter from 1 October/)
  assert.match(said(facts([OLD])), /^BIL-23 blocked: no meter from 15 October/)
})

test('an exchange without its closing reading waits for somebody to enter it', () => {
  const silent = { ...OLD, closing: edgeAt(SWAP, [], { kind: 'removed' }) }
  assert.equal(
    said(facts([silent, NEW])),
    'BIL-04 blocked: OLD when it was removed, 15 October 2026, 10:00',
  )
})

test('a clock beyond its limit is BIL-21, with how far and when', () => {
  const at = unixMs(TO - 3_600_000)
  const clock = { before: { at, offsetMs: 18_000_000, boundMs: 40, invalid: false }, after: null }
  const wrong = {
    ...onStroke({ from: FROM, to: TO }, { opening: wh(0), closing: null }),
    closing: edgeAt(TO, [profile(TO, wh(9))], { clock }),
  }
  assert.equal(said(facts([wrong])), 'BIL-21 blocked: M1 at 1 November 2026, 00:00, 5 h 0 min fast')
})

test('an estimate that was too high makes the next month BIL-25, never a silent nought', () => {
  const estimated = draftBill(
    facts(
      [
        {
          ...onStroke({ from: FROM, to: TO }, { opening: wh(0), closing: null }),
          closing: edgeAt(TO, [by('slave', unixMs((FROM + TO) / 2), 15_500)]),
        },
      ],
      { missing: 'estimate' },
    ),
  )
  assert.ok(estimated.ok && estimated.draft.estimated)
  assert.equal(decimalText(estimated.draft.energy), '31')
  const closing = estimated.draft.segments[0]?.registers[0]?.closing
  assert.ok(closing !== undefined)
  const next = instantsOf({ from: '2026-11-01', to: '2026-12-01' }, BERLIN)
  const following = (value: number): string =>
    said(
      facts(
        [
          {
            ...onStroke(next, { opening: wh(1), closing: wh(value) }),
            opening: edgeAt(TO, [], { fixed: [{ ...closing, bill: 'B-7' }] }),
          },
        ],
        { period: { from: '2026-11-01', to: '2026-12-01' } },
      ),
    )
  assert.equal(following(45_000), '14 kWh')
  assert.equal(following(30_999), 'BIL-25 blocked: M1: 31000 (bill B-7) to 30999')
})
