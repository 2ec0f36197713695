// The pages of tariffs in a browser, from an empty database to a second version: light and dark, on
// a desk and on a phone: nothing that axe finds, nothing wider than the screen.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { type Browser, chromium, type Page } from 'playwright-core'
import { axeFaults } from '../fixtures/axe.ts'
import { DESK_PASSWORD, tariffDesk } from '../fixtures/tariff-desk.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const CHROMIUM = '/usr/bin/chromium'
const SKIP =
  existsSync(CHROMIUM) || process.env['REQUIRE_PEERS'] === '1'
    ? false
    : `${CHROMIUM} is absent (package chromium)`
/** Pictures of what was looked at are kept there when it is set. */
const SHOTS = process.env['TICKLOCK_SHOTS'] ?? ''

let postgres: TestPostgres
let app: FastifyInstance
let browser: Browser
let base = ''

void describe('tariffs in a browser', { skip: SKIP }, () => {
  before(async () => {
    postgres = await testPostgres()
    app = await tariffDesk(postgres.db, 'http://127.0.0.1')
    base = await app.listen({ port: 0, host: '127.0.0.1' })
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      headless: true,
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run'],
    })
  })
  after(async () => {
    await browser?.close()
    await app?.close()
    await postgres?.close()
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1_280, 375]) {
      test(`take over, break, mend, publish, change: ${colorScheme}, ${width} px`, async () => {
        await postgres.owner.query('delete from tariff_versions; delete from tariffs')
        const viewport = { width, height: 800 }
        const context = await browser.newContext({ colorScheme, viewport, bypassCSP: true })
        const page = await context.newPage()
        const look = (name: string) => lookAt(page, `${name}-${colorScheme}-${width}`)
        await logIn(page)
        await story(page, look)
        await context.close()
      })
    }
  }
})

async function logIn(page: Page): Promise<void> {
  await page.goto(`${base}/login`)
  await page.getByLabel('Name').fill('ada')
  await page.getByLabel('Password').fill(DESK_PASSWORD)
  await page.getByRole('button', { name: 'Log in' }).click()
}

async function story(page: Page, look: (name: string) => Promise<void>): Promise<void> {
  await page.goto(`${base}/tariffs`)
  await look('empty')
  await page.getByRole('link', { name: /^Take over Maharashtra/ }).click()
  await look('taken-over')
  const document = page.getByLabel('Document', { exact: true })
  const text = await document.inputValue()
  await document.fill(text.replace('"3.46"', '3.46').replace('"INR"', '"inr"'))
  await page.getByRole('button', { name: 'Check' }).click()
  await look('mistakes')
  await document.fill(text)
  await page.getByRole('button', { name: 'Publish' }).click()
  assert.match((await page.getByRole('alert').textContent()) ?? '', /Why: Say why/)
  await look('no-reason')
  await page.getByLabel('Why').fill('MERC order 322 of 2019')
  await page.getByRole('button', { name: 'Publish' }).click()
  await page.waitForURL(/\/tariffs\/MSEDCL-LT-I-B\?published=/)
  await look('published')
  await page.getByRole('link', { name: 'New version' }).click()
  const next = text.replace('"7.43"', '"7.60"').replace('"110"', '"120"')
  await page.getByLabel('Document', { exact: true }).fill(next)
  await page.getByRole('button', { name: 'Check' }).click()
  await look('changes')
  assert.ok((await page.textContent('main'))?.includes('₹7.60'))
  await page.goto(`${base}/tariffs`)
  await look('list')
}

async function lookAt(page: Page, name: string): Promise<void> {
  const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
  assert.ok(Number(overflow) <= 0, `${name} is ${String(overflow)} px too wide`)
  if (SHOTS !== '') await page.screenshot({ path: `${SHOTS}/tariffs-${name}.png`, fullPage: true })
  assert.deepEqual(await axeFaults(page), [], name)
}
