// axe over every page of the navigation and the forms of readings by hand, in a running server;
// light and dark, on a desk and on a phone.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { chromium } from 'playwright-core'
import { CUSTOMER_PAGES, OPERATOR_PAGES } from '../../services/billing/kit/navigation.ts'
import { axeFaults } from '../fixtures/axe.ts'
import { testPostgres } from './postgres.ts'
import { testApp } from './web-app.ts'
import { seed } from './web-seed.ts'

const CHROMIUM = '/usr/bin/chromium'
const SKIP =
  existsSync(CHROMIUM) || process.env['REQUIRE_PEERS'] === '1' ? false : `${CHROMIUM} is absent`
const SHOTS = process.env['TICKLOCK_SHOTS'] ?? ''
const hrefs = (pages: typeof OPERATOR_PAGES) =>
  pages.flatMap(({ entries }) => entries.map(([href]) => href))

test('axe finds nothing on any page of the navigation', { skip: SKIP }, async (t) => {
  const postgres = await testPostgres()
  t.after(() => postgres.close())
  const seeded = await seed(postgres.db)
  const { app, operator, customer } = await testApp(postgres)
  t.after(() => app.close())
  const base = await app.listen({ host: '127.0.0.1', port: 0 })
  const args = ['--no-sandbox', '--disable-gpu', '--no-first-run']
  const browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args })
  t.after(() => browser.close())
  const manual = ['/readings/manual/new', '/readings/manual/new?meter=1']
  const views = [
    [await operator(), [...hrefs(OPERATOR_PAGES), ...manual]],
    [await customer(seeded.customers[0]), hrefs(CUSTOMER_PAGES)],
  ] as const
  const faults: string[] = []
  for (const [viewer, paths] of views) {
    for (const [colorScheme, width] of [
      ['light', 1_280],
      ['dark', 375],
    ] as const) {
      const viewport = { width, height: 800 }
      const context = await browser.newContext({ colorScheme, viewport, bypassCSP: true })
      const cookies = [...viewer.cookies].map(([name, value]) => ({ name, value, url: base }))
      await context.addCookies(cookies)
      const page = await context.newPage()
      for (const path of paths) {
        const answer = await page.goto(base + path)
        if (answer?.status() !== 200) faults.push(`${path}: ${String(answer?.status())}`)
        for (const fault of await axeFaults(page)) faults.push(`${path} ${width}: ${fault}`)
        const wide = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
        if (Number(wide) > 0) faults.push(`${path}: ${String(wide)} px too wide at ${width}`)
        if (SHOTS === '') continue
        await page.screenshot({ path: `${SHOTS}/p${path.replaceAll(/\W+/g, '-')}-${width}.png` })
      }
      await context.close()
    }
  }
  assert.deepEqual(faults, [])
})
