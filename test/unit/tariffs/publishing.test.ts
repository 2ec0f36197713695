import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minorText, parseDecimal, ZERO } from '../../../services/billing/civil/money.ts'
import { linesOf } from '../../../services/billing/tariffs/core/charges.ts'
import { differences } from '../../../services/billing/tariffs/core/differences.ts'
import { dayRefusal, dayWarnings } from '../../../services/billing/tariffs/core/publishing.ts'
import { parseTariff } from '../../../services/billing/tariffs/core/tariff.ts'
import { workedBill } from '../../../services/billing/tariffs/core/trial.ts'
import { MSEDCL, tariffOf } from '../../fixtures/bill-facts.ts'

const TARIFF = tariffOf(MSEDCL)
const changes = (change: (text: string) => string): readonly string[] =>
  differences(TARIFF, tariffOf(JSON.parse(change(JSON.stringify(MSEDCL))))).map(
    ({ what, before, after }) => `${what}: ${before ?? 'new'} -> ${after ?? 'gone'}`,
  )

test('what changes is said line by line in the words of the price list', () => {
  assert.deepEqual(
    changes((text) => text),
    [],
  )
  assert.deepEqual(
    changes((text) => text.replace('"7.43"', '"7.6"').replace('"110"', '"115.5"')),
    ['Energy, 101 to 300 kWh: ₹7.43 -> ₹7.60', 'Fixed charge: ₹110.00 -> ₹115.50'],
  )
  assert.deepEqual(
    changes((text) => text.replace('"16"', '"18"').replace('"wheeling","fac"', '"fac"')),
    [
      'Electricity duty: 16 % of Fixed charge, Energy, Wheeling, Fuel adjustment -> 18 % of Fixed charge, Energy, Fuel adjustment',
    ],
  )
})

test('a moved limit ends one range and begins another; a line may come, go or move', () => {
  assert.deepEqual(
    changes((text) => text.replace('"upTo":"500","rate":"10.32"', '"upTo":"600","rate":"10.32"')),
    [
      'Energy, 301 to 600 kWh: new -> ₹10.32',
      'Energy, above 600 kWh: new -> ₹11.71',
      'Energy, 301 to 500 kWh: ₹10.32 -> gone',
      'Energy, above 500 kWh: ₹11.71 -> gone',
    ],
  )
  const [energy, wheeling, fac, fixed, duty] = TARIFF.charges
  assert.ok(energy && wheeling && fac && fixed && duty)
  const words = (charges: typeof TARIFF.charges): readonly string[] =>
    differences(TARIFF, { ...TARIFF, charges }).map(
      ({ what, before, after }) => `${what}: ${before ?? 'new'} -> ${after ?? 'gone'}`,
    )
  assert.deepEqual(words([energy, fac, fixed]), [
    'Wheeling: ₹1.45 per kWh -> gone',
    'Electricity duty: 16 % of Fixed charge, Energy, Wheeling, Fuel adjustment -> gone',
  ])
  assert.deepEqual(words([wheeling, energy, fac, fixed, duty]), [
    'Order of the lines: energy, wheeling, fac, fixed, duty -> wheeling, energy, fac, fixed, duty',
  ])
})

test('rules that change are named too', () => {
  assert.deepEqual(
    changes((text) => text.replace('"dueDays":15', '"dueDays":20,"fixedProration":"days/month"')),
    [
      'Fixed charges: whole in every bill -> days of the month that are billed out of all its days',
      'Due: 15 days after issue -> 20 days after issue',
    ],
  )
})

test('a first day is the first of a month, free, and a date at all', () => {
  const versions = [{ validFrom: '2026-04-01', hash: 'a' }]
  const refusal = (day: string, hash = 'b') => dayRefusal(day, hash, { versions, billed: 0 })
  assert.equal(refusal('2026-05-01'), null)
  assert.match(refusal('2026-04-01') ?? '', /Another version is published from 1 April 2026/)
  assert.match(refusal('2026-04-01', 'a') ?? '', /This very document is already published/)
  assert.match(refusal('2026-04-15') ?? '', /choose 2026-04-01 or 2026-05-01/)
  assert.match(refusal('2026-02-30') ?? '', /Not a date/)
})

test('a day before bills that are issued, or before a later version, is warned about', () => {
  const versions = [
    { validFrom: '2026-09-01', hash: 'a' },
    { validFrom: '2026-07-01', hash: 'c' },
  ]
  assert.deepEqual(dayWarnings('2026-10-01', { versions, billed: 0 }), [])
  const [billed = '', later = ''] = dayWarnings('2026-05-01', { versions, billed: 1 })
  assert.match(billed, /^1 bill for periods after 1 May 2026 is already issued.* stay as they are/)
  assert.match(later, /valid until 1 July 2026 only/)
  assert.match(
    dayWarnings('2026-10-01', { versions, billed: 1_001 })[0] ?? '',
    /^more than 1000 bills/,
  )
})

