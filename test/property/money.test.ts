import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  addDays,
  daysIn,
  historyFrom,
  instantsOf,
  monthOf,
  previousMonth,
  startOfDay,
} from '../../services/billing/civil/calendar.ts'
import { linesOf } from '../../services/billing/tariffs/core/charges.ts'
import {
  decimal,
  decimalText,
  divideRounded,
  parseDecimal,
  roundTo,
  times,
} from '../../services/billing/civil/money.ts'
import { parseTariff } from '../../services/billing/tariffs/core/tariff.ts'
import { unixMs } from '../../shared/units.ts'

const quantity = fc.record({
  units: fc.bigInt({ min: 0n, max: 10n ** 12n }),
  scale: fc.integer({ min: 0, max: 6 }),
})

test('a decimal survives its own text (money.ts)', () => {
  fc.assert(
    fc.property(quantity, ({ units, scale }) => {
      const text = decimalText(decimal(units, scale))
      const back = parseDecimal(text)
      assert.ok(back !== null)
      assert.equal(back.units * 10n ** BigInt(scale), units * 10n ** BigInt(back.scale))
    }),
  )
})

test('rounding errs by half a unit at most and is symmetric about zero (money.ts)', () => {
  const divisor = fc.bigInt({ min: 1n, max: 10n ** 9n })
  const any = fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n })
  fc.assert(
    fc.property(any, divisor, fc.constantFrom('half-away', 'half-even'), (n, d, rounding) => {
      const rounded = divideRounded(n, d, rounding)
      const error = 2n * (rounded * d - n)
      assert.ok(error <= d && error >= -d)
      assert.equal(divideRounded(-n, d, rounding), -rounded)
      if (error === d || error === -d) {
        if (rounding === 'half-even') assert.equal(rounded % 2n, 0n)
        else assert.ok(n < 0n ? rounded * d < n : rounded * d > n)
      }
    }),
  )
})

test('quantity times rate is exact: cross-multiplied whole numbers agree (money.ts)', () => {
  fc.assert(
    fc.property(quantity, quantity, (a, b) => {
      const product = times(decimal(a.units, a.scale), decimal(b.units, b.scale))
      const tens = 10n ** BigInt(a.scale + b.scale)
      assert.equal(product.units * tens, a.units * b.units * 10n ** BigInt(product.scale))
      const paise = roundTo(product, 2, 'half-away')
      // floor(x * 100 + 1/2) with whole numbers only.
      assert.equal(paise, (a.units * b.units * 200n + tens) / (2n * tens))
    }),
  )
})

const rate = fc.bigInt({ min: 0n, max: 2_000n }).map((units) => decimalText(decimal(units, 2)))
const slabs = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 1, max: 900 }), { maxLength: 5 }),
    fc.array(rate, { minLength: 6, maxLength: 6 }),
  )
  .map(([limits, rates]) =>
    [...limits.sort((a, b) => a - b), null].map((limit, i) => ({
      ...(limit === null ? {} : { upTo: String(limit) }),
      rate: rates[i] ?? '0',
    })),
  )

/** The slab sum over a common denominator, written without Decimal: energy in Wh, rate in paise, so
 * a product is in 1/1000 paise. */
function oracle(table: readonly { upTo?: string; rate: string }[], wattHours: bigint): bigint {
  let sum = 0n
  let floor = 0n
  for (const { upTo, rate: text } of table) {
    const paise = BigInt(Math.round(Number(text) * 100))
    const limit = upTo === undefined ? wattHours : BigInt(upTo) * 1000n
    const end = limit < wattHours ? limit : wattHours
    if (end > floor) sum += (end - floor) * paise
    floor = end > floor ? end : floor
  }
  return (sum + 500n) / 1000n
}

test('10,000 random bills: the lines equal a whole-number oracle and add up to the total', () => {
  const energy = fc.bigInt({ min: 0n, max: 2_000_000n })
  const percent = fc.integer({ min: 0, max: 40 })
  const inputs = fc.tuple(slabs, slabs, rate, percent, energy)
  for (const [first, second, fixed, tax, wattHours] of fc.sample(inputs, {
    numRuns: 10_000,
    seed: 1,
  })) {
    const verdict = parseTariff({
      format: 'ticklock-tariff/1',
      code: 'R',
      name: 'random',
      currency: 'INR',
      minorDigits: 2,
      rounding: 'half-away',
      slabProration: 'none',
      dueDays: 15,
      source: 'random',
      charges: [
        { kind: 'slabs', code: 'a', label: 'a', slabs: first },
        { kind: 'slabs', code: 'b', label: 'b', slabs: second },
        { kind: 'fixed', code: 'c', label: 'c', amount: fixed },
        { kind: 'tax', code: 'd', label: 'd', percent: String(tax), on: ['a', 'b', 'c'] },
      ],
    })
    assert.ok(verdict.ok)
    const [a = 0n, b = 0n, c = 0n, d = 0n] = linesOf(
      verdict.tariff,
      decimal(wattHours, 3),
      MAY,
    ).map(({ amount }) => amount)
    assert.equal(a, oracle(first, wattHours))
    assert.equal(b, oracle(second, wattHours))
    assert.equal(c, BigInt(Math.round(Number(fixed) * 100)))
    assert.equal(d, ((a + b + c) * BigInt(tax) * 2n + 100n) / 200n)
  }
})

const MAY = { from: '2026-05-01', to: '2026-06-01' }
const ZONES = [
  'UTC',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Europe/London',
  'Europe/Lisbon',
  'America/New_York',
  'America/Sao_Paulo',
  'America/Havana',
  'Asia/Beirut',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'Pacific/Apia',
  'Africa/Cairo',
  'Africa/Casablanca',
] as const

test('months tile time exactly once in every zone, 2010 to 2030, over every clock change', () => {
  const month = fc.integer({ min: 0, max: 12 * 20 })
  fc.assert(
    fc.property(month, fc.constantFrom(...ZONES), (index, zone) => {
      const year = 2010 + Math.floor(index / 12)
      const period = monthOf(`${year}-${String((index % 12) + 1).padStart(2, '0')}-15`)
      const next = monthOf(period.to)
      const instants = instantsOf(period, zone)
      assert.equal(instants.to, instantsOf(next, zone).from)
      // Whole days but for one clock change of at most 1 h, and Samoa's missing day (2011-12-30).
      const off = Math.abs(instants.to - instants.from - daysIn(period) * 86_400_000)
      const samoa = zone === 'Pacific/Apia' && period.from === '2011-12-01'
      assert.ok(off <= (samoa ? 90_000_000 : 3_600_000), `${zone} ${period.from}: ${off}`)
      const inside = unixMs(instants.to)
      assert.deepEqual(previousMonth(inside, zone), period)
      assert.deepEqual(previousMonth(unixMs(inside - 1), zone).to, period.from)
      assert.equal(historyFrom(inside, zone), instants.from)
    }),
    { numRuns: 500 },
  )
})

test('London has 46 half-hours on 2026-03-29 and 50 on 2026-10-25 (tz database)', () => {
  for (const [date, halfHours] of [
    ['2026-03-28', 48],
    ['2026-03-29', 46],
    ['2026-10-25', 50],
  ] as const) {
    const length = startOfDay(addDays(date, 1), 'Europe/London') - startOfDay(date, 'Europe/London')
    assert.equal(length / 1_800_000, halfHours, date)
  }
})
