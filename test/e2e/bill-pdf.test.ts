import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { renderBillPdf } from '../../services/billing/bills/shell/pdf.ts'
import { draftBill, issueBill } from '../../services/billing/bills/core/bill.ts'
import type { Sample } from '../../services/billing/bills/core/facts.ts'
import { instantsOf } from '../../services/billing/civil/calendar.ts'
import { unixMs } from '../../shared/units.ts'
import { contentFor } from '../fixtures/bill-content.ts'
import { edgeAt, FACTS, KOLKATA, MAY, METER, TOTAL } from '../fixtures/bill-facts.ts'

test('a bill gives the same bytes every time, dated as issued', async () => {
  const [one, two] = [await renderBillPdf(contentFor({})), await renderBillPdf(contentFor({}))]
  assert.ok(Buffer.from(one).equals(two))
  assert.ok(Buffer.from(one).includes('(D:20260602060000Z)'))
})

const tool = spawnSync('pdftotext', ['-v']).error === undefined
const required = process.env['REQUIRE_PEERS'] === '1'
const skip = !tool && !required && 'pdftotext of poppler-utils is absent'

test('the page says what the bill holds, the rupee sign included (pdftotext)', {
  skip,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-pdf-'))
  const file = join(folder, 'bill.pdf')
  writeFileSync(file, await renderBillPdf(contentFor({})))
  const { stdout } = spawnSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' })
  rmSync(folder, { recursive: true })
  assert.equal(stdout.split('\f').length - 1, 1, 'one page')
  for (const said of [
    'B2026-000001',
    'Asha Patil',
    '₹2,104.46',
    '17 June 2026',
    'Meter M1',
    '25,001.00 kWh',
    '25,222.00 kWh',
    '221 kWh',
    '103 kWh × ₹3.46 = 356.38',
    '16 % of ₹1,814.19',
    '₹290.27',
    'At the counter.',
    '30 days times 1.03',
  ])
    assert.ok(stdout.includes(said), `${said} in\n${stdout}`)
})

test('an exchange and an estimate: every reading on a second page (pdftotext)', {
  skip,
}, async () => {
  const { from, to } = instantsOf(MAY, KOLKATA)
  const swap = unixMs(Date.UTC(2026, 4, 15, 4, 30))
  const read = (at: number, value: number, by: Sample['by']): Sample => {
    return { register: TOTAL, at: unixMs(at), value, exponent: 0, by, boundMs: 12 }
  }
  const old = {
    meter: { ...METER, number: 'OLD' },
    from,
    to: swap,
    opening: edgeAt(from, [read(from - 400, 12_000_000, 'slave'), read(to, 0, 'slave')]),
    closing: edgeAt(swap, [read(swap, 12_120_000, 'closing')], { kind: 'removed' }),
    averages: [],
  }
  const next = {
    meter: { ...METER, number: 'NEW' },
    from: swap,
    to,
    opening: edgeAt(swap, [read(swap, 0, 'opening')], { kind: 'installed' }),
    closing: edgeAt(to, [read((swap + to) / 2, 50_500, 'slave')]),
    averages: [],
  }
  const now = unixMs(to + 10 * 86_400_000)
  const verdict = draftBill({ ...FACTS, now, missing: 'estimate', stretches: [old, next] })
  assert.ok(verdict.ok)
  const utility = { name: 'U', address: 'A', contact: 'C', payment: ['Here.'] }
  const { content } = issueBill(verdict.draft, { number: 'B-9', at: now, utility })
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-pdf-'))
  const file = join(folder, 'bill.pdf')
  writeFileSync(file, await renderBillPdf(content))
  const { stdout } = spawnSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' })
  rmSync(folder, { recursive: true })
  const [first = '', second = '', ...others] = stdout.split('\f')
  assert.deepEqual(others, [''], 'two pages')
  for (const said of ['Energy used, ESTIMATED', '221 kWh', 'OLD', 'NEW', 'set right by itself'])
    assert.ok(first.includes(said), `${said} in\n${first}`)
  for (const said of [
    'read over its data line at 30 April 2026, 23:59:59 (400 ms before)',
    "by the reading device's clock, within 12 ms",
    'read when it was removed',
    'ESTIMATED: from 50.500 kWh at',
    '120 kWh',
    '101 kWh',
  ])
    assert.ok(second.includes(said), `${said} in\n${second}`)
})

test('a name in another script is drawn, not boxed (pdffonts, pdftotext)', { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-pdf-'))
  const file = join(folder, 'bill.pdf')
  const name = '王小明 김민준 🙂 தமிழ்ச்செல்வன்'
  const customer = { number: 'C1', name, address: 'محمد بن عبد الله' }
  const [one, two] = [
    await renderBillPdf(contentFor({ customer })),
    await renderBillPdf(contentFor({ customer })),
  ]
  assert.ok(Buffer.from(one).equals(two), 'the same bytes every time')
  writeFileSync(file, one)
  const { stdout: text } = spawnSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' })
  const { stdout: fonts } = spawnSync('pdffonts', [file], { encoding: 'utf8' })
  rmSync(folder, { recursive: true })
  for (const said of ['王小明', '김민준', '🙂'])
    assert.ok(text.includes(said), `${said} in\n${text}`)
  for (const face of ['SC', 'KR', 'Emoji', 'Tamil', 'Arabic'])
    assert.match(fonts, new RegExp(`\\+Noto(Sans)?${face}-`), fonts)
})
