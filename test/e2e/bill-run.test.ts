import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { instantsOf } from '../../services/billing/civil/calendar.ts'
import type { BillSlice } from '../../services/billing/bills/core/views.ts'
import { billReads } from '../../services/billing/bills/db/reads.ts'
import { runBills } from '../../services/billing/bills/db/run.ts'
import { storedBill } from '../../services/billing/bills/db/stored.ts'
import { publishTariff } from '../../services/billing/tariffs/db/tariffs.ts'
import { storedBillPdf } from '../../services/billing/bills/shell/document.ts'
import { openPress } from '../../services/billing/bills/shell/press.ts'
import { DEMO_TARIFF } from '../../services/simulator/demo-tariff.ts'
import {
  addHousehold,
  addReading,
  HOUSEHOLD,
  MAY,
  NOW,
  openUtility,
  UTILITY,
} from './bill-fixture.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const HOUSEHOLDS = 30
const RUN = { month: MAY.from, now: NOW, utility: UTILITY, by: 'the test', batch: 7 } as const

let postgres: TestPostgres
let ids: { register: number; tariff: number }
before(async () => {
  postgres = await testPostgres()
  const { db } = postgres
  ids = await openUtility(postgres)
  for (let n = 1; n <= HOUSEHOLDS; n += 1) {
    const zone = n % 2 === 0 ? 'Asia/Kolkata' : 'Europe/London'
    await addHousehold(db, { ...HOUSEHOLD, zone, closing: 25_001_000 + n * 17_003 }, { ...ids, n })
  }
  await addHousehold(db, { ...HOUSEHOLD, customer: false }, { ...ids, n: 101 })
  await addHousehold(db, { ...HOUSEHOLD, tariff: false }, { ...ids, n: 102 })
  await addHousehold(db, { ...HOUSEHOLD, closing: null }, { ...ids, n: 103 })
  await addHousehold(db, { ...HOUSEHOLD, closing: 25_000_999 }, { ...ids, n: 104 })
  await addHousehold(db, { ...HOUSEHOLD, email: null, phone: null }, { ...ids, n: 105 })
})
after(() => postgres.close())

const count = async (text: string): Promise<number> => {
  const { rows } = await postgres.owner.query<{ n: number }>(text)
  return rows[0]?.n ?? -1
}

test('four runs at once issue each bill once, numbers have no gap (lago-api #1988)', async () => {
  const runs = await Promise.all([1, 2, 3, 4].map(() => runBills(postgres.db.kysely, RUN)))
  assert.equal(
    runs.reduce((sum, { issued }) => sum + issued, 0),
    HOUSEHOLDS + 1,
  )
  for (const run of runs) {
    // The service point without a contract has no period: it is not a bill that is missing.
    assert.deepEqual(Object.fromEntries(run.faults), { 'BIL-01': 1, 'BIL-04': 1, 'BIL-22': 1 })
  }
  const { rows } = await postgres.owner.query<{ number: string }>(
    'select number from bills order by number',
  )
  const expected = rows.map((_, i) => `202605-${String(i + 1).padStart(6, '0')}`)
  assert.deepEqual(
    rows.map(({ number }) => number),
    expected,
  )
  // One household has neither address: no notices, and the counters say what the tables hold.
  assert.equal(await count('select count(*) n from notices'), HOUSEHOLDS * 2)
  assert.equal(await count("select count n from counters where name = 'notices'"), HOUSEHOLDS * 2)
  assert.equal(await count("select count n from counters where name = 'bills'"), HOUSEHOLDS + 1)
})

test('a bill run again issues nothing and changes nothing', async () => {
  const again = await runBills(postgres.db.kysely, RUN)
  assert.equal(again.issued, 0)
  assert.equal(await count('select count(*) n from bills'), HOUSEHOLDS + 1)
  assert.equal(
    await count("select next n from bill_series where series = '202605'"),
    HOUSEHOLDS + 2,
  )
})