const BY_DAYS = {
  ...MSEDCL,
  fixedProration: 'days/month',
  charges: [{ kind: 'fixed', code: 'f', label: 'F', amount: '110' }],
}
const fixedFor = (document: unknown, from: string, to: string): string => {
  const [line] = linesOf(tariffOf(document), ZERO, { from, to })
  return minorText(line?.amount ?? 0n, 2)
}

test('a part of a month pays its days of the fixed charge, rounded once (billing.md)', () => {
  assert.equal(fixedFor(BY_DAYS, '2026-10-01', '2026-11-01'), '110.00')
  assert.equal(fixedFor(BY_DAYS, '2026-10-01', '2026-10-11'), '35.48') // 10/31: 35.4838...
  assert.equal(fixedFor(BY_DAYS, '2026-10-11', '2026-11-01'), '74.52') // 21/31: 74.5161...
  assert.equal(fixedFor(BY_DAYS, '2026-10-20', '2026-12-01'), '152.58') // 12/31 + 1: 152.5806...
  assert.equal(fixedFor(BY_DAYS, '2026-10-20', '2026-11-16'), '97.58') // 12/31 + 15/30
  const whole = { ...BY_DAYS, fixedProration: 'none' }
  assert.equal(fixedFor(whole, '2026-10-01', '2026-10-11'), '110.00')
})

test('two parts of a month add up to the whole, or to one coin more where both end in half', () => {
  let halves = 0
  for (const amount of ['110', '99.99', '0.01', '31', '15.5', '7.01'])
    for (const month of [
      ['2026-02-01', '2026-03-01'],
      ['2026-10-01', '2026-11-01'],
      ['2026-11-01', '2026-12-01'],
    ] as const)
      for (let day = 2; day <= 28; day += 1) {
        const [from, to] = month
        const middle = `${from.slice(0, 8)}${String(day).padStart(2, '0')}`
        const document = { ...BY_DAYS, charges: [{ kind: 'fixed', code: 'f', label: 'F', amount }] }
        const cents = (a: string, b: string): number =>
          Math.round(Number(fixedFor(document, a, b)) * 100)
        const excess = cents(from, middle) + cents(middle, to) - cents(from, to)
        assert.ok(excess === 0 || excess === 1, `${amount} ${middle}: ${excess}`)
        halves += excess
      }
  assert.ok(halves > 0, 'one of them ends in half a coin')
})

test('the rule of parts is neutral where it is absent: the hash of documents of before stays', () => {
  const hash = (document: unknown): string => {
    const verdict = parseTariff(document)
    assert.ok(verdict.ok)
    return verdict.hash
  }
  assert.equal(hash(MSEDCL), 'c40597d631c3f28f43b1e5b8fbb8d55545259456e1a3b314a99b6599bb139df2')
  assert.equal(hash({ ...MSEDCL, fixedProration: 'none' }), hash(MSEDCL))
  assert.notEqual(hash({ ...MSEDCL, fixedProration: 'days/month' }), hash(MSEDCL))
})

test('a worked bill shows each line with its parts', () => {
  const worked = workedBill(TARIFF, { kWh: '221', from: '2026-05-01', to: '2026-06-01' })
  assert.ok(worked.ok)
  const { lines, total, days, months } = worked.trial
  assert.deepEqual([total, days, months], ['₹2,104.46', 31, '1.03'])
  assert.deepEqual(lines[0], {
    label: 'Energy',
    how: ['103 kWh × ₹3.46 = 356.38', '118 kWh × ₹7.43 = 876.74'],
    amount: '₹1,233.12',
  })
  assert.deepEqual(lines[4]?.how, ['16 % of ₹1,814.19'])
  const part = workedBill(tariffOf(BY_DAYS), { kWh: '0', from: '2026-10-01', to: '2026-10-11' })
  assert.deepEqual(part.ok ? part.trial.lines[0]?.how : null, ['10 of 31 days of ₹110.00'])
})

test('what is typed for a worked bill is checked field by field', () => {
  const errors = (kWh: string, from: string, to: string): readonly string[] => {
    const worked = workedBill(TARIFF, { kWh, from, to })
    return worked.ok ? [] : Object.keys(worked.errors)
  }
  assert.deepEqual(errors('221,5', '2026-05-32', ''), ['kWh', 'from', 'to'])
  assert.deepEqual(errors('-1', '2026-05-01', '2026-05-01'), ['kWh', 'to'])
  assert.deepEqual(errors('1', '2020-05-01', '2026-05-01'), ['to'])
  assert.equal(parseDecimal('1e9'), null)
})
