import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { renderBillPdf } from '../../services/billing/bills/shell/pdf.ts'
import { contentFor } from '../fixtures/bill-content.ts'

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
