// Whatever was read or missed at the edges of months, the bills tile the register: what one ends
// with the next begins with, so all of them together are what it counted, to the watt-hour.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { draftBill, issueBill } from '../../services/billing/bills/core/bill.ts'
import type { BillContent } from '../../services/billing/bills/core/bill-content.ts'
import { averagesOf, endsOf } from '../../services/billing/bills/core/closings.ts'
import type { Boundary, Sample } from '../../services/billing/bills/core/facts.ts'
import { instantsOf, monthOf } from '../../services/billing/civil/calendar.ts'
import { type UnixMs, unixMs } from '../../shared/units.ts'
import { edgeAt, FACTS, METER, TOTAL } from '../fixtures/bill-facts.ts'

const RUNS = 300
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const ZONES = ['Asia/Kolkata', 'Europe/Berlin', 'America/New_York', 'Pacific/Auckland', 'UTC']

/** What was read around an edge: milliseconds from it; none: nothing. */
const offsets = fc.oneof(
  fc.constant<readonly number[]>([0]),
  fc.constant<readonly number[]>([]),
  fc.tuple(fc.integer({ min: -MINUTE, max: -1 }), fc.integer({ min: 1, max: MINUTE })),
  fc.tuple(fc.integer({ min: -11 * HOUR, max: -1 }), fc.integer({ min: 1, max: 11 * HOUR })),
  fc.tuple(fc.integer({ min: -9 * DAY, max: -2 * DAY }), fc.integer({ min: DAY, max: 9 * DAY })),
  fc.tuple(fc.integer({ min: -9 * DAY, max: -2 * DAY })),
)

const lives = fc.record({
  zone: fc.constantFrom(...ZONES),
  /** When the month's bill is made, and what comes only after that. */
  months: fc.array(fc.record({ inTime: offsets, late: offsets }), { minLength: 3, maxLength: 9 }),
  /** Wh an hour, by the hour of the day. */
  pace: fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 24, maxLength: 24 }),
  exponent: fc.constantFrom(-1, 0, 1, 2, 3),
})

/** The true register, in its own resolution: as it would be read. */
function shownAt(at: UnixMs, start: UnixMs, pace: readonly number[], exponent: number): number {
  const hours = Math.floor((at - start) / HOUR)
  const whole = pace.reduce((sum, wh) => sum + wh, 0) * Math.floor(hours / 24)
  const rest = pace.slice(0, ((hours % 24) + 24) % 24).reduce((sum, wh) => sum + wh, 0)
  return Math.floor((10_000_000 + whole + rest) / 10 ** exponent)
}

const millis = (text: string, exponent: number): bigint =>
  BigInt(text) * 10n ** BigInt(exponent + 1)

test('any sequence of edges read, missed and estimated tiles the register exactly', () => {
  let [made, estimated] = [0, 0]
  fc.assert(
    fc.property(lives, ({ zone, months, pace, exponent }) => {
      let month = monthOf('2026-02-01')
      const start = instantsOf(month, zone).from
      const bills: BillContent[] = []
      const samplesAt = (edge: UnixMs, around: readonly number[]): readonly Sample[] =>
        around.map((ms) => {
          const at = unixMs(edge + ms)
          const value = shownAt(at, start, pace, exponent)
          return { register: TOTAL, at, value, exponent, by: 'slave', boundMs: 5 }
        })
      // The first month begins with a reading: nothing can be estimated before there is one.
      let around: readonly number[] = [0]
      for (const { inTime, late } of months) {
        const { from, to } = instantsOf(month, zone)
        const before = bills.at(-1)
        const fixed: readonly Boundary[] =
          before === undefined ? [] : (endsOf(before, 'closing').get(METER.number) ?? [])
        const verdict = draftBill({
          ...FACTS,
          period: month,
          now: unixMs(to + 40 * DAY),
          servicePoint: { ...FACTS.servicePoint, zone },
          missing: 'estimate',
          stretches: [
            {
              meter: { ...METER, digits: null },
              from,
              to,
              opening: edgeAt(from, samplesAt(from, around), { fixed }),
              closing: edgeAt(to, samplesAt(to, inTime)),
              averages: averagesOf(METER.number, bills.toReversed()),
            },
          ],
        })
        // Too high an estimate, or none possible, has a name; the month stays open.
        if (!verdict.ok) {
          assert.ok(['BIL-25', 'BIL-04'].includes(verdict.fault), verdict.fault)
          break
        }
        const utility = { name: 'U', address: 'A', contact: 'C', payment: [] }
        bills.push(issueBill(verdict.draft, { number: `B-${month.from}`, at: to, utility }).content)
        around = [...late, ...inTime]
        month = monthOf(month.to)
      }
      if (bills.length > 0) tiles(bills)
      made += bills.length
      estimated += bills.filter(({ energy }) => energy.estimated === 'yes').length
    }),
    { numRuns: RUNS },
  )
  // Not vacuous: most lives have several bills, and some of these are estimates.
  assert.ok(made > 2 * RUNS && estimated > RUNS / 4, `${made} bills, ${estimated} estimated`)
})

/** Each begins where the one before ended, and the sum is the last end less the first beginning. */
function tiles(bills: readonly BillContent[]): void {
  const registers = bills.map((bill) => bill.segments[0]?.registers[0])
  const [first, last] = [registers[0], registers.at(-1)]
  assert.ok(first !== undefined && last !== undefined)
  for (const [index, register] of registers.slice(1).entries()) {
    const before = registers[index]
    assert.equal(register?.opening.value, before?.closing.value)
    assert.equal(register?.opening.exponent, before?.closing.exponent)
  }
  const billed = bills.reduce((sum, { energy }) => sum + tenths(energy.kWh), 0n)
  const counted =
    millis(last.closing.value, Number(last.closing.exponent)) -
    millis(first.opening.value, Number(first.opening.exponent))
  assert.equal(billed, counted)
}

/** kWh as tenths of a watt-hour. */
function tenths(kWh: string): bigint {
  const [whole = '0', fraction = ''] = kWh.split('.')
  return BigInt(whole + fraction.padEnd(4, '0'))
}