test('a late reading is billed by the next run, with the next number', async () => {
  const { db } = postgres
  const meter = await count("select id n from meters where number = 'M103'")
  const { to } = instantsOf(MAY, 'Asia/Kolkata')
  await addReading(db, { ts: to, meter, register: ids.register }, 25_222_000)
  const run = await runBills(db.kysely, RUN)
  assert.equal(run.issued, 1)
  assert.equal(run.faults.has('BIL-04'), false)
  const bill = await storedBill(db.kysely, { number: '202605-000032' })
  assert.ok(bill?.ok)
  const { content } = bill
  // 221 kWh: 100 * 3.50 + 121 * 7.25 = 1227.25; wheeling 221 * 1.40 = 309.40; fixed 110.00;
  // duty 16 % of 1646.65 = 263.464 -> 263.46
  assert.equal(content.total, '1910.11')
  assert.equal(await count("select total n from bills where number = '202605-000032'"), 191_011)
})

test('an issued bill cannot be changed or removed in the database (migrations/0004)', async () => {
  const { owner: pool } = postgres
  await assert.rejects(pool.query('update bills set total = 1'), /never changes/)
  await assert.rejects(pool.query('delete from bills'), /never changes/)
})

test('a bill whose stored content was changed behind our back does not read back', async () => {
  const { db, owner } = postgres
  await owner.query('alter table bills disable trigger bills_are_final')
  await owner.query(
    `update bills set content = jsonb_set(content, '{total}', '"1.00"')
      where number = '202605-000001'`,
  )
  await owner.query('alter table bills enable trigger bills_are_final')
  const bill = await storedBill(db.kysely, { number: '202605-000001' })
  assert.ok(bill !== null && !bill.ok)
  assert.match(bill.fault.why, /hash/)
})

test('a published tariff version never changes; the same again is the same version', async () => {
  const { kysely } = postgres.db
  const entry = { document: DEMO_TARIFF, validFrom: '2026-01-01', now: NOW }
  const same = await publishTariff(kysely, entry)
  assert.ok(same.ok && same.already)
  const other = await publishTariff(kysely, { ...entry, document: { ...DEMO_TARIFF, dueDays: 14 } })
  assert.equal(other.ok ? '' : other.fault, 'BIL-34')
})

test('a tariff that changes inside the period keeps its bills waiting with BIL-07', async () => {
  const { db } = postgres
  const document = { ...DEMO_TARIFF, code: 'MID' }
  const early = await publishTariff(db.kysely, { document, validFrom: '2026-01-01', now: NOW })
  const late = await publishTariff(db.kysely, { document, validFrom: '2026-05-10', now: NOW })
  assert.ok(early.ok && late.ok)
  await addHousehold(db, HOUSEHOLD, { ...ids, tariff: early.tariffId, n: 201 })
  const run = await runBills(db.kysely, RUN)
  assert.equal(run.issued, 0)
  assert.equal(run.faults.get('BIL-07'), 1)
})

test('a stored bill is drawn by its id; a changed one is OPS-16, none is null', async () => {
  const lines: string[] = []
  const press = openPress((_fault, line) => lines.push(line))
  const at = { db: postgres.db.kysely, press }
  const idOf = (number: string) => count(`select id n from bills where number = '${number}'`)
  try {
    const page = await storedBillPdf(at, await idOf('202605-000002'), 'operator 1')
    assert.ok(page?.ok === true && page.pdf.length > 5_000)
    await assert.rejects(storedBillPdf(at, await idOf('202605-000001'), 'operator 1'), /OPS-16/)
    assert.equal(await storedBillPdf(at, 999_999, 'operator 1'), null)
  } finally {
    await press.close()
  }
  assert.deepEqual(lines, [])
})

test('bills are found by number, customer and month; a page goes on behind its last', async () => {
  const { bills } = billReads(postgres.db.kysely)
  const all = { q: '', month: null, notice: null, before: null } as const
  const numbers = async (asked: Partial<BillSlice>, limit?: number) =>
    (await bills({ ...all, ...asked }, limit)).map(({ number }) => number)
  const [newest = '', second = ''] = await numbers({})
  assert.deepEqual(await numbers({ q: newest }), [newest])
  assert.deepEqual(await numbers({ q: '202605-999999' }), [])
  assert.equal((await numbers({ q: 'patil' })).length, HOUSEHOLDS + 2)
  assert.equal((await numbers({ q: 'C-30' })).length, 1)
  assert.deepEqual(await numbers({ q: '%' }), [])
  assert.equal((await numbers({ month: '2026-05-01' })).length, HOUSEHOLDS + 2)
  assert.deepEqual(await numbers({ month: '2026-04-01' }), [])
  const [first] = await bills(all, 1)
  assert.deepEqual(await numbers({ before: first?.id ?? 0 }, 1), [second])
})
